package org.portolan.cuda.emulator.run;

/// Instructions that take registers apart, put them together, or read what changes while a block runs.
public final class Moves {
    private Moves() {}

    /// Clocks that a kernel can read.
    public enum Clock {
        /// Instructions that the warp's block has executed, 32 bits.
        CLOCK,
        /// The same, 64 bits.
        CLOCK64,
        /// Nanoseconds.
        GLOBALTIMER
    }

    /// Puts registers together, the first one lowest.
    ///
    /// @param bits of each part: 8, 16 or 32
    /// @param wide whether the result has 64 bits
    public static Instruction pack(int to, boolean wide, int bits, int[] parts) {
        return new Pack(to, wide, bits, parts);
    }

    /// Takes a register apart, the lowest part first.
    ///
    /// @param to slots of the parts; -1: nobody wants it
    public static Instruction unpack(int[] to, int bits, int from, boolean wide) {
        return new Unpack(to, bits, from, wide);
    }

    /// Reads a clock.
    public static Instruction clock(Clock clock, int to) {
        return new ReadClock(clock, to);
    }

    private static final class Pack extends Instruction {
        private final int to;
        private final boolean wide;
        private final int bits;
        private final int[] parts;

        Pack(int to, boolean wide, int bits, int[] parts) {
            this.to = to;
            this.wide = wide;
            this.bits = bits;
            this.parts = parts;
        }

        @Override
        void run(Warp warp, int mask) {
            long ones = (1L << bits) - 1;
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                long value = 0;
                for (int part = 0; part < parts.length; part++) {
                    value |= (warp.words[parts[part] + lane] & ones) << part * bits;
                }
                if (wide) {
                    warp.longs[to + lane] = value;
                } else {
                    warp.words[to + lane] = (int) value;
                }
            }
        }
    }

    private static final class Unpack extends Instruction {
        private final int[] to;
        private final int bits;
        private final int from;
        private final boolean wide;

        Unpack(int[] to, int bits, int from, boolean wide) {
            this.to = to;
            this.bits = bits;
            this.from = from;
            this.wide = wide;
        }

        @Override
        void run(Warp warp, int mask) {
            int ones = bits == Integer.SIZE ? -1 : (1 << bits) - 1;
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                long value = wide ? warp.longs[from + lane] : warp.words[from + lane] & 0xFFFF_FFFFL;
                for (int part = 0; part < to.length; part++) {
                    if (to[part] >= 0) {
                        warp.words[to[part] + lane] = (int) (value >>> part * bits) & ones;
                    }
                }
            }
        }
    }

    private static final class ReadClock extends Instruction {
        private final Clock clock;
        private final int to;

        ReadClock(Clock clock, int to) {
            this.clock = clock;
            this.to = to;
        }

        @Override
        void run(Warp warp, int mask) {
            long now = clock == Clock.GLOBALTIMER ? System.nanoTime() : warp.block.executed();
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                if (clock == Clock.CLOCK) {
                    warp.words[to + lane] = (int) now;
                } else {
                    warp.longs[to + lane] = now;
                }
            }
        }
    }
}
