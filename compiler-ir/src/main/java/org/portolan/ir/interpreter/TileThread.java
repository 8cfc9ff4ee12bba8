package org.portolan.ir.interpreter;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.TileOp.Bind;

/// One thread of a block, or what stands for all of them before a loop splits it: the values that it has computed.
final class TileThread {
    final Object[] values;
    private final TileThread parent;
    private final Bind bind;
    private final Map<TileRing, TileRing.Progress> progress = new IdentityHashMap<>();
    /// How many threads run under this one; 1 if it runs itself.
    private int leaves = 1;
    private final int number;
    private final List<TileThread> children = new ArrayList<>();
    /// Products that this thread, standing for those of a warp, has begun.
    final TileProducts products = new TileProducts();

    /// Barriers of the block, and of the warp or the block, that this thread has passed. The begin and the end of a
    /// loop over threads count as one.
    long blockBarriers;

    long warpBarriers;

    private TileThread(Object[] values, TileThread parent, Bind bind, int number) {
        this.values = values;
        this.parent = parent;
        this.bind = bind;
        this.number = number;
    }

    static TileThread root(int values) {
        return new TileThread(new Object[values], null, null, 0);
    }

    /// A thread for one round of a loop over threads; it sees what its parent has computed.
    ///
    /// @param number how many rounds come before
    TileThread child(Bind bind, int number) {
        var child = new TileThread(values.clone(), this, bind, number);
        child.blockBarriers = blockBarriers + 1;
        child.warpBarriers = warpBarriers + 1;
        return child;
    }

    /// The rounds of the loop that runs under this thread now.
    void adopt(TileThread child) {
        if (child.number == 0) {
            children.clear();
        }
        children.add(child);
    }

    /// How many rounds of its loop come before this one.
    int number() {
        return number;
    }

    /// Another round of the same loop, or {@code null} if it has no such round.
    TileThread sibling(long other) {
        return parent == null || other >= parent.children.size() ? null : parent.children.get((int) other);
    }

    /// Tells this thread and those above that it runs as so many, or, with 1, as itself again.
    void split(int threads) {
        int more = threads - leaves;
        for (var thread = this; thread != null; thread = thread.parent) {
            thread.leaves += more;
        }
    }

    int leaves() {
        return leaves;
    }

    /// The thread that stands for all threads of this one's warp or, if there are no warps, of its block.
    TileThread scope(Bind scope) {
        var thread = this;
        while (thread.parent != null && !(scope == Bind.WARP && thread.bind == Bind.WARP)) {
            thread = thread.parent;
        }
        return thread;
    }

    TileRing.Progress progress(TileRing ring) {
        var own = progress.get(ring);
        if (own == null) {
            own = parent == null
                    ? new TileRing.Progress()
                    : parent.progress(ring).copy();
            progress.put(ring, own);
        }
        return own;
    }

    /// Goes on from where a child has come with its queues.
    void join(TileThread child) {
        blockBarriers = Math.max(blockBarriers, child.blockBarriers + 1);
        warpBarriers = Math.max(warpBarriers, child.warpBarriers + 1);
        child.progress.forEach((ring, state) -> progress.put(ring, state));
    }

    /// The number that a scalar is.
    long scalar(int value) {
        return ((Elements) values[value]).getLong(0);
    }

    long[] scalars(int[] places, int from, int to) {
        var numbers = new long[to - from];
        for (int i = from; i < to; i++) {
            numbers[i - from] = scalar(places[i]);
        }
        return numbers;
    }

    Elements[] elements(int[] places, int from, int to) {
        var elements = new Elements[to - from];
        for (int i = from; i < to; i++) {
            elements[i - from] = (Elements) values[places[i]];
        }
        return elements;
    }

    TileBuffer buffer(int value) {
        return (TileBuffer) values[value];
    }

    TileRing ring(int value) {
        return (TileRing) values[value];
    }

    /// Hands values on; all are read before any is overwritten.
    void move(int[] from, int fromStart, int[] to, int toStart, int count) {
        var held = new Object[count];
        for (int i = 0; i < count; i++) {
            held[i] = values[from[fromStart + i]];
        }
        for (int i = 0; i < count; i++) {
            values[to[toStart + i]] = held[i];
        }
    }
}
