package org.portolan.cuda.image;

import java.util.ArrayList;
import java.util.List;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// What a launch describes of one of its buffers for the copy engine: how its elements lie and which boxes of them are copied.
///
/// @param word number of the word that is the buffer's address
/// @param element of whole bytes
/// @param sizes elements of each dimension, the innermost first: expressions over the words, {@code $2} being the third;
///     the elements lie row by row
/// @param box elements of each dimension that one copy moves
/// @param swizzle bytes of a row in shared memory whose pieces of 16 are exchanged: 128, 64 or 32; 16 where none are
public record TensorMap(int word, ElementType element, List<Dim> sizes, List<Long> box, int swizzle) {
    /// Bytes of the parameter that holds the description.
    public static final int BYTES = 128;

    private static final int MOST_DIMENSIONS = 5;
    private static final long MOST_BOX = 256;
    private static final long PIECE = 16;

    public TensorMap {
        sizes = List.copyOf(sizes);
        box = List.copyOf(box);
        long bytes = box.isEmpty() ? 0 : box.getFirst() * element.bits() / Byte.SIZE;
        require(
                !sizes.isEmpty() && sizes.size() <= MOST_DIMENSIONS && box.size() == sizes.size(),
                "one to " + MOST_DIMENSIONS + " dimensions are possible");
        require(
                box.stream().allMatch(extent -> extent >= 1 && extent <= MOST_BOX),
                "a box has 1 to " + MOST_BOX + " elements of each dimension");
        require(
                swizzle == PIECE || swizzle == 32 || swizzle == 64 || swizzle == 128, "a swizzle of " + swizzle + " bytes");
        require(bytes % PIECE == 0, "a row of the box must be a multiple of 16 bytes");
        require(swizzle == PIECE || bytes <= swizzle, "a row of the box must not be longer than the swizzle");
    }

    private static void require(boolean right, String what) {
        if (!right) {
            throw new IllegalArgumentException("a tensor map: " + what);
        }
    }

    /// What a launch makes of it. Where one of the sizes is nothing, nothing is copied, and there is one element or row of zeros in its
    /// place; distances are rounded up then to what the engine takes.
    ///
    /// @param sizes elements of each dimension, the innermost first
    /// @param strides bytes from one element to the next of each dimension but the innermost
    public record Bound(long address, List<Long> sizes, List<Long> strides) {}

    /// @param words of the launch
    /// @throws DeviceFailed if the copy engine cannot take it so: an address or a distance that is no multiple of 16, or a size
    ///     beyond what it counts
    public Bound bind(String kernel, long... words) {
        var real = sizes.stream()
                .map(size -> size.evaluate(name -> words[Integer.parseInt(name.substring(1))]))
                .toList();
        boolean empty = real.contains(0L);
        // Of a dimension without elements nothing is copied, and a description must have one.
        var bound = real.stream().map(size -> Math.max(1, size)).toList();
        var strides = new ArrayList<Long>();
        long distance = element.bits() / (long) Byte.SIZE;
        for (long size : bound.subList(0, bound.size() - 1)) {
            distance = Math.multiplyExact(distance, size);
            distance = empty ? Math.ceilDiv(distance, PIECE) * PIECE : distance;
            strides.add(distance);
        }
        if (words[word] % PIECE != 0
                || strides.stream().anyMatch(stride -> stride % PIECE != 0 || stride >= 1L << 40)
                || bound.stream().anyMatch(size -> size > Integer.MAX_VALUE)) {
            throw new DeviceFailed(
                    "launching the kernel '" + kernel + "' was refused: the copy engine takes addresses and distances that are"
                            + " multiples of 16 bytes and up to 2^31 - 1 elements of a dimension; found the address 0x"
                            + Long.toHexString(words[word]) + ", sizes " + bound + ", distances " + strides,
                    null);
        }
        return new Bound(words[word], bound, List.copyOf(strides));
    }
}
