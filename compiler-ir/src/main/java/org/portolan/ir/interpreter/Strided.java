package org.portolan.ir.interpreter;

import java.util.Arrays;

/// Walks over elements that lie at constant distances along every axis.
final class Strided {
    private Strided() {}

    /// Copies a block of elements of one type: index {@code i..} from {@code from + sum of i * fromStrides} to
    /// {@code to + sum of i * toStrides}. Strides may be 0 or negative.
    static void copy(
            Elements source, int from, int[] fromStrides, Elements target, int to, int[] toStrides, int[] extents) {
        for (int extent : extents) {
            if (extent == 0) {
                return;
            }
        }
        int rank = extents.length;
        if (rank == 0) {
            source.copyTo(from, target, to, 1);
            return;
        }
        int inner = rank - 1;
        var index = new int[rank];
        int a = from;
        int b = to;
        while (true) {
            row(source, a, fromStrides[inner], target, b, toStrides[inner], extents[inner]);
            int axis = inner - 1;
            for (; axis >= 0; axis--) {
                a += fromStrides[axis];
                b += toStrides[axis];
                if (++index[axis] < extents[axis]) {
                    break;
                }
                index[axis] = 0;
                a -= fromStrides[axis] * extents[axis];
                b -= toStrides[axis] * extents[axis];
            }
            if (axis < 0) {
                return;
            }
        }
    }

    private static void row(Elements source, int from, int fromStep, Elements target, int to, int toStep, int count) {
        if (fromStep == 1 && toStep == 1) {
            source.copyTo(from, target, to, count);
            return;
        }
        if (fromStep == 0 && toStep == 1) {
            target.fill(to, count, source, from);
            return;
        }
        switch (source) {
            case Elements.Floats(_, float[] values) -> {
                var out = ((Elements.Floats) target).values();
                for (int i = 0, a = from, b = to; i < count; i++, a += fromStep, b += toStep) {
                    out[b] = values[a];
                }
            }
            case Elements.Doubles(double[] values) -> {
                var out = ((Elements.Doubles) target).values();
                for (int i = 0, a = from, b = to; i < count; i++, a += fromStep, b += toStep) {
                    out[b] = values[a];
                }
            }
            case Elements.Longs(_, long[] values) -> {
                var out = ((Elements.Longs) target).values();
                for (int i = 0, a = from, b = to; i < count; i++, a += fromStep, b += toStep) {
                    out[b] = values[a];
                }
            }
            case Elements.Texts(String[] values) -> {
                var out = ((Elements.Texts) target).values();
                for (int i = 0, a = from, b = to; i < count; i++, a += fromStep, b += toStep) {
                    out[b] = values[a];
                }
            }
        }
    }

    /// Copies single elements: element {@code i} of the target comes from {@code base + offsets[i]}; where the offset
    /// is negative the target stays.
    static void gather(Elements source, int base, int[] offsets, Elements target, int to) {
        switch (source) {
            case Elements.Floats(_, float[] values) -> {
                var out = ((Elements.Floats) target).values();
                for (int i = 0; i < offsets.length; i++) {
                    if (offsets[i] >= 0) {
                        out[to + i] = values[base + offsets[i]];
                    }
                }
            }
            case Elements.Doubles(double[] values) -> {
                var out = ((Elements.Doubles) target).values();
                for (int i = 0; i < offsets.length; i++) {
                    if (offsets[i] >= 0) {
                        out[to + i] = values[base + offsets[i]];
                    }
                }
            }
            case Elements.Longs(_, long[] values) -> {
                var out = ((Elements.Longs) target).values();
                for (int i = 0; i < offsets.length; i++) {
                    if (offsets[i] >= 0) {
                        out[to + i] = values[base + offsets[i]];
                    }
                }
            }
            case Elements.Texts(String[] values) -> {
                var out = ((Elements.Texts) target).values();
                for (int i = 0; i < offsets.length; i++) {
                    if (offsets[i] >= 0) {
                        out[to + i] = values[base + offsets[i]];
                    }
                }
            }
        }
    }

    /// Advances an index to the next one in row-major order; false after the last.
    static boolean next(int[] index, int[] extents) {
        for (int axis = extents.length - 1; axis >= 0; axis--) {
            if (++index[axis] < extents[axis]) {
                return true;
            }
            index[axis] = 0;
        }
        return false;
    }

    static int[] ints(long[] values) {
        return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
    }
}
