package org.portolan.ir;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.function.LongUnaryOperator;
import org.portolan.runtime.data.RandomTensors;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// The bytes that a {@link Resource} stands for.
public final class ResourceBytes {
    private static final int ALIGNMENT = 64;
    private static final long CHUNK = 1 << 20;

    private ResourceBytes() {}

    /// Bytes as a resource, which their digest names too.
    public static Resource.External external(String name, MemorySegment bytes) {
        return new Resource.External(name, 0, bytes.byteSize(), digest(bytes), bytes);
    }

    /// The same for bytes that were computed: the name tells them from others computed for something of equal name.
    public static Resource.External computed(String hint, MemorySegment bytes) {
        var digest = digest(bytes);
        var name = (hint.isEmpty() ? "computed" : hint) + "-" + digest.substring(0, 16);
        return new Resource.External(name, 0, bytes.byteSize(), digest, bytes);
    }

    private static String digest(MemorySegment bytes) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            for (long offset = 0; offset < bytes.byteSize(); offset += CHUNK) {
                long length = Math.min(CHUNK, bytes.byteSize() - offset);
                digest.update(bytes.asSlice(offset, length).asByteBuffer());
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /// The elements, row-major and packed: of an external resource the bytes where they lie, of all others new ones.
    ///
    /// @param elements how many; what is listed or lies elsewhere must have exactly as many
    /// @throws IrException if it has another number of elements, or holds texts
    public static MemorySegment rowMajor(Resource resource, ElementType type, long elements, Arena arena) {
        return switch (resource) {
            case Resource.External external -> {
                IrException.check(
                        external.bytes() == type.bytes(elements),
                        "resource " + external.name() + " has " + external.bytes() + " bytes; " + elements
                                + " elements of type " + type + " take " + type.bytes(elements));
                yield external.segment();
            }
            case Resource.Splat(double value) -> filled(type, elements, ElementTypes.encodeDouble(type, value), arena);
            case Resource.SplatInteger(long value) ->
                filled(type, elements, ElementTypes.encodeLong(type, value), arena);
            case Resource.Floats(List<Double> values) -> {
                count(values, elements);
                yield each(type, elements, i -> ElementTypes.encodeDouble(type, values.get((int) i)), arena);
            }
            case Resource.Integers(List<Long> values) -> {
                count(values, elements);
                yield each(type, elements, i -> ElementTypes.encodeLong(type, values.get((int) i)), arena);
            }
            case Resource.Random(long seed) -> RandomTensors.noise(type, elements, seed, arena);
            case Resource.Texts _ -> throw new IrException("texts have no elements of fixed size");
        };
    }

    private static void count(List<?> values, long elements) {
        IrException.check(
                values.size() == elements, "a constant of " + elements + " elements lists " + values.size() + " values");
    }

    private static MemorySegment filled(ElementType type, long elements, long bits, Arena arena) {
        var segment = arena.allocate(type.bytes(elements), ALIGNMENT);
        if (bits == 0) {
            return segment;
        }
        if (type.bits() == 8) {
            return segment.fill((byte) bits);
        }
        for (long i = 0; i < elements; i++) {
            ElementTypes.setBits(type, segment, i, bits);
        }
        return segment;
    }

    private static MemorySegment each(ElementType type, long elements, LongUnaryOperator bits, Arena arena) {
        var segment = arena.allocate(type.bytes(elements), ALIGNMENT);
        for (long i = 0; i < elements; i++) {
            ElementTypes.setBits(type, segment, i, bits.applyAsLong(i));
        }
        return segment;
    }
}
