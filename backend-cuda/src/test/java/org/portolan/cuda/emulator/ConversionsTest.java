package org.portolan.cuda.emulator;

import static org.portolan.cuda.emulator.OneInstruction.bits;
import static org.portolan.cuda.emulator.OneInstruction.doubles;
import static org.portolan.cuda.emulator.OneInstruction.floats;
import static org.portolan.cuda.emulator.OneInstruction.halves;
import static org.portolan.cuda.emulator.OneInstruction.longs;
import static org.portolan.cuda.emulator.OneInstruction.single;
import static org.portolan.cuda.emulator.OneInstruction.words;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import org.junit.jupiter.api.Test;

class ConversionsTest {
    private static final long MASK = 0xFFFF_FFFFL;

    private static double real(long bits) {
        return Double.longBitsToDouble(bits);
    }

    /// By the exact value: NaN is 0, what is too large the largest.
    private static long whole(double value, RoundingMode mode, int bits, boolean signed) {
        if (Double.isNaN(value)) {
            return 0;
        }
        var most = BigInteger.ONE.shiftLeft(signed ? bits - 1 : bits).subtract(BigInteger.ONE);
        var least = signed ? BigInteger.ONE.shiftLeft(bits - 1).negate() : BigInteger.ZERO;
        var exact = Double.isInfinite(value)
                ? value > 0 ? most : least
                : new BigDecimal(value).setScale(0, mode).toBigInteger().min(most).max(least);
        return exact.longValue() & (bits == 64 ? -1L : (1L << bits) - 1);
    }

    @Test
    void floatsToWholeNumbersSaturate() {
        floats("cvt.rzi.s32.f32 %r0, %f1;", "r", (a, b, c) -> whole(single(a), RoundingMode.DOWN, 32, true));
        floats("cvt.rni.s32.f32 %r0, %f1;", "r", (a, b, c) -> whole(single(a), RoundingMode.HALF_EVEN, 32, true));
        floats("cvt.rmi.u32.f32 %r0, %f1;", "r", (a, b, c) -> whole(single(a), RoundingMode.FLOOR, 32, false));
        floats("cvt.rpi.s64.f32 %rd0, %f1;", "rd", (a, b, c) -> whole(single(a), RoundingMode.CEILING, 64, true));
        floats("cvt.rzi.u64.f32 %rd0, %f1;", "rd", (a, b, c) -> whole(single(a), RoundingMode.DOWN, 64, false));
        floats("cvt.rzi.u16.f32 %rs0, %f1; cvt.u32.u16 %r0, %rs0;", "r", (a, b, c) ->
                whole(single(a), RoundingMode.DOWN, 16, false));
        floats("cvt.rzi.s16.f32 %rs0, %f1; cvt.u32.u16 %r0, %rs0;", "r", (a, b, c) ->
                whole(single(a), RoundingMode.DOWN, 16, true));
        floats("cvt.rzi.s8.f32 %rs0, %f1; cvt.s32.s16 %r0, %rs0;", "r", (a, b, c) ->
                (byte) whole(single(a), RoundingMode.DOWN, 8, true) & MASK);
        doubles("cvt.rzi.s64.f64 %rd0, %fd1;", "rd", (a, b, c) -> whole(real(a), RoundingMode.DOWN, 64, true));
        doubles("cvt.rni.u64.f64 %rd0, %fd1;", "rd", (a, b, c) -> whole(real(a), RoundingMode.HALF_EVEN, 64, false));
        halves("cvt.rzi.s32.f16 %r0, %rs1;", "r", (a, b, c) ->
                whole(Float.float16ToFloat((short) a), RoundingMode.DOWN, 32, true));
    }

    @Test
    void wholeNumbersToFloats() {
        words("cvt.rn.f32.s32 %f0, %r1;", "f", (a, b, c) -> bits((float) (int) a));
        words("cvt.rn.f32.u32 %f0, %r1;", "f", (a, b, c) -> bits((float) (a & MASK)));
        words("cvt.rz.f32.s32 %f0, %r1;", "f", (a, b, c) -> {
            float near = (float) (int) a;
            return bits(Math.abs((double) near) <= Math.abs((double) (int) a) ? near : near > 0 ? Math.nextDown(near) : Math.nextUp(near));
        });
        longs("cvt.rn.f32.s64 %f0, %rd1;", "f", (a, b, c) -> bits(new BigDecimal(a).floatValue()));
        longs("cvt.rn.f32.u64 %f0, %rd1;", "f", (a, b, c) -> bits(new BigDecimal(Long.toUnsignedString(a)).floatValue()));
        longs("cvt.rn.f64.u64 %fd0, %rd1;", "fd", (a, b, c) ->
                Double.doubleToRawLongBits(new BigDecimal(Long.toUnsignedString(a)).doubleValue()));
        longs("cvt.rn.f64.s64 %fd0, %rd1;", "fd", (a, b, c) -> Double.doubleToRawLongBits(a));
        longs("cvt.rn.f16.s64 %rs0, %rd1;", "rs", (a, b, c) -> a == 0 ? 0 : ShortFloats.HALF.round(new BigDecimal(a)));
        words("cvt.rn.f16.u16 %rs0, %rs1;", "rs", (a, b, c) ->
                (a & 0xFFFF) == 0 ? 0 : ShortFloats.HALF.round(new BigDecimal(a & 0xFFFF)));
    }

    @Test
    void wholeNumbersToOthers() {
        words("cvt.s64.s32 %rd0, %r1;", "rd", (a, b, c) -> (int) a);
        words("cvt.u64.u32 %rd0, %r1;", "rd", (a, b, c) -> a & MASK);
        longs("cvt.u32.u64 %r0, %rd1;", "r", (a, b, c) -> a & MASK);
        longs("cvt.s64.s8 %rd0, %rd1;", "rd", (a, b, c) -> (byte) a);
        words("cvt.s32.s8 %r0, %r1;", "r", (a, b, c) -> (byte) a & MASK);
        words("cvt.u32.u8 %r0, %rs1;", "r", (a, b, c) -> a & 0xFF);
        words("cvt.s16.s8 %rs0, %rs1; cvt.u32.u16 %r0, %rs0;", "r", (a, b, c) -> (byte) a & 0xFFFF);
        words("cvt.sat.s8.s32 %r0, %r1;", "r", (a, b, c) -> Math.clamp((int) a, -128, 127) & MASK);
        words("cvt.sat.u8.s32 %r0, %r1;", "r", (a, b, c) -> Math.clamp((int) a, 0, 255));
        longs("cvt.sat.s32.u64 %r0, %rd1;", "r", (a, b, c) ->
                Long.compareUnsigned(a, Integer.MAX_VALUE) > 0 ? Integer.MAX_VALUE : a);
    }

    @Test
    void floatsToOthers() {
        floats("cvt.f64.f32 %fd0, %f1;", "fd", (a, b, c) -> Double.doubleToRawLongBits(single(a)));
        doubles("cvt.rn.f32.f64 %f0, %fd1;", "f", (a, b, c) -> bits((float) real(a)));
        doubles("cvt.rm.f32.f64 %f0, %fd1;", "f", (a, b, c) -> {
            float near = (float) real(a);
            return bits(near > real(a) ? Math.nextDown(near) : near);
        });
        floats("cvt.rn.f16.f32 %rs0, %f1;", "rs", (a, b, c) -> Float.floatToFloat16(single(a)) & 0xFFFF);
        doubles("cvt.rn.f16.f64 %rs0, %fd1;", "rs", (a, b, c) -> Double.isNaN(real(a)) ? 0x7FFF : Double.isInfinite(real(a)) || real(a) == 0 ? Float.floatToFloat16((float) real(a)) & 0xFFFF : ShortFloats.HALF.round(new BigDecimal(real(a))));
        floats("cvt.rn.bf16.f32 %rs0, %f1; cvt.u32.u16 %r0, %rs0;", "r", (a, b, c) -> brain(single(a)));
        halves("cvt.f32.f16 %f0, %rs1;", "f", (a, b, c) -> bits(Float.float16ToFloat((short) a)));
        halves("cvt.f64.f16 %fd0, %rs1;", "fd", (a, b, c) -> Double.doubleToRawLongBits(Float.float16ToFloat((short) a)));
        halves("cvt.f32.bf16 %f0, %rs1;", "f", (a, b, c) -> a << 16);
        floats("cvt.rn.bf16x2.f32 %r0, %f1, %f2;", "r", (a, b, c) -> brain(single(a)) << 16 | brain(single(b)));
        floats("cvt.rni.f32.f32 %f0, %f1;", "f", (a, b, c) -> bits((float) Math.rint(single(a))));
        floats("cvt.rmi.f32.f32 %f0, %f1;", "f", (a, b, c) -> bits((float) Math.floor(single(a))));
        doubles("cvt.rpi.f64.f64 %fd0, %fd1;", "fd", (a, b, c) -> Double.doubleToRawLongBits(Math.ceil(real(a))));
        floats("cvt.rzi.f32.f32 %f0, %f1;", "f", (a, b, c) ->
                bits((float) (single(a) < 0 ? Math.ceil(single(a)) : Math.floor(single(a)))));
        floats("cvt.sat.f32.f32 %f0, %f1;", "f", (a, b, c) -> bits(single(a) > 0 ? Math.min(single(a), 1) : 0));
        floats("cvt.rna.tf32.f32 %r0, %f1; mov.b32 %f0, %r0;", "f", (a, b, c) ->
                Float.isFinite(single(a)) ? (a & MASK) + 0x1000 & 0xFFFF_E000L : a & MASK);
    }

    private static long brain(float value) {
        if (Float.isNaN(value)) {
            return 0x7FFF;
        }
        return Float.isInfinite(value) || value == 0 ? Float.floatToRawIntBits(value) >>> 16 : ShortFloats.BRAIN.round(new BigDecimal(value));
    }

    /// To the nearest number, ties to even; what is too large becomes the largest one.
    @Test
    void pairsOfEightBits() {
        floats("cvt.rn.satfinite.e4m3x2.f32 %rs0, %f1, %f2;", "rs", (a, b, c) -> tiny(a, true) << 8 | tiny(b, true));
        floats("cvt.rn.satfinite.e5m2x2.f32 %rs0, %f1, %f2;", "rs", (a, b, c) -> tiny(a, false) << 8 | tiny(b, false));
        floats("cvt.rn.satfinite.relu.e4m3x2.f32 %rs0, %f1, %f2;", "rs", (a, b, c) -> positive(tiny(a, true)) << 8
                | positive(tiny(b, true)));
        words("cvt.u16.u32 %rs1, %r1; cvt.rn.f16x2.e4m3x2 %r0, %rs1; cvt.rn.satfinite.e4m3x2.f16x2 %rs0, %r0; and.b16 %rs0, %rs0,"
                + " 0x7F7F; cvt.u32.u16 %r0, %rs0;", "r", (a, b, c) -> a & 0x7F7F);
        words("cvt.u16.u32 %rs1, %r1; cvt.rn.f16x2.e5m2x2 %r0, %rs1;", "r", (a, b, c) ->
                quiet((a & 0xFF00) << 16) | quiet((a & 0xFF) << 24) >>> 16);
    }

    /// A half in the upper 16 bits: every NaN is the same one.
    private static long quiet(long half) {
        return (half & 0x7FFF0000L) > 0x7C000000L ? 0x7FFF0000L : half & 0xFFFF0000L;
    }

    private static long positive(long bits) {
        return (bits & 0x80) != 0 && (bits & 0x7F) != 0x7F ? 0 : bits;
    }

    /// The nearest of all numbers of the type, searched.
    private static long tiny(long word, boolean e4m3) {
        float value = single(word);
        if (Float.isNaN(value)) {
            return 0x7F;
        }
        int most = e4m3 ? 0x7E : 0x7B;
        int best = 0;
        for (int bits = 0; bits <= most; bits++) {
            double distance = Math.abs(number(bits, e4m3) - (double) Math.abs(value));
            double known = Math.abs(number(best, e4m3) - (double) Math.abs(value));
            if (distance < known || distance == known && (bits & 1) == 0) {
                best = bits;
            }
        }
        best = Math.abs(value) >= number(most, e4m3) ? most : best;
        return Float.floatToRawIntBits(value) < 0 ? best | 0x80 : best;
    }

    /// A number without its sign, by its definition.
    private static double number(int bits, boolean e4m3) {
        int fraction = e4m3 ? 3 : 2;
        int bias = e4m3 ? 7 : 15;
        int exponent = bits >> fraction;
        double part = (bits & (1 << fraction) - 1) / (double) (1 << fraction);
        return exponent == 0 ? part * Math.pow(2, 1 - bias) : (1 + part) * Math.pow(2, exponent - bias);
    }
}
