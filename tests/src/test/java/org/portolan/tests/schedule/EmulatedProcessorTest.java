package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.DoubleSupplier;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Value;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.interpreter.InterpreterOptions;
import org.portolan.ir.interpreter.NdArray;
import org.portolan.ir.interpreter.TileInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Machines;
import org.portolan.lowering.tile.LoweredKernel;
import org.portolan.lowering.tile.NestToTile;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.Dim;

/// Kernels compiled for processors that are not here, from their machine files alone, run under QEMU: they give the
/// bits that the tile interpreter gives.
class EmulatedProcessorTest {
    private static final String ELEMENTARY = """
            graph.function <name = "functions"> { (%x: f32[5,77]) ->
              %y = nest.compute [%x] <axes = [i:5, j:77, k:77]> {
                %a = nest.read %x <at = [i, j]> : f32
                %b = nest.read %x <at = [i, k]> : f32
                %c = arith.exp %b : f32
                %s = nest.sum %c <over = [k]> : f32
                %e = arith.erf %a : f32
                %t = arith.tanh %a : f32
                %n = arith.sin %a : f32
                %o = arith.cos %a : f32
                %l = arith.log %s : f32
                %p = arith.pow %s, %a : f32
                %h = arith.cast %p : f16
                %w = arith.cast %h : f32
                %f = arith.cast %a : f8e4m3
                %g = arith.cast %f : f32
                %q = arith.sqrt %s : f32
                %u = arith.add %e, %t : f32
                %v = arith.fma %n, %o, %u : f32
                %z = arith.div %w, %q : f32
                %r = arith.add %v, %z : f32
                %m = arith.mul %l, %g : f32
                %d = arith.add %r, %m : f32
                nest.yield [%d] <to = [[i, j]]>
              } : f32[5,77]
              graph.return [%y]
            }
            """;

    @TempDir
    private Path folder;

    private EmulatedProcessor processor(String machine) throws IOException, InterruptedException {
        var chip = chip(machine);
        var emulator = "qemu-" + EmulatedProcessor.architecture(chip);
        assumeTrue(EmulatedProcessor.find(emulator) != null, emulator + " is not installed (package qemu-user)");
        return new EmulatedProcessor(chip, folder);
    }

    private static MachineOp.Chip chip(String machine) {
        return Machines.find("cpu", machine).orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(strings = {"aarch64", "riscv64", "x86-64-v2"})
    void elementaryFunctionsAndSmallFloats(String machine) throws Exception {
        var function = (GraphOp.Function) IrParser.parse(ELEMENTARY, "elementary").getFirst();
        var random = new Random(1);
        compare(processor(machine), chip(machine), function, Map.of("x", List.of(5L, 77L)), Map.of(), () ->
                random.nextGaussian() * 3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"aarch64", "riscv64"})
    void randomNests(String machine) throws Exception {
        var processor = processor(machine);
        int count = Integer.getInteger("portolan.nests", 20);
        long first = Long.getLong("portolan.seed", 1);
        for (long seed = first; seed < first + count; seed++) {
            var nest = new RandomNest(seed);
            var function = (GraphOp.Function) IrParser.parse(nest.text, "random").getFirst();
            var random = new Random(seed * 31);
            try {
                compare(processor, chip(machine), function, nest.shapes, nest.symbols, () -> random.nextInt(5) - 2);
            } catch (RuntimeException | Error failure) {
                throw new AssertionError("seed " + seed + ": " + failure.getMessage() + "\n" + nest.text, failure);
            }
        }
    }

    /// Instructions that sum products of bytes, where the processor has them.
    @ParameterizedTest
    @CsvSource({
        "aarch64,i8,i8,7,24,16,false", "aarch64,u8,u8,5,20,13,true", "neoverse-v1,u8,i8,9,40,30,false",
        "neoverse-v1,i8,i8,1,16,64,true", "x86-64-v2,i16,i16,6,21,19,false", "x86-64-v2,i16,i8,4,32,7,true"
    })
    void integerProducts(String machine, String left, String right, long m, long n, long k, boolean transposed)
            throws Exception {
        var text = VectorInstructionTest.product(left, right, transposed, "" + m, n, k);
        var function = (GraphOp.Function) IrParser.parse(text, "product").getFirst();
        var shapes = Map.of("x", List.of(m, k), "bias", List.of(n));
        var random = new Random(m + n + k);
        var inputs = function.body().params().stream()
                .map(param -> KernelCheck.noise(shapes.get(param.hint()), param.type().elementType(), random, false))
                .toList();
        compare(processor(machine), chip(machine), function, inputs, Map.of());
    }

    private static void compare(
            EmulatedProcessor processor,
            MachineOp.Chip chip,
            GraphOp.Function function,
            Map<String, List<Long>> shapes,
            Map<String, Long> symbols,
            DoubleSupplier numbers)
            throws IOException, InterruptedException {
        var inputs = new ArrayList<NdArray>();
        for (var param : function.body().params()) inputs.add(array(shapes.get(param.hint()), numbers));
        compare(processor, chip, function, inputs, symbols);
    }

    /// Runs every nest of a function on both.
    private static void compare(
            EmulatedProcessor processor,
            MachineOp.Chip chip,
            GraphOp.Function function,
            List<NdArray> inputs,
            Map<String, Long> symbols)
            throws IOException, InterruptedException {
        var arrays = new IdentityHashMap<Value, NdArray>();
        for (int i = 0; i < inputs.size(); i++) arrays.put(function.body().params().get(i), inputs.get(i));
        var options = InterpreterOptions.defaults().withListener((_, value, array) -> arrays.put(value, array));
        new GraphInterpreter(function, options).runArrays(inputs);
        for (var op : function.body().ops()) {
            if (op instanceof NestOp.Compute nest) {
                var params = function.body().params();
                compare(
                        processor,
                        chip,
                        new NestToTile(chip).lower(nest, "kernel", value -> !params.contains(value)),
                        nest.results(),
                        arrays,
                        symbols);
            }
        }
    }

    private static void compare(
            EmulatedProcessor processor,
            MachineOp.Chip chip,
            LoweredKernel lowered,
            List<Value> results,
            Map<Value, NdArray> arrays,
            Map<String, Long> symbols)
            throws IOException, InterruptedException {
        var buffers = new ArrayList<NdArray>();
        var params = lowered.kernel().body().params();
        for (int i = 0; i < params.size(); i++) {
            var argument = lowered.arguments().get(i);
            var type = params.get(i).buffer();
            buffers.add(
                    results.contains(argument)
                            ? KernelCheck.blank(arrays.get(argument))
                            : type.layout().isEmpty()
                                    ? arrays.get(argument)
                                    : TileInterpreter.pack(arrays.get(argument), type));
        }
        var memory = new Memory(buffers, lowered.extents(), symbols);
        var intrinsics = chip.intrinsics().ops().stream()
                .filter(MachineOp.Intrinsic.class::isInstance)
                .map(MachineOp.Intrinsic.class::cast)
                .toList();
        new TileInterpreter(lowered.kernel(), intrinsics).run(buffers, evaluate(lowered.extents(), symbols));
        long points = 1;
        for (long extent : evaluate(lowered.grid(), symbols)) {
            points *= extent;
        }
        var result = processor.run(lowered.kernel(), memory.bytes, memory.params, buffers.size(), points);
        assertEquals(0, result.error());
        for (int i = 0; i < buffers.size(); i++) {
            if (results.contains(lowered.arguments().get(i))) {
                var expected = bytes(buffers.get(i));
                var actual = new byte[expected.length];
                result.memory().get(Math.toIntExact(memory.offsets.get(i)), actual);
                var name = "result of " + lowered.kernel().name();
                if (buffers.get(i).type().isFloat()) {
                    assertArrayEquals(positiveZeros(expected), positiveZeros(actual), name);
                } else {
                    assertArrayEquals(expected, actual, name);
                }
            }
        }
    }

    /// The buffers one behind the other, then the words of the launch.
    private static final class Memory {
        final List<Long> offsets = new ArrayList<>();
        final long params;
        final ByteBuffer bytes;

        Memory(List<NdArray> buffers, List<Dim> extents, Map<String, Long> symbols) {
            long end = 0;
            for (var buffer : buffers) {
                offsets.add(end);
                end += (bytes(buffer).length + 127) / 64 * 64;
            }
            params = end;
            bytes = ByteBuffer.allocate(Math.toIntExact(end + 8L * (buffers.size() + extents.size())))
                    .order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < buffers.size(); i++) {
                bytes.put(Math.toIntExact(offsets.get(i)), bytes(buffers.get(i)));
            }
            bytes.position(Math.toIntExact(params));
            offsets.forEach(bytes::putLong);
            for (long extent : evaluate(extents, symbols)) {
                bytes.putLong(extent);
            }
        }
    }

    private static long[] evaluate(List<Dim> dims, Map<String, Long> symbols) {
        return dims.stream().mapToLong(dim -> dim.evaluate(symbols::get)).toArray();
    }

    private static byte[] bytes(NdArray array) {
        return array.toTensor().data().toArray(ValueLayout.JAVA_BYTE);
    }

    private static NdArray array(List<Long> shape, DoubleSupplier numbers) {
        var values = new float[Math.toIntExact(shape.stream().reduce(1L, Math::multiplyExact))];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) numbers.getAsDouble();
        }
        return NdArray.of(Tensor.of(values, shape.stream().mapToLong(Long::longValue).toArray()));
    }

    /// The maximum of two zeros may be either.
    private static int[] positiveZeros(byte[] bytes) {
        var buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
        var bits = new int[buffer.remaining()];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToIntBits(buffer.get(i) + 0.0f);
        }
        return bits;
    }
}
