package org.portolan.cuda.emulator.run;

import java.util.Map;
import java.util.TreeMap;

/// The mbarriers of the block that a worker is running, by where they lie in shared memory.
final class Mbarriers {
    private static final int MOST_ARRIVALS = (1 << 20) - 1;

    /// Null where nobody wants to know.
    private final ClockAccounts clocks;
    private final Map<Integer, Mbarrier> all = new TreeMap<>();

    /// One of them.
    static final class Mbarrier {
        private final int expected;
        private final int agent;
        private final int[] told;
        private int[] toldAtEnd;
        private int pending;
        private long bytes;
        private int phase;

        private Mbarrier(int expected, int agent, int[] told) {
            this.expected = expected;
            this.agent = agent;
            this.told = told;
            pending = expected;
        }

        /// Phases that have ended.
        int phase() {
            return phase;
        }

        int pending() {
            return pending;
        }

        private String describe() {
            return "phase " + phase + " of it lacks " + pending + " of " + expected + " arrivals, and "
                    + (bytes < 0 ? -bytes + " bytes more were copied than it was told to expect" : bytes + " bytes of copies");
        }
    }

    /// @param clocks null: nobody wants to know of races
    Mbarriers(ClockAccounts clocks) {
        this.clocks = clocks;
    }

    void begin() {
        all.clear();
    }

    void make(int at, int count, Warp warp, int lane) {
        if (count < 1 || count > MOST_ARRIVALS) {
            throw new Fault(lane, "an mbarrier of " + count + " arrivals; 1 to " + MOST_ARRIVALS + " are possible");
        }
        if (clocks != null) {
            clocks.noteMbarrier(at, true, warp, lane);
        }
        all.put(
                at,
                new Mbarrier(
                        count,
                        clocks == null ? 0 : clocks.newAgent(lane),
                        clocks == null ? null : clocks.nothingTold()));
        warp.block.moves++;
    }

    void end(int at, Warp warp, int lane) {
        find(at, warp, lane, false);
        if (clocks != null) {
            clocks.noteMbarrier(at, false, warp, lane);
        }
        all.remove(at);
        warp.block.moves++;
    }

    /// @param asynchronously whether a copy completes at it
    Mbarrier find(int at, Warp warp, int lane, boolean asynchronously) {
        var found = all.get(at);
        if (found == null) {
            throw new Fault(
                    lane, "uses an mbarrier at " + at + warp.block.shared.name(at) + ", where none was initialised");
        }
        if (clocks != null) {
            clocks.requireMbarrier(at, warp, lane, asynchronously);
        }
        return found;
    }

    /// A lane arrives.
    void arrive(Mbarrier barrier, int count, Warp warp, int lane) {
        if (count > barrier.pending || count < 1) {
            throw new Fault(lane, "arrives " + count + " times at an mbarrier that waits for " + barrier.pending
                    + " more arrivals in this phase");
        }
        if (clocks != null) {
            clocks.tell(warp.index, 1 << lane, barrier.told);
        }
        barrier.pending -= count;
        finish(barrier);
        warp.block.moves++;
    }

    /// The phase waits for more bytes, or for fewer, since they have come.
    void expect(Mbarrier barrier, long bytes, Warp warp, int lane) {
        barrier.bytes += bytes;
        if (Math.abs(barrier.bytes) > MOST_ARRIVALS) {
            throw new Fault(lane, "an mbarrier is told to expect " + barrier.bytes + " bytes; up to " + MOST_ARRIVALS
                    + " are possible");
        }
        finish(barrier);
        warp.block.moves++;
    }

    /// The clock of copies that complete in the phase which runs now.
    int clock(Mbarrier barrier) {
        return barrier.phase + 1;
    }

    int agent(Mbarrier barrier) {
        return barrier.agent;
    }

    private void finish(Mbarrier barrier) {
        if (barrier.pending != 0 || barrier.bytes != 0) {
            return;
        }
        barrier.phase++;
        barrier.pending = barrier.expected;
        if (clocks != null) {
            barrier.toldAtEnd = barrier.told.clone();
            barrier.toldAtEnd[barrier.agent] = barrier.phase;
        }
    }

    /// A lane has seen that a phase has ended.
    void seen(Mbarrier barrier, Warp warp) {
        if (clocks != null && barrier.toldAtEnd != null) {
            clocks.hear(warp.index, barrier.toldAtEnd);
        }
        warp.block.moves++;
    }

    /// What the one at a place waits for, for messages.
    String describe(int at) {
        var found = all.get(at);
        return found == null ? "" : "; " + found.describe();
    }
}
