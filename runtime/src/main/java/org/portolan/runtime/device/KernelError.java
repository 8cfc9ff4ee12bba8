package org.portolan.runtime.device;

/// The error word of a kernel: 0 while all is well, else the code in the upper 32 bits and in the lower 32 the number
/// that the compiler gave to the failing operation. The first error to be stored wins.
///
/// @param code one of the constants here, or another that the compiler chose
/// @param operation which of the kernel's operations that can fail, counted from 1
public record KernelError(int code, int operation) {
    /// An index lies outside of the axis that it picks from.
    public static final int INDEX_OUT_OF_RANGE = 1;

    /// A value of a size, a count or a step is not allowed here.
    public static final int INVALID_SIZE = 2;

    /// A value is outside of what the operator defines.
    public static final int INVALID_VALUE = 3;

    /// Two elements that had to differ, or to be sorted, are not.
    public static final int INVALID_ORDER = 4;

    public static KernelError ofWord(long word) {
        return new KernelError((int) (word >>> 32), (int) word);
    }

    public long word() {
        return (long) code << 32 | operation & 0xFFFF_FFFFL;
    }

    /// What the code says, for a message.
    public String reason() {
        return switch (code) {
            case INDEX_OUT_OF_RANGE -> "an index is out of range";
            case INVALID_SIZE -> "a size is not allowed";
            case INVALID_VALUE -> "a value is not allowed";
            case INVALID_ORDER -> "elements are not distinct or not in order";
            default -> "error code " + code;
        };
    }
}
