package org.portolan.cuda.emulator.run;

/// Instructions that end, meet or stop threads.
public final class Control {
    private Control() {}

    /// Whether an instruction ends the lanes that execute it.
    public static boolean leaves(Instruction instruction) {
        return instruction instanceof Exit || instruction instanceof Trap;
    }

    /// Lanes leave the kernel.
    public static Instruction exit() {
        return new Exit();
    }

    /// Threads of the block meet.
    ///
    /// @param number of the barrier
    /// @param count slot of how many threads take part; -1: all
    public static Instruction barrier(int number, int count) {
        return new Barrier(number, count);
    }

    /// Threads come to a barrier that others wait at, and go on.
    ///
    /// @param number of the barrier
    /// @param count slot of how many threads take part
    public static Instruction arrive(int number, int count) {
        return new Arrive(number, count);
    }

    /// {@code fence.proxy.async}, and {@code fence.mbarrier_init}.
    public static Instruction proxyFence() {
        return new ProxyFence();
    }

    /// {@code fence.mbarrier_init}: makes mbarriers that the thread has initialised visible to copies, and nothing else.
    public static Instruction mbarrierFence() {
        return new MbarrierFence();
    }

    /// Lanes of the warp meet.
    ///
    /// @param members slot of the mask of lanes that must take part
    public static Instruction warpBarrier(int members) {
        return new WarpBarrier(members);
    }

    /// Stops the kernel.
    public static Instruction trap() {
        return new Trap();
    }

    /// Does nothing here: the order of memory operations is that of the text.
    public static Instruction nothing() {
        return new Nothing();
    }

    private static final class Exit extends Instruction {
        @Override
        Flow flow() {
            return Flow.EXIT;
        }

        @Override
        void run(Warp warp, int mask) {}
    }

    private static void requireWholeWarp(Warp warp, int mask) {
        int absent = warp.living() & ~mask;
        if (absent != 0) {
            throw new Fault(
                    Integer.numberOfTrailingZeros(mask),
                    "a divergent barrier: " + Integer.bitCount(mask) + " threads of warp " + warp.index
                            + " are at it, but others, such as "
                            + warp.block.threadName(warp.firstThread + Integer.numberOfTrailingZeros(absent))
                            + ", went another way");
        }
    }

    /// How many threads meet; -1: all of the block.
    private static int threads(Warp warp, int mask, int count) {
        int all = warp.block.launch.threads();
        int threads = count < 0 ? all : warp.words[count + Integer.numberOfTrailingZeros(mask)];
        if (threads < 1 || threads > all || threads % Warp.LANES != 0 && threads != all) {
            throw new Fault(
                    Integer.numberOfTrailingZeros(mask),
                    "a barrier of " + threads + " of the block's " + all + " threads; whole warps of the block are possible");
        }
        return count < 0 ? -1 : threads;
    }

    private static final class Barrier extends Instruction {
        private final int number;
        private final int count;

        Barrier(int number, int count) {
            this.number = number;
            this.count = count;
        }

        @Override
        Flow flow() {
            return Flow.BARRIER;
        }

        @Override
        boolean isTogether() {
            return true;
        }

        @Override
        void run(Warp warp, int mask) {
            requireWholeWarp(warp, mask);
            warp.barrierNumber = number;
            warp.barrierThreads = threads(warp, mask, count);
        }
    }

    private static final class Arrive extends Instruction {
        private final int number;
        private final int count;

        Arrive(int number, int count) {
            this.number = number;
            this.count = count;
        }

        @Override
        boolean isTogether() {
            return true;
        }

        @Override
        void run(Warp warp, int mask) {
            requireWholeWarp(warp, mask);
            warp.block.arrive(warp, number, threads(warp, mask, count));
        }
    }

    private static final class ProxyFence extends Instruction {
        @Override
        void run(Warp warp, int mask) {
            if (warp.block.clocks != null) {
                warp.block.clocks.fence(warp, mask);
            }
        }
    }

    private static final class MbarrierFence extends Instruction {
        @Override
        void run(Warp warp, int mask) {
            if (warp.block.clocks != null) {
                warp.block.clocks.fenceMbarriers(warp, mask);
            }
        }
    }

    private static final class WarpBarrier extends Votes.Named {
        WarpBarrier(int members) {
            super(members);
        }

        @Override
        void act(Warp warp, int mask) {
            warp.meetings++;
            if (warp.block.shared.accounts != null) {
                warp.block.shared.accounts.warpBarrier(warp, mask);
            }
        }
    }

    private static final class Trap extends Instruction {
        @Override
        void run(Warp warp, int mask) {
            throw new Fault(Integer.numberOfTrailingZeros(mask), "trap: the kernel stopped itself");
        }
    }

    private static final class Nothing extends Instruction {
        @Override
        void run(Warp warp, int mask) {}
    }
}
