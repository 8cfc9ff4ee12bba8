package org.portolan.runtime.type;

import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// What one element of a tensor is. The eight-bit and smaller floating-point types are those of the OCP
/// 8-bit Floating Point Specification 1.0 and of the Microscaling Formats Specification 1.0; the {@code FNUZ}
/// variants have no infinities and one NaN, as in ONNX.
public enum ElementType {
    F64(64, Kind.FLOAT),
    F32(32, Kind.FLOAT),
    F16(16, Kind.FLOAT),
    BF16(16, Kind.FLOAT),
    F8E4M3(8, Kind.FLOAT),
    F8E4M3FNUZ(8, Kind.FLOAT),
    F8E5M2(8, Kind.FLOAT),
    F8E5M2FNUZ(8, Kind.FLOAT),
    F8E8M0(8, Kind.FLOAT),
    F4E2M1(4, Kind.FLOAT),
    I64(64, Kind.SIGNED),
    I32(32, Kind.SIGNED),
    I16(16, Kind.SIGNED),
    I8(8, Kind.SIGNED),
    I4(4, Kind.SIGNED),
    I2(2, Kind.SIGNED),
    U64(64, Kind.UNSIGNED),
    U32(32, Kind.UNSIGNED),
    U16(16, Kind.UNSIGNED),
    U8(8, Kind.UNSIGNED),
    U4(4, Kind.UNSIGNED),
    U2(2, Kind.UNSIGNED),
    /// One byte, 0 or 1.
    BOOL(8, Kind.BOOLEAN),
    /// A signed 64-bit number that counts or addresses; never stored in a tensor.
    INDEX(64, Kind.SIGNED),
    /// UTF-8 text; on the host only.
    STRING(0, Kind.TEXT);

    private enum Kind {
        FLOAT,
        SIGNED,
        UNSIGNED,
        BOOLEAN,
        TEXT
    }

    private static final Map<String, ElementType> BY_TEXT =
            Stream.of(values()).collect(Collectors.toUnmodifiableMap(ElementType::text, type -> type));

    private final int bits;
    private final Kind kind;
    private final String text;

    ElementType(int bits, Kind kind) {
        this.bits = bits;
        this.kind = kind;
        this.text = name().toLowerCase(Locale.ROOT);
    }

    /// Bits that one element takes in memory. Types of less than eight bits are packed, the first element in the
    /// lowest bits, as in ONNX; 0 for {@link #STRING}.
    public int bits() {
        return bits;
    }

    /// Bytes that {@code elements} packed elements take, rounded up to whole bytes.
    ///
    /// @throws ArithmeticException if the number does not fit a long
    public long bytes(long elements) {
        return Math.ceilDiv(Math.multiplyExact(elements, bits), 8);
    }

    /// The name in the text form, for example {@code f32}.
    public String text() {
        return text;
    }

    public boolean isFloat() {
        return kind == Kind.FLOAT;
    }

    /// Whether this is an integer, signed or unsigned; {@link #BOOL} is not.
    public boolean isInteger() {
        return kind == Kind.SIGNED || kind == Kind.UNSIGNED;
    }

    public boolean isSigned() {
        return kind == Kind.SIGNED;
    }

    public boolean isUnsigned() {
        return kind == Kind.UNSIGNED;
    }

    /// Whether {@code text} names an element type.
    public static boolean isElementType(String text) {
        return BY_TEXT.containsKey(text);
    }

    /// The type of that name.
    ///
    /// @throws IllegalArgumentException if there is none
    public static ElementType parse(String text) {
        var type = BY_TEXT.get(text);
        if (type == null) {
            throw new IllegalArgumentException("'" + text + "' is no element type; expected one of "
                    + BY_TEXT.keySet().stream().sorted().toList());
        }
        return type;
    }

    @Override
    public String toString() {
        return text;
    }
}
