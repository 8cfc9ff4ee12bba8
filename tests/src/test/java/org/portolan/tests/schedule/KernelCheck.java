package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.interpreter.InterpreterOptions;
import org.portolan.ir.interpreter.NdArray;
import org.portolan.ir.interpreter.TileInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.verify.Verifier;
import org.portolan.lowering.tile.LoweredKernel;
import org.portolan.lowering.tile.NestToTile;
import org.portolan.lowering.tile.TuningLog;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Lowers the nests of a function for a machine, runs the kernels on the tile interpreter, which finds races and accesses
/// outside, and compares them with the nest interpreter.
final class KernelCheck {
    private final MachineOp.Chip chip;
    private final TuningLog log;
    private final List<TileOp.Kernel> kernels = new ArrayList<>();

    KernelCheck(MachineOp.Chip chip) {
        this(chip, TuningLog.EMPTY);
    }

    /// @param log schedules that are taken rather than chosen
    KernelCheck(MachineOp.Chip chip, TuningLog log) {
        this.chip = chip;
        this.log = log;
    }

    /// The kernels of all checks so far.
    List<TileOp.Kernel> kernels() {
        return kernels;
    }

    /// @param shapes the extents of each input of the function
    /// @param symbols a number for each of its symbols
    /// @param tolerance how far numbers may lie apart, relative to the larger or to 1; 0 if they must be equal
    void check(String text, Map<String, List<Long>> shapes, Map<String, Long> symbols, long seed, double tolerance) {
        var function = (GraphOp.Function) IrParser.parse(text, "check").getFirst();
        var arrays = new IdentityHashMap<Value, NdArray>();
        var inputs = new ArrayList<NdArray>();
        var random = new Random(seed * 31);
        for (var param : function.body().params()) {
            inputs.add(noise(shapes.get(param.hint()), param.type().elementType(), random, tolerance > 0));
            arrays.put(param, inputs.getLast());
        }
        var options = InterpreterOptions.defaults().withListener((_, value, array) -> arrays.put(value, array));
        new GraphInterpreter(function, options).runArrays(inputs);
        for (var op : function.body().ops()) {
            if (op instanceof NestOp.Compute compute) {
                var params = function.body().params();
                var lowered = new NestToTile(chip, log).lower(compute, "check", value -> !params.contains(value));
                Verifier.verify(List.of(lowered.kernel()));
                kernels.add(lowered.kernel());
                var results = run(lowered, symbols, compute, arrays);
                for (int i = 0; i < results.size(); i++) {
                    compare(arrays.get(compute.results().get(i)), results.get(i), tolerance);
                }
            }
        }
    }

    private static void compare(NdArray expected, NdArray actual, double tolerance) {
        var wanted = numbers(expected);
        var found = numbers(actual);
        if (tolerance == 0) {
            assertArrayEquals(wanted, found);
            return;
        }
        for (int i = 0; i < wanted.length; i++) {
            if (Double.isNaN(wanted[i]) && Double.isNaN(found[i])) {
                continue;
            }
            assertEquals(wanted[i], found[i], tolerance * Math.max(1, Math.abs(wanted[i])), "element " + i);
        }
    }

    private List<NdArray> run(
            LoweredKernel lowered, Map<String, Long> symbols, NestOp.Compute compute, Map<Value, NdArray> arrays) {
        var buffers = new ArrayList<NdArray>();
        var results = new NdArray[compute.results().size()];
        for (int i = 0; i < lowered.arguments().size(); i++) {
            var argument = lowered.arguments().get(i);
            var type = lowered.kernel().body().params().get(i).buffer();
            int result = compute.results().indexOf(argument);
            if (result >= 0) {
                results[result] = blank(arrays.get(argument));
                buffers.add(results[result]);
            } else {
                buffers.add(type.layout().isEmpty() ? arrays.get(argument) : TileInterpreter.pack(arrays.get(argument), type));
            }
        }
        var intrinsics = chip.intrinsics().ops().stream()
                .filter(MachineOp.Intrinsic.class::isInstance)
                .map(MachineOp.Intrinsic.class::cast)
                .toList();
        long[] extents = lowered.extents().stream()
                .mapToLong(extent -> extent.evaluate(symbols::get))
                .toArray();
        new TileInterpreter(lowered.kernel(), intrinsics).run(buffers, extents);
        return List.of(results);
    }

    /// Small whole numbers, or any, of a type.
    static NdArray noise(List<Long> shape, ElementType type, Random random, boolean any) {
        var extents = shape.stream().mapToLong(Long::longValue).toArray();
        var numbers = new float[Math.toIntExact(Arrays.stream(extents).reduce(1L, Math::multiplyExact))];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = any && type.isFloat() ? (float) random.nextGaussian() : random.nextInt(5) - 2;
        }
        return converted(numbers, extents, type);
    }

    private static NdArray converted(float[] numbers, long[] extents, ElementType type) {
        int size = type.bits() / 8;
        var bytes = ByteBuffer.allocate(numbers.length * size + 8).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < numbers.length; i++) {
            // The bytes beyond those of the element are written by the next one.
            bytes.putLong(
                    i * size,
                    type.isFloat() ? ElementTypes.encodeDouble(type, numbers[i]) : (long) numbers[i]);
        }
        return NdArray.of(Tensor.of(type, bytes.slice(0, numbers.length * size), extents));
    }

    /// Memory in which a forgotten element shows.
    static NdArray blank(NdArray like) {
        var extents = Arrays.stream(like.shape()).asLongStream().toArray();
        var numbers = new float[Math.toIntExact(Arrays.stream(extents).reduce(1L, Math::multiplyExact))];
        Arrays.fill(numbers, like.type().isFloat() ? Float.NaN : 77);
        return converted(numbers, extents, like.type());
    }

    /// The maximum of two zeros may be either.
    private static double[] numbers(NdArray array) {
        var numbers = array.toTensor().toDoubleArray();
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] += 0.0;
        }
        return numbers;
    }
}
