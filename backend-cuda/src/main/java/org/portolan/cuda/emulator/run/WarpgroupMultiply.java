package org.portolan.cuda.emulator.run;

import java.util.stream.IntStream;
import org.portolan.cuda.emulator.run.Matrices.Factor;

/// {@code wgmma.mma_async}: 64 rows of sums, 16 for each warp of a warpgroup, spread over lanes like those of
/// {@code mma.sync}: accumulator {@code i} is row {@code lane / 4 + 8 (i / 2 % 2)} and column
/// {@code 8 (i / 4) + 2 (lane % 4) + i % 2}.
public final class WarpgroupMultiply extends Instruction {
    private static final int ROWS = 16;
    private static final int DEPTH_BYTES = 32;
    private static final int PIECE = 16;
    private static final int GROUP = 4;

    private final Form form;
    private final int[] sums;
    private final int[] factors;
    private final int left;
    private final int right;
    private final int keep;
    private final boolean keepNegated;

    /// What is multiplied.
    ///
    /// @param left type of the left operand
    /// @param right type of the right one
    /// @param columns of the right one
    /// @param halves whether sums are f16, two in a register
    /// @param saturating whether sums of whole numbers stop at their ends
    /// @param negateLeft whether the left operand is taken with the other sign
    /// @param turnLeft whether the left operand's elements along M lie side by side, not those along K
    public record Form(
            Factor left,
            Factor right,
            int columns,
            boolean halves,
            boolean saturating,
            boolean negateLeft,
            boolean negateRight,
            boolean turnLeft,
            boolean turnRight) {
        int depth() {
            return DEPTH_BYTES / Integer.BYTES * left.packed();
        }

        /// Registers of each lane for the sums.
        public int registers() {
            return halves ? columns / 4 : columns / 2;
        }
    }

    /// @param sums slots of the sums
    /// @param factors slots of the left operand; empty: it has a descriptor
    /// @param left slot of the left operand's descriptor
    /// @param right slot of the right operand's descriptor
    /// @param keep slot of the predicate that says whether to add to what is in the sums
    public WarpgroupMultiply(
            Form form, int[] sums, int[] factors, int left, int right, int keep, boolean keepNegated) {
        this.form = form;
        this.sums = sums.clone();
        this.factors = factors.clone();
        this.left = left;
        this.right = right;
        this.keep = keep;
        this.keepNegated = keepNegated;
    }

    /// Slots of the registers that it uses while it is under way.
    public IntStream registers() {
        return IntStream.concat(IntStream.of(sums), IntStream.of(factors));
    }

    /// {@code wgmma.fence}.
    public static Instruction fence() {
        return new Order(0) {
            @Override
            void act(Warp warp) {
                warp.flights.fence();
            }
        };
    }

    /// {@code wgmma.commit_group}.
    public static Instruction commit() {
        return new Order(1) {
            @Override
            void act(Warp warp) {
                warp.flights.commit();
            }
        };
    }

    /// {@code wgmma.wait_group}.
    public static Instruction await(int groups) {
        return new Order(groups) {
            @Override
            Flow flow() {
                return Flow.GATHER;
            }

            @Override
            boolean ready(Warp warp) {
                boolean complete = !whole(warp) || warp.flights.complete(warp);
                if (!complete) {
                    warp.stall(-1, "the other warps of its warpgroup, which must execute the same wgmma instructions");
                }
                return complete;
            }

            @Override
            void act(Warp warp) {
                warp.flights.await(warp, groups);
            }
        };
    }

    /// An instruction that all warps of a warpgroup execute.
    private abstract static class Order extends Instruction {
        private final int number;

        Order(int number) {
            this.number = number;
        }

        @Override
        boolean isTogether() {
            return true;
        }

        @Override
        final void run(Warp warp, int mask) {
            requireGroup(warp, mask);
            warp.flights.agree(warp, number, 0);
            act(warp);
        }

        abstract void act(Warp warp);
    }

    private static void requireGroup(Warp warp, int mask) {
        Matrices.requireAll(warp, mask);
        if (!whole(warp)) {
            throw new Fault(-1, "a block of " + warp.block.launch.threads() + " threads: the last warpgroup is not whole;"
                    + " wgmma needs all 128 threads of one");
        }
    }

    private static boolean whole(Warp warp) {
        return (warp.index / GROUP + 1) * GROUP * Warp.LANES <= warp.block.launch.threads();
    }

    @Override
    boolean isTogether() {
        return true;
    }

    @Override
    void run(Warp warp, int mask) {
        requireGroup(warp, mask);
        long rightBits = uniform(warp, right);
        long leftBits = factors.length > 0 ? 0 : uniform(warp, left);
        boolean adds = adds(warp);
        warp.flights.begin(warp, line, sums, factors, form.columns, leftBits, rightBits);
        var columns = panel(warp, rightBits, form.right, 0, form.columns, form.turnRight);
        var rows = factors.length > 0
                ? fragment(warp)
                : panel(warp, leftBits, form.left, warp.index % GROUP * ROWS, ROWS, form.turnLeft);
        if (form.left.isWhole()) {
            multiplyWhole(warp, rows, columns, adds);
        } else {
            multiplyFloats(warp, rows, columns, adds);
        }
    }

    private boolean adds(Warp warp) {
        int bits = keepNegated ? ~warp.predicates[keep] : warp.predicates[keep];
        if (bits != 0 && bits != -1) {
            throw new Fault(-1, "lanes of the warp do not agree on whether to add to the sums");
        }
        return bits != 0;
    }

    private static long uniform(Warp warp, int slot) {
        for (int lane = 1; lane < Warp.LANES; lane++) {
            if (warp.longs[slot + lane] != warp.longs[slot]) {
                throw new Fault(lane, "lanes of the warp have different matrix descriptors");
            }
        }
        return warp.longs[slot];
    }

    /// Rows of a matrix in shared memory, each with its 32 bytes along K.
    private byte[] panel(Warp warp, long bits, Factor type, int first, int count, boolean turned) {
        var descriptor = MatrixDescriptor.of(bits, 0);
        var shared = warp.block.shared;
        shared.requirePattern(descriptor);
        var data = shared.data;
        var panel = new byte[count * DEPTH_BYTES];
        if (!turned) {
            for (int row = 0; row < count; row++) {
                for (int piece = 0; piece < DEPTH_BYTES / PIECE; piece++) {
                    int place = place(warp, descriptor.alongDepth(first + row, piece));
                    System.arraycopy(data, place, panel, row * DEPTH_BYTES + piece * PIECE, PIECE);
                }
            }
            return panel;
        }
        int pieceElements = PIECE / Short.BYTES;
        for (int piece = 0; piece < count / pieceElements; piece++) {
            for (int k = 0; k < form.depth(); k++) {
                int place = place(warp, descriptor.alongRows(first / pieceElements + piece, k));
                for (int element = 0; element < pieceElements; element++) {
                    int to = (piece * pieceElements + element) * DEPTH_BYTES + k * Short.BYTES;
                    panel[to] = data[place + 2 * element];
                    panel[to + 1] = data[place + 2 * element + 1];
                }
            }
        }
        return panel;
    }

    private static int place(Warp warp, int address) {
        int place = warp.block.shared.locate(address, PIECE, 0, "a matrix descriptor points to");
        warp.flights.reads(warp, place);
        return place;
    }

    /// The left operand from registers.
    private byte[] fragment(Warp warp) {
        var panel = new byte[ROWS * DEPTH_BYTES];
        for (int lane = 0; lane < Warp.LANES; lane++) {
            for (int register = 0; register < factors.length; register++) {
                int row = (lane >>> 2) + 8 * (register & 1);
                int to = row * DEPTH_BYTES + (lane & 3) * Integer.BYTES + (register >>> 1) * PIECE;
                SharedMemory.INT.set(panel, to, warp.words[factors[register] + lane]);
            }
        }
        return panel;
    }

    private void multiplyFloats(Warp warp, byte[] rowBytes, byte[] columnBytes, boolean adds) {
        int depth = form.depth();
        int width = form.columns;
        var rows = new float[ROWS * depth];
        var columns = new float[depth * width];
        for (int row = 0; row < ROWS; row++) {
            for (int k = 0; k < depth; k++) {
                float value = element(form.left, rowBytes, row, k);
                rows[row * depth + k] = form.negateLeft ? -value : value;
            }
        }
        for (int column = 0; column < width; column++) {
            for (int k = 0; k < depth; k++) {
                float value = element(form.right, columnBytes, column, k);
                columns[k * width + column] = form.negateRight ? -value : value;
            }
        }
        var results = new float[ROWS * width];
        if (adds) {
            loadFloats(warp, results);
        }
        for (int row = 0; row < ROWS; row++) {
            for (int k = 0; k < depth; k++) {
                float factor = rows[row * depth + k];
                int to = row * width;
                int from = k * width;
                for (int column = 0; column < width; column++) {
                    results[to + column] = Math.fma(factor, columns[from + column], results[to + column]);
                }
            }
        }
        storeFloats(warp, results);
    }

    private static float element(Factor type, byte[] panel, int row, int k) {
        int register = (int) SharedMemory.INT.get(panel, row * DEPTH_BYTES + k / type.packed() * Integer.BYTES);
        return Matrices.element(type, register, k % type.packed());
    }

    private void loadFloats(Warp warp, float[] results) {
        for (int index = 0; index < form.columns / 2; index++) {
            for (int lane = 0; lane < Warp.LANES; lane++) {
                results[place(lane, index)] = form.halves
                        ? Float.float16ToFloat((short) (warp.words[sums[index >>> 1] + lane] >>> 16 * (index & 1)))
                        : Float.intBitsToFloat(warp.words[sums[index] + lane]);
            }
        }
    }

    private void storeFloats(Warp warp, float[] results) {
        for (int register = 0; register < sums.length; register++) {
            for (int lane = 0; lane < Warp.LANES; lane++) {
                warp.words[sums[register] + lane] = form.halves
                        ? Float.floatToFloat16(results[place(lane, 2 * register)]) & 0xFFFF
                                | Float.floatToFloat16(results[place(lane, 2 * register + 1)]) << 16
                        : Float.floatToRawIntBits(results[place(lane, register)]);
            }
        }
    }

    private void multiplyWhole(Warp warp, byte[] rows, byte[] columns, boolean adds) {
        boolean signedLeft = form.left == Factor.S8;
        boolean signedRight = form.right == Factor.S8;
        for (int register = 0; register < sums.length; register++) {
            for (int lane = 0; lane < Warp.LANES; lane++) {
                int place = place(lane, register);
                int row = place / form.columns * DEPTH_BYTES;
                int column = place % form.columns * DEPTH_BYTES;
                long sum = adds ? warp.words[sums[register] + lane] : 0;
                for (int k = 0; k < DEPTH_BYTES; k++) {
                    int a = signedLeft ? rows[row + k] : rows[row + k] & 0xFF;
                    int b = signedRight ? columns[column + k] : columns[column + k] & 0xFF;
                    sum += (long) a * b;
                }
                warp.words[sums[register] + lane] =
                        form.saturating ? Math.clamp(sum, Integer.MIN_VALUE, Integer.MAX_VALUE) : (int) sum;
            }
        }
    }

    private int place(int lane, int index) {
        int row = (lane >>> 2) + 8 * (index >>> 1 & 1);
        int column = 8 * (index >>> 2) + 2 * (lane & 3) + (index & 1);
        return row * form.columns + column;
    }
}
