package org.portolan.runtime.data;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.portolan.runtime.PortolanException.BadDataFile;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;

/// The elements of an npy file.
///
/// @param itemBytes of one element; for strings of all its characters
/// @param kind U for strings in UTF-32, S for strings of single bytes, else the letter of a number
record NpyType(ElementType type, char kind, long itemBytes, boolean bigEndian) {
    private static final Pattern DESCRIPTOR = Pattern.compile("([<>|=])([fiubSU])([0-9]{1,6})");

    static NpyType parse(String descriptor) {
        var matcher = DESCRIPTOR.matcher(descriptor);
        if (!matcher.matches()) {
            throw unknown(descriptor);
        }
        char kind = matcher.group(2).charAt(0);
        int size = Integer.parseInt(matcher.group(3));
        boolean bigEndian = matcher.group(1).equals(">");
        var type =
                switch (kind) {
                    case 'U', 'S' -> ElementType.STRING;
                    case 'b' -> size == 1 ? ElementType.BOOL : null;
                    default -> ElementType.isElementType(kind + "" + size * 8) && size <= 8
                            ? ElementType.parse(kind + "" + size * 8)
                            : null;
                };
        if (type == null) {
            throw unknown(descriptor);
        }
        return new NpyType(type, kind, kind == 'U' ? 4L * size : size, bigEndian);
    }

    private static BadDataFile unknown(String descriptor) {
        return new BadDataFile("npy: elements of type '" + descriptor + "' are not read; expected f2, f4, f8, i1 to i8,"
                + " u1 to u8, b1, U or S");
    }

    /// The type as which a tensor's elements are written.
    static ElementType writable(ElementType type) {
        return switch (type) {
            case BF16, F8E4M3, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1 -> ElementType.F32;
            case I4, I2 -> ElementType.I8;
            case U4, U2 -> ElementType.U8;
            case F64, F32, F16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL, INDEX, STRING -> type;
        };
    }

    static String descriptor(ElementType type) {
        if (type == ElementType.BOOL) {
            return "|b1";
        }
        return (type.bits() == 8 ? "|" : "<") + type.text().charAt(0) + type.bits() / 8;
    }

    /// A tensor over data in row-major order.
    Tensor tensor(MemorySegment data, long[] shape) {
        if (type == ElementType.STRING) {
            return Tensor.ofStrings(decodeStrings(data, shape), shape);
        }
        if (bigEndian && itemBytes > 1) {
            swapBytes(data);
        }
        return Tensor.of(type, data, shape);
    }

    private void swapBytes(MemorySegment data) {
        int size = (int) itemBytes;
        for (long item = 0; item < data.byteSize(); item += size) {
            for (int index = 0; index < size / 2; index++) {
                byte low = data.get(ValueLayout.JAVA_BYTE, item + index);
                data.set(ValueLayout.JAVA_BYTE, item + index, data.get(ValueLayout.JAVA_BYTE, item + size - 1 - index));
                data.set(ValueLayout.JAVA_BYTE, item + size - 1 - index, low);
            }
        }
    }

    private List<String> decodeStrings(MemorySegment data, long[] shape) {
        long count = 1;
        for (long extent : shape) {
            count *= extent;
        }
        if (count > 1 << 24) {
            throw new BadDataFile("npy: " + count + " strings; at most " + (1 << 24) + " are read");
        }
        var strings = new ArrayList<String>();
        for (long item = 0; item < count; item++) {
            strings.add(decodeString(data.asSlice(item * itemBytes, itemBytes)));
        }
        return strings;
    }

    /// Characters up to the padding of zeros at the end.
    private String decodeString(MemorySegment item) {
        var layout = ValueLayout.JAVA_INT_UNALIGNED.withOrder(
                bigEndian ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
        var text = new StringBuilder();
        int width = kind == 'U' ? 4 : 1;
        int end = 0;
        for (long offset = 0; offset < itemBytes; offset += width) {
            int character = kind == 'U' ? item.get(layout, offset) : item.get(ValueLayout.JAVA_BYTE, offset) & 0xFF;
            if (!Character.isValidCodePoint(character)) {
                throw new BadDataFile("npy: a string has the character " + Integer.toHexString(character));
            }
            text.appendCodePoint(character);
            end = character == 0 ? end : text.length();
        }
        text.setLength(end);
        return text.toString();
    }

    static int stringWidth(List<String> strings) {
        return Math.max(1, strings.stream().mapToInt(text -> text.codePointCount(0, text.length())).max().orElse(1));
    }

    static byte[] encodeStrings(List<String> strings, int width) {
        var bytes = ByteBuffer.allocate(Math.multiplyExact(Math.multiplyExact(strings.size(), width), 4))
                .order(ByteOrder.LITTLE_ENDIAN);
        for (int index = 0; index < strings.size(); index++) {
            bytes.position(index * width * 4);
            strings.get(index).codePoints().forEach(bytes::putInt);
        }
        return bytes.array();
    }
}
