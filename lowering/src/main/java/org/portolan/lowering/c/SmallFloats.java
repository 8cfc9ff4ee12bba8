package org.portolan.lowering.c;

import java.util.List;
import org.portolan.ir.ArithOp.Overflow;
import org.portolan.ir.ArithOp.Rounding;
import org.portolan.runtime.type.ElementType;

/// Floats of fewer than 32 bits, held as their bits, to {@code f32} and back. All in integer arithmetic, so that denormals,
/// rounding and special values are the same everywhere.
final class SmallFloats {

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

    private SmallFloats() {}

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

    /// The {@code f32} of the same value; all are exact.
    static Term widen(Builder builder, Term bits, ElementType element) {
        var result = bits.type().of(CType.Base.F32);
        return builder.helpers.call(
                name(element.toString(), bits) + "_to_f32", result, List.of(bits), (inner, terms) -> {
                    var word = inner.let("word", inner.convert(terms.getFirst(), CType.Base.U32));
                    if (element == ElementType.BF16) {
                        return inner.bits(inner.binary("<<", word, number(inner, word, 16)), CType.Base.F32);
                    }
                    return element == ElementType.F8E8M0 ? widenScale(inner, word) : widen(inner, word, format(element));
                });
    }

    /// A power of two: 2 to the bits less 127; 255 is NaN.
    private static Term widenScale(Builder b, Term word) {
        var normal = b.binary("<<", word, number(b, word, 23));
        var smallest = choose(b, "==", word, 0, number(b, word, 0x0040_0000), normal);
        return b.bits(choose(b, "==", word, 255, number(b, word, 0x7fc0_0000), smallest), CType.Base.F32);
    }

    private static Term widen(Builder b, Term word, Format format) {
        int shift = 23 - format.mantissa();
        var magnitude = b.let("magnitude", b.and(word, number(b, word, format.sign() - 1)));
        var raised = b.binary(
                "+",
                b.binary("<<", magnitude, number(b, word, shift)),
                number(b, word, (long) (127 - format.bias()) << 23));
        // A denormal is its fraction times the smallest step, and both are exact in f32.
        var step = b.floating(word.type().of(CType.Base.F32), Math.scalb(1.0, 1 - format.bias() - format.mantissa()));
        var denormal = b.bits(b.binary("*", b.convert(magnitude, CType.Base.F32), step), CType.Base.U32);
        var result = b.let(
                "finite", choose(b, "<", magnitude, 1L << format.mantissa(), denormal, raised));
        if (format.infinity() >= 0) {
            // Infinity and the NaNs keep their fraction under f32's own largest exponent.
            var special = b.or(
                    b.binary("<<", magnitude, number(b, word, shift)), number(b, word, 0x7f80_0000));
            result = b.let("any", choose(b, ">=", magnitude, format.infinity(), special, result));
        } else if (format.negativeZero() && format.nan() > format.largest()) {
            result = b.let("any", choose(b, "==", magnitude, format.nan(), number(b, word, 0x7fc0_0000), result));
        }
        var sign = b.binary("<<", b.and(word, number(b, word, format.sign())), number(b, word, 32 - format.bits()));
        result = b.let("signed", b.or(result, sign));
        if (!format.negativeZero()) {
            result = b.let("all", choose(b, "==", word, format.nan(), number(b, word, 0x7fc0_0000), result));
        }
        return b.bits(result, CType.Base.F32);
    }

    // ------------------------------------------------------------------------------------------------------- narrowing

    /// The bits of an {@code f32} or {@code f64} in a smaller type, rounded once.
    static Term narrow(Builder builder, Term value, ElementType element, Rounding rounding, Overflow overflow) {
        boolean saturate = overflow == Overflow.SATURATE && element.bits() <= 8;
        if (element != ElementType.F8E8M0 && rounding != Rounding.NEAREST_EVEN) {
            throw new EmitException("a cast to " + element + " can only round to nearest; " + rounding
                    + " is defined for f8e8m0");
        }
        var single = roundedToOdd(builder, value);
        var name = name("f32", single) + "_to_" + element + (saturate ? "_saturated" : "")
                + (rounding == Rounding.NEAREST_EVEN ? "" : rounding == Rounding.UP ? "_up" : "_down");
        var result = single.type().of(CType.of(element).base());
        return builder.helpers.call(name, result, List.of(single), (inner, terms) -> {
            var narrow = element == ElementType.F8E8M0
                    ? narrowScale(inner, terms.getFirst(), rounding, saturate)
                    : narrow(inner, terms.getFirst(), format(element), saturate);
            return inner.convert(narrow, result.base());
        });
    }

    /// A double as a float whose last bit says that something was lost: rounding that again to a much shorter type gives
    /// what one rounding would have given.
    private static Term roundedToOdd(Builder builder, Term value) {
        if (value.type().base() != CType.Base.F64) {
            return value;
        }
        var result = value.type().of(CType.Base.F32);
        return builder.helpers.call(name("f64", value) + "_to_odd_f32", result, List.of(value), (b, terms) -> {
            var nearest = b.let("nearest", b.convert(terms.getFirst(), CType.Base.F32));
            var back = b.let("back", b.convert(nearest, CType.Base.F64));
            var bits = b.bits(nearest, CType.Base.U32);
            var larger = b.compare(
                    ">",
                    b.function(Words.Function.ABS, back),
                    b.function(Words.Function.ABS, terms.getFirst()));
            var truncated = b.binary("-", bits, b.convert(larger, CType.Base.U32));
            var inexact = b.or(b.compare("<", back, terms.getFirst()), b.compare(">", back, terms.getFirst()));
            return b.bits(b.let("odd", b.or(truncated, b.convert(inexact, CType.Base.U32))), CType.Base.F32);
        });
    }

    private static Term narrow(Builder b, Term value, Format format, boolean saturate) {
        int shift = 23 - format.mantissa();
        var bits = b.let("bits", b.bits(value, CType.Base.U32));
        var magnitude = b.let("magnitude", b.and(bits, number(b, bits, 0x7fff_ffff)));

        // Normal numbers: add half a step less one, and the last bit kept, then cut; the carry runs into the exponent.
        var odd = b.and(b.binary(">>", magnitude, number(b, bits, shift)), number(b, bits, 1));
        var half = b.binary("+", magnitude, number(b, bits, (1L << shift - 1) - 1));
        var rounded = b.let("rounded", b.binary(">>", b.binary("+", half, odd), number(b, bits, shift)));
        Term result = b.let(
                "normal",
                b.binary("-", rounded, number(b, bits, (long) (127 - format.bias()) << format.mantissa())));

        // Denormal ones: adding a number whose last bit is the smallest step makes the addition itself round.
        if (format.bias() < 127) {
            var floats = bits.type().of(CType.Base.F32);
            double magic = Math.scalb(1.0, 1 - format.bias() - format.mantissa() + 23);
            var sum = b.let("sum", b.binary("+", b.bits(magnitude, floats), b.floating(floats, magic)));
            var denormal = b.binary(
                    "-", b.bits(sum, CType.Base.U32), number(b, bits, Float.floatToRawIntBits((float) magic)));
            result = b.let("finite", choose(
                    b, "<", magnitude, (128L - format.bias()) << 23, denormal, result));
        }

        int over = saturate || format.largest() == format.nan()
                ? format.largest()
                : format.infinity() >= 0 ? format.infinity() : format.nan();
        // A normal number's bits that are too small are negative here.
        var isOver = b.compare(
                ">", b.bits(result, CType.Base.I32), b.integer(bits.type().of(CType.Base.I32), format.largest()));
        result = b.let("limited", b.choose(isOver, number(b, bits, over), result));

        var sign = b.let("sign", b.and(
                b.binary(">>", bits, number(b, bits, 32 - format.bits())), number(b, bits, format.sign())));
        var signed = b.let("signed", b.or(result, sign));
        if (!format.negativeZero()) {
            // Zero has no sign here, and neither has the NaN that an overflow may have given.
            signed = b.let("zero", choose(b, "==", result, 0, result, signed));
            if (over == format.nan()) {
                signed = b.let("nan", choose(b, "==", result, over, result, signed));
            }
        }
        boolean signedNan = format.negativeZero() && format.nan() > format.largest();
        var nanBits = signedNan ? b.or(sign, number(b, bits, format.nan())) : number(b, bits, format.nan());
        return b.let("narrow", choose(b, ">", magnitude, 0x7f80_0000, nanBits, signed));
    }

    /// The exponent of a positive number. Zero gives the smallest power, NaN and negative numbers NaN; what is too large
    /// saturates or gives NaN.
    private static Term narrowScale(Builder b, Term value, Rounding rounding, boolean saturate) {
        var bits = b.let("bits", b.bits(value, CType.Base.U32));
        int added = switch (rounding) {
            case NEAREST_EVEN -> 0x0040_0000;
            case UP -> 0x007f_ffff;
            case DOWN -> 0;
        };
        var exponent = b.binary(">>", b.binary("+", bits, number(b, bits, added)), number(b, bits, 23));
        // The smallest power lies among the denormals of f32: it is half of the smallest normal number.
        long up = switch (rounding) {
            case NEAREST_EVEN -> 0x0060_0000;
            case UP -> 0x0040_0001;
            case DOWN -> 0x0080_0000;
        };
        var low = b.convert(b.compare(">=", bits, number(b, bits, up)), CType.Base.U32);
        var power = b.let("power", choose(b, "<", bits, 0x0080_0000, low, exponent));
        var capped = choose(b, ">", power, 254, number(b, bits, saturate ? 254 : 255), power);
        // As an unsigned number, infinity is followed by the NaNs and then by everything negative, first of all -0.
        var result = choose(
                b, ">", bits, saturate ? 0x7f80_0000 : 0x7f7f_ffff, number(b, bits, 255), capped);
        return b.let("scale", choose(b, "==", bits, 0x8000_0000L, number(b, bits, 0), result));
    }

    private static Term choose(Builder b, String operator, Term value, long number, Term yes, Term no) {
        return b.choose(b.compare(operator, value, number(b, value, number)), yes, no);
    }

    private static Term number(Builder b, Term like, long value) {
        return b.integer(like.type().of(CType.Base.U32), value & 0xffff_ffffL);
    }

    private static String name(String element, Term value) {
        return value.type().isVector() ? element + "x" + value.type().lanes() : element;
    }
}
