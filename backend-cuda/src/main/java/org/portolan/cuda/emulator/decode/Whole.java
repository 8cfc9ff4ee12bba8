package org.portolan.cuda.emulator.decode;

/// Whole-number functions that Java's operators say differently. PTX leaves a division by zero open; here it gives what
/// hardware gives, all ones, so that code which drops the result does no harm.
final class Whole {
    private static final int BYTES = 4;
    private static final int SHIFT_MASK = 0xFF;

    private Whole() {}

    static int divide(int a, int b) {
        return b == 0 ? -1 : a / b;
    }

    static int divideUnsigned(int a, int b) {
        return b == 0 ? -1 : Integer.divideUnsigned(a, b);
    }

    static int remainder(int a, int b) {
        return b == 0 ? a : a % b;
    }

    static int remainderUnsigned(int a, int b) {
        return b == 0 ? a : Integer.remainderUnsigned(a, b);
    }

    static long divide(long a, long b) {
        return b == 0 ? -1 : a / b;
    }

    static long divideUnsigned(long a, long b) {
        return b == 0 ? -1 : Long.divideUnsigned(a, b);
    }

    static long remainder(long a, long b) {
        return b == 0 ? a : a % b;
    }

    static long remainderUnsigned(long a, long b) {
        return b == 0 ? a : Long.remainderUnsigned(a, b);
    }

    static int addSaturating(int a, int b) {
        return Math.clamp((long) a + b, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    static int subtractSaturating(int a, int b) {
        return Math.clamp((long) a - b, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    static int multiplyHigh(int a, int b) {
        return (int) ((long) a * b >> Integer.SIZE);
    }

    static int multiplyHighUnsigned(int a, int b) {
        return (int) (Integer.toUnsignedLong(a) * Integer.toUnsignedLong(b) >>> Integer.SIZE);
    }

    /// {@code count} bits from bit {@code from} on; both count modulo 256.
    static long extract(long value, int from, int count, int bits, boolean signed) {
        int position = from & SHIFT_MASK;
        int length = count & SHIFT_MASK;
        if (length == 0) {
            return 0;
        }
        long sign = signed ? value >> Math.min(position + length - 1, bits - 1) & 1 : 0;
        long field = position >= bits ? 0 : bits == Long.SIZE ? value >>> position : (value & mask(bits)) >>> position;
        int present = Math.max(0, Math.min(length, bits - position));
        field &= mask(present);
        return sign == 0 ? field : field | ~mask(present);
    }

    private static long mask(int bits) {
        return bits >= Long.SIZE ? -1L : (1L << bits) - 1;
    }

    /// Adds the products of four bytes.
    static int dot(int a, int b, int c, boolean signedLeft, boolean signedRight) {
        int sum = c;
        for (int index = 0; index < BYTES; index++) {
            byte left = (byte) (a >>> index * Byte.SIZE);
            byte right = (byte) (b >>> index * Byte.SIZE);
            sum += (signedLeft ? left : left & 0xFF) * (signedRight ? right : right & 0xFF);
        }
        return sum;
    }

    /// Any function of three bits, bit by bit.
    static int logic(int a, int b, int c, int table) {
        int result = 0;
        for (int row = 0; row < Byte.SIZE; row++) {
            if ((table >>> row & 1) != 0) {
                result |= ((row & 4) != 0 ? a : ~a) & ((row & 2) != 0 ? b : ~b) & ((row & 1) != 0 ? c : ~c);
            }
        }
        return result;
    }

    /// Picks four of eight bytes.
    static int permute(int a, int b, int selector, String mode) {
        long bytes = Integer.toUnsignedLong(b) << Integer.SIZE | Integer.toUnsignedLong(a);
        int result = 0;
        for (int index = 0; index < BYTES; index++) {
            int choice =
                    switch (mode) {
                        case "f4e" -> (selector & 3) + index;
                        case "b4e" -> (selector & 3) - index & 7;
                        case "rc8" -> selector & 3;
                        case "ecl" -> Math.max(selector & 3, index);
                        case "ecr" -> Math.min(selector & 3, index);
                        case "rc16" -> (selector & 1) * 2 + (index & 1);
                        default -> selector >>> index * BYTES;
                    };
            int value = (int) (bytes >>> (choice & 7) * Byte.SIZE) & 0xFF;
            if (mode.isEmpty() && (choice & 8) != 0) {
                value = (value & 0x80) != 0 ? 0xFF : 0;
            }
            result |= value << index * Byte.SIZE;
        }
        return result;
    }
}
