package org.portolan.cuda.emulator.run;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/// A piece of the device's global memory, with one bit for each byte that says whether it was ever written. Its real
/// memory lives as long as something refers to it, so that a use after the end is found and never reaches freed memory.
public final class Allocation {
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final VarHandle BITS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int BITS_SHIFT = 6;
    private static final long SMALL = 1L << 20;

    private final long address;
    private final long bytes;
    private final String label;
    private final boolean readOnly;
    /// Empty after the end.
    private MemorySegment data;
    /// Null where nobody wants to know.
    private long[] written;
    private volatile boolean ended;
    /// Null until somebody writes, and where nobody wants to know.
    private volatile AllocationShadow shadow;

    /// @param label what it is, for messages
    /// @param readOnly whether kernels may not write to it
    /// @param shadowed whether to keep account of what was written
    Allocation(long address, long bytes, String label, boolean readOnly, boolean shadowed) {
        this.address = address;
        this.bytes = bytes;
        this.label = label;
        this.readOnly = readOnly;
        data = Arena.ofAuto().allocate(bytes, Long.BYTES);
        written = shadowed ? new long[Math.toIntExact((bytes + Long.SIZE - 1) >>> BITS_SHIFT)] : null;
    }

    /// Where it begins on the device.
    public long address() {
        return address;
    }

    public long bytes() {
        return bytes;
    }

    boolean ended() {
        return ended;
    }

    boolean readOnly() {
        return readOnly;
    }

    /// The first 64 bits, as a host sees them that looks while kernels run.
    public long first() {
        return data().get(LONG, 0);
    }

    MemorySegment data() {
        return data;
    }

    /// Lets the memory go; the place is remembered.
    void end() {
        ended = true;
        data = MemorySegment.NULL;
        written = null;
        shadow = null;
    }

    /// Who wrote and read it, where races are looked for. Memory that kernels never write, such as weights, has no accounts of
    /// who reads it, unless it is small.
    ///
    /// @param make whether it is needed
    AllocationShadow shadow(boolean make) {
        var known = shadow;
        return known == null && (make || bytes <= SMALL) ? makeShadow() : known;
    }

    private synchronized AllocationShadow makeShadow() {
        if (shadow == null) {
            shadow = new AllocationShadow(bytes);
        }
        return shadow;
    }

    /// Whether all of some bytes were written; at most 16 of them, aligned to their number.
    boolean written(long offset, int count) {
        var known = written;
        if (known == null) {
            return true;
        }
        long bits = mask(count) << offset;
        return (known[(int) (offset >>> BITS_SHIFT)] & bits) == bits;
    }

    /// Notes that some bytes are written; at most 16 of them, aligned to their number. Threads do this at once.
    void note(long offset, int count) {
        var known = written;
        if (known == null) {
            return;
        }
        int index = (int) (offset >>> BITS_SHIFT);
        long bits = mask(count) << offset;
        if ((known[index] & bits) != bits) {
            BITS.getAndBitwiseOr(known, index, bits);
        }
    }

    private static long mask(int count) {
        return (1L << count) - 1;
    }

    /// Copies bytes from the host, from the segment's start.
    public void copyIn(MemorySegment host, long offset, long count) {
        MemorySegment.copy(host, 0, data, offset, count);
        noteAll(offset, count);
    }

    /// Copies bytes to the host, to the segment's start.
    public void copyOut(long offset, MemorySegment host, long count) {
        MemorySegment.copy(data, offset, host, 0, count);
    }

    /// Copies bytes to another allocation, and what is known of them.
    public void copyTo(long offset, Allocation other, long otherOffset, long count) {
        MemorySegment.copy(data, offset, other.data, otherOffset, count);
        if (written == null || other.written == null) {
            return;
        }
        for (long index = 0; index < count; index++) {
            if (written(offset + index, 1)) {
                other.note(otherOffset + index, 1);
            }
        }
    }

    /// Notes that a stretch is written.
    void noteAll(long offset, long count) {
        if (written == null || count == 0) {
            return;
        }
        long end = offset + count;
        int first = (int) (offset >>> BITS_SHIFT);
        int last = (int) (end - 1 >>> BITS_SHIFT);
        long head = -1L << offset;
        long tail = -1L >>> -end;
        if (first == last) {
            BITS.getAndBitwiseOr(written, first, head & tail);
            return;
        }
        BITS.getAndBitwiseOr(written, first, head);
        Arrays.fill(written, first + 1, last, -1L);
        BITS.getAndBitwiseOr(written, last, tail);
    }

    /// What it is and where, for messages.
    String describe() {
        return "the " + bytes + " bytes " + (label.isEmpty() ? "" : "of " + label + " ") + "at 0x"
                + Long.toHexString(address);
    }
}
