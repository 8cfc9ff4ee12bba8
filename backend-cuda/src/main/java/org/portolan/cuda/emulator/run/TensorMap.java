package org.portolan.cuda.emulator.run;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/// How a tensor lies in global memory and which part of it one copy moves. On a real device it is 128 bytes that
/// {@code cuTensorMapEncodeTiled} writes and that nobody else may read; here they have a form of our own.
///
/// @param address of the first element
/// @param elementBytes 1, 2, 4 or 8
/// @param sizes elements of each dimension, the innermost first; one to five
/// @param strides bytes from one element to the next of each dimension but the innermost
/// @param box elements of each dimension that a copy moves
/// @param width of the swizzle's rows in shared memory: 16 (none), 32, 64 or 128 bytes
public record TensorMap(
        long address, int elementBytes, List<Long> sizes, List<Long> strides, List<Integer> box, int width) {
    /// Bytes that it is written in.
    public static final int BYTES = 128;

    private static final long MARK = 0x50414d5254504c31L;
    private static final int MOST_DIMENSIONS = 5;
    private static final int MOST_BOX = 256;
    private static final int PIECE = 16;
    private static final int INTERLEAVED = 128;

    public TensorMap {
        sizes = List.copyOf(sizes);
        strides = List.copyOf(strides);
        box = List.copyOf(box);
        require(
                !sizes.isEmpty() && sizes.size() <= MOST_DIMENSIONS && box.size() == sizes.size()
                        && strides.size() == sizes.size() - 1,
                "one to " + MOST_DIMENSIONS + " dimensions are possible");
        require(address % PIECE == 0, "the address must be a multiple of 16");
        require(strides.stream().allMatch(stride -> stride > 0 && stride % PIECE == 0), "strides must be multiples of 16");
        require(
                box.stream().allMatch(extent -> extent >= 1 && extent <= MOST_BOX),
                "a box has 1 to " + MOST_BOX + " elements of each dimension");
        require(box.getFirst() * elementBytes % PIECE == 0, "a row of the box must be a multiple of 16 bytes");
        require(
                width == PIECE || box.getFirst() * elementBytes <= width,
                "a row of the box must not be longer than the swizzle of " + width + " bytes");
        require(width == PIECE || width == 32 || width == 64 || width == INTERLEAVED, "a swizzle of " + width + " bytes");
    }

    private static void require(boolean right, String what) {
        if (!right) {
            throw new IllegalArgumentException("a tensor map: " + what);
        }
    }

    /// Bytes of one copy.
    int boxBytes() {
        return box.stream().reduce(elementBytes, Math::multiplyExact);
    }

    int rank() {
        return sizes.size();
    }

    /// The map as a kernel gets it.
    public byte[] encode() {
        var bytes = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(MARK).putLong(address);
        bytes.put((byte) rank()).put((byte) elementBytes).putShort((short) width).putInt(0);
        sizes.forEach(size -> bytes.putInt(size.intValue()));
        bytes.position(48);
        strides.forEach(bytes::putLong);
        bytes.position(96);
        box.forEach(bytes::putInt);
        return bytes.array();
    }

    /// @param lane that asks
    static TensorMap decode(byte[] encoded, int lane) {
        var bytes = ByteBuffer.wrap(encoded).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.getLong(0) != MARK) {
            throw new Fault(lane, "what the instruction names is no tensor map");
        }
        int rank = bytes.get(16);
        var sizes = new ArrayList<Long>();
        var strides = new ArrayList<Long>();
        var box = new ArrayList<Integer>();
        for (int dimension = 0; dimension < rank; dimension++) {
            sizes.add(Integer.toUnsignedLong(bytes.getInt(24 + Integer.BYTES * dimension)));
            box.add(bytes.getInt(96 + Integer.BYTES * dimension));
            if (dimension > 0) {
                strides.add(bytes.getLong(48 + Long.BYTES * (dimension - 1)));
            }
        }
        return new TensorMap(bytes.getLong(8), bytes.get(17), sizes, strides, box, bytes.getShort(18));
    }

    /// Where a row of a box is; negative: outside of the tensor.
    ///
    /// @param row number of the row within the box, the dimensions behind the innermost counted through
    /// @param origin of the box in the tensor
    long rowAddress(int row, int... origin) {
        long at = address;
        int left = row;
        for (int dimension = 1; dimension < rank(); dimension++) {
            long place = origin[dimension] + (long) (left % box.get(dimension));
            left /= box.get(dimension);
            if (place < 0 || place >= sizes.get(dimension)) {
                return -1;
            }
            at += place * strides.get(dimension - 1);
        }
        return at;
    }

    int rows() {
        return boxBytes() / rowBytes();
    }

    int rowBytes() {
        return box.getFirst() * elementBytes;
    }
}
