package org.portolan.llvm.emit;

import org.portolan.ir.ArithOp.Overflow;
import org.portolan.ir.ArithOp.Rounding;
import org.portolan.runtime.type.ElementType;

/// Floats of fewer than 32 bits, held as their bits, to `f32` and back. All in integer arithmetic, so that denormals,
/// rounding and special values are the same on every target; only `f16` uses instructions, where there are any.
final class SmallFloats {
    private final FunctionBuilder builder;
    private final Traits traits;

    /// @param mantissa bits of the fraction
    /// @param bias of the exponent
    /// @param largest bits of the largest finite number
    /// @param infinity bits of infinity; -1 if there is none
    /// @param nan bits of what a NaN becomes; the largest number if there is no NaN
    /// @param negativeZero whether there is one; where not, its bits are the NaN
    private record Format(int bits, int mantissa, int bias, int largest, int infinity, int nan, boolean negativeZero) {
        int sign() {
            return 1 << bits - 1;
        }
    }

    SmallFloats(FunctionBuilder builder, Traits traits) {
        this.builder = builder;
        this.traits = traits;
    }

    private static Format format(ElementType element) {
        return switch (element) {
            case F16 -> new Format(16, 10, 15, 0x7bff, 0x7c00, 0x7e00, true);
            case BF16 -> new Format(16, 7, 127, 0x7f7f, 0x7f80, 0x7fc0, true);
            case F8E4M3 -> new Format(8, 3, 7, 0x7e, -1, 0x7f, true);
            case F8E5M2 -> new Format(8, 2, 15, 0x7b, 0x7c, 0x7e, true);
            case F8E4M3FNUZ -> new Format(8, 3, 8, 0x7f, -1, 0x80, false);
            case F8E5M2FNUZ -> new Format(8, 2, 16, 0x7f, -1, 0x80, false);
            case F4E2M1 -> new Format(4, 1, 1, 0x7, -1, 0x7, true);
            case F8E8M0, F64, F32, I64, I32, I16, I8, I4, I2, U64, U32, U16, U8, U4, U2, BOOL, INDEX, STRING ->
                throw new EmitException(element + " is no small float with a fraction");
        };
    }

    // -------------------------------------------------------------------------------------------------------- widening

    /// The `f32` of the same value; all are exact.
    Operand widen(Operand bits, ElementType element) {
        var type = bits.type();
        if (element == ElementType.BF16) {
            var word = builder.binary("shl", builder.convert("zext", bits, type.of("i32")), integer(type, 16));
            return builder.convert("bitcast", word, type.of("float"));
        }
        if (element == ElementType.F16 && traits.half()) {
            return builder.convert("fpext", builder.convert("bitcast", bits, type.of("half")), type.of("float"));
        }
        var word = builder.convert("zext", bits, type.of("i32"));
        return element == ElementType.F8E8M0 ? widenScale(word) : widen(word, format(element));
    }

    /// A power of two: 2 to the bits less 127; 255 is NaN.
    private Operand widenScale(Operand word) {
        var normal = builder.binary("shl", word, integer(word.type(), 23));
        var smallest = select("eq", word, 0, integer(word.type(), 0x0040_0000), normal);
        var bits = select("eq", word, 255, integer(word.type(), 0x7fc0_0000), smallest);
        return builder.convert("bitcast", bits, word.type().of("float"));
    }

    private Operand widen(Operand word, Format format) {
        var type = word.type();
        var floats = type.of("float");
        int shift = 23 - format.mantissa();
        var magnitude = builder.binary("and", word, integer(type, format.sign() - 1));
        var raised = builder.binary(
                "add",
                builder.binary("shl", magnitude, integer(type, shift)),
                integer(type, (127 - format.bias()) << 23));
        // A denormal is its fraction times the smallest step, and both are exact in f32.
        var fraction = builder.convert("uitofp", magnitude, floats);
        var step = Operand.floating(floats, Math.scalb(1.0, 1 - format.bias() - format.mantissa()));
        var denormal = builder.convert("bitcast", builder.binary("fmul", fraction, step), type);
        var finite = builder.select(
                builder.compare("ult", magnitude, integer(type, 1 << format.mantissa())), denormal, raised);
        var result = finite;
        if (format.infinity() >= 0) {
            // Infinity and the NaNs keep their fraction under f32's own largest exponent.
            var special = builder.binary(
                    "or", builder.binary("shl", magnitude, integer(type, shift)), integer(type, 0x7f80_0000));
            result = builder.select(
                    builder.compare("uge", magnitude, integer(type, format.infinity())), special, result);
        } else if (format.negativeZero() && format.nan() > format.largest()) {
            result = select("eq", magnitude, format.nan(), integer(type, 0x7fc0_0000), result);
        }
        var sign = builder.binary(
                "shl", builder.binary("and", word, integer(type, format.sign())), integer(type, 32 - format.bits()));
        result = builder.binary("or", result, sign);
        if (!format.negativeZero()) {
            result = select("eq", word, format.nan(), integer(type, 0x7fc0_0000), result);
        }
        return builder.convert("bitcast", result, floats);
    }

    // ------------------------------------------------------------------------------------------------------- narrowing

    /// The bits of an `f32` or `f64` in a smaller type, rounded once.
    Operand narrow(Operand value, ElementType element, Rounding rounding, Overflow overflow) {
        if (element == ElementType.F8E8M0) {
            return narrowScale(roundedToOdd(value), rounding, overflow == Overflow.SATURATE);
        }
        if (rounding != Rounding.NEAREST_EVEN) {
            throw new EmitException("a cast to " + element + " can only round to nearest; " + rounding
                    + " is defined for f8e8m0");
        }
        var single = roundedToOdd(value);
        var type = single.type();
        if (element == ElementType.F16 && traits.half()) {
            return builder.convert("bitcast", builder.convert("fptrunc", single, type.of("half")), type.of("i16"));
        }
        return narrow(single, format(element), element.bits() <= 8 && overflow == Overflow.SATURATE);
    }

    /// A double as a float whose last bit says that something was lost: rounding that again to a much shorter type
    /// gives what one rounding would have given.
    private Operand roundedToOdd(Operand value) {
        if (!value.type().element().equals("double")) {
            return value;
        }
        var nearest = builder.convert("fptrunc", value, value.type().of("float"));
        var back = builder.convert("fpext", nearest, value.type());
        var integers = value.type().of("i32");
        var bits = builder.convert("bitcast", nearest, integers);
        var larger = builder.compare("ogt", builder.intrinsic("fabs", back), builder.intrinsic("fabs", value));
        var truncated = builder.binary("sub", bits, builder.convert("zext", larger, integers));
        var inexact = builder.convert("zext", builder.compare("one", back, value), integers);
        return builder.convert(
                "bitcast", builder.binary("or", truncated, inexact), value.type().of("float"));
    }

    private Operand narrow(Operand value, Format format, boolean saturate) {
        var type = value.type().of("i32");
        int shift = 23 - format.mantissa();
        var bits = builder.convert("bitcast", value, type);
        var magnitude = builder.binary("and", bits, integer(type, 0x7fff_ffff));

        // Normal numbers: add half a step less one, and the last bit kept, then cut; the carry runs into the exponent.
        var odd = builder.binary("and", builder.binary("lshr", magnitude, integer(type, shift)), integer(type, 1));
        var half = builder.binary("add", magnitude, integer(type, (1 << shift - 1) - 1));
        var rounded = builder.binary("lshr", builder.binary("add", half, odd), integer(type, shift));
        var normal = builder.binary("sub", rounded, integer(type, (127 - format.bias()) << format.mantissa()));

        // Denormal ones: adding a number whose last bit is the smallest step makes the addition itself round.
        var result = normal;
        if (format.bias() < 127) {
            var floats = value.type();
            int stepExponent = 1 - format.bias() - format.mantissa();
            double magic = Math.scalb(1.0, stepExponent + 23);
            var sum = builder.binary(
                    "fadd", builder.convert("bitcast", magnitude, floats), Operand.floating(floats, magic));
            var denormal = builder.binary(
                    "sub",
                    builder.convert("bitcast", sum, type),
                    integer(type, Float.floatToRawIntBits((float) magic)));
            int smallestNormal = (128 - format.bias()) << 23;
            result = builder.select(
                    builder.compare("ult", magnitude, integer(type, smallestNormal)), denormal, normal);
        }

        int over = saturate || format.largest() == format.nan()
                ? format.largest()
                : format.infinity() >= 0 ? format.infinity() : format.nan();
        result = builder.select(
                builder.compare("sgt", result, integer(type, format.largest())), integer(type, over), result);
        if (over == format.nan() && !format.negativeZero()) {
            return withNan(result, bits, magnitude, type, format, over);
        }
        return withNan(result, bits, magnitude, type, format, -1);
    }

    /// Puts the sign in, then the NaN.
    private Operand withNan(
            Operand result, Operand bits, Operand magnitude, LlvmType type, Format format, int unsigned) {
        var sign = builder.binary(
                "and",
                builder.binary("lshr", bits, integer(type, 32 - format.bits())),
                integer(type, format.sign()));
        var signed = builder.binary("or", result, sign);
        if (!format.negativeZero()) {
            // Zero has no sign here, and neither has the NaN that an overflow may have given.
            signed = select("eq", result, 0, result, signed);
        }
        if (unsigned >= 0) {
            signed = select("eq", result, unsigned, result, signed);
        }
        var nan = builder.compare("ugt", magnitude, integer(type, 0x7f80_0000));
        boolean signedNan = format.negativeZero() && format.nan() > format.largest();
        var nanBits = signedNan
                ? builder.binary("or", sign, integer(type, format.nan()))
                : integer(type, format.nan());
        signed = builder.select(nan, nanBits, signed);
        return builder.convert("trunc", signed, type.ofBits(format.bits()));
    }

    /// The exponent of a positive number. Zero gives the smallest power, NaN and negative numbers NaN; what is too
    /// large saturates or gives NaN.
    private Operand narrowScale(Operand value, Rounding rounding, boolean saturate) {
        var type = value.type().of("i32");
        var bits = builder.convert("bitcast", value, type);
        int added = switch (rounding) {
            case NEAREST_EVEN -> 0x0040_0000;
            case UP -> 0x007f_ffff;
            case DOWN -> 0;
        };
        var exponent = builder.binary(
                "lshr", builder.binary("add", bits, integer(type, added)), integer(type, 23));
        // The smallest power lies among the denormals of f32: it is half of the smallest normal number.
        long up = switch (rounding) {
            case NEAREST_EVEN -> 0x0060_0000;
            case UP -> 0x0040_0001;
            case DOWN -> 0x0080_0000;
        };
        var low = builder.convert("zext", builder.compare("uge", bits, integer(type, up)), type);
        var power = builder.select(builder.compare("ult", bits, integer(type, 0x0080_0000)), low, exponent);
        var capped = select("ugt", power, 254, integer(type, saturate ? 254 : 255), power);
        // As an unsigned number, infinity is followed by the NaNs and then by everything negative, first of all -0.
        var special = builder.compare("ugt", bits, integer(type, saturate ? 0x7f80_0000 : 0x7f7f_ffff));
        var result = builder.select(special, integer(type, 255), capped);
        var whole = select("eq", bits, 0x8000_0000L, integer(type, 0), result);
        return builder.convert("trunc", whole, type.of("i8"));
    }

    private Operand select(String predicate, Operand value, long number, Operand yes, Operand no) {
        return builder.select(builder.compare(predicate, value, integer(value.type(), number)), yes, no);
    }

    private static Operand integer(LlvmType type, long value) {
        return Operand.integer(type.of("i32"), value);
    }
}
