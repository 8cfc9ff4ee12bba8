package org.portolan.cuda.emulator.run;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/// The shared memory of the block that a worker is running, and who wrote and read it since the last barrier. Two
/// threads that touch the same bytes, one of them writing, need a barrier between; threads of one warp may also have a
/// {@code bar.warp.sync} between.
final class SharedMemory {
    static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    /// An account is the epoch, whether it was an atomic operation, how often the warp had synchronised, and who.
    private static final int EPOCH_SHIFT = 32;
    private static final long ATOMIC = 1L << 31;
    private static final int SYNC_SHIFT = 12;
    private static final int SYNC_MASK = (1 << 19) - 1;
    private static final int WHO_MASK = (1 << SYNC_SHIFT) - 1;
    /// Several threads of a warp; the warp's number is added.
    private static final int SEVERAL_OF_WARP = 2048;
    private static final int SEVERAL = 4095;

    final byte[] data;
    private final List<SharedVariable> variables;
    private final int granuleShift;
    /// Null where nobody wants to know.
    private final long[] writes;
    private final long[] reads;
    /// Who copies to it asynchronously and has not waited yet, plus one; null where the kernel has no such copies.
    private final int[] pending;
    private int epoch;
    private int firstEpoch;
    /// The account of several threads of several warps that have read in this epoch.
    private long several;
    /// Where the variable that was touched last begins and ends: mostly it is the next one too.
    private long nearBegin;
    private long nearEnd;

    /// @param variables with their places, in order
    /// @param bytes of all, with the gaps between them
    /// @param granule the fewest bytes that the kernel accesses at once: what accounts are kept of
    SharedMemory(List<SharedVariable> variables, int bytes, int granule, boolean checked, boolean asynchronous) {
        this.variables = variables;
        data = new byte[bytes];
        granuleShift = Integer.numberOfTrailingZeros(granule);
        int granules = checked ? (bytes >>> granuleShift) + 1 : 0;
        writes = checked ? new long[granules] : null;
        reads = checked ? new long[granules] : null;
        pending = checked && asynchronous ? new int[granules] : null;
    }

    /// A block begins: what is there was written by nobody.
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

    /// All threads of the block have met.
    void barrier() {
        epoch++;
        several = (long) epoch << EPOCH_SHIFT | SEVERAL;
    }

    /// The place of some bytes in {@link #data}.
    int locate(long address, int count, int lane, String what) {
        if (address >= nearBegin && address <= nearEnd - count) {
            return (int) address;
        }
        for (var variable : variables) {
            long offset = address - variable.offset();
            if (offset >= 0 && offset <= variable.bytes() - count) {
                nearBegin = variable.offset();
                nearEnd = nearBegin + variable.bytes();
                return (int) address;
            }
        }
        throw new Fault(lane, what + " " + count + " bytes of shared memory at " + (int) address + where(address));
    }

    private String where(long address) {
        for (var variable : variables) {
            long beyond = address - variable.offset() - variable.bytes();
            if (address >= variable.offset() && beyond < SharedVariable.GAP) {
                return beyond < 0
                        ? ", which reaches beyond the end of " + variable.describe()
                        : ", " + beyond + " bytes beyond the end of " + variable.describe();
            }
        }
        return ", where there is no variable";
    }

    void noteRead(int at, int count, Warp warp, int lane) {
        if (writes == null) {
            return;
        }
        int last = at + count - 1 >>> granuleShift;
        for (int granule = at >>> granuleShift; granule <= last; granule++) {
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
            if (pending != null && pending[granule] != 0) {
                throw new Fault(lane, "reads shared memory at " + at + name(at) + ", to which thread "
                        + warp.block.threadName(pending[granule] - 1)
                        + " copies asynchronously and has not waited for its end (cp.async.wait_group)");
            }
            if (writeEpoch < firstEpoch) {
                throw new Fault(lane, "reads shared memory at " + at + name(at) + " that no thread of the block wrote");
            }
            int thread = warp.firstThread + lane;
            if (writeEpoch == epoch && conflicts(write, warp, thread)) {
                throw race(at, "reads", warp, write, "wrote", lane);
            }
            reads[granule] = joined(read, warp, thread);
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
        return warpOfWho == warp.index ? account(warp, SEVERAL_OF_WARP + warp.index) : several;
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
        int synchronisations = (int) (account >>> SYNC_SHIFT) & SYNC_MASK;
        return warpOfWho != warp.index || synchronisations == (warp.synchronisations & SYNC_MASK);
    }

    void noteWrite(int at, int count, Warp warp, int lane) {
        noteWrite(at, count, warp, lane, false);
    }

    /// @param atomic whether other atomic operations may touch the same bytes
    void noteWrite(int at, int count, Warp warp, int lane, boolean atomic) {
        if (writes == null) {
            return;
        }
        int thread = warp.firstThread + lane;
        int last = at + count - 1 >>> granuleShift;
        for (int granule = at >>> granuleShift; granule <= last; granule++) {
            long write = writes[granule];
            if (pending != null && pending[granule] != 0) {
                throw new Fault(lane, "writes shared memory at " + at + name(at) + ", to which thread "
                        + warp.block.threadName(pending[granule] - 1) + " copies asynchronously at the same time");
            }
            if (atomic && (int) (write >>> EPOCH_SHIFT) < firstEpoch) {
                throw new Fault(
                        lane, "updates shared memory at " + at + name(at) + " that no thread of the block wrote");
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

    /// A thread begins to copy to some bytes.
    void noteCopyBegin(int at, int count, Warp warp, int lane) {
        if (pending == null) {
            return;
        }
        noteWrite(at, count, warp, lane);
        int last = at + count - 1 >>> granuleShift;
        for (int granule = at >>> granuleShift; granule <= last; granule++) {
            pending[granule] = warp.firstThread + lane + 1;
        }
    }

    /// A thread has waited for its copy: it wrote the bytes now.
    void noteCopyEnd(int at, int count, Warp warp, int lane) {
        if (pending == null) {
            return;
        }
        int last = at + count - 1 >>> granuleShift;
        for (int granule = at >>> granuleShift; granule <= last; granule++) {
            pending[granule] = 0;
        }
        noteWrite(at, count, warp, lane);
    }

    private Fault race(int at, String does, Warp warp, long account, String did, int lane) {
        int who = (int) account & WHO_MASK;
        var other = who == SEVERAL
                ? "several threads"
                : who >= SEVERAL_OF_WARP
                        ? "several threads of warp " + (who - SEVERAL_OF_WARP)
                        : "thread " + warp.block.threadName(who - 1);
        return new Fault(lane, "a race: " + does + " shared memory at " + at + name(at) + ", which " + other + " " + did
                + " without a barrier between");
    }

    private String name(int at) {
        for (var variable : variables) {
            if (at >= variable.offset() && at < variable.offset() + variable.bytes()) {
                return " (byte " + (at - variable.offset()) + " of " + variable.name() + ")";
            }
        }
        return "";
    }
}
