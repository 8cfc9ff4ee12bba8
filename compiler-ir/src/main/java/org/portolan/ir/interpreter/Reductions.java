package org.portolan.ir.interpreter;

import java.util.Arrays;
import java.util.List;
import org.portolan.ir.Combine;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.type.ElementType;

/// Reductions and running combinations, in row-major order of the input.
final class Reductions {
    private Reductions() {}

    static Elements reduce(NdArray input, Combine combine, List<Long> axes, ElementType accumulate, int size) {
        var source = Conversions.convert(input.elements(), accumulate);
        var sums = Elements.allocate(accumulate, size);
        var combiner = new Combiner(combine, accumulate);
        for (int i = 0; i < size; i++) {
            combiner.neutral(sums, i);
        }
        var strides = resultStrides(input.shape(), axes);
        walk(input.shape(), strides, (from, to, step, count) -> {
            if (source instanceof Elements.Floats(var type, float[] values)
                    && type == ElementType.F32
                    && combine == Combine.SUM) {
                var out = ((Elements.Floats) sums).values();
                for (int i = 0, at = to; i < count; i++, at += step) {
                    out[at] += values[from + i];
                }
            } else {
                for (int i = 0, at = to; i < count; i++, at += step) {
                    combiner.into(sums, at, source, from + i);
                }
            }
        });
        return sums;
    }

    /// Element distances in the result for each axis of the input; 0 for axes that vanish.
    private static int[] resultStrides(int[] shape, List<Long> axes) {
        var strides = new int[shape.length];
        int stride = 1;
        for (int axis = shape.length - 1; axis >= 0; axis--) {
            if (!axes.contains((long) axis)) {
                strides[axis] = stride;
                stride *= shape[axis];
            }
        }
        return strides;
    }

    private interface Row {
        void run(int from, int to, int step, int count);
    }

    private static void walk(int[] shape, int[] strides, Row row) {
        if (NdArray.product(shape, 0, shape.length) == 0) {
            return;
        }
        if (shape.length == 0) {
            row.run(0, 0, 0, 1);
            return;
        }
        int inner = shape.length - 1;
        var outer = Arrays.copyOf(shape, inner);
        var index = new int[inner];
        int from = 0;
        do {
            int to = 0;
            for (int axis = 0; axis < inner; axis++) {
                to += index[axis] * strides[axis];
            }
            row.run(from, to, strides[inner], shape[inner]);
            from += shape[inner];
        } while (Strided.next(index, outer));
    }

    static void argReduce(NdArray input, boolean largest, int axis, boolean last, NdArray result, String what) {
        int extent = input.shape()[axis];
        if (extent == 0 && result.size() > 0) {
            throw new PortolanException.RunFailed(
                    what + " has no element to choose from: axis " + axis + " is empty", KernelError.INVALID_SIZE, -1);
        }
        int inner = NdArray.product(input.shape(), axis + 1, input.rank());
        for (int i = 0; i < result.size(); i++) {
            int base = i / inner * extent * inner + i % inner;
            int best = 0;
            for (int k = 1; k < extent; k++) {
                int order = compare(input.elements(), base + k * inner, base + best * inner, largest);
                if (order > 0 || last && order == 0) {
                    best = k;
                }
            }
            result.elements().setLong(i, best);
        }
    }

    /// Positive if the element at {@code left} is more extreme than the one at {@code right}; a NaN is more so than
    /// anything else.
    static int compare(Elements elements, int left, int right, boolean largest) {
        int order;
        if (elements instanceof Elements.Longs(var type, long[] values)) {
            order = IntegerArithmetic.compare(type, values[left], values[right]);
        } else {
            double a = elements.getDouble(left);
            double b = elements.getDouble(right);
            if (Double.isNaN(a) || Double.isNaN(b)) {
                return Boolean.compare(Double.isNaN(a), Double.isNaN(b));
            }
            order = a < b ? -1 : a > b ? 1 : 0;
        }
        return largest ? order : -order;
    }

    static void scan(NdArray input, Combine combine, int axis, boolean exclusive, boolean reverse, NdArray result) {
        int extent = input.shape()[axis];
        int inner = NdArray.product(input.shape(), axis + 1, input.rank());
        var combiner = new Combiner(combine, input.type());
        var sum = Elements.allocate(input.type(), 1);
        int rows = extent == 0 ? 0 : input.size() / extent;
        for (int row = 0; row < rows; row++) {
            int base = row / inner * extent * inner + row % inner;
            combiner.neutral(sum, 0);
            for (int k = 0; k < extent; k++) {
                int at = base + (reverse ? extent - 1 - k : k) * inner;
                if (exclusive) {
                    sum.copyTo(0, result.elements(), at, 1);
                }
                combiner.into(sum, 0, input.elements(), at);
                if (!exclusive) {
                    sum.copyTo(0, result.elements(), at, 1);
                }
            }
        }
    }
}
