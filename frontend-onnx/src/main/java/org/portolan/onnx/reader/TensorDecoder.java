package org.portolan.onnx.reader;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.portolan.onnx.OnnxDataType;
import org.portolan.onnx.OnnxException;
import org.portolan.onnx.OnnxLimits;
import org.portolan.onnx.OnnxSparseTensor;
import org.portolan.onnx.OnnxTensor;

/// `TensorProto` and `SparseTensorProto` to records. All ways to spell the elements become one: little-endian bytes.
final class TensorDecoder {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int EXTERNAL = 1;
    private static final MemorySegment NOTHING = MemorySegment.ofArray(new byte[0]);

    private final ExternalData external;

    TensorDecoder(ExternalData external) {
        this.external = external;
    }

    /// The parts of a `TensorProto` before they are put together.
    private static final class Parts {
        private final long offset;
        private final LongValues dims = new LongValues();
        private final LongValues integers = new LongValues();
        private final List<MemorySegment> fixed = new ArrayList<>();
        private final List<String> strings = new ArrayList<>();
        private final Map<String, String> external = new LinkedHashMap<>();
        private String name = "";
        private long type;
        private long location;
        private int elementField;
        private MemorySegment raw;

        private Parts(long offset) {
            this.offset = offset;
        }
    }

    OnnxTensor tensor(WireCursor in) {
        var parts = new Parts(in.position());
        while (in.next()) {
            switch (in.field()) {
                case 1 -> in.integers(parts.dims);
                case 2 -> parts.type = in.integer();
                case 3 -> throw in.error("a tensor in segments, which no known writer makes");
                case 4 -> elements(in, parts).fixed.add(in.fixed(4));
                case 5, 7, 11 -> in.integers(elements(in, parts).integers);
                case 6 -> elements(in, parts).strings.add(in.decode(in.bytes()));
                case 8 -> parts.name = in.text();
                case 9 -> parts.raw = in.bytes();
                case 10 -> elements(in, parts).fixed.add(in.fixed(8));
                case 13 -> entry(in.message("external_data"), parts.external);
                case 14 -> parts.location = in.integer();
                default -> {} // documentation, metadata, and fields of the future
            }
        }
        return assemble(parts);
    }

    private static Parts elements(WireCursor in, Parts parts) {
        if (parts.elementField != 0 && parts.elementField != in.field()) {
            throw in.error("tensor '%s' gives its elements twice, in fields %d and %d"
                    .formatted(parts.name, parts.elementField, in.field()));
        }
        parts.elementField = in.field();
        return parts;
    }

    /// One `StringStringEntryProto`.
    static void entry(WireCursor in, Map<String, String> into) {
        var key = "";
        var value = "";
        while (in.next()) {
            switch (in.field()) {
                case 1 -> key = in.text();
                case 2 -> value = in.text();
                default -> {}
            }
        }
        if (into.put(key, value) != null) {
            throw in.error("the key '%s' stands twice".formatted(key));
        }
    }

    private OnnxTensor assemble(Parts parts) {
        var type = OnnxDataType.ofCode(parts.type).orElseThrow(() -> bad(parts, "unknown element type " + parts.type));
        long count = count(parts.name, parts.dims, parts.offset);
        boolean given = parts.raw != null && parts.raw.byteSize() > 0;
        boolean typed = parts.integers.size() > 0 || !parts.fixed.isEmpty() || !parts.strings.isEmpty();
        if (given && typed) {
            throw bad(parts, "its elements are given twice, as raw_data and in a typed field");
        }
        if (parts.location != EXTERNAL && !parts.external.isEmpty()
                || parts.location < 0
                || parts.location > EXTERNAL) {
            throw bad(parts, "data_location = %d does not fit its external_data".formatted(parts.location));
        }
        if (parts.location == EXTERNAL && (given || typed)) {
            throw bad(parts, "its elements are given both here and in another file");
        }
        if (type == OnnxDataType.STRING) {
            if (parts.location == EXTERNAL || given || parts.strings.size() != count) {
                throw bad(parts, "expected %d strings in string_data".formatted(count));
            }
            return tensor(parts, type, NOTHING, parts.strings);
        }
        long bytes = exact(parts, () -> type.bytes(count));
        MemorySegment data;
        if (parts.location == EXTERNAL) {
            data = external.slice(parts.name, parts.external, bytes);
        } else if (typed) {
            data = typed(parts, type, count);
        } else {
            data = parts.raw == null ? NOTHING : parts.raw;
        }
        if (data.byteSize() != bytes) {
            throw bad(
                    parts,
                    "%d elements of type %s take %d bytes, but %d are given"
                            .formatted(count, type, bytes, data.byteSize()));
        }
        return tensor(parts, type, data, List.of());
    }

    private static OnnxTensor tensor(Parts parts, OnnxDataType type, MemorySegment data, List<String> strings) {
        return new OnnxTensor(parts.name, type, parts.dims.boxed(), data, strings, parts.offset);
    }

    /// The product of the extents, which must be no less than 0 and fit 63 bits.
    private long count(String name, LongValues dims, long offset) {
        OnnxLimits.check("rank", external.limits().rank(), dims.size(), "Tensor '%s'".formatted(name));
        long count = 1;
        boolean empty = false;
        for (int axis = 0; axis < dims.size(); axis++) {
            long dim = dims.get(axis);
            if (dim < 0) {
                throw bad(name, offset, "axis %d has the extent %d".formatted(axis, dim));
            }
            empty |= dim == 0;
        }
        if (empty) {
            return 0;
        }
        try {
            for (int axis = 0; axis < dims.size(); axis++) {
                count = Math.multiplyExact(count, dims.get(axis));
            }
            Math.multiplyExact(count, 128L);
            return count;
        } catch (ArithmeticException e) {
            throw bad(name, offset, "its extents %s overflow 63 bits".formatted(dims.boxed()));
        }
    }

    private static MemorySegment typed(Parts parts, OnnxDataType type, long count) {
        int expected = switch (type) {
            case FLOAT, COMPLEX64 -> 4;
            case DOUBLE, COMPLEX128 -> 10;
            case INT64 -> 7;
            case UINT32, UINT64 -> 11;
            case STRING -> 6;
            case UINT8,
                    INT8,
                    UINT16,
                    INT16,
                    INT32,
                    BOOL,
                    FLOAT16,
                    BFLOAT16,
                    FLOAT8E4M3FN,
                    FLOAT8E4M3FNUZ,
                    FLOAT8E5M2,
                    FLOAT8E5M2FNUZ,
                    FLOAT8E8M0,
                    UINT4,
                    INT4,
                    FLOAT4E2M1,
                    UINT2,
                    INT2 -> 5;
        };
        if (parts.elementField != expected) {
            throw bad(
                    parts,
                    "elements of type %s stand in field %d, expected field %d"
                            .formatted(type, parts.elementField, expected));
        }
        return expected == 4 || expected == 10 ? joined(parts.fixed) : narrowed(parts, type, count);
    }

    private static MemorySegment joined(List<MemorySegment> chunks) {
        if (chunks.size() == 1) {
            return chunks.getFirst();
        }
        long size = chunks.stream().mapToLong(MemorySegment::byteSize).sum();
        var all = allocate(size);
        long position = 0;
        for (var chunk : chunks) {
            MemorySegment.copy(chunk, 0, all, position, chunk.byteSize());
            position += chunk.byteSize();
        }
        return all;
    }

    /// Elements that the file spells as varints. Those of fewer than eight bits come packed, one byte a number.
    private static MemorySegment narrowed(Parts parts, OnnxDataType type, long count) {
        int width = Math.max(8, type.bits());
        var values = parts.integers;
        if (values.size() != (type.bits() < 8 ? type.bytes(count) : count)) {
            throw bad(parts, "%d elements were expected, but %d numbers are given".formatted(count, values.size()));
        }
        var data = allocate((long) values.size() * width / 8);
        for (int i = 0; i < values.size(); i++) {
            long value = values.get(i);
            if (width < 64 && (value < -(1L << width - 1) || value >= 1L << width)) {
                throw bad(parts, "element %d is %d, which %s cannot hold".formatted(i, value, type));
            }
            switch (width) {
                case 8 -> data.set(ValueLayout.JAVA_BYTE, i, (byte) value);
                case 16 -> data.set(SHORT, 2L * i, (short) value);
                case 32 -> data.set(INT, 4L * i, (int) value);
                default -> data.set(LONG, 8L * i, value);
            }
        }
        return data;
    }

    private static MemorySegment allocate(long bytes) {
        return MemorySegment.ofArray(new byte[Math.toIntExact(bytes)]);
    }

    OnnxSparseTensor sparse(WireCursor in) {
        OnnxTensor values = null;
        OnnxTensor indices = null;
        var dims = new LongValues();
        long offset = in.position();
        while (in.next()) {
            switch (in.field()) {
                case 1 -> values = tensor(in.message("values"));
                case 2 -> indices = tensor(in.message("indices"));
                case 3 -> in.integers(dims);
                default -> {}
            }
        }
        if (values == null || indices == null || values.dims().size() != 1) {
            throw in.error("a sparse tensor needs values of rank 1 and indices");
        }
        var name = values.name();
        long count = count(name, dims, offset);
        long given = values.elements();
        int rank = dims.size();
        boolean linear = indices.dims().equals(List.of(given));
        if (indices.type() != OnnxDataType.INT64 || !linear && !indices.dims().equals(List.of(given, (long) rank))) {
            throw bad(name, offset, "its indices must be int64[%d] or int64[%d,%d]".formatted(given, given, rank));
        }
        var positions = new LongValues();
        long previous = -1;
        for (long i = 0; i < given; i++) {
            long position = 0;
            if (linear) {
                position = indices.data().get(LONG, 8 * i);
            } else {
                for (int axis = 0; axis < rank; axis++) {
                    long index = indices.data().get(LONG, 8 * (i * rank + axis));
                    if (index < 0 || index >= dims.get(axis)) {
                        throw bad(name, offset, "index %d of axis %d lies outside".formatted(index, axis));
                    }
                    position = position * dims.get(axis) + index;
                }
            }
            if (position <= previous || position >= count) {
                throw bad(name, offset, "its indices must ascend and stay below %d".formatted(count));
            }
            previous = position;
            positions.add(position);
        }
        return new OnnxSparseTensor(name, values, positions.boxed(), dims.boxed());
    }

    private static long exact(Parts parts, LongSupplier size) {
        try {
            return size.getAsLong();
        } catch (ArithmeticException e) {
            throw bad(parts, "its size overflows 63 bits");
        }
    }

    private static OnnxException bad(Parts parts, String problem) {
        return bad(parts.name, parts.offset, problem);
    }

    private static OnnxException bad(String name, long offset, String problem) {
        return new OnnxException("Tensor '%s', at byte %d of the file: %s".formatted(name, offset, problem));
    }
}
