package org.portolan.lowering.c;

import java.util.List;
import org.portolan.runtime.type.ElementType;

/// Integer arithmetic that wraps, and division and shifts with the one answer that the numerics contract has for each
/// corner. C itself leaves all of that open.
final class Integers {
    private Integers() {}

    /// Addition, subtraction or multiplication, wrapping at the width of the element. Indices never overflow.
    static Term wrapping(Builder builder, String operator, Term left, Term right, ElementType element) {
        var type = left.type();
        if (element == ElementType.INDEX || type.isVector() || !type.base().isSigned() && type.bits() >= 32) {
            return wrap(builder, builder.binary(operator, left, right), element);
        }
        var base = type.bits() < 32 ? CType.Base.U32 : type.base().unsigned();
        var result = builder.binary(operator, unsigned(builder, left, base), unsigned(builder, right, base));
        return wrap(
                builder,
                type.bits() < 32 ? builder.convert(result, type.base()) : builder.bits(result, type),
                element);
    }

    private static Term unsigned(Builder builder, Term value, CType.Base base) {
        return value.type().bits() == base.bits() ? builder.bits(value, base) : builder.convert(value, base);
    }

    /// Of an element of less than a byte only its own bits, a signed one's sign repeated above them.
    static Term wrap(Builder builder, Term value, ElementType element) {
        if (element.bits() >= 8 || element.isFloat()) {
            return value;
        }
        var type = value.type();
        if (element.isUnsigned()) {
            return builder.binary("&", value, builder.integer(type.lane(), (1L << element.bits()) - 1));
        }
        var shift = builder.integer(type.lane(), 8 - element.bits());
        return builder.binary(">>", builder.binary("<<", value, shift), shift);
    }

    static Term negate(Builder builder, Term value, ElementType element) {
        return wrapping(builder, "-", builder.integer(value.type(), 0), value, element);
    }

    static Term absolute(Builder builder, Term value, ElementType element) {
        if (!element.isSigned()) {
            return value;
        }
        var zero = builder.integer(value.type(), 0);
        return builder.choose(builder.compare("<", value, zero), negate(builder, value, element), value);
    }

    static Term sign(Builder builder, Term value, ElementType element) {
        var zero = builder.integer(value.type(), 0);
        var positive = builder.choose(
                builder.compare(">", value, zero), builder.integer(value.type(), 1), zero);
        return element.isSigned()
                ? builder.choose(builder.compare("<", value, zero), builder.integer(value.type(), -1), positive)
                : positive;
    }

    /// {@code x / 0 = 0} and {@code MIN / -1 = MIN}.
    static Term divide(Builder builder, Term left, Term right, ElementType element) {
        if (isPlainDivisor(right)) {
            return builder.binary("/", left, right);
        }
        return builder.helpers.call(
                "divide_" + name(element, left), left.type(), List.of(left, right), (inner, terms) -> {
                    var a = terms.get(0);
                    var b = terms.get(1);
                    var zero = inner.integer(a.type(), 0);
                    var one = inner.integer(a.type(), 1);
                    var none = inner.let("none", inner.compare("==", b, zero));
                    if (!element.isSigned()) {
                        var quotient = inner.binary("/", a, inner.choose(none, one, b));
                        return inner.choose(none, zero, quotient);
                    }
                    var minus = inner.let("minus", inner.compare("==", b, inner.integer(a.type(), -1)));
                    var safe = inner.let("safe", inner.choose(inner.or(none, minus), one, b));
                    var quotient = inner.let("quotient", inner.binary("/", a, safe));
                    return inner.choose(
                            none, zero, inner.choose(minus, negate(inner, a, element), quotient));
                });
    }

    /// {@code x % 0 = 0} and {@code MIN % -1 = 0}; the sign is that of the left operand.
    static Term remainder(Builder builder, Term left, Term right, ElementType element) {
        if (isPlainDivisor(right)) {
            return builder.binary("%", left, right);
        }
        return builder.helpers.call(
                "remainder_" + name(element, left), left.type(), List.of(left, right), (inner, terms) -> {
                    var a = terms.get(0);
                    var b = terms.get(1);
                    var zero = inner.integer(a.type(), 0);
                    var corner = inner.compare("==", b, zero);
                    if (element.isSigned()) {
                        corner = inner.or(corner, inner.compare("==", b, inner.integer(a.type(), -1)));
                    }
                    var is = inner.let("corner", corner);
                    var safe = inner.let("safe", inner.choose(is, inner.integer(a.type(), 1), b));
                    return inner.choose(is, zero, inner.binary("%", a, safe));
                });
    }

    /// As the remainder, with the sign of the right operand.
    static Term modulo(Builder builder, Term left, Term right, ElementType element) {
        if (!element.isSigned()) {
            return remainder(builder, left, right, element);
        }
        return builder.helpers.call(
                "modulo_" + name(element, left), left.type(), List.of(left, right), (inner, terms) -> {
                    var b = terms.get(1);
                    var zero = inner.integer(b.type(), 0);
                    var rest = inner.let("rest", remainder(inner, terms.get(0), b, element));
                    var differ = inner.compare("<", inner.binary("^", rest, b), zero);
                    var adjust = inner.let("adjust", inner.and(differ, inner.compare("!=", rest, zero)));
                    return inner.choose(adjust, inner.binary("+", rest, b), rest);
                });
    }

    /// 0 for distances of the width and more, and for negative ones.
    static Term shift(Builder builder, String operator, Term value, Term distance, ElementType element) {
        var number = distance.number();
        boolean known = number.isPresent() && number.getAsLong() >= 0 && number.getAsLong() < element.bits();
        var type = value.type();
        if (known) {
            return wrap(builder, shifted(builder, operator, value, distance), element);
        }
        // A negative distance is a large unsigned one.
        return builder.helpers.call(
                (operator.equals("<<") ? "shift_left_" : "shift_right_") + name(element, value),
                type,
                List.of(value, distance),
                (inner, terms) -> {
                    var unsigned = inner.bits(terms.get(1), type.base().unsigned());
                    var width = inner.integer(unsigned.type(), element.bits());
                    var inside = inner.let("inside", inner.compare("<", unsigned, width));
                    var safe = inner.let(
                            "safe", inner.choose(inside, terms.get(1), inner.integer(type, 0)));
                    var result = inner.let("shifted", shifted(inner, operator, terms.get(0), safe));
                    return wrap(inner, inner.choose(inside, result, inner.integer(type, 0)), element);
                });
    }

    /// To the left without a sign: shifting a negative number is undefined.
    private static Term shifted(Builder builder, String operator, Term value, Term distance) {
        var type = value.type();
        boolean plain = operator.equals(">>") || type.isVector() || !type.base().isSigned();
        if (plain) {
            return builder.binary(operator, value, distance);
        }
        var base = type.bits() < 32 ? CType.Base.U32 : type.base().unsigned();
        var result = builder.binary(operator, unsigned(builder, value, base), distance);
        return type.bits() < 32 ? builder.convert(result, type.base()) : builder.bits(result, type);
    }

    private static boolean isPlainDivisor(Term divisor) {
        return divisor.number().isPresent() && divisor.number().getAsLong() > 0;
    }

    private static String name(ElementType element, Term value) {
        return value.type().isVector() ? element + "x" + value.type().lanes() : element.toString();
    }
}
