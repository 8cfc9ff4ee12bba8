package org.portolan.lowering.math;

import org.portolan.ir.Value;

/// `log` and the inverse hyperbolic functions. The argument is a power of two times a number between the square root
/// of a half and the square root of two; that number's logarithm is a polynomial.
final class Logarithms {
    /// (log(1 + f) - f + f²/2) / f³; relative error of the logarithm 2^-27.
    private static final double[] SINGLE = {
        0x1.555554p-2, -0x1.000226p-2, 0x1.99a008p-3, -0x1.547244p-3, 0x1.22da1ep-3, -0x1.0d8542p-3, 0x1.055b68p-3,
        -0x1.38b57ap-4
    };

    /// (atanh(s)/s - 1) / s² over s²; relative error of the logarithm 2^-66.
    private static final double[] DOUBLE = {
        0x1.5555555555555p-2, 0x1.9999999999e06p-3, 0x1.249249242aaf5p-3, 0x1.c71c7259aa583p-4, 0x1.745cddff5bb3cp-4,
        0x1.3b20b4e09bcb9p-4, 0x1.0f5bf5de18908p-4, 0x1.0f6a9b9a54f5bp-4
    };

    private static final double LN_2 = 0x1.62e42fefa39efp-1;

    private final FloatCode code;

    Logarithms(FloatCode code) {
        this.code = code;
    }

    /// A positive finite number as `2^exponent (1 + fraction)`; the exponent is a whole float.
    record Parts(Value exponent, Value fraction) {}

    Value log(Value x) {
        var parts = split(x);
        var result = code.isSingle() ? single(parts) : wide(parts);
        // Infinity and NaN stay what they are.
        result = code.select(code.less(x, Double.POSITIVE_INFINITY), result, x);
        result = code.select(code.equal(x, 0), Double.NEGATIVE_INFINITY, result);
        return code.select(code.less(x, 0), Double.NaN, result);
    }

    private Value single(Parts parts) {
        var f = parts.fraction();
        var square = code.mul(f, f);
        var tail = code.mul(code.mul(square, f), code.polynomial(f, SINGLE));
        tail = code.fma(parts.exponent(), 0x1.7f7d1cp-20, tail);
        tail = code.fma(square, -0.5, tail);
        return code.fma(parts.exponent(), 0x1.62e4p-1, code.add(f, tail));
    }

    private Value wide(Parts parts) {
        // log(1 + f) = 2 atanh(s) with s = f / (2 + f), and 2 s = f - s f.
        var f = parts.fraction();
        var s = code.div(f, code.add(f, 2));
        var z = code.mul(s, s);
        var tail = code.mul(code.mul(z, code.polynomial(z, DOUBLE)), 2);
        var correction = code.mul(s, code.sub(f, tail));
        correction = code.fma(parts.exponent(), -0x1.a39ef35793c76p-33, correction);
        return code.fma(parts.exponent(), 0x1.62e42feep-1, code.sub(f, correction));
    }

    /// Splits a positive number; what comes of others means nothing.
    Parts split(Value x) {
        int digits = code.mantissaBits();
        var denormal = code.less(x, code.smallestNormal());
        var normal = code.select(denormal, code.mul(x, Math.scalb(1.0, digits + 1)), x);
        long root = code.isSingle() ? 0x3f35_04f3L : 0x3fe6_a09e_667f_3bcdL;
        var distance = code.add(code.bits(normal), code.integer(-root));
        var exponent = code.toFloat(code.shiftRight(distance, digits));
        exponent = code.sub(exponent, code.select(denormal, digits + 1, code.number(0)));
        var mantissa = code.add(code.and(distance, code.integer((1L << digits) - 1)), code.integer(root));
        return new Parts(exponent, code.sub(code.fromBits(mantissa), 1));
    }

    /// log(1 + y), given what 1 + y rounds to: the logarithm of that and a correction.
    private Value log1p(Value y) {
        var sum = code.add(y, 1);
        return code.add(log(sum), correction(y, sum));
    }

    private Value correction(Value y, Value sum) {
        var lost = code.div(code.sub(y, code.sub(sum, 1)), sum);
        return code.select(code.less(sum, Double.POSITIVE_INFINITY), lost, code.number(0));
    }

    Value asinh(Value x) {
        var magnitude = code.abs(x);
        // From here on the root is the number itself, and its square might be too large.
        var large = code.greater(magnitude, code.of(0x1p30, 0x1p60));
        var moderate = code.select(large, 1, magnitude);
        var square = code.mul(moderate, moderate);
        var root = code.add(code.sqrt(code.add(square, 1)), 1);
        var y = code.add(moderate, code.div(square, root));
        return code.withSign(logarithmOf(magnitude, large, y), x);
    }

    Value acosh(Value x) {
        var large = code.greater(x, code.of(0x1p30, 0x1p60));
        var moderate = code.select(large, 2, x);
        var above = code.sub(moderate, 1);
        var y = code.add(above, code.sqrt(code.mul(above, code.add(above, 2))));
        return code.select(code.less(x, 1), Double.NaN, logarithmOf(x, large, y));
    }

    /// log(2 x) where x is large, else log(1 + y); one logarithm serves both.
    private Value logarithmOf(Value x, Value large, Value y) {
        var sum = code.add(y, 1);
        var added = code.select(large, LN_2, correction(y, sum));
        // A tiny y is lost in the sum, and all of it is in the correction.
        return code.add(log(code.select(large, x, sum)), added);
    }

    Value atanh(Value x) {
        var magnitude = code.abs(x);
        var y = code.div(code.add(magnitude, magnitude), code.sub(1, magnitude));
        return code.withSign(code.mul(log1p(y), 0.5), x);
    }
}
