package org.portolan.cuda.emulator.run;

/// An instruction that reads or writes memory: finds the bytes, and refuses those that may not be touched.
abstract class MemoryInstruction extends Instruction {
    final Space space;
    final Address address;
    /// Bytes that a lane touches.
    final int bytes;
    /// The allocation that was touched last: mostly the next one too.
    private Allocation near;

    MemoryInstruction(Space space, Address address, int bytes) {
        this.space = space;
        this.address = address;
        this.bytes = bytes;
    }

    /// The addresses of all lanes, aligned, and counted.
    long[] addresses(Warp warp, int mask, String what) {
        var block = warp.block;
        var addresses = block.addresses;
        address.resolve(warp, mask, addresses);
        long seen = 0;
        if (mask == -1) {
            for (int lane = 0; lane < Warp.LANES; lane++) {
                seen |= addresses[lane];
            }
        } else {
            for (int left = mask; left != 0; left &= left - 1) {
                seen |= addresses[Integer.numberOfTrailingZeros(left)];
            }
        }
        if ((seen & bytes - 1) != 0) {
            throw misaligned(addresses, mask, what);
        }
        if (block.memoryCounters != null) {
            count(block.memoryCounters, warp, addresses, mask);
        }
        return addresses;
    }

    private Fault misaligned(long[] addresses, int mask, String what) {
        int lane = Integer.numberOfTrailingZeros(mask);
        while ((mask >>> lane & 1) == 0 || (addresses[lane] & bytes - 1) == 0) {
            lane++;
        }
        return new Fault(
                lane,
                what + " " + bytes + " bytes at 0x" + Long.toHexString(addresses[lane])
                        + ", which is no multiple of " + bytes);
    }

    private void count(MemoryCounters counters, Warp warp, long[] addresses, int mask) {
        var where = space == Space.GENERIC ? Space.of(addresses[Integer.numberOfTrailingZeros(mask)]) : space;
        if (where == Space.GLOBAL) {
            counters.global(warp.counter, addresses, mask, bytes);
        } else if (where == Space.SHARED) {
            counters.shared(warp.counter, addresses, mask, bytes);
        }
    }

    /// The allocation that holds a lane's bytes.
    final Allocation allocation(Warp warp, long at, int count, int lane, String what) {
        var last = near;
        if (last != null && !last.ended()) {
            long offset = at - last.address();
            if (offset >= 0 && offset <= last.bytes() - count) {
                return last;
            }
        }
        var found = warp.block.launch.memory().find(at, count, lane, what);
        near = found;
        return found;
    }

    /// The same for a reader: the bytes must have been written.
    ///
    /// @param atomic whether others may change them in the same way at the same time
    final Allocation readable(Warp warp, long at, int count, int lane, boolean atomic) {
        var found = written(warp, at, count, lane);
        var races = warp.block.races;
        if (races != null) {
            races.noteRead(found, at - found.address(), count, warp, lane, atomic);
        }
        return found;
    }

    /// The allocation that holds a lane's bytes, which must have been written.
    final Allocation written(Warp warp, long at, int count, int lane) {
        var found = allocation(warp, at, count, lane, "reads");
        if (!found.written(at - found.address(), count) && !warp.block.launch.failed().getAsBoolean()) {
            throw new Fault(
                    lane,
                    "reads " + count + " bytes at 0x" + Long.toHexString(at) + ", byte " + (at - found.address())
                            + " of " + found.describe() + ", which nobody wrote");
        }
        return found;
    }

    /// The same for a writer.
    ///
    /// @param atomic whether others may change them in the same way at the same time
    final Allocation writable(Warp warp, long at, int count, int lane, boolean atomic) {
        var found = allocation(warp, at, count, lane, "writes");
        if (found.readOnly()) {
            throw new Fault(lane, "writes to " + found.describe() + ", which is constant");
        }
        var races = warp.block.races;
        if (races != null) {
            races.noteWrite(found, at - found.address(), count, warp, lane, atomic);
        }
        found.note(at - found.address(), count);
        return found;
    }

    /// The place of a lane's bytes in the warp's local memory.
    final int local(Warp warp, long at, int count, int lane, String what) {
        int each = warp.local.length / Warp.LANES;
        if (at < 0 || at > each - count) {
            throw new Fault(
                    lane,
                    what + " " + count + " bytes of local memory at " + at + ", of which there are " + each + " bytes");
        }
        return lane * each + (int) at;
    }
}
