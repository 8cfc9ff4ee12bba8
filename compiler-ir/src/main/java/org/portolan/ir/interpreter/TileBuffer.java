package org.portolan.ir.interpreter;

import java.util.Arrays;
import java.util.List;
import org.portolan.ir.Type;

/// A buffer, or a part of one: logical indices, and the place in memory that each stands for. A part of a buffer has
/// the
/// elements of the whole, whatever its own type says about their places; where its type does say it, it must be true.
final class TileBuffer {
    final TileMemory memory;
    final long[] extents;
    private final TileBuffer whole;
    private final long[] offsets;
    private final DimFunction[] layout;
    private final long[] storage;

    private TileBuffer(
            TileMemory memory, long[] extents, TileBuffer whole, long[] offsets, DimFunction[] layout, long[] storage) {
        this.memory = memory;
        this.extents = extents;
        this.whole = whole;
        this.offsets = offsets;
        this.layout = layout;
        this.storage = storage;
    }

    static TileBuffer of(TileMemory memory, Type.Buffer type, Symbols symbols) {
        return new TileBuffer(
                memory,
                symbols.evaluate(type.dims()),
                null,
                null,
                layout(type, symbols),
                symbols.evaluate(type.storage()));
    }

    private static DimFunction[] layout(Type.Buffer type, Symbols symbols) {
        return type.layout()
                .map(map -> map.results().stream()
                        .map(result -> DimFunction.of(result, map.inputs()::indexOf, symbols::get))
                        .toArray(DimFunction[]::new))
                .orElse(null);
    }

    /// The part that starts at the offsets; the axes of a part of lower rank are the last ones.
    ///
    /// @throws TileException if the layout that the part's type claims is not where its elements lie
    TileBuffer view(long[] start, Type.Buffer type, Symbols symbols) {
        var own = of(memory, type, symbols);
        int lead = extents.length - own.extents.length;
        if (lead < 0) {
            throw new TileException("a view of " + memory.name + " cannot have more axes than " + describe());
        }
        var root = whole == null ? this : whole;
        var begin = start.clone();
        if (whole != null) {
            begin = offsets.clone();
            for (int axis = 0; axis < start.length; axis++) {
                begin[axis + begin.length - start.length] += start[axis];
            }
        }
        var part = new TileBuffer(memory, own.extents, root, begin, null, null);
        if (own.layout != null || root.layout == null) {
            part.checkClaim(own);
        }
        return part;
    }

    /// Compares a few elements' distances from the first with what a type says.
    private void checkClaim(TileBuffer claim) {
        var origin = new long[extents.length];
        for (int axis = 0; axis < extents.length; axis++) {
            for (long index : new long[] {1, extents[axis] - 1}) {
                var point = origin.clone();
                point[axis] = index;
                if (index <= 0 || index >= extents[axis] || !isInside(origin) || !isInside(point)) {
                    continue;
                }
                long distance = place(point) - place(origin);
                long claimed = claim.place(point) - claim.place(origin);
                if (distance != claimed) {
                    throw new TileException("a view of " + memory.name + " " + whole.describe() + " says that index "
                            + index + " of axis " + axis + " lies " + claimed
                            + " elements from the first; it lies " + distance
                            + "; give its type the layout that it has");
                }
            }
        }
    }

    /// Whether an index lies within the extents, and for a part also within the whole.
    boolean isInside(long[] index) {
        for (int axis = 0; axis < extents.length; axis++) {
            if (index[axis] < 0 || index[axis] >= extents[axis]) {
                return false;
            }
        }
        return whole == null || whole.isInside(inWhole(index));
    }

    private long[] inWhole(long[] index) {
        var point = offsets.clone();
        for (int axis = 0; axis < index.length; axis++) {
            point[axis + point.length - index.length] += index[axis];
        }
        return point;
    }

    /// Where an element lies; unchecked.
    long place(long[] index) {
        if (whole != null) {
            return whole.place(inWhole(index));
        }
        long place = 0;
        for (int axis = 0; axis < storage.length; axis++) {
            place = place * storage[axis] + (layout == null ? index[axis] : layout[axis].at(index));
        }
        return place;
    }

    /// Where an element lies.
    ///
    /// @throws TileException if there is no such element
    int checkedPlace(long[] index) {
        if (!isInside(index)) {
            throw new TileException(
                    "index " + Arrays.toString(index) + " lies outside of " + memory.name + " " + describe());
        }
        return checked(place(index));
    }

    /// A place computed otherwise.
    ///
    /// @throws TileException if it lies outside of the memory
    int checked(long place) {
        if (place < 0 || place >= memory.elements.size()) {
            throw new TileException("place " + place + " lies outside of the " + memory.elements.size()
                    + " elements of " + memory.name);
        }
        return (int) place;
    }

    /// Whether this is all of a buffer whose elements lie row by row.
    boolean isWholeInRows() {
        return whole == null && layout == null;
    }

    int size() {
        long size = 1;
        for (long extent : extents) {
            size *= extent;
        }
        return Memory.arrayLength(size, memory.name);
    }

    int[] shape() {
        return Strided.ints(extents);
    }

    String describe() {
        return List.of(memory.elements.type(), Arrays.toString(extents))
                + (whole == null ? "" : " at " + Arrays.toString(offsets));
    }
}
