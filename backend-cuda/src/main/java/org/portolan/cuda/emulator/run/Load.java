package org.portolan.cuda.emulator.run;

import java.lang.foreign.ValueLayout;

/// Reads one register or several ones that lie side by side.
public final class Load extends MemoryInstruction {
    private static final String READS = "reads";

    private final Target target;
    private final int width;
    private final int[] to;

    /// What becomes of the bytes.
    ///
    /// @param wide whether they go to 64-bit registers
    /// @param signed whether short ones are extended by their sign
    /// @param mask bits that the register has, for 32-bit ones
    /// @param shared whether the load is made for memory that others change at the same time
    public record Target(boolean wide, boolean signed, int mask, boolean shared) {}

    /// @param width bytes of each register in memory
    /// @param to slots of the registers; -1: the value is not wanted
    public Load(Space space, Address address, Target target, int width, int... to) {
        super(space, address, width * to.length);
        this.target = target;
        this.width = width;
        this.to = to.clone();
    }

    @Override
    void run(Warp warp, int mask) {
        if (space == Space.PARAM) {
            var addresses = warp.block.addresses;
            address.resolve(warp, mask, addresses);
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                parameter(warp, addresses[lane], lane);
            }
            return;
        }
        var addresses = addresses(warp, mask, READS);
        if (space == Space.GLOBAL && width == Integer.BYTES && to.length == 1 && !target.wide) {
            words(warp, mask, addresses);
            return;
        }
        if (space == Space.SHARED && width == Integer.BYTES && !target.wide) {
            sharedWords(warp, mask, addresses);
            return;
        }
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            lane(warp, space, addresses[lane], lane);
        }
    }

    private void sharedWords(Warp warp, int mask, long[] addresses) {
        var words = warp.words;
        var shared = warp.block.shared;
        var data = shared.data;
        shared.locate(addresses, mask, bytes, READS);
        if (shared.accounts != null) {
            shared.accounts.noteReads(addresses, bytes, warp, mask);
        }
        if (mask == -1 && to.length == 4) {
            sharedQuads(words, data, addresses);
            return;
        }
        for (int part = 0; part < to.length; part++) {
            int slot = to[part];
            for (int left = slot < 0 ? 0 : mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                words[slot + lane] = (int) SharedMemory.INT.get(data, (int) addresses[lane] + part * Integer.BYTES);
            }
        }
    }

    /// Four words of every lane, two at a time: what products spend their time with.
    private void sharedQuads(int[] words, byte[] data, long[] addresses) {
        for (int part = 0; part < to.length; part += 2) {
            int first = to[part];
            int second = to[part + 1];
            int offset = part * Integer.BYTES;
            if (first < 0 || second < 0) {
                for (int lane = 0; lane < Warp.LANES; lane++) {
                    long both = (long) SharedMemory.LONG.get(data, (int) addresses[lane] + offset);
                    if (first >= 0) {
                        words[first + lane] = (int) both;
                    }
                    if (second >= 0) {
                        words[second + lane] = (int) (both >>> Integer.SIZE);
                    }
                }
                continue;
            }
            for (int lane = 0; lane < Warp.LANES; lane++) {
                long both = (long) SharedMemory.LONG.get(data, (int) addresses[lane] + offset);
                words[first + lane] = (int) both;
                words[second + lane] = (int) (both >>> Integer.SIZE);
            }
        }
    }

    /// The commonest case.
    private void words(Warp warp, int mask, long[] addresses) {
        int slot = to[0];
        var words = warp.words;
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            long at = addresses[lane];
            var found = readable(warp, at, Integer.BYTES, lane, target.shared);
            words[slot + lane] = found.data().get(Allocation.INT, at - found.address());
        }
    }

    private void lane(Warp warp, Space where, long at, int lane) {
        switch (where) {
            case GLOBAL -> {
                var found = readable(warp, at, bytes, lane, target.shared);
                long offset = at - found.address();
                for (int part = 0; part < to.length; part++) {
                    put(warp, part, lane, global(found, offset + (long) part * width));
                }
            }
            case SHARED -> {
                var shared = warp.block.shared;
                int offset = shared.locate(at, bytes, lane, READS);
                shared.noteRead(offset, bytes, warp, lane);
                for (int part = 0; part < to.length; part++) {
                    put(warp, part, lane, array(shared.data, offset + part * width));
                }
            }
            case LOCAL -> {
                int offset = local(warp, at, bytes, lane, READS);
                requireWritten(warp, offset, at, lane);
                for (int part = 0; part < to.length; part++) {
                    put(warp, part, lane, array(warp.local, offset + part * width));
                }
            }
            case PARAM -> parameter(warp, at, lane);
            case GENERIC -> {
                var found = Space.of(at);
                lane(warp, found, at - found.window(), lane);
            }
        }
    }

    private void requireWritten(Warp warp, int offset, long at, int lane) {
        for (int index = offset; index < offset + bytes && warp.localWritten.length > 0; index++) {
            if (!warp.localWritten[index]) {
                throw new Fault(lane, "reads " + bytes + " bytes of local memory at " + at + ", which it never wrote");
            }
        }
    }

    private void parameter(Warp warp, long at, int lane) {
        var parameters = warp.block.launch.parameters();
        if (at < 0 || at > parameters.length - bytes) {
            throw new Fault(
                    lane, "reads " + bytes + " bytes of parameters at " + at + ", of which there are "
                            + parameters.length + " bytes");
        }
        for (int part = 0; part < to.length; part++) {
            put(warp, part, lane, array(parameters, (int) at + part * width));
        }
    }

    private long global(Allocation found, long offset) {
        var data = found.data();
        return switch (width) {
            case 1 -> data.get(ValueLayout.JAVA_BYTE, offset);
            case 2 -> data.get(Allocation.SHORT, offset);
            case 4 -> data.get(Allocation.INT, offset);
            default -> data.get(Allocation.LONG, offset);
        };
    }

    private long array(byte[] data, int offset) {
        return switch (width) {
            case 1 -> data[offset];
            case 2 -> (short) SharedMemory.SHORT.get(data, offset);
            case 4 -> (int) SharedMemory.INT.get(data, offset);
            default -> (long) SharedMemory.LONG.get(data, offset);
        };
    }

    /// @param value extended by its sign
    private void put(Warp warp, int part, int lane, long value) {
        int slot = to[part];
        if (slot < 0) {
            return;
        }
        long exact = target.signed || width == Long.BYTES ? value : value & (1L << width * Byte.SIZE) - 1;
        if (target.wide) {
            warp.longs[slot + lane] = exact;
        } else {
            warp.words[slot + lane] = (int) exact & target.mask;
        }
    }
}
