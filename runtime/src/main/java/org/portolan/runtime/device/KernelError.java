package org.portolan.runtime.device;

/// The error word of a kernel: 0 while all is well, else in the upper 32 bits the kernel's number and, in 8 bits, the code,
/// and in the lower 32 the number that the compiler gave to the failing operation. The first error to be stored wins.
///
/// @param kernel the {@linkplain #numberOf number} of the kernel, which tells what failed where a run waits for many
///     kernels at once; 0 where the kernel says none
/// @param code one of the constants here, or another from 1 to 255 that the compiler chose
/// @param operation which of the kernel's operations that can fail, counted from 1
public record KernelError(int kernel, int code, int operation) {
    /// The largest code.
    public static final int LAST_CODE = 0xFF;

    private static final int CODE_BITS = 8;
    private static final int MOST_KERNELS = 1 << 23;

    /// An index lies outside of the axis that it picks from.
    public static final int INDEX_OUT_OF_RANGE = 1;

    /// A value of a size, a count or a step is not allowed here.
    public static final int INVALID_SIZE = 2;

    /// A value is outside of what the operator defines.
    public static final int INVALID_VALUE = 3;

    /// Two elements that had to differ, or to be sorted, are not.
    public static final int INVALID_ORDER = 4;

    /// An error of a kernel without a number.
    public KernelError(int code, int operation) {
        this(0, code, operation);
    }

    public static KernelError ofWord(long word) {
        int upper = (int) (word >>> 32);
        return new KernelError(upper >>> CODE_BITS, upper & LAST_CODE, (int) word);
    }

    public long word() {
        return (long) marked(kernel, code) << 32 | operation & 0xFFFF_FFFFL;
    }

    /// The number of a kernel of this name: one more than what its name ends with, {@code kernel_7}; 0 where that is no number.
    public static int numberOf(String kernelName) {
        int digits = kernelName.length();
        while (digits > 0 && Character.isDigit(kernelName.charAt(digits - 1))) {
            digits--;
        }
        int length = kernelName.length() - digits;
        if (length == 0 || length > 7) {
            return 0;
        }
        int number = Integer.parseInt(kernelName.substring(digits)) + 1;
        return number < MOST_KERNELS ? number : 0;
    }

    /// A code together with the number of its kernel: what the kernel stores in the upper half of the word.
    public static int marked(int kernel, int code) {
        return kernel << CODE_BITS | code;
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
