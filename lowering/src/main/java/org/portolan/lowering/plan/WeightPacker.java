package org.portolan.lowering.plan;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import org.portolan.ir.IndexMap;
import org.portolan.ir.Resource;
import org.portolan.ir.ResourceBytes;
import org.portolan.ir.Type;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementTypes;

/// Lays constants out as kernels want them, with zeros where a layout has room for more than there is.
///
/// Most layouts split each axis by itself, {@code (k, n) -> (n/32, k, n%32)}: then an element's place is a sum of one
/// number for each of its indices, and runs that stay adjacent are copied as a whole.
final class WeightPacker {
    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED;

    private final Type.Buffer type;
    private final long[] extents;
    private final MemorySegment source;
    private final MemorySegment target;

    private WeightPacker(Type.Buffer type, MemorySegment source, MemorySegment target) {
        this.type = type;
        this.extents = numbers(type.dims());
        this.source = source;
        this.target = target;
    }

    /// The bytes of a constant: where they lie if it is not asked for in a layout, else new ones.
    static MemorySegment pack(Resource data, Type.Buffer type, Arena arena) {
        long elements = product(numbers(type.dims()));
        var source = ResourceBytes.rowMajor(data, type.element(), elements, arena);
        if (type.layout().isEmpty()) {
            return source;
        }
        long bytes = type.element().bytes(product(numbers(type.physical())));
        var target = arena.allocate(bytes, 64);
        if (elements > 0) {
            new WeightPacker(type, source, target).pack(type.layout().get());
        }
        return target;
    }

    private void pack(IndexMap layout) {
        var strides = strides(numbers(type.physical()));
        var places = placesByAxis(layout, strides);
        if (places == null) {
            packOneByOne(layout, strides);
        } else if (type.rank() > 0) {
            packRuns(places);
        } else {
            copy(0, 0, 1);
        }
    }

    /// For each axis the contribution of each index to the place, if the place is a sum of such; else null.
    private long[][] placesByAxis(IndexMap layout, long[] strides) {
        var places = new long[extents.length][];
        for (int axis = 0; axis < extents.length; axis++) {
            places[axis] = new long[Math.toIntExact(extents[axis])];
        }
        for (int i = 0; i < strides.length; i++) {
            var result = layout.results().get(i);
            var symbols = List.copyOf(result.symbols());
            if (symbols.size() > 1) {
                return null;
            }
            int axis = symbols.isEmpty() ? 0 : layout.inputs().indexOf(symbols.getFirst());
            if (extents.length == 0 || symbols.isEmpty() && !result.isConstant(0)) {
                return null;
            }
            for (int index = 0; index < extents[axis]; index++) {
                long at = index;
                places[axis][index] += strides[i] * result.evaluate(_ -> at);
            }
        }
        return places;
    }

    /// Copies the last axis in runs of adjacent places, for every index of the axes before it.
    private void packRuns(long[][] places) {
        var last = places[places.length - 1];
        int[] runEnds = runEnds(last);
        long rows = product(extents) / last.length;
        var index = new int[places.length - 1];
        for (long row = 0; row < rows; row++) {
            long base = 0;
            for (int axis = 0; axis < index.length; axis++) {
                base += places[axis][index[axis]];
            }
            for (int begin = 0; begin < last.length; begin = runEnds[begin]) {
                copy(row * last.length + begin, base + last[begin], runEnds[begin] - begin);
            }
            for (int axis = index.length - 1; axis >= 0 && ++index[axis] == extents[axis]; axis--) {
                index[axis] = 0;
            }
        }
    }

    /// For each index where the run ends in which it stands.
    private static int[] runEnds(long[] places) {
        var ends = new int[places.length];
        int end = places.length;
        for (int i = places.length - 1; i >= 0; i--) {
            if (i + 1 < places.length && places[i + 1] != places[i] + 1) {
                end = i + 1;
            }
            ends[i] = end;
        }
        return ends;
    }

    private void copy(long from, long to, long elements) {
        var element = type.element();
        if (element.bits() == 32 && elements == 1) {
            target.setAtIndex(WORD, to, source.getAtIndex(WORD, from));
        } else if (element.bits() % 8 == 0) {
            long size = element.bits() / 8;
            MemorySegment.copy(source, from * size, target, to * size, elements * size);
        } else {
            for (long i = 0; i < elements; i++) {
                ElementTypes.setBits(element, target, to + i, ElementTypes.getBits(element, source, from + i));
            }
        }
    }

    private void packOneByOne(IndexMap layout, long[] strides) {
        var index = new long[extents.length];
        long elements = product(extents);
        for (long i = 0; i < elements; i++) {
            long place = 0;
            for (int result = 0; result < strides.length; result++) {
                place += strides[result]
                        * layout.results().get(result).evaluate(name -> index[layout.inputs().indexOf(name)]);
            }
            copy(i, place, 1);
            for (int axis = index.length - 1; axis >= 0 && ++index[axis] == extents[axis]; axis--) {
                index[axis] = 0;
            }
        }
    }

    private static long[] strides(long[] physical) {
        var strides = new long[physical.length];
        long stride = 1;
        for (int i = physical.length - 1; i >= 0; i--) {
            strides[i] = stride;
            stride *= physical[i];
        }
        return strides;
    }

    private static long[] numbers(List<Dim> dims) {
        return dims.stream()
                .mapToLong(extent -> extent.constant().orElseThrow(() -> new IllegalArgumentException("a constant has the "
                        + "extent " + extent)))
                .toArray();
    }

    private static long product(long[] numbers) {
        return Arrays.stream(numbers).reduce(1, Math::multiplyExact);
    }
}
