package org.portolan.cuda.emulator.run;

/// Floating-point numbers of 8 bits, as PTX has them: {@code e5m2} is the upper half of an f16; {@code e4m3} has no
/// infinities, and one NaN with either sign.
public final class TinyFloats {
    private static final int MOST_E4M3 = 0x7E;
    private static final int MOST_E5M2 = 0x7B;
    private static final int NAN = 0x7F;
    private static final int SIGN = 0x80;

    private TinyFloats() {}

    /// The number that the lower 8 bits are.
    public static float e4m3(int bits) {
        int exponent = bits >>> 3 & 15;
        int fraction = bits & 7;
        float size = (bits & NAN) == NAN
                ? Float.NaN
                : exponent == 0 ? fraction * 0x1p-9f : Math.scalb(1 + fraction / 8f, exponent - 7);
        return (bits & SIGN) == 0 ? size : -size;
    }

    /// The number that the lower 8 bits are.
    public static float e5m2(int bits) {
        return Float.float16ToFloat((short) (bits << Byte.SIZE));
    }

    /// The nearest number of 8 bits, ties to even; beyond the largest one that.
    public static int toE4m3(float value) {
        return nearest(value, MOST_E4M3, 3, -6);
    }

    /// The nearest number of 8 bits, ties to even; beyond the largest one that.
    public static int toE5m2(float value) {
        return nearest(value, MOST_E5M2, 2, -14);
    }

    /// @param most bits of the largest number
    /// @param fraction bits of the fraction
    /// @param least exponent of the smallest normal number
    private static int nearest(float value, int most, int fraction, int least) {
        if (Float.isNaN(value)) {
            return NAN;
        }
        int sign = Float.floatToRawIntBits(value) < 0 ? SIGN : 0;
        float size = Math.abs(value);
        int exponent = Math.max(Math.getExponent(size), least);
        // Units of the last place; all steps are exact but the rounding.
        double units = Math.rint(Math.scalb((double) size, fraction - exponent));
        long bits = ((long) (exponent - least) << fraction) + (long) Math.min(units, 1 << 20);
        return sign | (int) Math.min(bits, most);
    }
}
