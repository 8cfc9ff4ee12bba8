package org.portolan.cuda.emulator.run;

/// Looks for threads of a launch that touch the same bytes of global memory, one of them writing, without an order between
/// them: threads of different blocks have none but through atomic operations; threads of one block need a barrier between,
/// those of one warp a {@code bar.warp.sync}.
///
/// Every execution of a block has a number of its own; an account is that number, how many barriers the block and how many
/// synchronisations the warp had seen, whether it was an atomic operation, and who.
final class GlobalRaces {
    private static final int SERIAL_SHIFT = 35;
    private static final long MOST_SERIAL = (1L << 29) - 1;
    private static final int EPOCH_SHIFT = 24;
    private static final int MOMENT_SHIFT = 13;
    private static final int MOST_COUNT = (1 << 11) - 1;
    private static final long ATOMIC = 1L << 12;
    private static final int WHO_MASK = (1 << 12) - 1;
    private static final long TIME_MASK = -1L << MOMENT_SHIFT;
    private static final int SEVERAL_OF_WARP = 2048;
    private static final int SEVERAL = 4094;
    private static final int SEVERAL_BLOCKS = 4095;
    private static final int WARP_SHIFT = 5;

    private final Block block;
    private final int granuleShift;
    private final boolean withinBlock;
    private final boolean betweenBlocks;
    private final long first;
    private long serial;
    private int epoch;

    /// @param first number of the launch's first execution of a block
    GlobalRaces(Block block, long first) {
        this.block = block;
        var program = block.launch.program();
        granuleShift = Integer.numberOfTrailingZeros(program.globalGranule());
        withinBlock = !program.clocked();
        betweenBlocks = !program.fenced();
        this.first = first;
    }

    /// A block begins.
    void begin() {
        serial = block.launch.memory().nextSerial();
        epoch = 0;
    }

    /// All threads of the block have met.
    void barrier() {
        epoch = Math.min(epoch + 1, MOST_COUNT);
    }

    private long time(Warp warp) {
        return serial << SERIAL_SHIFT
                | (long) epoch << EPOCH_SHIFT
                | (long) Math.min(epoch + warp.meetings, MOST_COUNT) << MOMENT_SHIFT;
    }

    /// @param atomic whether atomic operations may touch the same bytes
    void noteRead(Allocation found, long offset, int count, Warp warp, int lane, boolean atomic) {
        var shadow = found.shadow(false);
        if (shadow == null || serial > MOST_SERIAL) {
            return;
        }
        long time = time(warp);
        int thread = warp.firstThread + lane;
        long last = offset + count - 1 >>> granuleShift;
        for (long granule = offset >>> granuleShift; granule <= last; granule++) {
            long write = shadow.write(granule);
            if (write >>> SERIAL_SHIFT >= first
                    && !(atomic && (write & ATOMIC) != 0)
                    && conflicts(write, warp, thread)) {
                throw race(found, granule << granuleShift, "reads", write, "wrote", warp, lane);
            }
            if (atomic) {
                continue;
            }
            long read = shadow.read(granule);
            long own = time | thread + 1;
            if (read != own) {
                shadow.read(granule, joined(read, own, warp, thread));
            }
        }
    }

    private long joined(long read, long own, Warp warp, int thread) {
        if (read >>> SERIAL_SHIFT < first) {
            return own;
        }
        int who = (int) read & WHO_MASK;
        if (who == SEVERAL_BLOCKS || read >>> SERIAL_SHIFT != serial) {
            return own & TIME_MASK | SEVERAL_BLOCKS;
        }
        if (epochOf(read) != epoch) {
            return own;
        }
        if (who == thread + 1) {
            return own;
        }
        if (who == SEVERAL) {
            return own & TIME_MASK | SEVERAL;
        }
        if (warpOf(who) != warp.index) {
            return own & TIME_MASK | SEVERAL;
        }
        // What the warp has read before it synchronised is ordered as what it reads now, and before what it writes.
        return momentOf(read) < momentOf(own) ? own : own & TIME_MASK | SEVERAL_OF_WARP + warp.index;
    }

    private static int epochOf(long account) {
        return (int) (account >>> EPOCH_SHIFT) & MOST_COUNT;
    }

    private static int momentOf(long account) {
        return (int) (account >>> MOMENT_SHIFT) & MOST_COUNT;
    }

    private static int warpOf(int who) {
        return who >= SEVERAL_OF_WARP ? who - SEVERAL_OF_WARP : who - 1 >> WARP_SHIFT;
    }

    /// Whether what was done in this launch is not ordered before what a thread does now.
    private boolean conflicts(long account, Warp warp, int thread) {
        int who = (int) account & WHO_MASK;
        if (who == SEVERAL_BLOCKS || account >>> SERIAL_SHIFT != serial) {
            return betweenBlocks;
        }
        if (!withinBlock || who == thread + 1 || epochOf(account) != epoch || epoch == MOST_COUNT) {
            return false;
        }
        if (who == SEVERAL || warpOf(who) != warp.index) {
            return true;
        }
        int moment = momentOf(account);
        return moment == epoch + warp.meetings && moment < MOST_COUNT;
    }

    void noteWrite(Allocation found, long offset, int count, Warp warp, int lane, boolean atomic) {
        if (serial > MOST_SERIAL) {
            return;
        }
        var shadow = found.shadow(true);
        long own = time(warp) | (atomic ? ATOMIC : 0) | warp.firstThread + lane + 1;
        int thread = warp.firstThread + lane;
        long last = offset + count - 1 >>> granuleShift;
        for (long granule = offset >>> granuleShift; granule <= last; granule++) {
            long write = shadow.write(granule);
            if (write >>> SERIAL_SHIFT >= first
                    && !(atomic && (write & ATOMIC) != 0)
                    && conflicts(write, warp, thread)) {
                throw race(found, granule << granuleShift, "writes", write, "wrote", warp, lane);
            }
            long read = shadow.read(granule);
            if (read >>> SERIAL_SHIFT >= first && conflicts(read, warp, thread)) {
                throw race(found, granule << granuleShift, "writes", read, "read", warp, lane);
            }
            shadow.write(granule, own);
        }
    }

    private Fault race(Allocation found, long offset, String does, long account, String did, Warp warp, int lane) {
        int who = (int) account & WHO_MASK;
        boolean here = account >>> SERIAL_SHIFT == serial;
        var other = who == SEVERAL_BLOCKS
                ? "several blocks"
                : who == SEVERAL
                        ? "several threads"
                        : who >= SEVERAL_OF_WARP
                                ? "several threads of warp " + (who - SEVERAL_OF_WARP)
                                : "thread " + warp.block.threadName(who - 1);
        return new Fault(lane, "a race: " + does + " byte " + offset + " of " + found.describe() + ", which "
                + other + (here || who == SEVERAL_BLOCKS ? "" : " of another block") + " " + did
                + (here ? " without a barrier between" : " in the same launch"));
    }
}
