package org.portolan.ir.interpreter;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;

/// What a buffer lies in: elements by their place in memory, and which of them hold something.
final class TileMemory {
    /// Distances between rows that the copy engine takes are multiples of this.
    private static final long ROW_BITS = 128;

    private record Arrival(int place, Elements elements, int index) {}

    final String name;
    final Elements elements;
    /// Absent where everything counts as written: memory that the caller gave.
    private final BitSet written;
    private final boolean slot;
    /// Present where several threads may come.
    private final TileRaces races;
    private final List<Arrival> arriving = new ArrayList<>();
    /// Whether it is filled by boxes of a parameter, one for each time that it is acquired.
    boolean boxes;

    private boolean filled;
    /// Products that may still read it.
    int readers;

    private TileMemory(String name, Elements elements, BitSet written, boolean slot, TileRaces races) {
        this.name = name;
        this.elements = elements;
        this.written = written;
        this.slot = slot;
        this.races = races;
    }

    /// Memory of a parameter.
    static TileMemory given(String name, Elements elements) {
        return new TileMemory(name, elements, null, false, null);
    }

    /// Memory of an allocation, nothing in it.
    static TileMemory fresh(String name, Elements elements, Type.Space space) {
        return new TileMemory(
                name, elements, new BitSet(), false, space == Type.Space.SHARED ? new TileRaces() : null);
    }

    /// Memory of a ring's slot, nothing in it.
    static TileMemory slot(String name, Elements elements) {
        return new TileMemory(name, elements, new BitSet(), true, null);
    }

    /// @throws TileException if the place holds nothing yet
    int read(int place) {
        if (written != null && !written.get(place)) {
            throw new TileException("element " + place + " of " + name
                    + " is read, and nothing was written there"
                    + (arriving.isEmpty()
                            ? ""
                            : " but by asynchronous copies, which are complete when the slot is consumed"));
        }
        return place;
    }

    /// @throws TileException if another thread may store there at the same time
    void checkLoad(int place, TileThread thread) {
        if (races != null) {
            races.load(place, thread, name);
        }
    }

    /// @throws TileException if another thread may load or store there at the same time
    void checkStore(int place, TileThread thread) {
        if (races != null) {
            races.store(place, thread, name);
        }
    }

    /// Marks a place as written.
    int write(int place) {
        if (written != null) {
            written.set(place);
        }
        return place;
    }

    /// Stores an element; if the copy is asynchronous and this is a ring's slot, only when the slot is consumed.
    void copy(int place, Elements source, int index, boolean async) {
        if (async && slot) {
            written.clear(place);
            var held = Elements.allocate(source.type(), 1);
            source.copyTo(index, held, 0, 1);
            arriving.add(new Arrival(place, held, 0));
        } else {
            source.copyTo(index, elements, write(place), 1);
        }
    }

    /// Completes what is under way.
    void arrive() {
        for (var arrival : arriving) {
            arrival.elements.copyTo(arrival.index, elements, write(arrival.place), 1);
        }
        arriving.clear();
    }

    /// @throws TileException if a product may still read it
    void requireUnread() {
        if (readers > 0) {
            throw new TileException(name + " is released while " + readers
                    + " products read it; a tile.await belongs before the release");
        }
    }

    /// Begins to fill it with a box of another buffer, where that is how it is filled.
    ///
    /// @throws TileException if the copy engine cannot
    void fill(TileBuffer from, TileOp.Copy copy) {
        if (!boxes) {
            return;
        }
        var given = from.memory;
        if (filled) {
            throw new TileException(name + " is filled a second time; a slot that signals is filled by one copy");
        }
        if (given.written != null || !from.isWholeInRows() || !copy.async()) {
            throw new TileException(name + " is filled from " + given.name
                    + "; the copy engine takes boxes of parameters whose elements lie row by row, asynchronously");
        }
        int bits = given.elements.type().bits();
        long stride = 1;
        for (int axis = from.extents.length - 1; axis > 0; axis--) {
            stride *= from.extents[axis];
            if (stride * bits % ROW_BITS != 0) {
                throw new TileException("boxes of " + from.describe() + " go to " + name + ", and its axis " + (axis - 1)
                        + " moves by " + stride + " elements, which are no multiple of 16 bytes");
            }
        }
        filled = true;
    }

    /// Forgets the content.
    void clear() {
        filled = false;
        arriving.clear();
        if (written != null) {
            written.clear();
        }
    }
}
