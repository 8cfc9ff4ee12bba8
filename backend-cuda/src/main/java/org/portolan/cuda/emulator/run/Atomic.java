package org.portolan.cuda.emulator.run;

import java.util.function.LongBinaryOperator;

/// Reads, computes and writes as one step.
public final class Atomic extends MemoryInstruction {
    private static final String UPDATES = "updates";

    private final LongBinaryOperator function;
    private final boolean keeps;
    private final boolean wide;
    private final int to;
    private final int by;
    private final int compare;

    /// @param function of what is there and the operand, both as bits, extended by zeros
    /// @param keeps whether it works bit by bit, so that bits which nobody wrote may lie beside those that it is about
    /// @param wide whether the registers have 64 bits
    /// @param bytes 2, 4 or 8
    /// @param to slot of what was there; -1: nobody wants to know
    /// @param by slot of the operand
    /// @param compare slot of what must be there for the operation to happen; -1: it happens
    public Atomic(
            Space space,
            Address address,
            LongBinaryOperator function,
            boolean keeps,
            boolean wide,
            int bytes,
            int to,
            int by,
            int compare) {
        super(space, address, bytes);
        this.function = function;
        this.keeps = keeps;
        this.wide = wide;
        this.to = to;
        this.by = by;
        this.compare = compare;
    }

    @Override
    void run(Warp warp, int mask) {
        var addresses = addresses(warp, mask, UPDATES);
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            long at = addresses[lane];
            var where = space == Space.GENERIC ? Space.of(at) : space;
            long operand = register(warp, by, lane);
            long wanted = compare < 0 ? 0 : register(warp, compare, lane);
            long old =
                    switch (where) {
                        case GLOBAL -> global(warp, at, lane, operand, wanted);
                        case SHARED ->
                            shared(warp, space == Space.GENERIC ? at - where.window() : at, lane, operand, wanted);
                        case LOCAL, PARAM, GENERIC ->
                            throw new Fault(lane, "updates neither global nor shared memory at once");
                    };
            if (to >= 0 && wide) {
                warp.longs[to + lane] = old;
            } else if (to >= 0) {
                warp.words[to + lane] = (int) old;
            }
        }
    }

    private long register(Warp warp, int slot, int lane) {
        return wide ? warp.longs[slot + lane] : warp.words[slot + lane] & (1L << bytes * Byte.SIZE) - 1;
    }

    private long global(Warp warp, long at, int lane, long operand, long wanted) {
        if (!keeps) {
            written(warp, at, bytes, lane);
        }
        var found = writable(warp, at, bytes, lane, true);
        long offset = at - found.address();
        var data = found.data();
        synchronized (found) {
            long old =
                    switch (bytes) {
                        case 2 -> data.get(Allocation.SHORT, offset) & 0xFFFFL;
                        case 4 -> data.get(Allocation.INT, offset) & 0xFFFF_FFFFL;
                        default -> data.get(Allocation.LONG, offset);
                    };
            if (compare < 0 || old == wanted) {
                long result = function.applyAsLong(old, operand);
                switch (bytes) {
                    case 2 -> data.set(Allocation.SHORT, offset, (short) result);
                    case 4 -> data.set(Allocation.INT, offset, (int) result);
                    default -> data.set(Allocation.LONG, offset, result);
                }
            }
            return old;
        }
    }

    private long shared(Warp warp, long at, int lane, long operand, long wanted) {
        var shared = warp.block.shared;
        int offset = shared.locate(at, bytes, lane, UPDATES);
        shared.noteWrite(offset, bytes, warp, lane, true);
        long old =
                switch (bytes) {
                    case 2 -> (short) SharedMemory.SHORT.get(shared.data, offset) & 0xFFFFL;
                    case 4 -> (int) SharedMemory.INT.get(shared.data, offset) & 0xFFFF_FFFFL;
                    default -> (long) SharedMemory.LONG.get(shared.data, offset);
                };
        if (compare < 0 || old == wanted) {
            long result = function.applyAsLong(old, operand);
            switch (bytes) {
                case 2 -> SharedMemory.SHORT.set(shared.data, offset, (short) result);
                case 4 -> SharedMemory.INT.set(shared.data, offset, (int) result);
                default -> SharedMemory.LONG.set(shared.data, offset, result);
            }
        }
        return old;
    }
}
