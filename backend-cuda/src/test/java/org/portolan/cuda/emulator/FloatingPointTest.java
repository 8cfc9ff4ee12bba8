package org.portolan.cuda.emulator;

import static org.portolan.cuda.emulator.OneInstruction.bits;
import static org.portolan.cuda.emulator.OneInstruction.doubles;
import static org.portolan.cuda.emulator.OneInstruction.floats;
import static org.portolan.cuda.emulator.OneInstruction.halves;
import static org.portolan.cuda.emulator.OneInstruction.single;

import java.math.BigDecimal;
import org.junit.jupiter.api.Test;

class FloatingPointTest {
    private static final long MASK = 0xFFFF_FFFFL;

    private static double real(long bits) {
        return Double.longBitsToDouble(bits);
    }

    private static long raw(double value) {
        return Double.doubleToRawLongBits(value);
    }

    private static float flush(float value) {
        return Math.abs(value) < Float.MIN_NORMAL ? value * 0 : value;
    }

    @Test
    void sumsAndProducts() {
        floats("add.rn.f32 %f0, %f1, %f2;", "f", (a, b, c) -> bits(single(a) + single(b)));
        floats("sub.f32 %f0, %f1, %f2;", "f", (a, b, c) -> bits(single(a) - single(b)));
        floats("mul.rn.f32 %f0, %f1, %f2;", "f", (a, b, c) -> bits(single(a) * single(b)));
        floats("mul.rn.ftz.f32 %f0, %f1, %f2;", "f", (a, b, c) -> bits(flush(flush(single(a)) * flush(single(b)))));
        floats("add.sat.f32 %f0, %f1, %f2;", "f", (a, b, c) -> {
            float sum = single(a) + single(b);
            return bits(sum > 0 ? Math.min(sum, 1) : 0);
        });
        floats("div.rn.f32 %f0, %f1, %f2;", "f", (a, b, c) -> bits(single(a) / single(b)));
        floats("rcp.rn.f32 %f0, %f1;", "f", (a, b, c) -> bits(1 / single(a)));
        floats("sqrt.rn.f32 %f0, %f1;", "f", (a, b, c) -> bits((float) Math.sqrt(single(a))));
        floats("neg.f32 %f0, %f1;", "f", (a, b, c) -> a & MASK ^ 0x8000_0000L);
        floats("abs.f32 %f0, %f1;", "f", (a, b, c) -> a & 0x7FFF_FFFFL);
        floats("copysign.f32 %f0, %f1, %f2;", "f", (a, b, c) -> b & 0x7FFF_FFFFL | a & 0x8000_0000L);
        doubles("add.rn.f64 %fd0, %fd1, %fd2;", "fd", (a, b, c) -> raw(real(a) + real(b)));
        doubles("mul.f64 %fd0, %fd1, %fd2;", "fd", (a, b, c) -> raw(real(a) * real(b)));
        doubles("div.rn.f64 %fd0, %fd1, %fd2;", "fd", (a, b, c) -> raw(real(a) / real(b)));
        doubles("sqrt.rn.f64 %fd0, %fd1;", "fd", (a, b, c) -> raw(Math.sqrt(real(a))));
        doubles("rcp.rn.f64 %fd0, %fd1;", "fd", (a, b, c) -> raw(1 / real(a)));
        doubles("neg.f64 %fd0, %fd1;", "fd", (a, b, c) -> a ^ Long.MIN_VALUE);
    }

    /// Rounded once, which a product in f64 and a sum in f64 would not be.
    @Test
    void fusedMultiplyAddIsRoundedOnce() {
        floats("fma.rn.f32 %f0, %f1, %f2, %f3;", "f", (a, b, c) -> {
            float x = single(a);
            float y = single(b);
            float z = single(c);
            if (!Float.isFinite(x) || !Float.isFinite(y) || !Float.isFinite(z)) {
                return bits((float) ((double) x * y + z));
            }
            var exact = new BigDecimal(x).multiply(new BigDecimal(y)).add(new BigDecimal(z));
            return exact.signum() == 0 ? bits(x * y + z) : bits(exact.floatValue());
        });
        doubles("fma.rn.f64 %fd0, %fd1, %fd2, %fd3;", "fd", (a, b, c) -> raw(Math.fma(real(a), real(b), real(c))));
    }

    @Test
    void otherRoundingsLieOnTheirSideOfTheExactValue() {
        floats("add.rz.f32 %f0, %f1, %f2;", "f", (a, b, c) -> directed(single(a), single(b), true, 0));
        floats("add.rm.f32 %f0, %f1, %f2;", "f", (a, b, c) -> directed(single(a), single(b), true, -1));
        floats("mul.rp.f32 %f0, %f1, %f2;", "f", (a, b, c) -> directed(single(a), single(b), false, 1));
        floats("mul.rz.f32 %f0, %f1, %f2;", "f", (a, b, c) -> directed(single(a), single(b), false, 0));
        floats("div.rz.f32 %f0, %f1, %f2;", "f", (a, b, c) -> {
            float x = single(a);
            float y = single(b);
            float near = x / y;
            if (!Float.isFinite(x) || !Float.isFinite(y) || y == 0 || near == 0) {
                return bits(near);
            }
            float low = Float.isInfinite(near) ? Float.MAX_VALUE : Math.abs(near);
            var top = new BigDecimal(Math.abs(x));
            while (new BigDecimal(low).multiply(new BigDecimal(Math.abs(y))).compareTo(top) > 0) {
                low = Math.nextDown(low);
            }
            return bits(Math.copySign(low, near));
        });
    }

    /// Searched from the nearest number on.
    private static long directed(float a, float b, boolean sum, int side) {
        float near = sum ? a + b : a * b;
        if (!Float.isFinite(a) || !Float.isFinite(b)) {
            return bits(near);
        }
        var exact = sum
                ? new BigDecimal(a).add(new BigDecimal(b))
                : new BigDecimal(a).multiply(new BigDecimal(b));
        if (exact.signum() == 0) {
            return bits(sum && side < 0 && a == -b && a != 0 ? -0f : near);
        }
        int direction = side != 0 ? side : exact.signum() > 0 ? -1 : 1;
        float result = Float.isInfinite(near) ? Math.copySign(Float.MAX_VALUE, near) : near;
        if (direction < 0) {
            while (Float.isFinite(result) && new BigDecimal(result).compareTo(exact) > 0) result = Math.nextDown(result);
            if (Float.isInfinite(result)) return bits(result);
            while (result < Float.MAX_VALUE && new BigDecimal(Math.nextUp(result)).compareTo(exact) <= 0) {
                result = Math.nextUp(result);
            }
            return zeroSigned(result, exact);
        }
        while (Float.isFinite(result) && new BigDecimal(result).compareTo(exact) < 0) result = Math.nextUp(result);
        while (Float.isFinite(result)
                && result > -Float.MAX_VALUE
                && new BigDecimal(Math.nextDown(result)).compareTo(exact) >= 0) {
            result = Math.nextDown(result);
        }
        return zeroSigned(result, exact);
    }

    private static long zeroSigned(float value, BigDecimal exact) {
        return bits(value == 0 ? Math.copySign(0f, exact.signum()) : value);
    }

    @Test
    void extremesOfNumbersAndNaN() {
        floats("min.f32 %f0, %f1, %f2;", "f", (a, b, c) -> bits(extreme(single(a), single(b), false, true)));
        floats("max.f32 %f0, %f1, %f2;", "f", (a, b, c) -> bits(extreme(single(a), single(b), false, false)));
        floats("min.NaN.f32 %f0, %f1, %f2;", "f", (a, b, c) -> bits(extreme(single(a), single(b), true, true)));
        floats("max.NaN.f32 %f0, %f1, %f2;", "f", (a, b, c) -> bits(extreme(single(a), single(b), true, false)));
        doubles("max.f64 %fd0, %fd1, %fd2;", "fd", (a, b, c) ->
                raw(Double.isNaN(real(a)) ? real(b) : Double.isNaN(real(b)) ? real(a) : Math.max(real(a), real(b))));
    }

    private static float extreme(float a, float b, boolean propagates, boolean least) {
        if (Float.isNaN(a) || Float.isNaN(b)) {
            return propagates ? Float.NaN : Float.isNaN(a) ? b : a;
        }
        return least ? Math.min(a, b) : Math.max(a, b);
    }

    @Test
    void comparisonsKnowNaN() {
        floats("setp.lt.f32 %p0, %f1, %f2;", "p", (a, b, c) -> single(a) < single(b) ? 1 : 0);
        floats("setp.ltu.f32 %p0, %f1, %f2;", "p", (a, b, c) -> single(a) >= single(b) ? 0 : 1);
        floats("setp.eq.f32 %p0, %f1, %f2;", "p", (a, b, c) -> single(a) == single(b) ? 1 : 0);
        floats("setp.ne.f32 %p0, %f1, %f2;", "p", (a, b, c) -> single(a) < single(b) || single(a) > single(b) ? 1 : 0);
        floats("setp.neu.f32 %p0, %f1, %f2;", "p", (a, b, c) -> single(a) != single(b) ? 1 : 0);
        floats("setp.num.f32 %p0, %f1, %f2;", "p", (a, b, c) ->
                Float.isNaN(single(a)) || Float.isNaN(single(b)) ? 0 : 1);
        floats("setp.nan.f32 %p0, %f1, %f2;", "p", (a, b, c) ->
                Float.isNaN(single(a)) || Float.isNaN(single(b)) ? 1 : 0);
        floats("testp.subnormal.f32 %p0, %f1;", "p", (a, b, c) ->
                single(a) != 0 && Math.abs(single(a)) < Float.MIN_NORMAL ? 1 : 0);
        doubles("setp.geu.f64 %p0, %fd1, %fd2;", "p", (a, b, c) -> real(a) < real(b) ? 0 : 1);
        halves("setp.gt.f16 %p0, %rs1, %rs2;", "p", (a, b, c) ->
                Float.float16ToFloat((short) a) > Float.float16ToFloat((short) b) ? 1 : 0);
    }

    @Test
    void halvesAreRoundedOnce() {
        var half = ShortFloats.HALF;
        halves("add.rn.f16 %rs0, %rs1, %rs2;", "rs", (a, b, c) -> half.sum(a, b));
        halves("sub.rn.f16 %rs0, %rs1, %rs2;", "rs", (a, b, c) -> half.sum(a, b ^ 0x8000));
        halves("mul.rn.f16 %rs0, %rs1, %rs2;", "rs", (a, b, c) -> half.fma(a, b, 0x8000));
        halves("fma.rn.f16 %rs0, %rs1, %rs2, %rs3;", "rs", half::fma);
        halves("neg.f16 %rs0, %rs1;", "rs", (a, b, c) -> a ^ 0x8000);
        halves("abs.f16 %rs0, %rs1;", "rs", (a, b, c) -> a & 0x7FFF);
        halves(
                "mov.b32 %r1, {%rs1, %rs2}; mov.b32 %r2, {%rs3, %rs1}; add.rn.f16x2 %r0, %r1, %r2; mov.b32 {%rs4, %rs0},"
                        + " %r0;",
                "rs",
                (a, b, c) -> half.sum(b, a));
    }

    @Test
    void brainFloatsAreRoundedOnce() {
        var brain = ShortFloats.BRAIN;
        halves("add.rn.bf16 %rs0, %rs1, %rs2; cvt.u32.u16 %r0, %rs0;", "r", (a, b, c) -> brain.sum(a, b));
        halves("fma.rn.bf16 %rs0, %rs1, %rs2, %rs3; cvt.u32.u16 %r0, %rs0;", "r", brain::fma);
        halves("mul.rn.bf16 %rs0, %rs1, %rs2; cvt.u32.u16 %r0, %rs0;", "r", (a, b, c) -> brain.fma(a, b, 0x8000));
    }
}
