package org.portolan.cuda.emulator.run;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.List;

/// The shared memory of the block that a worker is running.
final class SharedMemory {
    static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    final byte[] data;
    /// Null where nobody wants to know.
    final SharedAccounts accounts;
    private final List<SharedVariable> variables;
    /// Where the variable that was touched last begins and ends: mostly it is the next one too.
    private long nearBegin;
    private long nearEnd;

    /// @param variables with their places, in order
    /// @param accounts who wrote and read it; null: nobody wants to know
    SharedMemory(List<SharedVariable> variables, SharedAccounts accounts) {
        this.variables = variables;
        this.accounts = accounts;
        data = new byte[end(variables)];
    }

    /// Bytes of all variables, with the gaps between them.
    static int end(List<SharedVariable> variables) {
        return variables.stream()
                .mapToInt(variable -> variable.offset() + variable.bytes())
                .max()
                .orElse(0);
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

    /// Finds out whether the bytes of all lanes are there.
    void locate(long[] addresses, int mask, int count, String what) {
        long begin = nearBegin;
        long end = nearEnd - count;
        // Negative as soon as one lane is before the beginning or behind the end.
        long outside = 0;
        if (mask == -1) {
            for (int lane = 0; lane < Warp.LANES; lane++) {
                outside |= addresses[lane] - begin | end - addresses[lane];
            }
        } else {
            for (int left = mask; left != 0; left &= left - 1) {
                long address = addresses[Integer.numberOfTrailingZeros(left)];
                outside |= address - begin | end - address;
            }
        }
        if (outside >= 0) {
            return;
        }
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            locate(addresses[lane], count, lane, what);
        }
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

    /// The rows of a swizzled matrix must lie where the kernel can rely on it: the pattern begins at multiples of its size,
    /// which the variable's alignment must promise.
    void requirePattern(MatrixDescriptor descriptor) {
        if (descriptor.misaligned()) {
            throw new Fault(-1, "a matrix descriptor begins at " + descriptor.start() + name(descriptor.start())
                    + ", which is not in the first row of a pattern of " + descriptor.pattern() + " bytes for its swizzle of "
                    + descriptor.width() + " bytes");
        }
        for (var variable : variables) {
            int offset = descriptor.start() - variable.offset();
            if (offset >= 0 && offset < variable.bytes() && variable.alignment() < descriptor.pattern()) {
                throw new Fault(-1, "a matrix descriptor with a swizzle of " + descriptor.width() + " bytes points to "
                        + variable.name() + ", which is aligned to " + variable.alignment() + " bytes only; "
                        + descriptor.pattern() + " are needed");
            }
        }
    }

    void noteRead(int at, int count, Warp warp, int lane) {
        if (accounts != null) {
            accounts.noteRead(at, count, warp, lane);
        }
    }

    void noteWrite(int at, int count, Warp warp, int lane) {
        noteWrite(at, count, warp, lane, false);
    }

    /// @param atomic whether other atomic operations may touch the same bytes
    void noteWrite(int at, int count, Warp warp, int lane, boolean atomic) {
        if (accounts != null) {
            accounts.noteWrite(at, count, warp, lane, atomic);
        }
    }

    /// The variable that holds a byte, for messages; empty: none does.
    String name(int at) {
        return name(variables, at);
    }

    static String name(List<SharedVariable> variables, int at) {
        for (var variable : variables) {
            if (at >= variable.offset() && at < variable.offset() + variable.bytes()) {
                return " (byte " + (at - variable.offset()) + " of " + variable.name() + ")";
            }
        }
        return "";
    }
}
