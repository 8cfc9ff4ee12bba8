package org.portolan.cuda.emulator.run;

import java.util.List;

/// Who wrote and read the shared memory of a block, so far as it matters for what others may do with it now. Accounts are
/// kept of granules: the fewest bytes that the kernel accesses at once.
abstract class SharedAccounts {
    final List<SharedVariable> variables;
    final int granuleShift;
    final int granules;
    /// Who copies to a granule with {@code cp.async} and has not waited yet, plus one; null where the kernel has no such
    /// copies.
    final int[] pending;

    /// @param granule in bytes
    /// @param asynchronous whether the kernel has {@code cp.async}
    SharedAccounts(List<SharedVariable> variables, int granule, boolean asynchronous) {
        this.variables = variables;
        granuleShift = Integer.numberOfTrailingZeros(granule);
        granules = (SharedMemory.end(variables) >>> granuleShift) + 1;
        pending = asynchronous ? new int[granules] : null;
    }

    /// A block begins: what is there was written by nobody.
    abstract void begin();

    /// All threads of the block have met.
    abstract void barrier();

    /// Lanes of a warp have met.
    abstract void warpBarrier(Warp warp, int mask);

    abstract void noteRead(int at, int count, Warp warp, int lane);

    /// The same for each of some lanes.
    void noteReads(long[] places, int count, Warp warp, int mask) {
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            noteRead((int) places[lane], count, warp, lane);
        }
    }

    /// @param atomic whether other atomic operations may touch the same bytes
    abstract void noteWrite(int at, int count, Warp warp, int lane, boolean atomic);

    /// A thread begins to copy to some bytes.
    final void noteCopyBegin(int at, int count, Warp warp, int lane) {
        noteWrite(at, count, warp, lane, false);
        int last = last(at, count);
        for (int granule = first(at); granule <= last; granule++) {
            pending[granule] = warp.firstThread + lane + 1;
        }
    }

    /// A thread has waited for its copy: it wrote the bytes now.
    final void noteCopyEnd(int at, int count, Warp warp, int lane) {
        int last = last(at, count);
        for (int granule = first(at); granule <= last; granule++) {
            pending[granule] = 0;
        }
        noteWrite(at, count, warp, lane, false);
    }

    final int first(int at) {
        return at >>> granuleShift;
    }

    final int last(int at, int count) {
        return at + count - 1 >>> granuleShift;
    }

    final String place(int at) {
        return "shared memory at " + at + SharedMemory.name(variables, at);
    }

    final void refuseReadOfPending(int granule, int at, Warp warp, int lane) {
        if (pending[granule] != 0) {
            throw new Fault(lane, "reads " + place(at) + ", to which thread "
                    + warp.block.threadName(pending[granule] - 1)
                    + " copies asynchronously and has not waited for its end (cp.async.wait_group)");
        }
    }

    final void refuseWriteOfPending(int granule, int at, Warp warp, int lane) {
        if (pending[granule] != 0) {
            throw new Fault(lane, "writes " + place(at) + ", to which thread "
                    + warp.block.threadName(pending[granule] - 1) + " copies asynchronously at the same time");
        }
    }

    final Fault unwritten(String does, int at, int lane) {
        return new Fault(lane, does + " " + place(at) + " that no thread of the block wrote");
    }

    final Fault race(String does, int at, String other, String did, int lane) {
        return new Fault(lane, "a race: " + does + " " + place(at) + ", which " + other + " " + did
                + " without a barrier between");
    }
}
