package org.portolan.cuda.emulator.run;

/// Additions that are longer than a register, and bit fields: what has four operands or a flag.
public final class Carries {
    private static final int SHIFT_MASK = 0xFF;

    private Carries() {}

    /// Adds or subtracts 32 bits.
    ///
    /// @param in whether the carry is added
    /// @param out whether the carry is set
    public static Instruction words(boolean subtract, boolean in, boolean out, int to, int a, int b) {
        return new Add(false, subtract, in, out, to, a, b);
    }

    /// Adds or subtracts 64 bits.
    ///
    /// @param in whether the carry is added
    /// @param out whether the carry is set
    public static Instruction longs(boolean subtract, boolean in, boolean out, int to, int a, int b) {
        return new Add(true, subtract, in, out, to, a, b);
    }

    /// {@code bfi.b32}.
    public static Instruction insertWord(int to, int field, int into, int position, int length) {
        return new Insert(false, to, field, into, position, length);
    }

    /// {@code bfi.b64}.
    public static Instruction insertLong(int to, int field, int into, int position, int length) {
        return new Insert(true, to, field, into, position, length);
    }

    private static final class Add extends Instruction {
        private final boolean wide;
        private final boolean subtract;
        private final boolean in;
        private final boolean out;
        private final int to;
        private final int a;
        private final int b;

        Add(boolean wide, boolean subtract, boolean in, boolean out, int to, int a, int b) {
            this.wide = wide;
            this.subtract = subtract;
            this.in = in;
            this.out = out;
            this.to = to;
            this.a = a;
            this.b = b;
        }

        @Override
        void run(Warp warp, int mask) {
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                int carry = in ? warp.carries >>> lane & 1 : 0;
                boolean over = wide ? ofLongs(warp, lane, carry) : ofWords(warp, lane, carry);
                if (out) {
                    warp.carries = warp.carries & ~(1 << lane) | (over ? 1 << lane : 0);
                }
            }
        }

        private boolean ofWords(Warp warp, int lane, int carry) {
            long left = Integer.toUnsignedLong(warp.words[a + lane]);
            long right = Integer.toUnsignedLong(warp.words[b + lane]);
            long result = subtract ? left - right - carry : left + right + carry;
            warp.words[to + lane] = (int) result;
            return result >>> Integer.SIZE != 0;
        }

        private boolean ofLongs(Warp warp, int lane, int carry) {
            long left = warp.longs[a + lane];
            long right = warp.longs[b + lane];
            long first = subtract ? left - right : left + right;
            boolean over = subtract
                    ? Long.compareUnsigned(left, right) < 0
                    : Long.compareUnsigned(first, left) < 0;
            long result = subtract ? first - carry : first + carry;
            over |= carry != 0 && (subtract ? first == 0 : result == 0);
            warp.longs[to + lane] = result;
            return over;
        }
    }

    private static final class Insert extends Instruction {
        private final boolean wide;
        private final int to;
        private final int field;
        private final int into;
        private final int position;
        private final int length;

        Insert(boolean wide, int to, int field, int into, int position, int length) {
            this.wide = wide;
            this.to = to;
            this.field = field;
            this.into = into;
            this.position = position;
            this.length = length;
        }

        @Override
        void run(Warp warp, int mask) {
            int bits = wide ? Long.SIZE : Integer.SIZE;
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                int from = warp.words[position + lane] & SHIFT_MASK;
                int count = Math.min(warp.words[length + lane] & SHIFT_MASK, Math.max(0, bits - from));
                long ones = count >= Long.SIZE ? -1L : (1L << count) - 1;
                long where = from >= bits ? 0 : ones << from;
                if (wide) {
                    warp.longs[to + lane] =
                            warp.longs[into + lane] & ~where | warp.longs[field + lane] << from & where;
                } else {
                    warp.words[to + lane] = (int)
                            (warp.words[into + lane] & ~where | (long) warp.words[field + lane] << from & where);
                }
            }
        }
    }
}
