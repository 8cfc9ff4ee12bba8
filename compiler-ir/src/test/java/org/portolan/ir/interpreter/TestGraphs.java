package org.portolan.ir.interpreter;

import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.portolan.ir.GraphOp;
import org.portolan.ir.text.IrParser;
import org.portolan.runtime.Tensor;

/// Functions written as text, and inputs for them.
final class TestGraphs {
    private TestGraphs() {}

    static GraphOp.Function function(String text) {
        return (GraphOp.Function) IrParser.parse(text, "test.ir").getFirst();
    }

    /// Runs a function on inputs in order of its parameters.
    static List<Tensor> run(String text, Tensor... inputs) {
        return run(function(text), InterpreterOptions.defaults(), inputs);
    }

    static List<Tensor> run(GraphOp.Function function, InterpreterOptions options, Tensor... inputs) {
        var named = new TreeMap<String, Tensor>();
        for (int i = 0; i < inputs.length; i++) {
            named.put(function.body().params().get(i).hint(), inputs[i]);
        }
        return List.copyOf(new GraphInterpreter(function, options).run(named).values());
    }

    static Tensor noise(long seed, long... shape) {
        int size = 1;
        for (long extent : shape) {
            size *= (int) extent;
        }
        var random = new SplittableRandom(seed);
        var values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        return Tensor.of(values, shape);
    }

    static float[] floats(Tensor tensor) {
        var values = new float[(int) tensor.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) tensor.getDouble(i);
        }
        return values;
    }
}
