package org.portolan.lowering.math;

import org.portolan.ir.Relation;
import org.portolan.ir.Value;

/// `x` to the power of `y`: 2 to the power of `y log2(x)`, with the logarithm in twice the digits, since the
/// exponential multiplies its error by up to the largest exponent. The corners are those of C's `pow`.
final class Powers {
    /// ((atanh(s)/s - 1)/s² - 1/3) / s² over s².
    private static final double[] SINGLE = {0x1.999ap-3, 0x1.245278p-3, 0x1.dfa34cp-4};

    private static final double[] DOUBLE = {
        0x1.999999999999ap-3, 0x1.249249249246fp-3, 0x1.c71c71c7228p-4, 0x1.745d17417971ep-4, 0x1.3b13b313b9460p-4,
        0x1.111093defb827p-4, 0x1.e20b9e19268c3p-5, 0x1.aae9cf3b68ec0p-5, 0x1.c32ba81cb36cbp-5
    };

    private final FloatCode code;
    private final Exponentials exponentials;

    Powers(FloatCode code) {
        this.code = code;
        exponentials = new Exponentials(code);
    }

    /// A number as an unevaluated sum; the low part is at most half a unit in the last place of the high one.
    private record Pair(Value high, Value low) {}

    Value pow(Value x, Value y) {
        var magnitude = code.abs(x);
        var result = ofPositive(magnitude, y);

        var positiveExponent = code.greater(y, 0);
        var nought = code.select(positiveExponent, 0, code.number(Double.POSITIVE_INFINITY));
        var endless = code.select(positiveExponent, Double.POSITIVE_INFINITY, code.number(0));
        result = code.select(code.equal(magnitude, 0), nought, result);
        result = code.select(code.equal(magnitude, Double.POSITIVE_INFINITY), endless, result);

        var whole = code.compare(Relation.EQUAL, code.round(y), y);
        var half = code.mul(y, 0.5);
        var odd = code.and(whole, code.compare(Relation.NOT_EQUAL, code.round(half), half));
        var sign = code.select(odd, code.signBit(x), code.integer(0));
        result = code.fromBits(code.or(code.bits(result), sign));

        var negative = code.and(code.less(x, 0), code.greater(x, Double.NEGATIVE_INFINITY));
        var undefined = code.and(negative, code.not(whole));
        undefined = code.or(undefined, code.or(code.isNan(x), code.isNan(y)));
        result = code.select(undefined, Double.NaN, result);
        var one = code.or(code.equal(y, 0), code.equal(x, 1));
        return code.select(one, 1, result);
    }

    private Value ofPositive(Value x, Value y) {
        // Beyond this every power of a number other than 1 is 0 or infinite.
        double largest = code.of(0x1p40, 0x1p70);
        var limited = code.atLeast(code.atMost(y, largest), -largest);
        var logarithm = log2(x);
        var high = code.mul(limited, logarithm.high());
        var low = code.fma(limited, logarithm.low(), code.productError(limited, logarithm.high(), high));

        double top = code.of(130, 1030);
        double bottom = code.of(-152, -1080);
        var inside = code.and(code.less(high, top), code.greater(high, bottom));
        high = code.atLeast(code.atMost(high, top), bottom);
        low = code.select(inside, low, code.number(0));

        double magic = code.of(0x1.8p23, 0x1.8p52);
        var shifted = code.add(high, magic);
        var whole = code.sub(shifted, magic);
        long magicBits = code.isSingle() ? Float.floatToRawIntBits((float) magic) : Double.doubleToRawLongBits(magic);
        var exponent = code.add(code.bits(shifted), code.integer(-magicBits));
        var rest = code.mul(code.add(code.sub(high, whole), low), 0x1.62e42fefa39efp-1);
        return exponentials.scale(code.add(exponentials.expm1OfRest(rest), 1), exponent);
    }

    /// The logarithm to base 2 of a positive finite number: with s = (m - 1) / (m + 1) it is the exponent and
    /// 2/ln 2 (s + s³/3 + s⁵ ..).
    private Pair log2(Value x) {
        var parts = new Logarithms(code).split(x);
        var f = parts.fraction();
        var divisor = code.add(f, 2);
        var divisorLow = code.sub(f, code.sub(divisor, 2));
        var s = code.div(f, divisor);
        var product = code.mul(s, divisor);
        var remainder = code.sub(code.sub(f, product), code.productError(s, divisor, product));
        remainder = code.fma(code.neg(s), divisorLow, remainder);
        var sLow = code.div(remainder, divisor);
        var root = new Pair(s, sLow);

        var square = multiply(root, root);
        var tail = code.mul(square.high(), code.polynomial(square.high(), code.of(SINGLE, DOUBLE)));
        double third = code.of(0x1.555556p-2, 0x1.5555555555555p-2);
        var thirdLow = code.of(-0x1.555556p-27, 0x1.5555555555555p-56);
        var series = sum(code.number(third), code.add(tail, thirdLow));
        var cubic = multiply(root, multiply(square, series));
        var atanh = sum(s, cubic.high());
        atanh = new Pair(atanh.high(), code.add(atanh.low(), code.add(sLow, cubic.low())));

        var scale = new Pair(
                code.number(code.of(0x1.715476p1, 0x1.71547652b82fep1)),
                code.number(code.of(0x1.4ae0cp-25, 0x1.777d0ffda0d24p-55)));
        var fraction = multiply(atanh, scale);
        var all = sum(parts.exponent(), fraction.high());
        return new Pair(all.high(), code.add(all.low(), fraction.low()));
    }

    private Pair multiply(Pair left, Pair right) {
        var high = code.mul(left.high(), right.high());
        var low = code.productError(left.high(), right.high(), high);
        low = code.fma(left.high(), right.low(), low);
        return new Pair(high, code.fma(left.low(), right.high(), low));
    }

    /// The sum of a number and one that is no larger, or of 0 and any.
    private Pair sum(Value larger, Value smaller) {
        var high = code.add(larger, smaller);
        return new Pair(high, code.add(code.sub(larger, high), smaller));
    }
}
