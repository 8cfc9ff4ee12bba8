package org.portolan.ir.interpreter;

/// Elementary functions in double that {@link StrictMath} lacks. Each is accurate to a few units in the last place of a
/// double, so that rounding to f32 and below gives the nearest number but for the rarest cases.
final class ElementaryFunctions {
    private static final double TWO_OVER_SQRT_PI = 1.1283791670955126;
    private static final double LN_2 = 0.6931471805599453;
    private static final double LARGE = 0x1p28;

    private ElementaryFunctions() {}

    /// The error function: {@code 2 / sqrt(pi) * exp(-x^2) * sum over n of 2^n x^(2n+1) / (2n+1)!!}, a series without
    /// cancellation (Abramowitz and Stegun 7.1.6). Beyond 6 the result is 1 in double.
    static double erf(double x) {
        if (Double.isNaN(x) || x == 0) {
            return x;
        }
        if (Math.abs(x) > 6) {
            return Math.copySign(1, x);
        }
        double square = x * x;
        double rest = Math.fma(x, x, -square);
        double term = x;
        double sum = x;
        for (int n = 1; Math.abs(term) > Math.abs(sum) * 0x1p-56; n++) {
            term *= 2 * square / (2 * n + 1);
            sum += term;
        }
        double result = TWO_OVER_SQRT_PI * StrictMath.exp(-square) * (1 - rest) * sum;
        return Math.clamp(result, -1.0, 1.0);
    }

    static double asinh(double x) {
        double magnitude = Math.abs(x);
        if (!(magnitude <= LARGE)) {
            return Double.isNaN(x) ? x : Math.copySign(StrictMath.log(magnitude) + LN_2, x);
        }
        double square = x * x;
        return Math.copySign(StrictMath.log1p(magnitude + square / (1 + Math.sqrt(square + 1))), x);
    }

    /// NaN below 1.
    static double acosh(double x) {
        if (x > LARGE) {
            return StrictMath.log(x) + LN_2;
        }
        double above = x - 1;
        return x < 1 ? Double.NaN : StrictMath.log1p(above + Math.sqrt(above * (above + 2)));
    }

    /// Infinite at -1 and 1, NaN beyond.
    static double atanh(double x) {
        double magnitude = Math.abs(x);
        return magnitude > 1 ? Double.NaN : Math.copySign(0.5 * StrictMath.log1p(2 * magnitude / (1 - magnitude)), x);
    }

    /// The power of IEEE 754: unlike Java's, 1 to any power and -1 to an infinite one are 1.
    static double pow(double base, double exponent) {
        return base == 1 || base == -1 && Double.isInfinite(exponent) ? 1 : StrictMath.pow(base, exponent);
    }
}
