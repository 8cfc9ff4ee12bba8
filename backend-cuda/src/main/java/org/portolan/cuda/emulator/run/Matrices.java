package org.portolan.cuda.emulator.run;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/// Instructions by which a warp moves and multiplies small matrices. How fragments are spread over lanes is one rule
/// for all types here: with {@code g = lane / 4}, {@code t = lane % 4} and {@code p} elements packed in a register,
/// register {@code r} of the left operand holds row {@code g + 8 (r % 2)} and columns {@code p t + 4 p (r / 2)} and
/// following; register {@code r} of the right one holds column {@code g} and rows {@code p t + 4 p r} and following;
/// and accumulator {@code i} is row {@code g + 8 (i / 2)}, column {@code 2 t + i % 2}.
public final class Matrices {
    private static final int ROWS = 16;
    private static final int COLUMNS = 8;
    private static final int ROW_BYTES = 16;
    private static final int MATRIX_ROWS = 8;
    private static final int TF32_BITS = 0xFFFF_E000;

    private Matrices() {}

    /// The types of the operands that are multiplied.
    public enum Factor {
        F16(2),
        BF16(2),
        TF32(1),
        E4M3(4),
        E5M2(4),
        S8(4),
        U8(4);

        private final int packed;

        Factor(int packed) {
            this.packed = packed;
        }

        /// Elements in a register.
        public int packed() {
            return packed;
        }

        /// The type of that name in PTX.
        public static Optional<Factor> of(String name) {
            return Arrays.stream(values())
                    .filter(factor -> factor.name().equals(name.toUpperCase(Locale.ROOT)))
                    .findFirst();
        }

        /// Whether it is one of whole numbers.
        public boolean isWhole() {
            return this == S8 || this == U8;
        }
    }

    /// {@code mma.sync.aligned.m16n8k*}: adds a product to an accumulator. Of {@code m8n8k16} each operand has the first register
    /// of {@code m16n8k32}, and the accumulator its first two.
    ///
    /// @param depth the third of the sizes
    /// @param halves whether the accumulators are f16, two in a register
    /// @param to slots of the result
    /// @param a slots of the left operand
    /// @param b slots of the right operand
    /// @param c slots of what is added to
    public static Instruction multiply(
            Factor left,
            Factor right,
            int depth,
            boolean halves,
            boolean saturating,
            int[] to,
            int[] a,
            int[] b,
            int[] c) {
        return new Multiply(left, right, depth, halves, saturating, to, a, b, c);
    }

    /// {@code mma.sync.aligned.m8n8k4.row.col.f64}.
    public static Instruction multiplyDoubles(int[] to, int a, int b, int[] c) {
        return new MultiplyDoubles(to, a, b, c);
    }

    /// {@code ldmatrix.sync.aligned.m8n8}: one, two or four matrices of 8 by 8 elements of 16 bits from shared memory.
    public static Instruction load(Space space, Address address, boolean transposed, int[] to) {
        return new LoadMatrix(space, address, transposed, to);
    }

    /// {@code stmatrix.sync.aligned.m8n8}: one, two or four matrices of 8 by 8 elements of 16 bits to shared memory.
    public static Instruction store(Space space, Address address, boolean transposed, int[] from) {
        return new StoreMatrix(space, address, transposed, from);
    }

    /// An element of a register.
    ///
    /// @param part which of those that are packed in it
    static float element(Factor type, int register, int part) {
        return switch (type) {
            case F16 -> Float.float16ToFloat((short) (register >>> 16 * part));
            case BF16 -> Float.intBitsToFloat(register >>> 16 * part << 16);
            case TF32 -> Float.intBitsToFloat(register & TF32_BITS);
            case E4M3 -> TinyFloats.e4m3(register >>> Byte.SIZE * part);
            case E5M2 -> TinyFloats.e5m2(register >>> Byte.SIZE * part);
            case S8, U8 -> throw new IllegalStateException("whole numbers are multiplied elsewhere");
        };
    }

    static void requireAll(Warp warp, int mask) {
        if (mask != -1) {
            throw new Fault(
                    Integer.numberOfTrailingZeros(mask),
                    "only " + Integer.bitCount(mask) + " lanes of the warp take part; all 32 must");
        }
    }

    private static final class Multiply extends Instruction {
        private final Factor left;
        private final Factor right;
        private final int depth;
        private final boolean halves;
        private final boolean saturating;
        private final int[] to;
        private final int[] a;
        private final int[] b;
        private final int[] c;

        Multiply(
                Factor left,
                Factor right,
                int depth,
                boolean halves,
                boolean saturating,
                int[] to,
                int[] a,
                int[] b,
                int[] c) {
            this.left = left;
            this.right = right;
            this.depth = depth;
            this.halves = halves;
            this.saturating = saturating;
            this.to = to;
            this.a = a;
            this.b = b;
            this.c = c;
        }

        @Override
        boolean isTogether() {
            return true;
        }

        @Override
        void run(Warp warp, int mask) {
            requireAll(warp, mask);
            if (left.isWhole()) {
                multiplyWhole(warp);
            } else {
                multiplyFloats(warp);
            }
        }

        private void multiplyFloats(Warp warp) {
            var rows = new float[ROWS * depth];
            var columns = new float[depth * COLUMNS];
            int packed = left.packed;
            for (int lane = 0; lane < Warp.LANES; lane++) {
                int group = lane >>> 2;
                int place = lane & 3;
                for (int part = 0; part < packed; part++) {
                    for (int register = 0; register < a.length; register++) {
                        int row = group + MATRIX_ROWS * (register & 1);
                        int column = packed * place + part + 4 * packed * (register >>> 1);
                        rows[row * depth + column] = element(left, warp.words[a[register] + lane], part);
                    }
                    for (int register = 0; register < b.length; register++) {
                        int row = packed * place + part + 4 * packed * register;
                        columns[row * COLUMNS + group] = element(right, warp.words[b[register] + lane], part);
                    }
                }
            }
            var sums = new float[ROWS * COLUMNS];
            for (int lane = 0; lane < Warp.LANES; lane++) {
                for (int index = 0; index < 4; index++) {
                    sums[place(lane, index)] = halves
                            ? Float.float16ToFloat((short) (warp.words[c[index >>> 1] + lane] >>> 16 * (index & 1)))
                            : Float.intBitsToFloat(warp.words[c[index] + lane]);
                }
            }
            for (int row = 0; row < ROWS; row++) {
                for (int k = 0; k < depth; k++) {
                    float factor = rows[row * depth + k];
                    for (int column = 0; column < COLUMNS; column++) {
                        int at = row * COLUMNS + column;
                        sums[at] = Math.fma(factor, columns[k * COLUMNS + column], sums[at]);
                    }
                }
            }
            for (int lane = 0; lane < Warp.LANES; lane++) {
                if (halves) {
                    for (int index = 0; index < 4; index += 2) {
                        warp.words[to[index >>> 1] + lane] =
                                Float.floatToFloat16(sums[place(lane, index)]) & 0xFFFF
                                        | Float.floatToFloat16(sums[place(lane, index + 1)]) << 16;
                    }
                } else {
                    for (int index = 0; index < 4; index++) {
                        warp.words[to[index] + lane] = Float.floatToRawIntBits(sums[place(lane, index)]);
                    }
                }
            }
        }

        private void multiplyWhole(Warp warp) {
            var rows = new int[ROWS * depth];
            var columns = new int[depth * COLUMNS];
            for (int lane = 0; lane < Warp.LANES; lane++) {
                int group = lane >>> 2;
                int place = lane & 3;
                for (int part = 0; part < 4; part++) {
                    for (int register = 0; register < a.length; register++) {
                        int row = group + MATRIX_ROWS * (register & 1);
                        int column = 4 * place + part + 16 * (register >>> 1);
                        rows[row * depth + column] = whole(left, warp.words[a[register] + lane], part);
                    }
                    for (int register = 0; register < b.length; register++) {
                        int row = 4 * place + part + 16 * register;
                        columns[row * COLUMNS + group] = whole(right, warp.words[b[register] + lane], part);
                    }
                }
            }
            var results = new int[ROWS * COLUMNS];
            for (int lane = 0; lane < Warp.LANES; lane++) {
                for (int index = 0; index < c.length; index++) {
                    int at = place(lane, index);
                    int row = at / COLUMNS;
                    int column = at % COLUMNS;
                    long sum = warp.words[c[index] + lane];
                    for (int k = 0; k < depth; k++) {
                        sum += (long) rows[row * depth + k] * columns[k * COLUMNS + column];
                    }
                    results[at] = saturating ? Math.clamp(sum, Integer.MIN_VALUE, Integer.MAX_VALUE) : (int) sum;
                }
            }
            for (int lane = 0; lane < Warp.LANES; lane++) {
                for (int index = 0; index < c.length; index++) {
                    warp.words[to[index] + lane] = results[place(lane, index)];
                }
            }
        }

        private static int place(int lane, int index) {
            int row = (lane >>> 2) + MATRIX_ROWS * (index >>> 1);
            int column = 2 * (lane & 3) + (index & 1);
            return row * COLUMNS + column;
        }

        private static int whole(Factor type, int register, int part) {
            byte value = (byte) (register >>> Byte.SIZE * part);
            return type == Factor.S8 ? value : value & 0xFF;
        }
    }

    private static final class MultiplyDoubles extends Instruction {
        private final int[] to;
        private final int a;
        private final int b;
        private final int[] c;

        MultiplyDoubles(int[] to, int a, int b, int[] c) {
            this.to = to;
            this.a = a;
            this.b = b;
            this.c = c;
        }

        @Override
        boolean isTogether() {
            return true;
        }

        @Override
        void run(Warp warp, int mask) {
            requireAll(warp, mask);
            var results = new double[2 * Warp.LANES];
            for (int lane = 0; lane < Warp.LANES; lane++) {
                for (int index = 0; index < 2; index++) {
                    int row = lane >>> 2;
                    int column = 2 * (lane & 3) + index;
                    double sum = Double.longBitsToDouble(warp.longs[c[index] + lane]);
                    for (int k = 0; k < 4; k++) {
                        sum = Math.fma(
                                Double.longBitsToDouble(warp.longs[a + row * 4 + k]),
                                Double.longBitsToDouble(warp.longs[b + column * 4 + k]),
                                sum);
                    }
                    results[index * Warp.LANES + lane] = sum;
                }
            }
            for (int lane = 0; lane < Warp.LANES; lane++) {
                for (int index = 0; index < 2; index++) {
                    warp.longs[to[index] + lane] = Double.doubleToRawLongBits(results[index * Warp.LANES + lane]);
                }
            }
        }
    }

    private static final class LoadMatrix extends MemoryInstruction {
        private final boolean transposed;
        private final int[] to;

        LoadMatrix(Space space, Address address, boolean transposed, int[] to) {
            super(space, address, ROW_BYTES);
            this.transposed = transposed;
            this.to = to;
        }

        @Override
        boolean isTogether() {
            return true;
        }

        @Override
        void run(Warp warp, int mask) {
            requireAll(warp, mask);
            int rows = MATRIX_ROWS * to.length;
            var addresses = addresses(warp, rows == Warp.LANES ? -1 : (1 << rows) - 1, "reads");
            var shared = warp.block.shared;
            for (int matrix = 0; matrix < to.length; matrix++) {
                for (int row = 0; row < MATRIX_ROWS; row++) {
                    int lane = matrix * MATRIX_ROWS + row;
                    long at = space == Space.GENERIC ? addresses[lane] - Space.SHARED.window() : addresses[lane];
                    int offset = shared.locate(at, ROW_BYTES, lane, "reads");
                    shared.noteRead(offset, ROW_BYTES, warp, lane);
                    for (int column = 0; column < MATRIX_ROWS; column++) {
                        int value = (short) SharedMemory.SHORT.get(shared.data, offset + 2 * column) & 0xFFFF;
                        put(warp, matrix, transposed ? column : row, transposed ? row : column, value);
                    }
                }
            }
        }

        private void put(Warp warp, int matrix, int row, int column, int value) {
            int slot = to[matrix] + row * 4 + (column >>> 1);
            int shift = 16 * (column & 1);
            warp.words[slot] = warp.words[slot] & ~(0xFFFF << shift) | value << shift;
        }
    }

    private static final class StoreMatrix extends MemoryInstruction {
        private final boolean transposed;
        private final int[] from;

        StoreMatrix(Space space, Address address, boolean transposed, int[] from) {
            super(space, address, ROW_BYTES);
            this.transposed = transposed;
            this.from = from;
        }

        @Override
        boolean isTogether() {
            return true;
        }

        @Override
        void run(Warp warp, int mask) {
            requireAll(warp, mask);
            int rows = MATRIX_ROWS * from.length;
            var addresses = addresses(warp, rows == Warp.LANES ? -1 : (1 << rows) - 1, "writes");
            var shared = warp.block.shared;
            for (int matrix = 0; matrix < from.length; matrix++) {
                for (int row = 0; row < MATRIX_ROWS; row++) {
                    int lane = matrix * MATRIX_ROWS + row;
                    long at = space == Space.GENERIC ? addresses[lane] - Space.SHARED.window() : addresses[lane];
                    int offset = shared.locate(at, ROW_BYTES, lane, "writes");
                    for (int column = 0; column < MATRIX_ROWS; column++) {
                        int ownRow = transposed ? column : row;
                        int ownColumn = transposed ? row : column;
                        // Each element is written by the lane that holds it.
                        int owner = ownRow * 4 + (ownColumn >>> 1);
                        shared.noteWrite(offset + 2 * column, Short.BYTES, warp, owner);
                        int value = warp.words[from[matrix] + owner] >>> 16 * (ownColumn & 1);
                        SharedMemory.SHORT.set(shared.data, offset + 2 * column, (short) value);
                    }
                }
            }
        }
    }
}
