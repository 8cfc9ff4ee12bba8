package org.portolan.ir.interpreter;

import java.util.Arrays;
import java.util.List;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.runtime.type.ElementType;

/// Combinations over windows; what lies outside of the input does not take part.
final class Pooling {
    private Pooling() {}

    static void pool(GraphOp.Pool op, NdArray input, long[] low, NdArray result) {
        var plan = plan(input, result, op.window(), op.strides(), op.dilations(), low);
        var combiner = new Combiner(op.combine(), input.type());
        boolean singles = input.type() == ElementType.F32 && op.combine() == Combine.MAXIMUM;
        for (int i = 0; i < result.size(); i++) {
            combiner.neutral(result.elements(), i);
        }
        int planes = NdArray.product(result.shape(), 0, 2);
        for (int plane = 0; plane < planes; plane++) {
            int base = plane * plan.inputPoints;
            int start = plane * plan.outputPoints;
            for (int k = 0; k < plan.windowPoints; k++) {
                plan.rows(k, (from, step, to, count, inside) -> {
                    if (inside && singles) {
                        maximum(input, base + from, step, result, start + to, count);
                    } else if (inside) {
                        for (int i = 0; i < count; i++) {
                            combiner.into(result.elements(), start + to + i, input.elements(), base + from + i * step);
                        }
                    }
                });
            }
        }
    }

    private static void maximum(NdArray input, int from, int step, NdArray result, int to, int count) {
        var values = ((Elements.Floats) input.elements()).values();
        var out = ((Elements.Floats) result.elements()).values();
        for (int i = 0; i < count; i++) {
            out[to + i] = Math.max(out[to + i], values[from + i * step]);
        }
    }

    static void position(GraphOp.PoolPosition op, NdArray input, long[] low, NdArray result) {
        var plan = plan(input, result, op.window(), op.strides(), op.dilations(), low);
        int planes = NdArray.product(result.shape(), 0, 2);
        var best = new int[plan.outputPoints];
        for (int plane = 0; plane < planes; plane++) {
            int base = plane * plan.inputPoints;
            Arrays.fill(best, -1);
            for (int k = 0; k < plan.windowPoints; k++) {
                plan.rows(k, (from, step, to, count, inside) -> {
                    for (int i = 0; inside && i < count; i++) {
                        int place = from + i * step;
                        if (best[to + i] < 0
                                || Reductions.compare(input.elements(), base + place, base + best[to + i], true) > 0) {
                            best[to + i] = place;
                        }
                    }
                });
            }
            for (int i = 0; i < best.length; i++) {
                int place = Math.max(best[i], 0);
                result.elements()
                        .setLong(
                                plane * plan.outputPoints + i,
                                base + (op.columnMajor() ? plan.columnMajor(place) : place));
            }
        }
    }

    private static Windows plan(
            NdArray input, NdArray result, List<Long> window, List<Long> strides, List<Long> dilations, long[] low) {
        return new Windows(
                Arrays.copyOfRange(input.shape(), 2, input.rank()),
                window.stream().mapToInt(Math::toIntExact).toArray(),
                Arrays.copyOfRange(result.shape(), 2, result.rank()),
                strides,
                dilations,
                low);
    }
}
