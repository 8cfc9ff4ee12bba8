package org.portolan.runtime.type;

/// A binary floating-point format of at most 16 bits: a sign, an exponent, a mantissa, and denormals.
///
/// @param special what the format has beside finite numbers
record SmallFloat(int exponentBits, int mantissaBits, int bias, Special special) {
    private static final int DOUBLE_MANTISSA = 52;
    private static final int DOUBLE_BIAS = 1023;

    enum Special {
        /// Infinities and NaNs take the highest exponent.
        IEEE,
        /// No infinities; one NaN of each sign, with all bits of exponent and mantissa set.
        FINITE,
        /// No infinities, no negative zero; its bits are the one NaN.
        FINITE_UNSIGNED_ZERO,
        /// Finite numbers only.
        NONE
    }

    private int signBit() {
        return 1 << exponentBits + mantissaBits;
    }

    /// The bits of the largest finite number.
    private int largest() {
        int all = signBit() - 1;
        return switch (special) {
            case IEEE -> all - (1 << mantissaBits);
            case FINITE -> all - 1;
            case FINITE_UNSIGNED_ZERO, NONE -> all;
        };
    }

    private int notANumber(int sign) {
        return switch (special) {
            case IEEE -> sign | largest() + 1 | 1 << mantissaBits - 1;
            case FINITE -> sign | signBit() - 1;
            case FINITE_UNSIGNED_ZERO -> signBit();
            case NONE -> sign | largest();
        };
    }

    double decode(int bits) {
        boolean negative = (bits & signBit()) != 0;
        int magnitude = bits & signBit() - 1;
        if (special == Special.FINITE_UNSIGNED_ZERO && bits == signBit() || special != Special.NONE
                && special != Special.FINITE_UNSIGNED_ZERO && magnitude > largest()) {
            boolean infinite = special == Special.IEEE && magnitude == largest() + 1;
            return !infinite ? Double.NaN : negative ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
        }
        int exponent = magnitude >> mantissaBits;
        int mantissa = magnitude & (1 << mantissaBits) - 1;
        double value = exponent == 0
                ? Math.scalb((double) mantissa, 1 - bias - mantissaBits)
                : Math.scalb((double) (mantissa | 1 << mantissaBits), exponent - bias - mantissaBits);
        return negative ? -value : value;
    }

    /// The nearest number, ties to even.
    ///
    /// @param saturate whether what is too large becomes the largest finite number, instead of an infinity where the
    ///     format has one and NaN where it has none
    int encode(double value, boolean saturate) {
        long bits = Double.doubleToRawLongBits(value);
        int sign = bits < 0 ? signBit() : 0;
        if (Double.isNaN(value)) {
            return notANumber(sign);
        }
        if (Double.isInfinite(value)) {
            return overflow(sign, saturate);
        }
        int exponent = (int) (bits >>> DOUBLE_MANTISSA & 0x7FF) - DOUBLE_BIAS;
        long mantissa = bits & (1L << DOUBLE_MANTISSA) - 1;
        // Denormals of double lie far below half of the smallest number of any such format.
        if (exponent < -bias - mantissaBits) {
            return zero(sign);
        }
        mantissa |= 1L << DOUBLE_MANTISSA;
        int biased = exponent + bias;
        int dropped = DOUBLE_MANTISSA - mantissaBits + Math.max(0, 1 - biased);
        long kept = mantissa >>> dropped;
        long rest = mantissa & (1L << dropped) - 1;
        long half = 1L << dropped - 1;
        if (rest > half || rest == half && (kept & 1) != 0) {
            kept++;
        }
        // The implicit bit adds one to the exponent field, and so does a mantissa that rounded up to the next power.
        long magnitude = kept + ((long) Math.max(0, biased - 1) << mantissaBits);
        if (magnitude == 0) {
            return zero(sign);
        }
        return magnitude > largest() ? overflow(sign, saturate) : sign | (int) magnitude;
    }

    private int zero(int sign) {
        return special == Special.FINITE_UNSIGNED_ZERO ? 0 : sign;
    }

    private int overflow(int sign, boolean saturate) {
        if (saturate || special == Special.NONE) {
            return sign | largest();
        }
        return special == Special.IEEE ? sign | largest() + 1 : notANumber(sign);
    }
}
