package org.portolan.cuda.emulator;

import java.math.BigDecimal;

/// Arithmetic of floats of 16 bits by search: of all numbers the nearest to the exact value, of two the even one.
final class ShortFloats {
    static final ShortFloats HALF = new ShortFloats(0x7C00, false);
    static final ShortFloats BRAIN = new ShortFloats(0x7F80, true);

    private final int infinity;
    private final boolean brain;
    private final BigDecimal[] values;

    private ShortFloats(int infinity, boolean brain) {
        this.infinity = infinity;
        this.brain = brain;
        values = new BigDecimal[infinity];
        for (int bits = 0; bits < infinity; bits++) {
            values[bits] = new BigDecimal(value(bits));
        }
    }

    float value(long bits) {
        return brain ? Float.intBitsToFloat((int) bits << 16) : Float.float16ToFloat((short) bits);
    }

    private boolean finite(long bits) {
        return (bits & 0x7FFF) < infinity;
    }

    private long special(float value) {
        return brain ? Float.isNaN(value) ? 0x7FFF : Float.floatToRawIntBits(value) >>> 16 : Float.isNaN(value) ? 0x7FFF : Float.floatToFloat16(value) & 0xFFFF;
    }

    long sum(long a, long b) {
        return fma(a, brain ? 0x3F80 : 0x3C00, b);
    }

    long fma(long a, long b, long c) {
        if (!finite(a) || !finite(b) || !finite(c)) {
            return special(value(a) * value(b) + value(c));
        }
        var exact = exact(a).multiply(exact(b)).add(exact(c));
        if (exact.signum() == 0) {
            float zero = Math.copySign(0f, value(a)) * Math.copySign(1f, value(b)) + (value(c) == 0 ? value(c) : 0f);
            boolean product = value(a) == 0 || value(b) == 0;
            return product ? special(zero) : 0;
        }
        return round(exact);
    }

    private BigDecimal exact(long bits) {
        var magnitude = values[(int) bits & 0x7FFF];
        return (bits & 0x8000) != 0 ? magnitude.negate() : magnitude;
    }

    /// The nearest number.
    long round(BigDecimal exact) {
        var magnitude = exact.abs();
        int low = 0;
        int high = infinity - 1;
        while (low < high) {
            int middle = low + high + 1 >>> 1;
            if (values[middle].compareTo(magnitude) <= 0) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        var below = values[low];
        var above = low + 1 < infinity ? values[low + 1] : below.add(below.subtract(values[low - 1]));
        int side = magnitude.subtract(below).compareTo(above.subtract(magnitude));
        int nearest = side < 0 || side == 0 && (low & 1) == 0 ? low : low + 1;
        return nearest | (exact.signum() < 0 ? 0x8000 : 0);
    }
}
