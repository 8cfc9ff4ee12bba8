package org.portolan.cuda.emulator.run;

import java.lang.foreign.ValueLayout;

/// Writes one register or several ones side by side.
public final class Store extends MemoryInstruction {
    private static final String WRITES = "writes";

    private final boolean wide;
    private final int width;
    private final int[] from;
    private final boolean others;

    /// @param wide whether the registers have 64 bits
    /// @param width bytes of each register in memory
    /// @param others whether the store is made for memory that others change at the same time
    /// @param from slots of the registers
    public Store(Space space, Address address, boolean wide, int width, boolean others, int... from) {
        super(space, address, width * from.length);
        this.wide = wide;
        this.width = width;
        this.others = others;
        this.from = from.clone();
    }

    @Override
    void run(Warp warp, int mask) {
        var addresses = addresses(warp, mask, WRITES);
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            lane(warp, space, addresses[lane], lane);
        }
    }

    private void lane(Warp warp, Space where, long at, int lane) {
        switch (where) {
            case GLOBAL -> {
                var found = writable(warp, at, bytes, lane, others);
                long offset = at - found.address();
                for (int part = 0; part < from.length; part++) {
                    global(found, offset + (long) part * width, value(warp, part, lane));
                }
            }
            case SHARED -> {
                var shared = warp.block.shared;
                int offset = shared.locate(at, bytes, lane, WRITES);
                shared.noteWrite(offset, bytes, warp, lane);
                for (int part = 0; part < from.length; part++) {
                    array(shared.data, offset + part * width, value(warp, part, lane));
                }
            }
            case LOCAL -> {
                int offset = local(warp, at, bytes, lane, WRITES);
                for (int index = offset; index < offset + bytes && warp.localWritten.length > 0; index++) {
                    warp.localWritten[index] = true;
                }
                for (int part = 0; part < from.length; part++) {
                    array(warp.local, offset + part * width, value(warp, part, lane));
                }
            }
            case PARAM -> throw new Fault(lane, "writes to a parameter");
            case GENERIC -> {
                var found = Space.of(at);
                lane(warp, found, at - found.window(), lane);
            }
        }
    }

    private long value(Warp warp, int part, int lane) {
        return wide ? warp.longs[from[part] + lane] : warp.words[from[part] + lane];
    }

    private void global(Allocation found, long offset, long value) {
        var data = found.data();
        switch (width) {
            case 1 -> data.set(ValueLayout.JAVA_BYTE, offset, (byte) value);
            case 2 -> data.set(Allocation.SHORT, offset, (short) value);
            case 4 -> data.set(Allocation.INT, offset, (int) value);
            default -> data.set(Allocation.LONG, offset, value);
        }
    }

    private void array(byte[] data, int offset, long value) {
        switch (width) {
            case 1 -> data[offset] = (byte) value;
            case 2 -> SharedMemory.SHORT.set(data, offset, (short) value);
            case 4 -> SharedMemory.INT.set(data, offset, (int) value);
            default -> SharedMemory.LONG.set(data, offset, value);
        }
    }
}
