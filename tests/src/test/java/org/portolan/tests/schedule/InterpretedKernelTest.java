package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
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

/// Random nests as kernels for every chip that a machine file describes, present or not: the tile interpreter gives the
/// bits of the nest interpreter.
class InterpretedKernelTest {

    @Test
    void kernelsComputeWhatTheirNestsSay() {
        var chips = new ArrayList<>(Machines.of("cpu"));
        assertFalse(chips.isEmpty(), "no machine files");
        chips.add(ThreadMachine.small());
        chips.add(ThreadMachine.large());
        int count = Integer.getInteger("portolan.nests", 80);
        long first = Long.getLong("portolan.seed", 1);
        for (long seed = first; seed < first + count; seed++) {
            var nest = new RandomNest(seed);
            var chip = chips.get((int) (seed % chips.size()));
            try {
                compare(nest, chip, seed);
            } catch (RuntimeException | Error failure) {
                throw new AssertionError(
                        "seed " + seed + " for " + chip.name() + ": " + failure.getMessage() + "\n" + nest.text, failure);
            }
        }
    }

    private static void compare(RandomNest nest, MachineOp.Chip chip, long seed) {
        var function = (GraphOp.Function) IrParser.parse(nest.text, "random").getFirst();
        var arrays = new IdentityHashMap<Value, NdArray>();
        var inputs = new ArrayList<NdArray>();
        var random = new Random(seed * 31);
        for (var param : function.body().params()) {
            inputs.add(noise(nest.shapes.get(param.hint()), random));
            arrays.put(param, inputs.getLast());
        }
        var options = InterpreterOptions.defaults().withListener((_, value, array) -> arrays.put(value, array));
        new GraphInterpreter(function, options).runArrays(inputs);
        for (var op : function.body().ops()) {
            if (op instanceof NestOp.Compute compute) {
                var params = function.body().params();
                var lowered = new NestToTile(chip).lower(compute, "random", value -> !params.contains(value));
                assertArrayEquals(
                        numbers(arrays.get(compute.results().getFirst())), numbers(run(lowered, chip, nest, compute, arrays)));
            }
        }
    }

    private static NdArray run(
            LoweredKernel lowered,
            MachineOp.Chip chip,
            RandomNest nest,
            NestOp.Compute compute,
            Map<Value, NdArray> arrays) {
        var buffers = new ArrayList<NdArray>();
        NdArray result = null;
        for (int i = 0; i < lowered.arguments().size(); i++) {
            var argument = lowered.arguments().get(i);
            var type = lowered.kernel().body().params().get(i).buffer();
            if (compute.results().contains(argument)) {
                result = blank(arrays.get(argument).shape());
                buffers.add(result);
            } else {
                buffers.add(type.layout().isEmpty() ? arrays.get(argument) : TileInterpreter.pack(arrays.get(argument), type));
            }
        }
        var intrinsics = chip.intrinsics().ops().stream()
                .filter(MachineOp.Intrinsic.class::isInstance)
                .map(MachineOp.Intrinsic.class::cast)
                .toList();
        long[] extents = lowered.extents().stream()
                .mapToLong(extent -> extent.evaluate(nest.symbols::get))
                .toArray();
        new TileInterpreter(lowered.kernel(), intrinsics).run(buffers, extents);
        return result;
    }

    private static NdArray noise(List<Long> shape, Random random) {
        var numbers = new float[Math.toIntExact(shape.stream().reduce(1L, Math::multiplyExact))];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = random.nextInt(5) - 2;
        }
        return NdArray.of(Tensor.of(numbers, shape.stream().mapToLong(Long::longValue).toArray()));
    }

    /// Memory in which a forgotten element shows.
    private static NdArray blank(int[] shape) {
        var extents = Arrays.stream(shape).asLongStream().toArray();
        var numbers = new float[Math.toIntExact(Arrays.stream(extents).reduce(1L, Math::multiplyExact))];
        Arrays.fill(numbers, Float.NaN);
        return NdArray.of(Tensor.of(numbers, extents));
    }

    /// The maximum of two zeros may be either.
    private static float[] numbers(NdArray array) {
        var numbers = array.toTensor().toFloatArray();
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] += 0.0f;
        }
        return numbers;
    }
}
