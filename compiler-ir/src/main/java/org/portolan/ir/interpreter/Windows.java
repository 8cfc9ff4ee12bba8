package org.portolan.ir.interpreter;

import java.util.Arrays;
import java.util.List;

/// The places that a window visits over the spatial axes: output {@code y} and window position {@code k} meet input
/// {@code y * stride + k * dilation - low}.
final class Windows {
    final int inputPoints;
    final int windowPoints;
    final int outputPoints;
    private final int[] input;
    private final int[] window;
    private final int[] output;
    private final int[] strides;
    private final int[] dilations;
    private final long[] low;

    /// Without a spatial axis there is one of a single place.
    Windows(int[] input, int[] window, int[] output, List<Long> strides, List<Long> dilations, long[] low) {
        boolean none = input.length == 0;
        this.input = none ? new int[] {1} : input;
        this.window = none ? new int[] {1} : window;
        this.output = none ? new int[] {1} : output;
        this.strides = none
                ? new int[] {1}
                : strides.stream().mapToInt(Math::toIntExact).toArray();
        this.dilations = none
                ? new int[] {1}
                : dilations.stream().mapToInt(Math::toIntExact).toArray();
        this.low = none ? new long[] {0} : low;
        inputPoints = NdArray.product(this.input, 0, this.input.length);
        windowPoints = NdArray.product(this.window, 0, this.window.length);
        outputPoints = NdArray.product(this.output, 0, this.output.length);
    }

    /// A run of outputs along the last axis: adjacent in the output, {@code step} apart in the input, or outside of it.
    interface Row {
        void run(int input, int step, int output, int count, boolean inside);
    }

    /// Visits all outputs in row-major order for one position of the window.
    void rows(int position, Row row) {
        if (outputPoints == 0) {
            return;
        }
        int inner = output.length - 1;
        var shift = new long[output.length];
        for (int axis = inner, rest = position; axis >= 0; axis--) {
            shift[axis] = (long) (rest % window[axis]) * dilations[axis] - low[axis];
            rest /= window[axis];
        }
        // Outputs first .. last - 1 along the last axis meet the input.
        int count = output[inner];
        int first = (int) Math.clamp(Math.ceilDiv(-shift[inner], (long) strides[inner]), 0L, (long) count);
        long beyond = Math.ceilDiv(input[inner] - shift[inner], (long) strides[inner]);
        int last = (int) Math.clamp(beyond, (long) first, (long) count);
        var outer = Arrays.copyOf(output, inner);
        var index = new int[inner];
        int to = 0;
        do {
            long base = 0;
            boolean inside = true;
            for (int axis = 0; axis < inner; axis++) {
                long place = (long) index[axis] * strides[axis] + shift[axis];
                inside &= place >= 0 && place < input[axis];
                base = base * input[axis] + place;
            }
            if (!inside) {
                row.run(0, 0, to, count, false);
            } else {
                if (first > 0) {
                    row.run(0, 0, to, first, false);
                }
                if (last > first) {
                    long from = base * input[inner] + (long) first * strides[inner] + shift[inner];
                    row.run((int) from, strides[inner], to + first, last - first, true);
                }
                if (last < count) {
                    row.run(0, 0, to + last, count - last, false);
                }
            }
            to += count;
        } while (Strided.next(index, outer));
    }

    /// A row-major place in the input as one counted with the first axis as the fastest.
    int columnMajor(int place) {
        int rest = place;
        int stride = inputPoints;
        int result = 0;
        for (int axis = input.length - 1; axis >= 0; axis--) {
            stride /= input[axis];
            result += rest % input[axis] * stride;
            rest /= input[axis];
        }
        return result;
    }
}
