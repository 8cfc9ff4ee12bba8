package org.portolan.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.interpreter.InterpreterOptions;
import org.portolan.ir.interpreter.NdArray;
import org.portolan.ir.interpreter.TileInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.tile.NestToTile;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Each kind of nest, lowered for a machine and run on a device, against the interpreter.
public final class NestsOnDevice {
    /// The names are those of the extents; every text is one nest.
    private static final Map<String, String> NESTS = new HashMap<>();

    static {
        NESTS.put("elementwise", "[%x, %y] <axes = [i:m, j:n]> { %a = nest.read %x <at = [i, j]> : f32 "
                + "%b = nest.read %y <at = [i, j]> : f32 %c = arith.mul %a, %b : f32 %d = arith.tanh %c : f32 "
                + "nest.yield [%d] <to = [[i, j]]> } : f32[m,n]");
        NESTS.put("transposition", "[%x] <axes = [i:m, j:n]> { %a = nest.read %x <at = [i, j]> : f32 "
                + "nest.yield [%a] <to = [[j, i]]> } : f32[n,m]");
        NESTS.put("row sums", "[%x] <axes = [i:m, j:n]> { %a = nest.read %x <at = [i, j]> : f32 "
                + "%s = nest.sum %a <over = [j]> : f32 nest.yield [%s] <to = [[i]]> } : f32[m]");
        NESTS.put("column sums", "[%x] <axes = [i:m, j:n]> { %a = nest.read %x <at = [i, j]> : f32 "
                + "%s = nest.sum %a <over = [i]> : f32 nest.yield [%s] <to = [[j]]> } : f32[n]");
        NESTS.put("softmax", "[%x] <axes = [i:m, j:n, k:n, l:n]> { %a = nest.read %x <at = [i, k]> : f32 "
                + "%low = arith.const <value = -1.0e30> : f32 "
                + "%m = nest.reduce [%a], [%low] <over = [k]> { (%most: f32, %next: f32) -> "
                + "%more = arith.max %most, %next : f32 nest.yield [%more] } : f32 "
                + "%b = nest.read %x <at = [i, l]> : f32 %c = arith.sub %b, %m : f32 %e = arith.exp %c : f32 "
                + "%s = nest.sum %e <over = [l]> : f32 %d = nest.read %x <at = [i, j]> : f32 "
                + "%f = arith.sub %d, %m : f32 %g = arith.exp %f : f32 %r = arith.div %g, %s : f32 "
                + "nest.yield [%r] <to = [[i, j]]> } : f32[m,n]");
        NESTS.put("product", "[%x, %z] <axes = [i:m, j:7, k:n]> { %a = nest.read %x <at = [i, k]> : f32 "
                + "%b = nest.read %z <at = [k, j]> : f32 %p = arith.mul %a, %b : f32 "
                + "%s = nest.sum %p <over = [k]> : f32 nest.yield [%s] <to = [[i, j]]> } : f32[m,7]");
        NESTS.put("window", "[%x] <axes = [i:m, j:n, k:3]> { "
                + "%a = nest.read %x <at = [i, j+k-1], otherwise = zero> : f32 "
                + "%s = nest.sum %a <over = [k]> : f32 nest.yield [%s] <to = [[i, j]]> } : f32[m,n]");
        NESTS.put("gather", "[%x, %ids] <axes = [i:m, j:n]> { %k = nest.read %ids <at = [i]> : i64 "
                + "%v = nest.read %x, [%k] <at = [$0, j], otherwise = error> : f32 "
                + "nest.yield [%v] <to = [[i, j]]> } : f32[m,n]");
    }

    private final Device device;
    private final MachineOp.Chip chip;

    public NestsOnDevice(Device device, MachineOp.Chip chip) {
        this.device = device;
        this.chip = chip;
    }

    public static List<String> names() {
        return NESTS.keySet().stream().sorted().toList();
    }

    /// Runs one nest with these extents; fails where the device differs from the interpreter.
    public void check(String name, long m, long n) {
        var text = "graph.function <name = \"f\", symbols = [m:0..1000, n:0..1000]> { (%x: f32[m,n], %y: f32[m,n], "
                + "%z: f32[n,7], %ids: i64[m]) -> %r = nest.compute " + NESTS.get(name) + " graph.return [%r] }";
        var function = (GraphOp.Function) IrParser.parse(text, name).getFirst();
        var random = new Random(m * 31 + n);
        var arrays = new IdentityHashMap<Value, NdArray>();
        var inputs = List.of(
                noise(ElementType.F32, random, 0, m, n),
                noise(ElementType.F32, random, 0, m, n),
                noise(ElementType.F32, random, 0, n, 7),
                noise(ElementType.I64, random, Math.max(1, m), m));
        for (int i = 0; i < inputs.size(); i++) {
            arrays.put(function.body().params().get(i), inputs.get(i));
        }
        new GraphInterpreter(
                        function,
                        InterpreterOptions.defaults().withListener((_, value, array) -> arrays.put(value, array)))
                .runArrays(inputs);
        var compute = (NestOp.Compute) function.body().ops().getFirst();
        var lowered = new NestToTile(chip).lower(compute, "nest", _ -> false);
        var symbols = Map.of("m", m, "n", n);
        var extents = lowered.extents().stream().map(extent -> extent.evaluate(symbols::get)).toList();
        var kernel = lowered.kernel();
        var grid = kernel.grid().stream()
                .mapToLong(extent -> extent.evaluate(
                        symbol -> extents.get(kernel.symbols().indexOf(symbol))))
                .toArray();
        try (var arena = Arena.ofConfined();
                var image = new DeviceKernel(device, List.of(kernel), chip)) {
            var buffers = new ArrayList<MemorySegment>();
            MemorySegment result = null;
            for (int i = 0; i < lowered.arguments().size(); i++) {
                var argument = lowered.arguments().get(i);
                var array = arrays.get(argument);
                var packed = TileInterpreter.pack(array, fixed(kernel.body().params().get(i), array));
                var bytes = packed.toTensor().data();
                var place = arena.allocate(Math.max(4, bytes.byteSize()), 64).asSlice(0, bytes.byteSize());
                if (argument == compute.results().getFirst()) {
                    place.fill((byte) 0x7f);
                    result = place;
                } else {
                    MemorySegment.copy(bytes, 0, place, 0, bytes.byteSize());
                }
                buffers.add(place);
            }
            assertEquals(0, image.run(kernel.name(), buffers, extents, grid), name);
            var expected = arrays.get(compute.results().getFirst()).toTensor().toDoubleArray();
            for (int i = 0; i < expected.length; i++) {
                double found = ElementTypes.getDouble(ElementType.F32, result, i);
                assertEquals(
                        expected[i], found, 2e-6 * Math.max(1, Math.abs(expected[i])), name + " " + m + "x" + n + " at " + i);
            }
        }
    }

    private static Type.Buffer fixed(Value parameter, NdArray array) {
        var dims = Arrays.stream(array.shape()).mapToObj(Dim::of).toList();
        return new Type.Buffer(
                parameter.buffer().element(), dims, parameter.buffer().space());
    }

    private static NdArray noise(ElementType type, Random random, long below, long... shape) {
        int count = Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
        var bytes = MemorySegment.ofArray(new byte[Math.toIntExact(type.bytes(count))]);
        for (int i = 0; i < count; i++) {
            if (type == ElementType.F32) {
                ElementTypes.setDouble(type, bytes, i, random.nextGaussian());
            } else {
                ElementTypes.setLong(type, bytes, i, random.nextLong(below));
            }
        }
        return NdArray.of(Tensor.of(type, bytes, shape));
    }
}
