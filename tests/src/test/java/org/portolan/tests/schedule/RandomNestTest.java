package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.ir.GraphOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Devices;

/// Random nests on this processor and on the interpreter give the same bits. {@code -Dportolan.nests=N} runs more of them,
/// {@code -Dportolan.seed=S} starts elsewhere.
class RandomNestTest {
    @TempDir
    private Path folder;

    @Test
    void scheduledNestsComputeWhatTheySay() throws IOException {
        int count = Integer.getInteger("portolan.nests", 150);
        long first = Long.getLong("portolan.seed", 1);
        for (long seed = first; seed < first + count; seed++) {
            var nest = new RandomNest(seed);
            var inputs = inputs(nest, seed);
            try {
                var function = (GraphOp.Function) IrParser.parse(nest.text, "random").getFirst();
                var expected = new GraphInterpreter(function).run(inputs).get("y");
                var actual = compiled(function, inputs);
                assertArrayEquals(expected.shape(), actual.shape());
                assertArrayEquals(positiveZeros(expected), positiveZeros(actual));
            } catch (RuntimeException | Error failure) {
                throw new AssertionError("seed " + seed + ": " + failure.getMessage() + "\n" + nest.text, failure);
            }
        }
    }

    /// The maximum of two zeros may be either.
    private static float[] positiveZeros(Tensor tensor) {
        var numbers = tensor.toFloatArray();
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] += 0.0f;
        }
        return numbers;
    }

    private Tensor compiled(GraphOp.Function function, Map<String, Tensor> inputs) throws IOException {
        var file = folder.resolve("random.portolan");
        new Compiler().compile(function, List.of(Targets.resolve("cpu")), file);
        try (var model = Portolan.load(file, Devices.best());
                var outputs = model.run(inputs)) {
            var result = outputs.get("y");
            return Tensor.of(result.toFloatArray(), result.shape());
        }
    }

    private static Map<String, Tensor> inputs(RandomNest nest, long seed) {
        var random = new Random(seed * 31);
        var inputs = new LinkedHashMap<String, Tensor>();
        nest.shapes.forEach((name, shape) -> {
            var numbers = new float[Math.toIntExact(shape.stream().reduce(1L, Math::multiplyExact))];
            for (int i = 0; i < numbers.length; i++) {
                numbers[i] = random.nextInt(5) - 2;
            }
            inputs.put(name, Tensor.of(numbers, shape.stream().mapToLong(Long::longValue).toArray()));
        });
        return inputs;
    }
}
