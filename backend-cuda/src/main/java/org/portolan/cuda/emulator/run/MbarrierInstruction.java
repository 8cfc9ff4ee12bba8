package org.portolan.cuda.emulator.run;

/// What threads do with mbarriers: eight bytes of shared memory that count arrivals of threads and bytes of copies, phase
/// after phase.
public final class MbarrierInstruction extends MemoryInstruction {
    private static final String USES = "uses an mbarrier of";

    private final Action action;
    private final int count;
    private final int expected;
    private final int to;

    /// What is done.
    public enum Action {
        INIT,
        INVAL,
        ARRIVE,
        /// Tells of bytes that copies will bring.
        EXPECT,
        /// Tells of bytes, and arrives.
        ARRIVE_EXPECT,
        /// Tells that bytes have come, as a copy does.
        COMPLETE,
        /// Arrives when the copies that the lane began with {@code cp.async} have ended.
        ARRIVE_COPIES
    }

    /// @param count slot of how many arrivals; -1: one
    /// @param expected slot of how many bytes; -1: none
    /// @param to slot of the phase that the lane arrived in; -1: nobody wants to know
    public MbarrierInstruction(Action action, Space space, Address address, int count, int expected, int to) {
        super(space, address, Long.BYTES);
        this.action = action;
        this.count = count;
        this.expected = expected;
        this.to = to;
    }

    @Override
    void run(Warp warp, int mask) {
        var addresses = addresses(warp, mask, USES).clone();
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            run(warp, place(warp, space, addresses[lane], lane), lane);
        }
    }

    /// The place of an mbarrier in shared memory.
    static int place(Warp warp, Space space, long address, int lane) {
        boolean generic = space == Space.GENERIC;
        if (generic && Space.of(address) != Space.SHARED) {
            throw new Fault(lane, "0x" + Long.toHexString(address) + " is no address in shared memory");
        }
        return warp.block.shared.locate(generic ? address - Space.SHARED.window() : address, Long.BYTES, lane, USES);
    }

    private void run(Warp warp, int at, int lane) {
        var barriers = warp.block.mbarriers;
        int times = count < 0 ? 1 : warp.words[count + lane];
        switch (action) {
            case INIT -> barriers.make(at, times, warp, lane);
            case INVAL -> barriers.end(at, warp, lane);
            case ARRIVE -> arrive(warp, at, times, lane);
            case EXPECT -> barriers.expect(barriers.find(at, warp, lane, false), bytes(warp, lane), warp, lane);
            case ARRIVE_EXPECT -> {
                barriers.expect(barriers.find(at, warp, lane, false), bytes(warp, lane), warp, lane);
                arrive(warp, at, times, lane);
            }
            case COMPLETE -> barriers.expect(barriers.find(at, warp, lane, false), -bytes(warp, lane), warp, lane);
            case ARRIVE_COPIES -> {
                var barrier = barriers.find(at, warp, lane, false);
                warp.copies.arrive(warp, lane, barriers.agent(barrier), barriers.clock(barrier));
                arrive(warp, at, times, lane);
            }
        }
    }

    private long bytes(Warp warp, int lane) {
        return warp.words[expected + lane] & 0xFFFF_FFFFL;
    }

    private void arrive(Warp warp, int at, int times, int lane) {
        var barriers = warp.block.mbarriers;
        var barrier = barriers.find(at, warp, lane, false);
        int phase = barrier.phase();
        barriers.arrive(barrier, times, warp, lane);
        if (to >= 0) {
            warp.longs[to + lane] = phase;
        }
    }

    /// {@code mbarrier.test_wait} and {@code mbarrier.try_wait}: asks whether a phase has ended.
    ///
    /// @param to slot of the predicate that says so
    /// @param phase slot of the phase that an arrival gave, or of a parity
    /// @param parity whether it is a parity
    public static Instruction test(Space space, Address address, int to, int phase, boolean parity) {
        return new Test(space, address, to, phase, parity);
    }

    private static final class Test extends MemoryInstruction {
        private final int to;
        private final int phase;
        private final boolean parity;

        Test(Space space, Address address, int to, int phase, boolean parity) {
            super(space, address, Long.BYTES);
            this.to = to;
            this.phase = phase;
            this.parity = parity;
        }

        @Override
        void run(Warp warp, int mask) {
            var addresses = addresses(warp, mask, USES).clone();
            int ended = 0;
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                int at = MbarrierInstruction.place(warp, space, addresses[lane], lane);
                var barrier = warp.block.mbarriers.find(at, warp, lane, false);
                if (ended(warp, barrier.phase(), lane)) {
                    ended |= 1 << lane;
                    warp.block.mbarriers.seen(barrier, warp);
                } else {
                    warp.stall(at, "phase " + barrier.phase() + " of an mbarrier at " + at + warp.block.shared.name(at));
                }
            }
            warp.setPredicate(to, ended, mask);
        }

        private boolean ended(Warp warp, int current, int lane) {
            if (parity) {
                int asked = warp.words[phase + lane];
                if ((asked & ~1) != 0) {
                    throw new Fault(lane, "waits for the parity " + asked + "; 0 and 1 are possible");
                }
                return (current & 1) != asked;
            }
            long asked = warp.longs[phase + lane];
            if (asked != current && asked != current - 1) {
                throw new Fault(lane, "waits for phase " + asked + " of an mbarrier that is in phase " + current
                        + "; only that one and the one before it may be waited for");
            }
            return asked < current;
        }
    }
}
