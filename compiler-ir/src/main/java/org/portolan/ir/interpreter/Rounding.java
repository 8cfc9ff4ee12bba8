package org.portolan.ir.interpreter;

import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// How results of exact arithmetic become elements of a type.
final class Rounding {
    private Rounding() {}

    /// The nearest number of a floating-point type, ties to even.
    static double round(ElementType type, double value) {
        return switch (type) {
            case F64 -> value;
            case F32 -> (float) value;
            case F16, BF16, F8E4M3, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1 ->
                ElementTypes.decodeDouble(type, ElementTypes.encodeDouble(type, value));
            case I64, I32, I16, I8, I4, I2, U64, U32, U16, U8, U4, U2, BOOL, INDEX, STRING ->
                throw new IllegalArgumentException(type + " is no floating-point type");
        };
    }

    /// The low bits of an integer, sign- or zero-extended.
    static long wrap(ElementType type, long value) {
        return switch (type) {
            case I64, U64, INDEX -> value;
            case I32 -> (int) value;
            case I16 -> (short) value;
            case I8 -> (byte) value;
            case I4 -> value << 60 >> 60;
            case I2 -> value << 62 >> 62;
            case U32 -> value & 0xFFFF_FFFFL;
            case U16 -> value & 0xFFFF;
            case U8 -> value & 0xFF;
            case U4 -> value & 0xF;
            case U2 -> value & 0x3;
            case BOOL -> value != 0 ? 1 : 0;
            case F64, F32, F16, BF16, F8E4M3, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1, STRING ->
                throw new IllegalArgumentException(type + " is no integer type");
        };
    }

    /// {@code a * b + c}, rounded once to a type of fewer than 32 bits: the double keeps whatever its own rounding
    /// dropped as an odd last bit, so that the second rounding sees it.
    static double fmaToOdd(double a, double b, double c) {
        double product = a * b;
        double sum = product + c;
        if (Double.isNaN(sum) || Double.isInfinite(sum)) {
            return sum;
        }
        double part = sum - product;
        double error = (product - (sum - part)) + (c - part);
        if (error == 0 || (Double.doubleToRawLongBits(sum) & 1) == 1) {
            return sum;
        }
        return error > 0 ? Math.nextUp(sum) : Math.nextDown(sum);
    }
}
