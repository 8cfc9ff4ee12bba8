package org.portolan.ir.interpreter;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.Axis;
import org.portolan.ir.IrException;
import org.portolan.runtime.type.Dim;

/// The axes of a nest and the block of them that is evaluated at a time. Axes that some reduction runs over are always
/// in the block as a whole; the others are cut so that the values of a block fit a cache.
///
/// A set of axes is a bit mask. Values of a block are rows with their axes in one order: first those reduced over, then
/// the others, so that a reduction combines adjacent rows.
final class NestSpace {
    /// Values of a block, at least; a few hundred kilobytes of them lie in a near cache.
    private static final int BLOCK = 16_384;

    /// Points along axes that are not reduced, at least: shorter rows cost more to set up than to compute.
    private static final int SHORTEST_ROW = 32;

    private static final int LARGEST_BLOCK = 1 << 22;

    private final Map<String, Integer> numbers = new HashMap<>();
    private final int[] extents;
    private final long[] low;
    private final int[] length;
    private final int[] order;
    private final long reduced;
    private final Symbols symbols;

    /// @param reduced the axes that some reduction runs over
    NestSpace(List<Axis> axes, long reduced, Symbols symbols) {
        if (axes.size() > Long.SIZE) {
            throw new IrException("nest.compute has " + axes.size() + " axes; the interpreter holds 64");
        }
        this.symbols = symbols;
        this.reduced = reduced;
        extents = new int[axes.size()];
        for (int i = 0; i < extents.length; i++) {
            numbers.put(axes.get(i).name(), i);
            long extent = symbols.evaluate(axes.get(i).extent());
            extents[i] = Memory.arrayLength(Math.max(0, extent), "axis " + axes.get(i));
        }
        low = new long[extents.length];
        length = extents.clone();
        var sorted = new ArrayList<Integer>();
        for (boolean first : new boolean[] {true, false}) {
            for (int i = 0; i < extents.length; i++) {
                if (contains(reduced, i) == first) {
                    sorted.add(i);
                }
            }
        }
        order = sorted.stream().mapToInt(axis -> axis).toArray();
    }

    static boolean contains(long mask, int axis) {
        return (mask >>> axis & 1) == 1;
    }

    /// Chooses the block for values that are free in these axes.
    void cut(List<Long> masks) {
        long used = 0;
        for (int axis = 0; axis < extents.length; axis++) {
            length[axis] = contains(reduced, axis) ? extents[axis] : 1;
        }
        for (long mask : masks) {
            used |= mask;
        }
        long whole = 1;
        for (long mask : masks) {
            whole = Math.max(whole, product(mask));
        }
        long target = Math.min(Math.max(BLOCK, whole * SHORTEST_ROW), LARGEST_BLOCK);
        for (int axis = extents.length - 1; axis >= 0; axis--) {
            if (contains(reduced, axis)) {
                continue;
            }
            if (!contains(used, axis)) {
                // Nothing depends on it.
                length[axis] = extents[axis];
                continue;
            }
            long largest = 1;
            for (long mask : masks) {
                largest = Math.max(largest, product(mask));
            }
            length[axis] = (int) Math.clamp(target / largest, 1, Math.max(1, extents[axis]));
        }
    }

    private long product(long mask) {
        long product = 1;
        for (int axis = 0; axis < extents.length; axis++) {
            if (contains(mask, axis)) {
                product = Math.multiplyExact(product, (long) Math.max(1, length[axis]));
            }
        }
        return product;
    }

    /// Runs once for each block, ascending.
    void forEachBlock(Runnable evaluate) {
        var whole = length.clone();
        for (int extent : extents) {
            // A nest without points still has the results of empty reductions; those are handled by their length of 0.
            if (extent == 0 && hasEmptyFreeAxis()) {
                return;
            }
        }
        Arrays.fill(low, 0);
        while (true) {
            for (int axis = 0; axis < extents.length; axis++) {
                length[axis] = (int) Math.min(whole[axis], extents[axis] - low[axis]);
            }
            evaluate.run();
            int axis = extents.length - 1;
            for (; axis >= 0; axis--) {
                low[axis] += whole[axis];
                if (low[axis] < extents[axis] && whole[axis] > 0) {
                    break;
                }
                low[axis] = 0;
            }
            if (axis < 0) {
                return;
            }
        }
    }

    private boolean hasEmptyFreeAxis() {
        for (int axis = 0; axis < extents.length; axis++) {
            if (extents[axis] == 0 && !contains(reduced, axis)) {
                return true;
            }
        }
        return false;
    }

    /// The number of the axis of that name, or -1.
    int axis(String name) {
        return numbers.getOrDefault(name, -1);
    }

    int axes() {
        return extents.length;
    }

    long low(int axis) {
        return low[axis];
    }

    int length(int axis) {
        return length[axis];
    }

    /// Where the block lies.
    long[] position() {
        return low.clone();
    }

    /// Whether the block lies elsewhere along any of these axes than it did, or was nowhere before ({@code null}).
    boolean moved(long mask, long[] before) {
        if (before == null) {
            return true;
        }
        for (int axis = 0; axis < low.length; axis++) {
            if (contains(mask, axis) && low[axis] != before[axis]) {
                return true;
            }
        }
        return false;
    }

    /// The axes of a mask in the order of rows.
    int[] layout(long mask) {
        return Arrays.stream(order).filter(axis -> contains(mask, axis)).toArray();
    }

    /// Points of the block along some axes.
    int[] lengths(int[] layout) {
        return Arrays.stream(layout).map(axis -> length[axis]).toArray();
    }

    /// Points of the block over a set of axes.
    ///
    /// @throws org.portolan.runtime.PortolanException.LimitExceeded if they are more than an array can hold
    int size(long mask) {
        long size = 1;
        for (int axis = 0; axis < length.length; axis++) {
            if (contains(mask, axis)) {
                size = Math.min(size * length[axis], Integer.MAX_VALUE);
            }
        }
        return Memory.arrayLength(size, "the values of a block of a nest");
    }

    /// For each axis of a layout, the distance of its points in rows over other axes: 0 where those do not have it.
    int[] strides(int[] layout, int[] rows) {
        var strides = new int[layout.length];
        int stride = 1;
        for (int i = rows.length - 1; i >= 0; i--) {
            for (int j = 0; j < layout.length; j++) {
                if (layout[j] == rows[i]) {
                    strides[j] = stride;
                }
            }
            stride *= length[rows[i]];
        }
        return strides;
    }

    /// The axes that an index expression names.
    long mask(Dim expression) {
        long mask = 0;
        for (var name : expression.symbols()) {
            int axis = axis(name);
            if (axis >= 0) {
                mask |= 1L << axis;
            }
        }
        return mask;
    }

    /// The number of a symbol that is no axis.
    long symbol(String name) {
        return symbols.get(name);
    }
}
