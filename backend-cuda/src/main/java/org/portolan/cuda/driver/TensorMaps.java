package org.portolan.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import org.portolan.cuda.image.KernelEntry;
import org.portolan.cuda.image.TensorMap;
import org.portolan.runtime.type.ElementType;

/// What launches of one queue describe for the copy engine. The driver writes a description once for each content, which is the same
/// from run to run as long as memory stays where it is.
final class TensorMaps {
    /// Kept at once; a queue that sees more begins anew.
    static final int MOST = 1024;
    /// Of a description, as the driver wants it.
    private static final int ALIGNMENT = 64;

    private static final int INTERLEAVE_NONE = 0;
    private static final int PROMOTION_128_BYTES = 2;
    private static final int OUTSIDE_IS_ZERO = 0;

    private record Key(TensorMap map, TensorMap.Bound bound) {}

    private final CudaContext context;
    private final Map<Key, MemorySegment> known = new HashMap<>();

    TensorMaps(CudaContext context) {
        this.context = context;
    }

    /// Makes room for as many as one launch describes: those that are in the way are forgotten before it begins, never while it holds
    /// the address of one of them.
    void room(int count) {
        if (known.size() + count > MOST) {
            known.clear();
        }
    }

    /// The description for a launch with these words, which stays until room is made again. It is read when the kernel is launched, or taken into a graph.
    ///
    /// @throws org.portolan.runtime.PortolanException.DeviceFailed if the copy engine cannot take the buffer as it lies, or the driver
    ///     refuses
    MemorySegment of(KernelEntry entry, TensorMap map, long[] words) {
        var key = new Key(map, map.bind(entry.name(), words));
        var found = known.get(key);
        if (found == null) {
            found = encode(entry, key);
            known.put(key, found);
        }
        return found;
    }

    private MemorySegment encode(KernelEntry entry, Key key) {
        var map = key.map();
        int rank = map.sizes().size();
        var encoded = Arena.ofAuto().allocate(TensorMap.BYTES, ALIGNMENT);
        try (var arena = Arena.ofConfined()) {
            var sizes = arena.allocate(ValueLayout.JAVA_LONG, rank);
            var strides = arena.allocate(ValueLayout.JAVA_LONG, rank);
            var box = arena.allocate(ValueLayout.JAVA_INT, rank);
            var steps = arena.allocate(ValueLayout.JAVA_INT, rank);
            for (int dimension = 0; dimension < rank; dimension++) {
                sizes.setAtIndex(ValueLayout.JAVA_LONG, dimension, key.bound().sizes().get(dimension));
                box.setAtIndex(ValueLayout.JAVA_INT, dimension, map.box().get(dimension).intValue());
                steps.setAtIndex(ValueLayout.JAVA_INT, dimension, 1);
                if (dimension > 0) {
                    strides.setAtIndex(ValueLayout.JAVA_LONG, dimension - 1, key.bound().strides().get(dimension - 1));
                }
            }
            context.check(
                    context.calls.tensorMapEncodeTiled(
                            encoded,
                            element(map.element()),
                            rank,
                            key.bound().address(),
                            sizes,
                            strides,
                            box,
                            steps,
                            INTERLEAVE_NONE,
                            swizzle(map.swizzle()),
                            PROMOTION_128_BYTES,
                            OUTSIDE_IS_ZERO),
                    "describing a buffer of the kernel " + entry.name() + " for the copy engine of " + context.name());
        }
        return encoded;
    }

    /// The driver's number for elements of a size; what they mean is nothing to a copy.
    private static int element(ElementType type) {
        return switch (type.bits()) {
            case 8 -> 0;
            case 16 -> 1;
            case 32 -> 2;
            case 64 -> 4;
            default -> throw new IllegalArgumentException("elements of " + type.bits() + " bits are no whole bytes");
        };
    }

    private static int swizzle(int bytes) {
        return switch (bytes) {
            case 32 -> 1;
            case 64 -> 2;
            case 128 -> 3;
            default -> 0;
        };
    }
}
