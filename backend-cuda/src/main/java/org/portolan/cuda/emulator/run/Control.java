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

    /// All threads of the block meet.
    ///
    /// @param count slot of how many threads take part; -1: all
    public static Instruction barrier(int count) {
        return new Barrier(count);
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

    private static final class Barrier extends Instruction {
        private final int count;

        Barrier(int count) {
            this.count = count;
        }

        @Override
        Flow flow() {
            return Flow.BARRIER;
        }

        @Override
        void run(Warp warp, int mask) {
            int absent = warp.living() & ~mask;
            if (absent != 0) {
                throw new Fault(
                        Integer.numberOfTrailingZeros(mask),
                        "a divergent barrier: " + Integer.bitCount(mask) + " threads of warp " + warp.index
                                + " are at it, but others, such as "
                                + warp.block.threadName(warp.firstThread + Integer.numberOfTrailingZeros(absent))
                                + ", went another way");
            }
            int threads = warp.block.launch.threads();
            if (count >= 0 && warp.words[count + Integer.numberOfTrailingZeros(mask)] != threads) {
                throw new Fault(
                        Integer.numberOfTrailingZeros(mask),
                        "a barrier of " + warp.words[count + Integer.numberOfTrailingZeros(mask)] + " of the block's "
                                + threads + " threads; only barriers of all threads are supported");
            }
        }
    }

    private static final class WarpBarrier extends Instruction {
        private final int members;

        WarpBarrier(int members) {
            this.members = members;
        }

        @Override
        void run(Warp warp, int mask) {
            Votes.requireMembers(warp, mask, members);
            warp.synchronisations++;
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
