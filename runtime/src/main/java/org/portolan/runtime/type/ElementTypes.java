package org.portolan.runtime.type;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.portolan.runtime.type.SmallFloat.Special;

/// Elements as bits in memory, and their conversion by the numerics contract: to a floating-point type, the nearest
/// number with ties to even; from floating point to an integer, towards zero, saturating, NaN to 0; between integers,
/// the low bits; to bool, whether it differs from zero. Out-of-range numbers become infinite in f64, f32, f16 and
/// bf16, and the largest finite number in the formats of eight bits and less (unless told otherwise), as in ONNX.
public final class ElementTypes {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final SmallFloat F16 = new SmallFloat(5, 10, 15, Special.IEEE);
    private static final SmallFloat BF16 = new SmallFloat(8, 7, 127, Special.IEEE);
    private static final SmallFloat F8E4M3 = new SmallFloat(4, 3, 7, Special.FINITE);
    private static final SmallFloat F8E4M3FNUZ = new SmallFloat(4, 3, 8, Special.FINITE_UNSIGNED_ZERO);
    private static final SmallFloat F8E5M2 = new SmallFloat(5, 2, 15, Special.IEEE);
    private static final SmallFloat F8E5M2FNUZ = new SmallFloat(5, 2, 16, Special.FINITE_UNSIGNED_ZERO);
    private static final SmallFloat F4E2M1 = new SmallFloat(2, 1, 1, Special.NONE);

    private static final int SCALE_BIAS = 127;
    private static final int SCALE_NOT_A_NUMBER = 0xFF;
    private static final double TWO_TO_63 = 0x1p63;

    private ElementTypes() {}

    /// How a number becomes a power of two in {@link ElementType#F8E8M0}.
    public enum ScaleRounding {
        UP,
        DOWN,
        /// Ties go up.
        NEAREST
    }

    /// The number that these bits are; an integer of more than 53 bits is rounded.
    ///
    /// @param bits the element's bits, zero- or sign-extended
    public static double decodeDouble(ElementType type, long bits) {
        return switch (type) {
            case F64 -> Double.longBitsToDouble(bits);
            case F32 -> Float.intBitsToFloat((int) bits);
            case F16 -> Float.float16ToFloat((short) bits);
            case BF16 -> Float.intBitsToFloat((int) bits << 16);
            case F8E4M3 -> F8E4M3.decode((int) bits & 0xFF);
            case F8E4M3FNUZ -> F8E4M3FNUZ.decode((int) bits & 0xFF);
            case F8E5M2 -> F8E5M2.decode((int) bits & 0xFF);
            case F8E5M2FNUZ -> F8E5M2FNUZ.decode((int) bits & 0xFF);
            case F8E8M0 ->
                (bits & 0xFF) == SCALE_NOT_A_NUMBER ? Double.NaN : Math.scalb(1.0, (int) (bits & 0xFF) - SCALE_BIAS);
            case F4E2M1 -> F4E2M1.decode((int) bits & 0xF);
            case U64 -> unsignedToDouble(bits);
            case I64, I32, I16, I8, I4, I2, U32, U16, U8, U4, U2, BOOL, INDEX -> decodeLong(type, bits);
            case STRING -> throw noNumber();
        };
    }

    /// The integer that these bits are; an u64 keeps its bits.
    public static long decodeLong(ElementType type, long bits) {
        return switch (type) {
            case I64, U64, INDEX -> bits;
            case I32 -> (int) bits;
            case I16 -> (short) bits;
            case I8 -> (byte) bits;
            case I4 -> bits << 60 >> 60;
            case I2 -> bits << 62 >> 62;
            case U32 -> bits & 0xFFFF_FFFFL;
            case U16 -> bits & 0xFFFF;
            case U8 -> bits & 0xFF;
            case U4 -> bits & 0xF;
            case U2 -> bits & 0x3;
            case BOOL -> (bits & 0xFF) != 0 ? 1 : 0;
            case F64, F32, F16, BF16, F8E4M3, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1 ->
                (long) decodeDouble(type, bits);
            case STRING -> throw noNumber();
        };
    }

    /// The bits of the nearest element, zero-extended; formats of eight bits and less saturate.
    public static long encodeDouble(ElementType type, double value) {
        return encodeDouble(type, value, true, ScaleRounding.UP);
    }

    /// The bits of an element, zero-extended.
    ///
    /// @param saturate what the eight-bit formats do with numbers that are too large, infinities included: the largest
    ///     finite number, or else infinity or NaN
    /// @param scaleRounding used for f8e8m0 only
    public static long encodeDouble(ElementType type, double value, boolean saturate, ScaleRounding scaleRounding) {
        return switch (type) {
            case F64 -> Double.doubleToRawLongBits(value);
            case F32 -> Float.floatToRawIntBits((float) value) & 0xFFFF_FFFFL;
            case F16 -> F16.encode(value, false);
            case BF16 -> BF16.encode(value, false);
            case F8E4M3 -> F8E4M3.encode(value, saturate);
            case F8E4M3FNUZ -> F8E4M3FNUZ.encode(value, saturate);
            case F8E5M2 -> F8E5M2.encode(value, saturate);
            case F8E5M2FNUZ -> F8E5M2FNUZ.encode(value, saturate);
            case F8E8M0 -> encodeScale(value, saturate, scaleRounding);
            case F4E2M1 -> F4E2M1.encode(value, true);
            case I64, INDEX -> (long) value;
            case U64 -> doubleToUnsigned(value);
            case I32, I16, I8, I4, I2, U32, U16, U8, U4, U2 ->
                (long) Math.clamp((long) value, smallest(type), largest(type)) & mask(type);
            case BOOL -> value != 0 ? 1 : 0;
            case STRING -> throw noNumber();
        };
    }

    /// The bits of an element, zero-extended: the low bits for an integer type, the nearest number for the others.
    public static long encodeLong(ElementType type, long value) {
        return switch (type) {
            case I64, U64, INDEX -> value;
            case I32, I16, I8, I4, I2, U32, U16, U8, U4, U2 -> value & mask(type);
            case BOOL -> value != 0 ? 1 : 0;
            case F64 -> Double.doubleToRawLongBits((double) value);
            case F32 -> Float.floatToRawIntBits((float) value) & 0xFFFF_FFFFL;
            case F16, BF16, F8E4M3, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1 ->
                encodeDouble(type, roundToOdd(value));
            case STRING -> throw noNumber();
        };
    }

    /// The bits of an element of one type as those of another.
    public static long convert(ElementType from, ElementType to, long bits) {
        if (from.isFloat()) {
            return encodeDouble(to, decodeDouble(from, bits));
        }
        long value = decodeLong(from, bits);
        if (from == ElementType.U64 && value < 0 && to.isFloat()) {
            if (to == ElementType.F32 || to == ElementType.F64) {
                // Halving keeps the dropped bit as a sticky one, so that the rounding is that of the whole number.
                long halved = value >>> 1 | value & 1;
                double half = to == ElementType.F32 ? (float) halved : (double) halved;
                return encodeDouble(to, half * 2);
            }
            return encodeDouble(to, roundToOdd(value >>> 1 | value & 1) * 2);
        }
        return encodeLong(to, value);
    }

    /// The bits of an element in memory, zero-extended.
    public static long getBits(ElementType type, MemorySegment segment, long index) {
        return switch (type.bits()) {
            case 64 -> segment.get(LONG, index * 8);
            case 32 -> segment.get(INT, index * 4) & 0xFFFF_FFFFL;
            case 16 -> segment.get(SHORT, index * 2) & 0xFFFF;
            case 8 -> segment.get(ValueLayout.JAVA_BYTE, index) & 0xFF;
            case 4 -> segment.get(ValueLayout.JAVA_BYTE, index >> 1) >> (index & 1) * 4 & 0xF;
            case 2 -> segment.get(ValueLayout.JAVA_BYTE, index >> 2) >> (index & 3) * 2 & 0x3;
            default -> throw noNumber();
        };
    }

    /// Stores the low bits as an element; neighbours in the same byte stay.
    public static void setBits(ElementType type, MemorySegment segment, long index, long bits) {
        switch (type.bits()) {
            case 64 -> segment.set(LONG, index * 8, bits);
            case 32 -> segment.set(INT, index * 4, (int) bits);
            case 16 -> segment.set(SHORT, index * 2, (short) bits);
            case 8 -> segment.set(ValueLayout.JAVA_BYTE, index, (byte) bits);
            case 4 -> setPart(segment, index >> 1, (int) (index & 1) * 4, 0xF, bits);
            case 2 -> setPart(segment, index >> 2, (int) (index & 3) * 2, 0x3, bits);
            default -> throw noNumber();
        }
    }

    private static void setPart(MemorySegment segment, long offset, int shift, int mask, long bits) {
        int old = segment.get(ValueLayout.JAVA_BYTE, offset);
        segment.set(ValueLayout.JAVA_BYTE, offset, (byte) (old & ~(mask << shift) | ((int) bits & mask) << shift));
    }

    public static double getDouble(ElementType type, MemorySegment segment, long index) {
        return decodeDouble(type, getBits(type, segment, index));
    }

    public static long getLong(ElementType type, MemorySegment segment, long index) {
        return decodeLong(type, getBits(type, segment, index));
    }

    public static void setDouble(ElementType type, MemorySegment segment, long index, double value) {
        setBits(type, segment, index, encodeDouble(type, value));
    }

    public static void setLong(ElementType type, MemorySegment segment, long index, long value) {
        setBits(type, segment, index, encodeLong(type, value));
    }

    /// The smallest value of an integer type.
    public static long smallest(ElementType type) {
        return type.isSigned() ? -1L << type.bits() - 1 : 0;
    }

    /// The largest value of an integer type; all bits for u64.
    public static long largest(ElementType type) {
        return type.isSigned() ? ~smallest(type) : mask(type);
    }

    private static long mask(ElementType type) {
        return -1L >>> 64 - type.bits();
    }

    private static double unsignedToDouble(long bits) {
        return bits >= 0 ? (double) bits : (double) (bits >>> 1 | bits & 1) * 2;
    }

    private static long doubleToUnsigned(double value) {
        if (!(value > 0)) {
            return 0;
        }
        if (value < TWO_TO_63) {
            return (long) value;
        }
        return value < 2 * TWO_TO_63 ? (long) (value - TWO_TO_63) ^ Long.MIN_VALUE : -1;
    }

    /// A double near the integer that rounds to the same small float as the integer itself would.
    private static double roundToOdd(long value) {
        long dropped = value & 0x7FF;
        boolean exact = Math.abs(value) <= 1L << 53 && value != Long.MIN_VALUE;
        return exact ? value : (double) (value - dropped | (dropped != 0 ? 0x800 : 0));
    }

    private static int encodeScale(double value, boolean saturate, ScaleRounding rounding) {
        if (Double.isNaN(value) || value < 0 || Double.isInfinite(value) && !saturate) {
            return SCALE_NOT_A_NUMBER;
        }
        if (Double.isInfinite(value)) {
            return SCALE_NOT_A_NUMBER - 1;
        }
        if (value < 0x1p-127) {
            return 0;
        }
        int exponent = Math.getExponent(value);
        double fraction = Math.scalb(value, -exponent);
        boolean up =
                switch (rounding) {
                    case UP -> fraction > 1;
                    case DOWN -> false;
                    case NEAREST -> fraction >= 1.5;
                };
        int bits = exponent + SCALE_BIAS + (up ? 1 : 0);
        return bits < SCALE_NOT_A_NUMBER ? bits : saturate ? SCALE_NOT_A_NUMBER - 1 : SCALE_NOT_A_NUMBER;
    }

    private static IllegalArgumentException noNumber() {
        return new IllegalArgumentException("strings have no bits");
    }
}
