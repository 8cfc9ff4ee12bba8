package org.portolan.cuda.emulator.decode;

/// Floating-point functions on bits, correctly rounded.
final class Floats {
    private static final int SIGN = Integer.MIN_VALUE;
    private static final int HALF_BITS = 16;
    private static final int HALF_MASK = 0xFFFF;
    private static final int HALF_NAN = 0x7FFF;
    private static final int BRAIN_ROUNDING = 0x7FFF;
    private static final int TF32_DROPPED = 13;

    private Floats() {}

    /// A number below the normal ones becomes 0 of its sign.
    static float flush(float value) {
        return Math.abs(value) < Float.MIN_NORMAL ? Math.copySign(0.0f, value) : value;
    }

    /// Into 0 to 1; NaN becomes 0.
    static float saturate(float value) {
        return value > 0 ? Math.min(value, 1.0f) : 0.0f;
    }

    static double saturate(double value) {
        return value > 0 ? Math.min(value, 1.0) : 0.0;
    }

    /// The smaller one; of a number and a NaN the number.
    static float min(float a, float b) {
        return a != a ? b : b != b ? a : Math.min(a, b);
    }

    static float max(float a, float b) {
        return a != a ? b : b != b ? a : Math.max(a, b);
    }

    static double min(double a, double b) {
        return a != a ? b : b != b ? a : Math.min(a, b);
    }

    static double max(double a, double b) {
        return a != a ? b : b != b ? a : Math.max(a, b);
    }

    /// f16 to f64.
    static double half(int bits) {
        return Float.float16ToFloat((short) bits);
    }

    /// f64 to f16, rounded once, to the nearest.
    static int half(double value) {
        return value != value ? HALF_NAN : Float.floatToFloat16(toOdd(value)) & HALF_MASK;
    }

    /// bf16 to f64.
    static double brain(int bits) {
        return Float.intBitsToFloat(bits << HALF_BITS);
    }

    /// f64 to bf16, rounded once, to the nearest.
    static int brain(double value) {
        if (value != value) {
            return HALF_NAN;
        }
        int bits = Float.floatToRawIntBits(toOdd(value));
        return bits + BRAIN_ROUNDING + (bits >>> HALF_BITS & 1) >>> HALF_BITS;
    }

    /// f64 to f16, rounded towards zero.
    static int halfTowardsZero(double value) {
        int near = half(value);
        double back = half(near);
        return Math.abs(back) > Math.abs(value) ? near - 1 : near;
    }

    /// f64 to bf16, rounded towards zero.
    static int brainTowardsZero(double value) {
        int near = brain(value);
        double back = brain(near);
        return Math.abs(back) > Math.abs(value) ? near - 1 : near;
    }

    /// f64 to f32 so that a second rounding to a shorter type is the only one that counts: what is not exact has its
    /// last bit set.
    static float toOdd(double value) {
        float near = (float) value;
        if (near == value || Float.isInfinite(near) && Double.isInfinite(value)) {
            return near;
        }
        if (Float.isInfinite(near)) {
            return Math.copySign(Float.MAX_VALUE, near);
        }
        int bits = Float.floatToRawIntBits(near);
        if ((bits & 1) != 0) {
            return near;
        }
        return value > near ? Math.nextUp(near) : Math.nextDown(near);
    }

    /// {@code a b + c} as f64 whose last bit is set if it is not exact; the product of a and b must be exact.
    static double fmaToOdd(double a, double b, double c) {
        double product = a * b;
        double sum = product + c;
        double part = sum - product;
        double error = product - (sum - part) + (c - part);
        long bits = Double.doubleToRawLongBits(sum);
        if (error == 0 || error != error || (bits & 1) != 0) {
            return sum;
        }
        return error > 0 ? Math.nextUp(sum) : Math.nextDown(sum);
    }

    /// f32 to TF32, rounded to the nearest, halves away from zero.
    static int tf32Away(int bits) {
        float value = Float.intBitsToFloat(bits);
        if (value != value || Float.isInfinite(value)) {
            return bits;
        }
        return bits + (1 << TF32_DROPPED - 1) & -1 << TF32_DROPPED;
    }

    /// f32 to TF32, rounded to the nearest, halves to even.
    static int tf32Even(int bits) {
        float value = Float.intBitsToFloat(bits);
        if (value != value || Float.isInfinite(value)) {
            return bits;
        }
        int half = (1 << TF32_DROPPED - 1) - 1;
        return bits + half + (bits >>> TF32_DROPPED & 1) & -1 << TF32_DROPPED;
    }

    /// The sign of {@code a} times that of {@code b}, on the magnitude of a result.
    static int signOfProduct(int result, int a, int b) {
        return result & ~SIGN | (a ^ b) & SIGN;
    }
}
