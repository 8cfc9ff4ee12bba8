package org.portolan.ir.interpreter;

import java.util.List;

/// A queue of buffers. Threads that work on it together each come to every operation; the n-th of each is the same slot
/// for all of them.
final class TileRing {
    private final String name;
    private final List<TileBuffer> slots;
    private long acquired;
    private long published;
    private long released;

    /// How far one thread has come.
    static final class Progress {
        long acquired;
        long published;
        long consumed;
        long released;

        Progress copy() {
            var copy = new Progress();
            copy.acquired = acquired;
            copy.published = published;
            copy.consumed = consumed;
            copy.released = released;
            return copy;
        }
    }

    TileRing(String name, List<TileBuffer> slots) {
        this.name = name;
        this.slots = slots;
    }

    /// The next slot to fill.
    TileBuffer acquire(Progress progress) {
        if (progress.acquired - released >= slots.size()) {
            throw new TileException("all " + slots.size() + " slots of " + name
                    + " are taken; one must be released before the next is acquired");
        }
        var slot = slot(progress.acquired++);
        if (progress.acquired > acquired) {
            acquired = progress.acquired;
            slot.memory.clear();
        }
        return slot;
    }

    void publish(Progress progress) {
        if (progress.published >= progress.acquired) {
            throw new TileException("a slot of " + name + " is published, and none was acquired");
        }
        progress.published++;
        published = Math.max(published, progress.published);
    }

    /// The next slot to read; what was copied to it is there.
    TileBuffer consume(Progress progress) {
        if (progress.consumed >= published) {
            throw new TileException("a slot of " + name + " is consumed, and none was published");
        }
        var slot = slot(progress.consumed++);
        slot.memory.arrive();
        return slot;
    }

    void release(Progress progress) {
        if (progress.released >= progress.consumed) {
            throw new TileException("a slot of " + name + " is released, and none was consumed");
        }
        slot(progress.released).memory.requireUnread();
        progress.released++;
        released = Math.max(released, progress.released);
    }

    private TileBuffer slot(long count) {
        return slots.get((int) (count % slots.size()));
    }
}
