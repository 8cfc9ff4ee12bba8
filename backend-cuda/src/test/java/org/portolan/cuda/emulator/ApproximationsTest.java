package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/// Approximate instructions lie within the errors that the PTX manual promises, over the ranges that it promises them for;
/// special values are those of its tables, bit for bit, with {@code .ftz} and without.
class ApproximationsTest {
    private static final int COUNT = 4096;
    private static final float TINY = 0x1p-130f;
    private static final float INFINITY = Float.POSITIVE_INFINITY;

    @AfterAll
    static void assemble() {
        Assembler.requireAll();
    }

    private static float[] run(String name, float... inputs) {
        var run = PtxRun.of(
                        2,
                        "",
                        "mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x; mad.lo.u32 %r1, %r2, %r3, %r1;"
                                + " mul.wide.u32 %rd5, %r1, 4; add.s64 %rd0, %rd0, %rd5; add.s64 %rd1, %rd1, %rd5;"
                                + " ld.global.f32 %f1, [%rd1]; " + operation(name) + " st.global.f32 [%rd0], %f2;")
                .block(Math.min(inputs.length, 128))
                .grid((inputs.length + 127) / 128, 1, 1)
                .assembled();
        var bits = new int[inputs.length];
        for (int index = 0; index < bits.length; index++) {
            bits[index] = Float.floatToRawIntBits(inputs[index]);
        }
        var out = run.fresh(4L * bits.length);
        run.run(out, run.buffer(bits));
        var results = new float[inputs.length];
        int[] found = PtxRun.ints(out);
        for (int index = 0; index < bits.length; index++) {
            results[index] = Float.intBitsToFloat(found[index]);
        }
        return results;
    }

    /// Short types by way of f32, which holds them exactly.
    private static String operation(String name) {
        if (name.endsWith(".f16")) {
            return "cvt.rn.f16.f32 %rs1, %f1; " + name + " %rs2, %rs1; cvt.f32.f16 %f2, %rs2;";
        }
        if (name.endsWith(".bf16")) {
            return "cvt.rn.bf16.f32 %rs1, %f1; " + name + " %rs2, %rs1; mov.b16 %rs3, 0; mov.b32 %f2, {%rs3, %rs2};";
        }
        return name + " %f2, %f1;";
    }

    /// The largest error that is allowed of a result.
    private interface Bound {
        double of(double exact);
    }

    private static Bound relative(double error) {
        // A subnormal result has fewer digits than that: half of the last one is added.
        return exact -> error * Math.abs(exact) + Float.MIN_VALUE / 2;
    }

    private static Bound absolute(double error) {
        return exact -> error;
    }

    private static Bound units(int count) {
        return exact -> count * (double) Math.ulp((float) exact);
    }

    private static void within(String name, DoubleUnaryOperator function, double low, double high, boolean scaled, Bound bound) {
        var random = new Random(17);
        var inputs = new float[COUNT];
        for (int index = 0; index < COUNT; index++) {
            double part = index < 2 ? index : random.nextDouble();
            float value = (float) (scaled ? low * Math.pow(high / low, part) : low + (high - low) * part);
            inputs[index] = name.endsWith("bf16")
                    ? Float.intBitsToFloat(Float.floatToRawIntBits(value) & 0xFFFF0000)
                    : name.endsWith("f16") ? Float.float16ToFloat(Float.floatToFloat16(value)) : value;
        }
        float[] found = run(name, inputs);
        for (int index = 0; index < COUNT; index++) {
            float x = inputs[index];
            double exact = function.applyAsDouble(x);
            float result = found[index];
            assertTrue(
                    Math.abs(result - exact) <= bound.of(exact),
                    () -> name + " of " + x + " gives " + result + ", exactly it is " + exact);
        }
    }

    private static double log2(double x) {
        return Math.log(x) / Math.log(2);
    }

    @Test
    void reciprocalsAndRoots() {
        within("rcp.approx.f32", x -> 1 / x, 0x1p-126, 0x1p126, true, units(1));
        within("rcp.approx.f32", x -> 1 / x, -3, -0.1, false, units(1));
        within("rcp.approx.ftz.f32", x -> 1 / x, 0x1p-126, 0x1p126, true, units(1));
        within("rsqrt.approx.f32", x -> 1 / Math.sqrt(x), 0x1p-149, 0x1p127, true, relative(Math.pow(2, -22.9)));
        within("rsqrt.approx.ftz.f32", x -> 1 / Math.sqrt(x), 0x1p-126, 0x1p127, true, relative(Math.pow(2, -22.9)));
        within("sqrt.approx.f32", Math::sqrt, 0x1p-149, 0x1p127, true, relative(0x1p-23));
    }

    @Test
    void powersAndLogarithms() {
        within("ex2.approx.f32", x -> Math.pow(2, x), -149, 127.9, false, units(2));
        within("ex2.approx.ftz.f32", x -> Math.pow(2, x), -126, 127.9, false, units(2));
        within("ex2.approx.f16", x -> Math.pow(2, x), -13, 15.9, false, relative(Math.pow(2, -9.9)));
        within("ex2.approx.ftz.bf16", x -> Math.pow(2, x), -120, 120, false, relative(0x1p-7));
        within("lg2.approx.f32", ApproximationsTest::log2, 0.5, 2, false, absolute(0x1p-22));
        within("lg2.approx.f32", ApproximationsTest::log2, 2, 0x1p127, true, relative(0x1p-22));
        within("lg2.approx.f32", ApproximationsTest::log2, 0x1p-149, 0.5, true, relative(0x1p-22));
    }

    @Test
    void anglesAndSigmoids() {
        within("sin.approx.f32", Math::sin, -2 * Math.PI, 2 * Math.PI, false, absolute(Math.pow(2, -20.5)));
        within("cos.approx.f32", Math::cos, -2 * Math.PI, 2 * Math.PI, false, absolute(Math.pow(2, -20.5)));
        within("sin.approx.f32", Math::sin, -100 * Math.PI, 100 * Math.PI, false, absolute(Math.pow(2, -14.7)));
        within("cos.approx.ftz.f32", Math::cos, -100 * Math.PI, 100 * Math.PI, false, absolute(Math.pow(2, -14.7)));
        within("tanh.approx.f32", Math::tanh, -12, 12, false, relative(0x1p-11));
        within("tanh.approx.f32", Math::tanh, 0x1p-149, 1, true, relative(0x1p-11));
        within("tanh.approx.f16", Math::tanh, -8, 8, false, absolute(Math.pow(2, -10.987)));
        within("tanh.approx.bf16", Math::tanh, -8, 8, false, absolute(0x1p-8));
    }

    /// @param pairs operands and results
    private static void exactly(String name, float... pairs) {
        var inputs = new float[pairs.length / 2];
        for (int index = 0; index < inputs.length; index++) {
            inputs[index] = pairs[2 * index];
        }
        float[] found = run(name, inputs);
        for (int index = 0; index < inputs.length; index++) {
            float expected = pairs[2 * index + 1];
            var what = name + " of " + inputs[index];
            if (Float.isNaN(expected)) {
                assertTrue(Float.isNaN(found[index]), what + " gives " + found[index]);
            } else {
                assertEquals(Float.floatToRawIntBits(expected), Float.floatToRawIntBits(found[index]), what + " gives " + found[index]);
            }
        }
    }

    @Test
    void specialValues() {
        float nan = Float.NaN;
        exactly("rcp.approx.f32", -INFINITY, -0f, -0f, -INFINITY, 0f, INFINITY, INFINITY, 0f, nan, nan, 4, 0.25f, 0x1p127f, 0x1p-127f,
                -0x1p-127f, -0x1p127f);
        exactly("rcp.approx.ftz.f32", TINY, INFINITY, -TINY, -INFINITY, 0x1p127f, 0f, -0x1p127f, -0f, 4, 0.25f);
        exactly("rsqrt.approx.f32", -INFINITY, nan, -1, nan, -0f, -INFINITY, 0f, INFINITY, INFINITY, 0f, nan, nan, -TINY, nan, TINY,
                0x1p65f, 16, 0.25f);
        exactly("rsqrt.approx.ftz.f32", TINY, INFINITY, -TINY, -INFINITY, -1, nan, 16, 0.25f);
        exactly("sqrt.approx.f32", -INFINITY, nan, -1, nan, -0f, -0f, 0f, 0f, INFINITY, INFINITY, nan, nan, TINY, 0x1p-65f, 9, 3);
        exactly("sqrt.approx.ftz.f32", TINY, 0f, -TINY, -0f, 9, 3);
        exactly("ex2.approx.f32", -INFINITY, 0f, -0f, 1, 0f, 1, INFINITY, INFINITY, nan, nan, TINY, 1, 3, 8, -127, 0x1p-127f, 128,
                INFINITY, -151, 0f);
        exactly("ex2.approx.ftz.f32", -127, 0f, -126, 0x1p-126f, TINY, 1, -TINY, 1, 128, INFINITY);
        exactly("lg2.approx.f32", -INFINITY, nan, -1, nan, -0f, -INFINITY, 0f, -INFINITY, INFINITY, INFINITY, nan, nan, 1, 0f, 8, 3,
                TINY, -130);
        exactly("lg2.approx.ftz.f32", TINY, -INFINITY, -TINY, -INFINITY, 8, 3);
        exactly("sin.approx.f32", -INFINITY, nan, -0f, -0f, 0f, 0f, INFINITY, nan, nan, nan);
        exactly("sin.approx.ftz.f32", TINY, 0f, -TINY, -0f);
        exactly("cos.approx.f32", -INFINITY, nan, -0f, 1, 0f, 1, INFINITY, nan, nan, nan, TINY, 1);
        exactly("cos.approx.ftz.f32", TINY, 1, -TINY, 1);
        exactly("tanh.approx.f32", -INFINITY, -1, -0f, -0f, 0f, 0f, INFINITY, 1, nan, nan, TINY, TINY, -TINY, -TINY);
        exactly("ex2.approx.f16", -INFINITY, 0f, 0f, 1, INFINITY, INFINITY, nan, nan, 16, INFINITY, 3, 8);
        exactly("tanh.approx.f16", -INFINITY, -1, -0f, -0f, INFINITY, 1, nan, nan);
        exactly("tanh.approx.bf16", -INFINITY, -1, -0f, -0f, INFINITY, 1, nan, nan);
        exactly("ex2.approx.ftz.bf16", -INFINITY, 0f, 0f, 1, INFINITY, INFINITY, nan, nan, -127, 0f, 3, 8);
    }

    /// Two operands, so that the bound of a quotient is two units.
    @Test
    void quotients() {
        var run = PtxRun.of(
                        3,
                        "",
                        "mov.u32 %r1, %tid.x; mul.wide.u32 %rd5, %r1, 4; add.s64 %rd0, %rd0, %rd5; add.s64 %rd1, %rd1, %rd5; add.s64"
                                + " %rd2, %rd2, %rd5; ld.global.f32 %f1, [%rd1]; ld.global.f32 %f2, [%rd2]; div.approx.f32 %f3, %f1,"
                                + " %f2; div.full.f32 %f4, %f1, %f2; sub.f32 %f5, %f3, %f4; st.global.f32 [%rd0], %f3;")
                .block(256)
                .assembled();
        var random = new Random(3);
        int[] a = new int[256];
        int[] b = new int[256];
        for (int index = 0; index < 256; index++) {
            a[index] = Float.floatToRawIntBits((float) Math.scalb(random.nextDouble() + 1, random.nextInt(60) - 30));
            b[index] = Float.floatToRawIntBits((float) Math.scalb(random.nextDouble() + 1, random.nextInt(60) - 30));
        }
        var out = run.fresh(1024);
        run.run(out, run.buffer(a), run.buffer(b));
        int[] found = PtxRun.ints(out);
        for (int index = 0; index < 256; index++) {
            double exact = (double) Float.intBitsToFloat(a[index]) / Float.intBitsToFloat(b[index]);
            assertEquals(exact, Float.intBitsToFloat(found[index]), 2 * Math.ulp((float) exact));
        }
    }
}
