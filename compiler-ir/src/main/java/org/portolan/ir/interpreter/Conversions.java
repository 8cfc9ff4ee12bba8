package org.portolan.ir.interpreter;

import java.math.BigDecimal;
import java.util.Locale;
import org.portolan.ir.ArithOp;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Conversions between element types: those of {@link ArithOp.Cast}.
final class Conversions {
    private Conversions() {}

    /// All elements as another type, nearest and saturating; the row itself if it is of that type.
    static Elements convert(Elements source, ElementType type) {
        if (source.type() == type) {
            return source;
        }
        var result = Elements.allocate(type, source.size());
        convert(source, 0, ArithOp.Rounding.NEAREST_EVEN, ArithOp.Overflow.SATURATE, result, 0, source.size());
        return result;
    }

    static void convert(
            Elements source,
            int from,
            ArithOp.Rounding rounding,
            ArithOp.Overflow overflow,
            Elements result,
            int to,
            int count) {
        if (source.type() == result.type()) {
            source.copyTo(from, result, to, count);
            return;
        }
        switch (source) {
            case Elements.Texts(String[] texts) -> {
                for (int i = 0; i < count; i++) {
                    parse(texts[from + i], result, to + i);
                }
            }
            case Elements.Longs(ElementType type, long[] values) -> {
                for (int i = 0; i < count; i++) {
                    fromInteger(type, values[from + i], result, to + i);
                }
            }
            case Elements.Floats _, Elements.Doubles _ -> {
                if (source instanceof Elements.Floats(_, float[] values)
                        && result instanceof Elements.Doubles(var wide)) {
                    for (int i = 0; i < count; i++) {
                        wide[to + i] = values[from + i];
                    }
                    return;
                }
                for (int i = 0; i < count; i++) {
                    fromReal(source, from + i, rounding, overflow, result, to + i);
                }
            }
        }
    }

    private static void fromInteger(ElementType type, long value, Elements result, int index) {
        switch (result) {
            case Elements.Longs(ElementType other, long[] values) -> values[index] = Rounding.wrap(other, value);
            case Elements.Floats _, Elements.Doubles _ ->
                result.setBits(index, ElementTypes.convert(type, result.type(), ElementTypes.encodeLong(type, value)));
            case Elements.Texts(String[] texts) ->
                texts[index] = type == ElementType.BOOL
                        ? (value != 0 ? "True" : "False")
                        : type == ElementType.U64 ? Long.toUnsignedString(value) : Long.toString(value);
        }
    }

    private static void fromReal(
            Elements source,
            int from,
            ArithOp.Rounding rounding,
            ArithOp.Overflow overflow,
            Elements result,
            int index) {
        double value = source.getDouble(from);
        switch (result) {
            case Elements.Longs(ElementType type, long[] values) ->
                values[index] = ElementTypes.decodeLong(type, ElementTypes.encodeDouble(type, value));
            case Elements.Floats _, Elements.Doubles _ ->
                result.setBits(
                        index,
                        narrow(result.type(), value, rounding, overflow == ArithOp.Overflow.SATURATE));
            case Elements.Texts(String[] texts) ->
                texts[index] = print(
                        source.type() == ElementType.F64 ? Double.toString(value) : Float.toString((float) value));
        }
    }

    private static long narrow(ElementType type, double value, ArithOp.Rounding rounding, boolean saturate) {
        if (type == ElementType.F8E8M0) {
            var scaleRounding =
                    switch (rounding) {
                        case NEAREST_EVEN -> ElementTypes.ScaleRounding.NEAREST;
                        case UP -> ElementTypes.ScaleRounding.UP;
                        case DOWN -> ElementTypes.ScaleRounding.DOWN;
                    };
            return ElementTypes.encodeDouble(type, value, saturate, scaleRounding);
        }
        long bits = ElementTypes.encodeDouble(type, value, saturate, ElementTypes.ScaleRounding.NEAREST);
        double nearest = ElementTypes.decodeDouble(type, bits);
        boolean up = rounding == ArithOp.Rounding.UP && nearest < value;
        boolean down = rounding == ArithOp.Rounding.DOWN && nearest > value;
        if (!up && !down) {
            return bits;
        }
        long sign = 1L << type.bits() - 1;
        if (nearest == 0) {
            return up ? 1 : sign | 1;
        }
        long next = up == nearest > 0 ? bits + 1 : bits - 1;
        // A format without a negative zero has its NaN there; one without infinities ends at its largest number.
        double stepped = ElementTypes.decodeDouble(type, next);
        return !Double.isNaN(stepped) ? next : Math.abs(nearest) < 1 ? 0 : bits;
    }

    private static void parse(String text, Elements result, int index) {
        if (result instanceof Elements.Texts(String[] texts)) {
            texts[index] = text;
            return;
        }
        try {
            var trimmed = text.strip();
            if (result instanceof Elements.Longs(ElementType type, long[] values) && type != ElementType.BOOL) {
                values[index] = Rounding.wrap(type, new BigDecimal(trimmed).toBigInteger().longValue());
            } else {
                result.setDouble(index, parseReal(trimmed));
            }
        } catch (NumberFormatException e) {
            throw new PortolanException.RunFailed(
                    "the text \"" + text + "\" is no number", KernelError.INVALID_VALUE, -1);
        }
    }

    private static double parseReal(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "nan", "+nan", "-nan" -> Double.NaN;
            case "inf", "+inf", "infinity", "+infinity" -> Double.POSITIVE_INFINITY;
            case "-inf", "-infinity" -> Double.NEGATIVE_INFINITY;
            case "true" -> 1;
            case "false" -> 0;
            default -> Double.parseDouble(text);
        };
    }

    /// The shortest decimal that gives the number back, spelt as ONNX's reference does.
    private static String print(String java) {
        return switch (java) {
            case "NaN" -> "nan";
            case "Infinity" -> "inf";
            case "-Infinity" -> "-inf";
            default -> spell(java);
        };
    }

    private static String spell(String java) {
        int mark = java.indexOf('E');
        if (mark < 0) {
            return java;
        }
        int exponent = Integer.parseInt(java.substring(mark + 1));
        if (exponent >= -4 && exponent < 16) {
            var plain = new BigDecimal(java).toPlainString();
            return plain.contains(".") ? plain : plain + ".0";
        }
        var digits = java.substring(0, mark);
        if (digits.endsWith(".0")) {
            digits = digits.substring(0, digits.length() - 2);
        }
        return "%se%s%02d".formatted(digits, exponent < 0 ? "-" : "+", Math.abs(exponent));
    }
}
