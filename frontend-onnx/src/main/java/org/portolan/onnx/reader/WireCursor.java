package org.portolan.onnx.reader;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.portolan.onnx.OnnxFormatException;
import org.portolan.onnx.OnnxLimitException;
import org.portolan.onnx.OnnxLimits;

/// Walks the fields of one protobuf message.
///
/// The wire format is a sequence of (tag, value), where a tag is `field << 3 | wire type`
/// (https://protobuf.dev/programming-guides/encoding/). A nested message is a cursor of its own over a part of the same
/// segment. Fields that the caller does not ask for are skipped.
final class WireCursor {
    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int BYTES = 2;
    private static final int GROUP_START = 3;
    private static final int GROUP_END = 4;
    private static final int FIXED32 = 5;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MemorySegment file;
    private final long end;
    private final WireCursor parent;
    private final String name;
    private final int depth;
    private final OnnxLimits limits;

    private long position;
    private int field;
    private int wireType;
    private boolean pending;

    /// A cursor over a whole file.
    WireCursor(MemorySegment file, String name, OnnxLimits limits) {
        this(file, 0, file.byteSize(), null, name, 0, limits);
    }

    private WireCursor(
            MemorySegment file, long start, long end, WireCursor parent, String name, int depth, OnnxLimits limits) {
        this.file = file;
        this.position = start;
        this.end = end;
        this.parent = parent;
        this.name = name;
        this.depth = depth;
        this.limits = limits;
    }

    /// Moves to the next field; false at the end of the message. Skips the field before where nobody read it.
    boolean next() {
        if (pending) {
            skip();
        }
        if (position == end) {
            return false;
        }
        long tag = rawVarint();
        if (tag >>> 32 != 0 || tag >>> 3 == 0) {
            throw error("a field number of 1 to 536870911 was expected");
        }
        field = (int) (tag >>> 3);
        wireType = (int) tag & 7;
        pending = true;
        return true;
    }

    /// The number of the field at hand.
    int field() {
        return field;
    }

    /// Bytes from the start of the file.
    long position() {
        return position;
    }

    OnnxLimits limits() {
        return limits;
    }

    /// The field as int64, enum or bool.
    long integer() {
        expect(VARINT);
        return rawVarint();
    }

    /// The field as float.
    float number() {
        expect(FIXED32);
        return Float.intBitsToFloat(rawFixed32());
    }

    /// The field as text, which must be UTF-8.
    String text() {
        var bytes = bytes();
        if (bytes.byteSize() > limits.nameBytes()) {
            throw new OnnxLimitException(
                    "nameBytes",
                    limits.nameBytes(),
                    "Text of %d bytes in %s, at byte %d of the file,"
                            .formatted(bytes.byteSize(), path(), position - bytes.byteSize()));
        }
        return decode(bytes);
    }

    /// Bytes as UTF-8 text of any length that a Java string can have.
    String decode(MemorySegment bytes) {
        if (bytes.byteSize() > Integer.MAX_VALUE / 2) {
            throw new OnnxLimitException("nameBytes", limits.nameBytes(), "Text in " + path());
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes.toArray(ValueLayout.JAVA_BYTE)))
                    .toString();
        } catch (CharacterCodingException e) {
            throw error("text that is not UTF-8");
        }
    }

    /// The field as bytes: a slice of the file.
    MemorySegment bytes() {
        expect(BYTES);
        long length = rawLength();
        var slice = file.asSlice(position, length);
        position += length;
        return slice;
    }

    /// The field as a nested message.
    WireCursor message(String label) {
        expect(BYTES);
        long length = rawLength();
        if (depth >= limits.messageDepth()) {
            throw new OnnxLimitException(
                    "messageDepth",
                    limits.messageDepth(),
                    "Nesting of messages at byte %d of the file".formatted(position));
        }
        var nested = new WireCursor(file, position, position + length, this, label, depth + 1, limits);
        position += length;
        return nested;
    }

    /// The field as one or, packed, several varints.
    void integers(LongValues into) {
        if (wireType != BYTES) {
            into.add(integer());
            return;
        }
        pending = false;
        long stop = rawLength() + position;
        while (position < stop) {
            into.add(rawVarint());
        }
        if (position != stop) {
            throw error("a packed list that ends inside a number");
        }
    }

    /// The field as one or, packed, several values of 4 or 8 bytes: slices of the file.
    MemorySegment fixed(int width) {
        pending = false;
        long length;
        if (wireType == BYTES) {
            length = rawLength();
            if (length % width != 0) {
                throw error("a packed list of %d bytes, which is no multiple of %d".formatted(length, width));
            }
        } else if (wireType == (width == 4 ? FIXED32 : FIXED64)) {
            length = width;
        } else {
            throw error("wire type %d in field %d, expected values of %d bytes".formatted(wireType, field, width));
        }
        require(length);
        var slice = file.asSlice(position, length);
        position += length;
        return slice;
    }

    /// An error at this place.
    OnnxFormatException error(String problem) {
        return new OnnxFormatException(path(), position, problem);
    }

    private String path() {
        var path = new StringBuilder(name);
        for (var outer = parent; outer != null; outer = outer.parent) {
            if (path.length() > 200) {
                return path.insert(0, "...").toString();
            }
            path.insert(0, outer.name + ".");
        }
        return path.toString();
    }

    private void expect(int type) {
        if (wireType != type) {
            throw error("wire type %d in field %d, expected %d".formatted(wireType, field, type));
        }
        pending = false;
    }

    private void skip() {
        pending = false;
        int groups = 0;
        int type = wireType;
        do {
            switch (type) {
                case VARINT -> rawVarint();
                case FIXED64 -> advance(8);
                case FIXED32 -> advance(4);
                case BYTES -> advance(rawLength());
                case GROUP_START -> groups++;
                case GROUP_END -> groups--;
                default -> throw error("wire type %d in field %d".formatted(type, field));
            }
            if (groups < 0) {
                throw error("the end of a group that never began");
            }
            if (groups > 0) {
                type = (int) rawVarint() & 7;
            }
        } while (groups > 0);
    }

    private void advance(long length) {
        require(length);
        position += length;
    }

    private void require(long length) {
        if (length < 0 || length > end - position) {
            throw error("%d bytes were announced where %d are left".formatted(length, end - position));
        }
    }

    private long rawLength() {
        long length = rawVarint();
        require(length);
        return length;
    }

    private int rawFixed32() {
        require(4);
        int bits = file.get(INT, position);
        position += 4;
        return bits;
    }

    private long rawVarint() {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            if (position >= end) {
                throw error("the data ends inside a number");
            }
            byte next = file.get(ValueLayout.JAVA_BYTE, position++);
            value |= (next & 0x7FL) << shift;
            if (next >= 0) {
                return value;
            }
        }
        throw error("a number of more than ten bytes");
    }
}
