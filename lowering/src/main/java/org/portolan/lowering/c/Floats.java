package org.portolan.lowering.c;

import java.util.List;
import java.util.stream.IntStream;

/// Floating-point operations that C has no function for, or whose function has other corners than ours. The operands are
/// of 32 or 64 bits.
final class Floats {
    private Floats() {}

    /// The smaller ({@code <}) or the larger one ({@code >}); NaN if either is NaN. With a number that is known as the first
    /// operand a comparison and a choice is all there is to do.
    static Term extremum(Builder builder, String operator, Term left, Term right) {
        if (left.isConstant()) {
            return builder.choose(builder.compare(operator, left, right), left, right);
        }
        if (right.isConstant()) {
            return builder.choose(builder.compare(operator, right, left), right, left);
        }
        var name = (operator.equals("<") ? "min_" : "max_") + left.type().word();
        return builder.helpers.call(name, left.type(), List.of(left, right), (inner, terms) -> {
            var a = terms.get(0);
            var b = terms.get(1);
            var first = inner.or(inner.compare(operator, a, b), inner.compare("!=", a, a));
            return inner.choose(first, a, b);
        });
    }

    /// -1, 0 or 1; a NaN stays, and so does the sign of zero.
    static Term sign(Builder builder, Term value) {
        return builder.helpers.call("sign_" + value.type().word(), value.type(), List.of(value), (inner, terms) -> {
            var a = terms.getFirst();
            var one = inner.function(Words.Function.COPYSIGN, inner.floating(a.type(), 1), a);
            var zero = inner.floating(a.type(), 0);
            var other = inner.or(inner.compare("<", a, zero), inner.compare(">", a, zero));
            return inner.choose(other, one, a);
        });
    }

    /// The exact remainder with the sign of the left operand: a long division of the mantissas. Both magnitudes become a
    /// whole mantissa and an exponent; denormals have the smallest exponent. The left mantissa is reduced by the right
    /// one and doubled, as often as the exponents differ; what is left is shifted back under the right exponent.
    static Term remainder(Builder builder, Term left, Term right) {
        var type = left.type();
        if (type.isVector()) {
            return builder.helpers.call(
                    "remainder_" + type.word(), type, List.of(left, right), (inner, terms) -> inner.build(
                            type,
                            IntStream.range(0, type.lanes())
                                    .mapToObj(lane -> remainder(
                                            inner, inner.lane(terms.get(0), lane), inner.lane(terms.get(1), lane)))
                                    .toList()));
        }
        return builder.helpers.call(
                "remainder_" + type.word(), type, List.of(left, right), Floats::remainderBody);
    }

    private static Term remainderBody(Builder b, List<Term> terms) {
        var type = terms.getFirst().type();
        boolean single = type.bits() == 32;
        int bits = type.bits();
        int fraction = single ? 23 : 52;
        var word = type.of(type.base().unsigned());
        var infinity = b.integer(word, ((1L << bits - 1 - fraction) - 1) << fraction);
        var one = b.integer(word, 1L << fraction);
        var low = b.integer(word, (1L << fraction) - 1);
        var x = b.let("x", b.bits(terms.get(0), word));
        var y = b.let("y", b.bits(terms.get(1), word));
        var xm = b.let("x_magnitude", b.and(x, b.integer(word, (1L << bits - 1) - 1)));
        var ym = b.let("y_magnitude", b.and(y, b.integer(word, (1L << bits - 1) - 1)));
        var sign = b.let("sign", b.binary("^", x, xm));
        var nan = b.floating(type, Double.NaN);
        b.code.line("if (" + b.or(
                        b.or(b.compare(">=", xm, infinity), b.compare(">", ym, infinity)),
                        b.compare("==", ym, b.integer(word, 0))).bare() + ") return " + nan.bare() + ";");
        b.code.line("if (" + b.compare("<", xm, ym).bare() + ") return " + terms.getFirst() + ";");
        var shift = b.integer(CType.INT, fraction);
        var xe = b.let("x_exponent", b.binary(">>", xm, shift));
        var ye = b.let("y_exponent", b.binary(">>", ym, shift));
        var zero = b.integer(word, 0);
        var xf = b.and(xm, low);
        var yf = b.and(ym, low);
        var rest = b.variable("rest", b.choose(b.compare("!=", xe, zero), b.or(xf, one), xf));
        var divisor = b.let("divisor", b.choose(b.compare("!=", ye, zero), b.or(yf, one), yf));
        var least = b.integer(word, 1);
        var yx = b.let("exponent", b.function(Words.Function.MAX, ye, least));
        var steps = b.variable("steps", b.binary("-", b.function(Words.Function.MAX, xe, least), yx));
        b.code.line(rest + " %= " + divisor + ";");
        b.code.open("while (" + steps + " != 0)");
        var room = b.let("room", b.function(Words.Function.MIN, steps, b.integer(word, bits - fraction - 1)));
        b.code.line(rest + " = (" + rest + " << " + room + ") % " + divisor + ";");
        b.code.line(steps + " -= " + room + ";");
        b.code.close();
        b.code.line("if (" + rest + " == 0) return " + b.bits(sign, type).bare() + ";");
        var lead = b.binary(
                "-", b.function(Words.Function.LEADING_ZEROS, rest), b.integer(word, bits - fraction - 1));
        var moved = b.let("moved", b.function(Words.Function.MIN, lead, b.binary("-", yx, least)));
        var shifted = b.let("shifted", b.binary("<<", rest, moved));
        var place = b.binary("<<", b.binary("-", yx, moved), shift);
        var normal = b.binary("+", b.binary("-", shifted, one), place);
        var magnitude = b.choose(b.compare(">=", shifted, one), normal, shifted);
        return b.bits(b.let("joined", b.or(magnitude, sign)), type);
    }

    /// The remainder with the sign of the right operand.
    static Term modulo(Builder builder, Term left, Term right) {
        var type = left.type();
        return builder.helpers.call("modulo_" + type.word(), type, List.of(left, right), (inner, terms) -> {
            var b = terms.get(1);
            var zero = inner.floating(type, 0);
            var rest = inner.let("rest", remainder(inner, terms.get(0), b));
            var differ = inner.let("differ", inner.binary(
                    "^", inner.compare("<", rest, zero), inner.compare("<", b, zero)));
            var is = inner.or(inner.compare("<", rest, zero), inner.compare(">", rest, zero));
            var result = inner.let("result", inner.choose(inner.and(differ, is), inner.binary("+", rest, b), rest));
            // A remainder of zero takes the sign of the right operand.
            var signed = inner.function(Words.Function.COPYSIGN, zero, b);
            return inner.choose(inner.compare("==", rest, zero), signed, result);
        });
    }
}
