package org.portolan.onnx;

import java.util.Optional;

/// The element types of ONNX with the numbers that `TensorProto.DataType` gives them.
public enum OnnxDataType {
    FLOAT(1, 32),
    UINT8(2, 8),
    INT8(3, 8),
    UINT16(4, 16),
    INT16(5, 16),
    INT32(6, 32),
    INT64(7, 64),
    STRING(8, 0),
    BOOL(9, 8),
    FLOAT16(10, 16),
    DOUBLE(11, 64),
    UINT32(12, 32),
    UINT64(13, 64),
    COMPLEX64(14, 64),
    COMPLEX128(15, 128),
    BFLOAT16(16, 16),
    FLOAT8E4M3FN(17, 8),
    FLOAT8E4M3FNUZ(18, 8),
    FLOAT8E5M2(19, 8),
    FLOAT8E5M2FNUZ(20, 8),
    UINT4(21, 4),
    INT4(22, 4),
    FLOAT4E2M1(23, 4),
    FLOAT8E8M0(24, 8),
    UINT2(25, 2),
    INT2(26, 2);

    private static final OnnxDataType[] BY_CODE = new OnnxDataType[27];

    static {
        for (var type : values()) {
            BY_CODE[type.code] = type;
        }
    }

    private final int code;
    private final int bits;

    OnnxDataType(int code, int bits) {
        this.code = code;
        this.bits = bits;
    }

    /// The number in the file.
    public int code() {
        return code;
    }

    /// Bits of one element in `raw_data`, where elements of fewer than eight bits are packed, the first one in the
    /// lowest bits; 0 for strings.
    public int bits() {
        return bits;
    }

    /// Bytes that `count` elements take.
    public long bytes(long count) {
        return Math.ceilDiv(Math.multiplyExact(count, (long) bits), 8L);
    }

    /// The type with this number, if there is one. 0, "undefined", is none.
    public static Optional<OnnxDataType> ofCode(long code) {
        return code < 1 || code >= BY_CODE.length ? Optional.empty() : Optional.of(BY_CODE[(int) code]);
    }
}
