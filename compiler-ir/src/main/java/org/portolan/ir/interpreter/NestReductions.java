package org.portolan.ir.interpreter;

import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.IrException;
import org.portolan.runtime.type.ElementType;

/// Combines rows: slice {@code s} of the values holds, for every result, the point that comes as the {@code s}-th.
final class NestReductions {
    private NestReductions() {}

    /// Adds {@code slices} adjacent slices of values to the totals, one after the other.
    static void sum(Elements values, Elements totals, int slices) {
        int size = totals.size();
        switch (totals) {
            case Elements.Floats(ElementType type, float[] out) -> {
                var in = ((Elements.Floats) values).values();
                if (type == ElementType.F32) {
                    for (int slice = 0; slice < slices; slice++) {
                        add(in, slice * size, out, size);
                    }
                } else {
                    for (int i = 0; i < slices * size; i++) {
                        out[i % size] = (float) Rounding.round(type, (double) out[i % size] + in[i]);
                    }
                }
            }
            case Elements.Doubles(double[] out) -> {
                var in = ((Elements.Doubles) values).values();
                for (int slice = 0, at = 0; slice < slices; slice++) {
                    for (int i = 0; i < size; i++, at++) {
                        out[i] += in[at];
                    }
                }
            }
            case Elements.Longs(ElementType type, long[] out) -> {
                var in = ((Elements.Longs) values).values();
                for (int slice = 0, at = 0; slice < slices; slice++) {
                    for (int i = 0; i < size; i++, at++) {
                        out[i] += in[at];
                    }
                }
                for (int i = 0; i < size; i++) {
                    out[i] = Rounding.wrap(type, out[i]);
                }
            }
            case Elements.Texts _ -> throw new IrException("texts cannot be summed");
        }
    }

    private static void add(float[] in, int from, float[] out, int size) {
        for (int i = 0; i < size; i++) {
            out[i] += in[from + i];
        }
    }

    /// Runs a combiner over {@code slices} slices.
    ///
    /// @param program takes the accumulators and then one value of each row
    static List<Elements> reduce(
            LaneProgram program, List<Elements> initial, List<Elements> rows, int slices, int size) {
        var current = initial;
        var next = new ArrayList<Elements>();
        initial.forEach(row -> next.add(Elements.allocate(row.type(), size)));
        var params = new ArithInterpreter.Lanes[initial.size() + rows.size()];
        var results = new ArithInterpreter.Lanes[initial.size()];
        List<Elements> spare = next;
        for (int slice = 0; slice < slices; slice++) {
            for (int i = 0; i < initial.size(); i++) {
                params[i] = new ArithInterpreter.Lanes(current.get(i), 0);
                results[i] = new ArithInterpreter.Lanes(spare.get(i), 0);
            }
            for (int i = 0; i < rows.size(); i++) {
                params[initial.size() + i] = new ArithInterpreter.Lanes(rows.get(i), slice * size);
            }
            program.run(params, results, size);
            var swapped = current;
            current = spare;
            spare = swapped;
        }
        return current;
    }
}
