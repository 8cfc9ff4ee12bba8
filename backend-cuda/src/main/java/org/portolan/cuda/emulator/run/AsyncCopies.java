package org.portolan.cuda.emulator.run;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Copies from global to shared memory that a warp's lanes have begun. What they bring is read at once, and written
/// only when the lane waits for it or arrives at an mbarrier for it: whoever looks earlier sees what hardware might show.
final class AsyncCopies {
    private final List<Copy> copies = new ArrayList<>();
    private final int[] committed = new int[Warp.LANES];
    private final List<Arrival> arrivals = new ArrayList<>();

    /// Copies of a lane of whose end an mbarrier tells, in case that the lane also waits for them itself.
    ///
    /// @param agent of the mbarrier
    /// @param phase the last one of it
    /// @param group which the first of these copies are in, or will be
    private record Arrival(int lane, int agent, int phase, int group) {}

    /// One instruction's copies.
    private static final class Copy {
        /// Lanes that have not waited yet, and those that have not put it into a group.
        int waiting;
        int open;
        int bytes;
        final int[] group = new int[Warp.LANES];
        final int[] to = new int[Warp.LANES];
        final long[] low = new long[Warp.LANES];
        final long[] high = new long[Warp.LANES];
    }

    void clear() {
        copies.clear();
        arrivals.clear();
        Arrays.fill(committed, 0);
    }

    /// Begins copies; {@link #set} says what each lane copies.
    void begin(int mask, int bytes) {
        var copy = new Copy();
        copy.waiting = mask;
        copy.open = mask;
        copy.bytes = bytes;
        copies.add(copy);
    }

    /// What a lane copies with the instruction begun last.
    void set(int lane, int to, long low, long high) {
        var copy = copies.getLast();
        copy.to[lane] = to;
        copy.low[lane] = low;
        copy.high[lane] = high;
    }

    /// Lanes put all copies that are in no group yet into one.
    void commit(int mask) {
        for (var copy : copies) {
            for (int left = copy.open & mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                copy.group[lane] = committed[lane];
            }
            copy.open &= ~mask;
        }
        for (int left = mask; left != 0; left &= left - 1) {
            committed[Integer.numberOfTrailingZeros(left)]++;
        }
    }

    /// Lanes wait until at most so many of their groups are under way.
    void await(Warp warp, int mask, int groups) {
        for (var copy : copies) {
            for (int left = copy.waiting & mask & ~copy.open; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                if (copy.group[lane] < committed[lane] - groups) {
                    finish(warp, copy, lane);
                }
            }
        }
        copies.removeIf(copy -> copy.waiting == 0);
        arrivals.removeIf(arrival -> {
            int lane = arrival.lane();
            boolean ended = (mask >>> lane & 1) != 0 && arrival.group() < committed[lane] - groups;
            if (ended) {
                warp.block.clocks.hearOfCopies(warp.index, arrival.agent(), arrival.phase());
            }
            return ended;
        });
    }

    /// A lane lets an mbarrier tell of the end of its copies: till then nobody may look, the lane itself neither.
    ///
    /// @param agent of the mbarrier
    /// @param phase at whose end they have ended
    void arrive(Warp warp, int lane, int agent, int phase) {
        int group = committed[lane];
        boolean any = false;
        for (var copy : copies) {
            if ((copy.waiting >>> lane & 1) != 0) {
                group = Math.min(group, (copy.open >>> lane & 1) != 0 ? committed[lane] : copy.group[lane]);
                any = true;
                if (warp.block.clocks != null) {
                    warp.block.clocks.noteArrivingCopy(copy.to[lane], copy.bytes, agent, phase);
                }
                bring(warp, copy, lane);
            }
        }
        copies.removeIf(copy -> copy.waiting == 0);
        if (any && warp.block.clocks != null) {
            noteArrival(new Arrival(lane, agent, phase, group));
        }
    }

    private void noteArrival(Arrival now) {
        for (int index = 0; index < arrivals.size(); index++) {
            var before = arrivals.get(index);
            if (before.lane() == now.lane() && before.agent() == now.agent()) {
                arrivals.set(index, new Arrival(now.lane(), now.agent(), now.phase(), before.group()));
                return;
            }
        }
        arrivals.add(now);
    }

    /// Lanes wait for all of their copies, in groups or not.
    void awaitAll(Warp warp, int mask) {
        commit(mask);
        await(warp, mask, 0);
    }

    private static void finish(Warp warp, Copy copy, int lane) {
        var shared = warp.block.shared;
        int to = copy.to[lane];
        if (shared.accounts != null) {
            shared.accounts.noteCopyEnd(to, copy.bytes, warp, lane);
        }
        bring(warp, copy, lane);
    }

    private static void bring(Warp warp, Copy copy, int lane) {
        var shared = warp.block.shared;
        int to = copy.to[lane];
        if (copy.bytes == Integer.BYTES) {
            SharedMemory.INT.set(shared.data, to, (int) copy.low[lane]);
        } else {
            SharedMemory.LONG.set(shared.data, to, copy.low[lane]);
            if (copy.bytes > Long.BYTES) {
                SharedMemory.LONG.set(shared.data, to + Long.BYTES, copy.high[lane]);
            }
        }
        copy.waiting &= ~(1 << lane);
    }
}
