package org.portolan.cuda.emulator.run;

import java.lang.foreign.ValueLayout;

/// {@code cp.async}: begins to copy 4, 8 or 16 bytes from global to shared memory.
public final class AsyncCopy extends MemoryInstruction {
    private final Address from;
    private final int count;

    /// @param to in shared memory
    /// @param from in global memory
    /// @param count slot of the bytes to read, the others become 0; -1: all
    public AsyncCopy(Address to, Address from, int bytes, int count) {
        super(Space.SHARED, to, bytes);
        this.from = from;
        this.count = count;
    }

    @Override
    void run(Warp warp, int mask) {
        var shared = warp.block.shared;
        var copies = warp.copies;
        copies.begin(mask, bytes);
        var places = addresses(warp, mask, "copies").clone();
        var addresses = warp.block.addresses;
        from.resolve(warp, mask, addresses);
        if (warp.block.memoryCounters != null) {
            warp.block.memoryCounters.global(warp.counter, addresses, mask, bytes);
        }
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            long at = addresses[lane];
            int read = count < 0 ? bytes : Math.clamp(warp.words[count + lane], 0, bytes);
            if ((at & bytes - 1) != 0) {
                throw new Fault(
                        lane,
                        "copies " + bytes + " bytes from 0x" + Long.toHexString(at) + ", which is no multiple of "
                                + bytes);
            }
            int place = shared.locate(places[lane], bytes, lane, "copies");
            if (shared.accounts != null) {
                shared.accounts.noteCopyBegin(place, bytes, warp, lane);
            }
            copies.set(lane, place, part(warp, at, lane, read), part(warp, at + Long.BYTES, lane, read - Long.BYTES));
        }
    }

    /// Up to eight bytes, zeros where they are not to be read.
    private long part(Warp warp, long at, int lane, int read) {
        if (read <= 0) {
            return 0;
        }
        int length = Math.min(read, Long.BYTES);
        var found = allocation(warp, at, length, lane, "reads");
        long offset = at - found.address();
        if (warp.block.races != null) {
            warp.block.races.noteRead(found, offset, length, warp, lane, false);
        }
        long value = 0;
        for (int index = 0; index < length; index++) {
            if (!found.written(offset + index, 1) && !warp.block.launch.failed().getAsBoolean()) {
                throw new Fault(
                        lane,
                        "copies byte " + (offset + index) + " of " + found.describe() + ", which nobody wrote");
            }
            value |= (found.data().get(ValueLayout.JAVA_BYTE, offset + index) & 0xFFL) << index * Byte.SIZE;
        }
        return value;
    }

    /// {@code cp.async.commit_group}.
    public static Instruction commit() {
        return new Commit();
    }

    /// {@code cp.async.wait_group} and {@code cp.async.wait_all}.
    ///
    /// @param groups that may still be under way; -1: none, and not those that are in no group either
    public static Instruction await(int groups) {
        return new Await(groups);
    }

    private static final class Commit extends Instruction {
        @Override
        void run(Warp warp, int mask) {
            warp.copies.commit(mask);
        }
    }

    private static final class Await extends Instruction {
        private final int groups;

        Await(int groups) {
            this.groups = groups;
        }

        @Override
        void run(Warp warp, int mask) {
            if (groups < 0) {
                warp.copies.awaitAll(warp, mask);
            } else {
                warp.copies.await(warp, mask, groups);
            }
        }
    }
}
