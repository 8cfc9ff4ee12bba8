package org.portolan.cuda.emulator.run;

/// Where a matrix lies in shared memory, as {@code wgmma} is told in 64 bits: bits 0 to 13 its beginning, 16 to 29 and 32
/// to 45 the distances along its leading and its other dimension, all in units of 16 bytes; 49 to 51 a base offset; 62 and
/// 63 the swizzle.
///
/// The layouts are those of "Asynchronous warpgroup-level matrix shared memory layout" in the PTX manual. A swizzle of
/// {@code w} bytes exchanges pieces of 16 bytes within rows of {@code w} bytes: bits 4 and following of an address are
/// combined by exclusive or with bits 7 and following.
///
/// @param start address of the first element
/// @param leading bytes
/// @param stride bytes
/// @param width of the swizzle's rows: 16 (none), 32, 64 or 128 bytes
record MatrixDescriptor(int start, int leading, int stride, int width) {
    private static final int FIELD = (1 << 14) - 1;
    private static final int UNIT_SHIFT = 4;
    private static final int LEADING_BIT = 16;
    private static final int STRIDE_BIT = 32;
    private static final int BASE_BIT = 49;
    private static final int SWIZZLE_BIT = 62;
    private static final int ROWS = 8;
    private static final int PIECE = 16;
    private static final int ROW_SHIFT = 7;

    /// @param lane that gave it
    static MatrixDescriptor of(long bits, int lane) {
        int base = (int) (bits >>> BASE_BIT) & 7;
        if (base != 0) {
            throw new Fault(lane, "a matrix descriptor with base offset " + base
                    + "; only 0 is supported: the swizzle's pattern must begin at a multiple of its size");
        }
        return new MatrixDescriptor(
                field(bits, 0),
                field(bits, LEADING_BIT),
                field(bits, STRIDE_BIT),
                switch ((int) (bits >>> SWIZZLE_BIT)) {
                    case 1 -> 128;
                    case 2 -> 64;
                    case 3 -> 32;
                    default -> PIECE;
                });
    }

    private static int field(long bits, int from) {
        return ((int) (bits >>> from) & FIELD) << UNIT_SHIFT;
    }

    /// Bytes after which the swizzle's pattern repeats; 16 without one.
    int pattern() {
        return width == PIECE ? PIECE : width * ROWS;
    }

    /// Whether the first row is not the first of the swizzle's pattern.
    boolean misaligned() {
        return (start & pattern() - 1) >>> ROW_SHIFT != 0 && width != PIECE;
    }

    /// The address of 16 bytes of a matrix whose elements along the depth lie side by side.
    ///
    /// @param row along M or N
    /// @param piece along K
    int alongDepth(int row, int piece) {
        int groups = row / ROWS * stride;
        return width == PIECE
                ? start + groups + row % ROWS * PIECE + piece * leading
                : swizzled(start + groups + row % ROWS * width + piece * PIECE);
    }

    /// The address of 16 bytes of a matrix whose elements along M or N lie side by side.
    ///
    /// @param piece of eight elements along M or N
    /// @param row along K
    int alongRows(int piece, int row) {
        int pieces = width / PIECE;
        return width == PIECE
                ? start + piece * stride + row % ROWS * PIECE + row / ROWS * leading
                : swizzled(start + piece / pieces * leading + row % ROWS * width + row / ROWS * stride + piece % pieces * PIECE);
    }

    private int swizzled(int address) {
        return swizzled(address, width);
    }

    /// An address within rows of so many bytes, with its pieces of 16 bytes exchanged.
    static int swizzled(int address, int width) {
        return address ^ (address >>> ROW_SHIFT & width / PIECE - 1) << UNIT_SHIFT;
    }
}
