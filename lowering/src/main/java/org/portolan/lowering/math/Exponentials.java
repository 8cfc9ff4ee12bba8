package org.portolan.lowering.math;

import org.portolan.ir.Value;

/// `exp` and what is made of it. The argument is a multiple of ln 2 and a rest of at most half of it; the rest's
/// exponential is a polynomial, the multiple an exponent.
final class Exponentials {
    /// (e^r - 1 - r) / r² for |r| <= ln 2 / 2; relative errors of the exponential 2^-28 and 2^-64.
    private static final double[] SINGLE = {0x1.fffffcp-2, 0x1.55549p-3, 0x1.5558f4p-5, 0x1.123a6cp-7, 0x1.6a2352p-10};

    private static final double[] DOUBLE = {
        0x1p-1, 0x1.555555555555bp-3, 0x1.5555555555502p-5, 0x1.111111110ec1ap-7, 0x1.6c16c16c3077dp-10,
        0x1.a01a01b398ff9p-13, 0x1.a01a0135fdf08p-16, 0x1.71ddefdc809e8p-19, 0x1.27e5b4ef8c3bdp-22,
        0x1.af6c612c23f8ep-26, 0x1.1e3cdd8452633p-29
    };

    private static final double LOG2_E = 0x1.71547652b82fep0;

    private final FloatCode code;

    Exponentials(FloatCode code) {
        this.code = code;
    }

    /// A power of two as an integer, and e to the rest, less 1.
    record Parts(Value exponent, Value restMinusOne) {}

    Value exp(Value x) {
        // Outside of these, the result is 0 or infinite, and 2^n would not be made of two factors.
        var limited = code.atLeast(code.atMost(x, code.of(89, 710)), code.of(-104, -746));
        var parts = split(limited);
        return scale(code.add(parts.restMinusOne(), 1), parts.exponent());
    }

    /// Half of e^x, for x up to where e^x itself is too large.
    private Value halfExp(Value x) {
        var parts = split(code.atLeast(code.atMost(x, code.of(90, 712)), code.of(-104, -746)));
        return scale(
                code.add(parts.restMinusOne(), 1),
                add(parts.exponent(), -1));
    }

    /// e^x for arguments between -80 and 0: without the cases of `exp`.
    Value expOfModerate(Value x) {
        var parts = split(x);
        return code.mul(code.add(parts.restMinusOne(), 1), power(parts.exponent()));
    }

    private Value expm1(Value x) {
        var limited = code.atLeast(code.atMost(x, code.of(89, 710)), code.of(-18, -38));
        var parts = split(limited);
        // In halves, since 2^n alone may be too large.
        var half = power(add(parts.exponent(), -1));
        var result = code.fma(half, parts.restMinusOne(), code.sub(half, 0.5));
        return code.add(result, result);
    }

    Value tanh(Value x) {
        var magnitude = code.atMost(code.abs(x), code.of(10, 20));
        var parts = split(code.add(magnitude, magnitude));
        var power = power(parts.exponent());
        var less = code.fma(power, parts.restMinusOne(), code.sub(power, 1));
        return code.withSign(code.div(less, code.add(less, 2)), x);
    }

    Value sinh(Value x) {
        var magnitude = code.abs(x);
        var less = expm1(code.atMost(magnitude, 40));
        var small = code.mul(code.add(less, code.div(less, code.add(less, 1))), 0.5);
        var large = halfExp(magnitude);
        return code.withSign(code.select(code.less(magnitude, code.of(10, 20)), small, large), x);
    }

    Value cosh(Value x) {
        var half = halfExp(code.abs(x));
        return code.add(half, code.div(code.number(0.25), half));
    }

    /// Arguments of at most about 750 in magnitude, or NaN, which stays one in the rest.
    Parts split(Value x) {
        // Adding this number leaves the nearest integer in the last bits of the sum.
        double magic = code.of(0x1.8p23, 0x1.8p52);
        var shifted = code.fma(x, LOG2_E, magic);
        var whole = code.sub(shifted, magic);
        // The first part of ln 2 ends in zeros: its product with a whole number of this size is exact.
        var rest = code.fma(whole, -code.of(0x1.62e4p-1, 0x1.62e42feep-1), x);
        rest = code.fma(whole, -code.of(0x1.7f7d1cp-20, 0x1.a39ef35793c76p-33), rest);
        long magicBits = code.isSingle() ? Float.floatToRawIntBits((float) magic) : Double.doubleToRawLongBits(magic);
        return new Parts(add(code.bits(shifted), -magicBits), expm1OfRest(rest));
    }

    /// e^r - 1 for |r| <= ln 2 / 2.
    Value expm1OfRest(Value rest) {
        var polynomial = code.polynomial(rest, code.of(SINGLE, DOUBLE));
        return code.fma(code.mul(rest, rest), polynomial, rest);
    }

    /// 2^n for normal results.
    private Value power(Value exponent) {
        return code.fromBits(code.shiftLeft(add(exponent, code.bias()), code.mantissaBits()));
    }

    /// A number near 1 times 2^n, also where the result is denormal or infinite: rounded once, in the last step.
    Value scale(Value value, Value exponent) {
        var half = code.shiftRight(exponent, 1);
        var otherHalf = add(exponent, code.mul(half, code.integer(-1)));
        return code.mul(code.mul(value, power(half)), power(otherHalf));
    }

    private Value add(Value integer, long number) {
        return code.add(integer, code.integer(number));
    }

    private Value add(Value left, Value right) {
        return code.add(left, right);
    }
}
