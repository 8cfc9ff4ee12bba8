package org.portolan.cuda.emulator.run;

import java.util.Arrays;
import java.util.List;

/// Accounts of kernels whose threads wait for each other only at barriers of the whole block: everything is ordered by
/// how many of them there were. Two threads that touch the same bytes, one of them writing, need such a barrier between;
/// threads of one warp may also have a {@code bar.warp.sync} between.
final class EpochAccounts extends SharedAccounts {
    /// An account is the epoch, whether it was an atomic operation, how often the warp had synchronised, and who.
    private static final int EPOCH_SHIFT = 32;
    private static final long ATOMIC = 1L << 31;
    private static final int SYNC_SHIFT = 12;
    private static final int SYNC_MASK = (1 << 19) - 1;
    private static final int WHO_MASK = (1 << SYNC_SHIFT) - 1;
    /// Several threads of a warp; the warp's number is added.
    private static final int SEVERAL_OF_WARP = 2048;
    private static final int SEVERAL = 4095;

    private final long[] writes;
    private final long[] reads;
    private int epoch;
    private int firstEpoch;
    /// The account of several threads of several warps that have read in this epoch.
    private long several;

    EpochAccounts(List<SharedVariable> variables, int granule, boolean asynchronous) {
        super(variables, granule, asynchronous);
        writes = new long[granules];
        reads = new long[granules];
    }

    @Override
    void begin() {
        epoch++;
        if (epoch == Integer.MAX_VALUE) {
            Arrays.fill(writes, 0);
            Arrays.fill(reads, 0);
            epoch = 1;
        }
        firstEpoch = epoch;
        several = (long) epoch << EPOCH_SHIFT | SEVERAL;
        if (pending != null) {
            Arrays.fill(pending, 0);
        }
    }

    @Override
    void barrier() {
        epoch++;
        several = (long) epoch << EPOCH_SHIFT | SEVERAL;
    }

    @Override
    void warpBarrier(Warp warp, int mask) {
        warp.synchronisations++;
    }

    @Override
    void noteRead(int at, int count, Warp warp, int lane) {
        int last = last(at, count);
        for (int granule = first(at); granule <= last; granule++) {
            long write = writes[granule];
            int writeEpoch = (int) (write >>> EPOCH_SHIFT);
            long read = reads[granule];
            if (pending == null && writeEpoch >= firstEpoch && writeEpoch < epoch) {
                // The usual case: written before the last barrier. Who reads matters until there are several.
                if (read != several && read != account(warp, SEVERAL_OF_WARP + warp.index)) {
                    reads[granule] = joined(read, warp, warp.firstThread + lane);
                }
                continue;
            }
            if (pending != null) {
                refuseReadOfPending(granule, at, warp, lane);
            }
            if (writeEpoch < firstEpoch) {
                throw unwritten("reads", at, lane);
            }
            int thread = warp.firstThread + lane;
            if (writeEpoch == epoch && conflicts(write, warp, thread)) {
                throw race(at, "reads", warp, write, "wrote", lane);
            }
            reads[granule] = joined(read, warp, thread);
        }
    }

    /// Where several threads have read in this epoch, or this one since its warp synchronised, nobody can have written since: then
    /// there is nothing to look for and nothing to note, and that is the usual case.
    @Override
    void noteReads(long[] places, int count, Warp warp, int mask) {
        if (pending != null) {
            super.noteReads(places, count, warp, mask);
            return;
        }
        long ofWarp = account(warp, SEVERAL_OF_WARP + warp.index);
        long all = several;
        long ofThread = account(warp, 0) + warp.firstThread + 1;
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            int at = (int) places[lane];
            int last = last(at, count);
            for (int granule = first(at); granule <= last; granule++) {
                long read = reads[granule];
                if (read != all && read != ofWarp && read != ofThread + lane) {
                    noteRead(granule << granuleShift, 1, warp, lane);
                }
            }
        }
    }

    private long joined(long read, Warp warp, int thread) {
        long own = account(warp, thread + 1);
        if ((int) (read >>> EPOCH_SHIFT) != epoch) {
            return own;
        }
        int who = (int) read & WHO_MASK;
        if (who == thread + 1 || who == SEVERAL) {
            return who == SEVERAL ? several : own;
        }
        int warpOfWho = who >= SEVERAL_OF_WARP ? who - SEVERAL_OF_WARP : who - 1 >> 5;
        if (warpOfWho != warp.index) {
            return several;
        }
        // What the warp has read before it synchronised is ordered as what it reads now, and before what it writes.
        return synchronisationsOf(read) == (warp.synchronisations & SYNC_MASK)
                ? account(warp, SEVERAL_OF_WARP + warp.index)
                : own;
    }

    private long account(Warp warp, int who) {
        return (long) epoch << EPOCH_SHIFT | (long) (warp.synchronisations & SYNC_MASK) << SYNC_SHIFT | who;
    }

    /// Whether what another did in this epoch is not ordered before what a thread does now.
    private static boolean conflicts(long account, Warp warp, int thread) {
        int who = (int) account & WHO_MASK;
        if (who == thread + 1) {
            return false;
        }
        if (who == SEVERAL) {
            return true;
        }
        int warpOfWho = who >= SEVERAL_OF_WARP ? who - SEVERAL_OF_WARP : who - 1 >> 5;
        return warpOfWho != warp.index || synchronisationsOf(account) == (warp.synchronisations & SYNC_MASK);
    }

    private static int synchronisationsOf(long account) {
        return (int) (account >>> SYNC_SHIFT) & SYNC_MASK;
    }

    @Override
    void noteWrite(int at, int count, Warp warp, int lane, boolean atomic) {
        int thread = warp.firstThread + lane;
        int last = last(at, count);
        for (int granule = first(at); granule <= last; granule++) {
            long write = writes[granule];
            if (pending != null) {
                refuseWriteOfPending(granule, at, warp, lane);
            }
            if (atomic && (int) (write >>> EPOCH_SHIFT) < firstEpoch) {
                throw unwritten("updates", at, lane);
            }
            if ((int) (write >>> EPOCH_SHIFT) == epoch
                    && !(atomic && (write & ATOMIC) != 0)
                    && conflicts(write, warp, thread)) {
                throw race(at, "writes", warp, write, "wrote", lane);
            }
            long read = reads[granule];
            if ((int) (read >>> EPOCH_SHIFT) == epoch && conflicts(read, warp, thread)) {
                throw race(at, "writes", warp, read, "read", lane);
            }
            writes[granule] = account(warp, thread + 1) | (atomic ? ATOMIC : 0);
        }
    }

    private Fault race(int at, String does, Warp warp, long account, String did, int lane) {
        int who = (int) account & WHO_MASK;
        var other = who == SEVERAL
                ? "several threads"
                : who >= SEVERAL_OF_WARP
                        ? "several threads of warp " + (who - SEVERAL_OF_WARP)
                        : "thread " + warp.block.threadName(who - 1);
        return race(does, at, other, did, lane);
    }
}
