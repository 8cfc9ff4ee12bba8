package org.portolan.cuda.emulator.run;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/// The device's global memory: allocations at addresses that mean nothing to the host, with room between them that
/// belongs to nobody, and never at an address that was used before.
public final class GlobalMemory {
    /// Addresses begin here, far from the windows of the other spaces.
    private static final long FIRST_ADDRESS = 0x7_0000_0000L;
    private static final long ALIGNMENT = 512;
    /// Between two allocations, so that a step beyond the end hits nothing.
    private static final long RED_ZONE = 4096;
    /// So many ended allocations are remembered, to tell a use after the end from a wild address.
    private static final int REMEMBERED = 4096;

    private final long capacity;
    private final boolean shadowed;
    /// Executions of blocks so far.
    private final AtomicLong serial = new AtomicLong();
    private long used;
    private long next = FIRST_ADDRESS;
    private volatile Table table = new Table(new long[0], new Allocation[0]);

    /// Sorted by address.
    private record Table(long[] addresses, Allocation[] allocations) {}

    /// @param capacity in bytes
    /// @param shadowed whether to keep account of what was written
    public GlobalMemory(long capacity, boolean shadowed) {
        this.capacity = capacity;
        this.shadowed = shadowed;
    }

    public long capacity() {
        return capacity;
    }

    /// The number of the next execution of a block.
    long serial() {
        return serial.get() + 1;
    }

    /// A number for an execution of a block.
    long nextSerial() {
        return serial.incrementAndGet();
    }

    /// Bytes that are not allocated.
    public synchronized long left() {
        return capacity - used;
    }

    /// Allocates memory that nobody has written; null if there is not that much left.
    ///
    /// @param alignment a power of two
    /// @param label what it is, for messages
    public synchronized Allocation allocate(long bytes, long alignment, String label, boolean readOnly) {
        if (bytes > capacity - used) {
            return null;
        }
        long step = Math.max(alignment, ALIGNMENT);
        long address = (next + step - 1) & -step;
        Allocation allocation;
        try {
            allocation = new Allocation(address, bytes, label, readOnly, shadowed);
        } catch (OutOfMemoryError | ArithmeticException e) {
            // The host has less than the device is said to have.
            return null;
        }
        used += bytes;
        next = address + bytes + RED_ZONE;
        var kept = table.allocations;
        if (kept.length > 2 * REMEMBERED) {
            int surplus = kept.length - REMEMBERED;
            var old = kept;
            kept = IntStream.range(0, old.length)
                    .filter(index -> index >= surplus || !old[index].ended())
                    .mapToObj(index -> old[index])
                    .toArray(Allocation[]::new);
        }
        var allocations = Arrays.copyOf(kept, kept.length + 1);
        allocations[kept.length] = allocation;
        table = new Table(
                Arrays.stream(allocations).mapToLong(Allocation::address).toArray(), allocations);
        return allocation;
    }

    /// Ends an allocation.
    public synchronized void free(Allocation allocation) {
        if (!allocation.ended()) {
            allocation.end();
            used -= allocation.bytes();
        }
    }

    /// The allocation that holds some bytes.
    ///
    /// @param lane that asks, for the message
    /// @param what is done, as in {@code reads}
    /// @throws Fault if there is none, or it has ended
    Allocation find(long address, long count, int lane, String what) {
        var found = holding(address, count);
        if (found == null) {
            throw new Fault(
                    lane, what + " " + count + " bytes at 0x" + Long.toHexString(address) + ", " + describe(address));
        }
        return found;
    }

    /// The allocation that holds some bytes; null if none does.
    public Allocation holding(long address, long count) {
        var seen = table;
        int index = Arrays.binarySearch(seen.addresses, address);
        index = index >= 0 ? index : -index - 2;
        var near = index >= 0 ? seen.allocations[index] : null;
        boolean held = near != null && !near.ended() && address - near.address() <= near.bytes() - count;
        return held ? near : null;
    }

    /// Says what is at an address that no allocation holds, for messages.
    public String describe(long address) {
        var seen = table;
        int index = Arrays.binarySearch(seen.addresses, address);
        index = index >= 0 ? index : -index - 2;
        return where(
                address,
                index >= 0 ? seen.allocations[index] : null,
                index + 1 < seen.allocations.length ? seen.allocations[index + 1] : null);
    }

    private static String where(long address, Allocation below, Allocation above) {
        if (below != null && below.ended() && address < below.address() + below.bytes()) {
            return "which belonged to " + below.describe() + " until that was freed";
        }
        if (below != null && address < below.address() + below.bytes() + RED_ZONE) {
            long beyond = address - below.address() - below.bytes();
            return beyond < 0
                    ? "which reaches beyond the end of " + below.describe()
                    : beyond + " bytes beyond the end of " + below.describe();
        }
        if (above != null && above.address() - address <= RED_ZONE) {
            return above.address() - address + " bytes before " + above.describe();
        }
        return "which is in no allocation";
    }
}
