package org.portolan.ir.interpreter;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.portolan.ir.Type;

/// What a buffer lies in: elements by their place in memory, and which of them hold something.
final class TileMemory {
    private record Arrival(int place, Elements elements, int index) {}

    final String name;
    final Elements elements;
    /// Absent where everything counts as written: memory that the caller gave.
    private final BitSet written;
    private final boolean slot;
    /// Present where several threads may come.
    private final TileRaces races;
    private final List<Arrival> arriving = new ArrayList<>();

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

    /// Forgets the content.
    void clear() {
        arriving.clear();
        if (written != null) {
            written.clear();
        }
    }
}
