package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.fail;

import java.util.Random;

/// Runs one instruction on many operands and compares with Java. The operands are in {@code %r1} to {@code %r3}, and the
/// same bits in {@code %rs}, {@code %f}, {@code %rd} and {@code %fd}; the result is taken from number 0, or from
/// {@code %p0}.
final class OneInstruction {
    /// Operands that numbers like to go wrong with.
    static final int[] WHOLE = {
        0, 1, 2, 3, 5, 7, 16, 31, 32, 33, 63, 64, 255, 256, 32767, 32768, 65535, 65536, -1, -2, -3, -7, -32768, -32769,
        Integer.MAX_VALUE, Integer.MIN_VALUE, 0x12345678, 0x80000001, 0xDEADBEEF, 1_000_000_007, -1_000_000_007
    };
    static final float[] FLOATS = {
        0f, -0f, 1f, -1f, 0.5f, 1.5f, 2.5f, -2.5f, 3.1415927f, 1e-3f, -7.25f, 65504f, 65520f, 1e10f, -1e10f, 2147483648f,
        -2147483648f, 4294967296f, 9.2233720e18f, 1.8446744e19f, Float.MIN_VALUE, -Float.MIN_VALUE, 1e-40f,
        Float.MIN_NORMAL, -Float.MIN_NORMAL, Float.MAX_VALUE, -Float.MAX_VALUE, Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY, Float.NaN, 0.1f, 1 / 3f, 5.9604645e-8f, 16777216f, 16777217f, 255.5f, -128.5f
    };
    static final double[] DOUBLES = {
        0, -0.0, 1, -1, 0.5, 1.5, 2.5, -2.5, Math.PI, 1e-300, 1e300, -1e300, Double.MIN_VALUE, Double.MIN_NORMAL,
        Double.MAX_VALUE, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Double.NaN, 0.1, 1 / 3.0, 0x1p63, 0x1p64,
        -0x1p63, 0x1p31, 0x1.000001p0, 0x1.0000010000001p0, 1e-40, 1e-45, 65519.99, 3.4028235677973366e38, 2.98e-8
    };

    private static final int LANES = 64;

    private OneInstruction() {}

    /// What the instruction computes of three operands.
    interface Reference {
        long of(long a, long b, long c);
    }

    /// Whole numbers, all pairs of corners and random triples.
    static void words(String instruction, String result, Reference reference) {
        check(instruction, result, triples(WHOLE.length, index -> WHOLE[index], random -> random.nextInt() >> random.nextInt(32)), reference);
    }

    static void longs(String instruction, String result, Reference reference) {
        check(
                instruction,
                result,
                triples(
                        WHOLE.length * 3,
                        index -> index < WHOLE.length
                                ? WHOLE[index]
                                : index < 2 * WHOLE.length
                                        ? (long) WHOLE[index - WHOLE.length] << 32
                                        : Long.MAX_VALUE - WHOLE[index - 2 * WHOLE.length],
                        random -> random.nextLong() >> random.nextInt(64)),
                reference);
    }

    static void floats(String instruction, String result, Reference reference) {
        check(
                instruction,
                result,
                triples(FLOATS.length, index -> bits(FLOATS[index]), random -> bits(someFloat(random))),
                reference);
    }

    static void doubles(String instruction, String result, Reference reference) {
        check(
                instruction,
                result,
                triples(
                        DOUBLES.length,
                        index -> Double.doubleToRawLongBits(DOUBLES[index]),
                        random -> Double.doubleToRawLongBits(
                                random.nextGaussian() * Math.pow(2, random.nextInt(120) - 60))),
                reference);
    }

    /// All corners of 16 bits: signs, exponents, and patterns of the rest.
    static void halves(String instruction, String result, Reference reference) {
        check(
                instruction,
                result,
                triples(
                        64,
                        index -> (index & 32) << 10 | (index >> 2 & 7) * 0x1249 & 0x7C00 | (index & 3) * 0x155,
                        random -> random.nextInt(0x10000)),
                reference);
    }

    private static float someFloat(Random random) {
        return switch (random.nextInt(4)) {
            case 0 -> (float) random.nextGaussian();
            case 1 -> random.nextInt(2000) - 1000 + random.nextInt(4) / 4f;
            case 2 -> (float) (random.nextGaussian() * Math.pow(2, random.nextInt(80) - 40));
            default -> Float.intBitsToFloat(random.nextInt());
        };
    }

    private interface Corner {
        long of(int index);
    }

    private interface Any {
        long of(Random random);
    }

    private static long[][] triples(int corners, Corner corner, Any any) {
        var random = new Random(11);
        int more = 2000;
        int count = (corners * corners + more + LANES - 1) / LANES * LANES;
        var operands = new long[3][count];
        for (int index = 0; index < count; index++) {
            boolean corners2 = index < corners * corners;
            operands[0][index] = corners2 ? corner.of(index % corners) : any.of(random);
            operands[1][index] = corners2 ? corner.of(index / corners) : any.of(random);
            operands[2][index] = corners2 && random.nextBoolean() ? corner.of(random.nextInt(corners)) : any.of(random);
        }
        return operands;
    }

    static long bits(float value) {
        return Float.floatToRawIntBits(value) & 0xFFFF_FFFFL;
    }

    static float single(long bits) {
        return Float.intBitsToFloat((int) bits);
    }

    private static void check(String instruction, String result, long[][] operands, Reference reference) {
        var body = new StringBuilder("mov.u32 %r90, %tid.x; mov.u32 %r91, %ctaid.x; mad.lo.s32 %r90, %r91, " + LANES
                + ", %r90; mul.wide.u32 %rd90, %r90, 8;\n");
        for (int index = 1; index <= 3; index++) {
            body.append(("add.s64 %rd91, %rdP, %rd90; ld.global.u64 %rdN, [%rd91]; cvt.u32.u64 %rN, %rdN;"
                            + " mov.b32 %fN, %rN; cvt.u16.u64 %rsN, %rdN; mov.b64 %fdN, %rdN;\n")
                    .replace("P", Integer.toString(index + 40))
                    .replace("N", Integer.toString(index)));
        }
        body.append("add.s64 %rd91, %rd40, %rd90;\n").append(instruction).append('\n');
        body.append(
                switch (result) {
                    case "r" -> "cvt.u64.u32 %rd0, %r0;";
                    case "rs" -> "cvt.u64.u16 %rd0, %rs0;";
                    case "f" -> "mov.b32 %r0, %f0; cvt.u64.u32 %rd0, %r0;";
                    case "fd" -> "mov.b64 %rd0, %fd0;";
                    case "p" -> "selp.b64 %rd0, 1, 0, %p0;";
                    default -> "";
                });
        body.append("\nst.global.u64 [%rd91], %rd0;");
        var prologue = "mov.u64 %rd40, %rd0; mov.u64 %rd41, %rd1; mov.u64 %rd42, %rd2; mov.u64 %rd43, %rd3;\n";
        var run = PtxRun.of(4, "", prologue + body).block(LANES).grid(operands[0].length / LANES, 1, 1);
        var out = run.buffer(new long[operands[0].length]);
        run.run(out, run.buffer(operands[0]), run.buffer(operands[1]), run.buffer(operands[2]));
        var found = PtxRun.longs(out);
        for (int index = 0; index < found.length; index++) {
            long expected = reference.of(operands[0][index], operands[1][index], operands[2][index]);
            if (found[index] != expected && !bothNaN(result, found[index], expected)) {
                fail(instruction + " of 0x" + Long.toHexString(operands[0][index]) + ", 0x"
                        + Long.toHexString(operands[1][index]) + ", 0x" + Long.toHexString(operands[2][index]) + " gives 0x"
                        + Long.toHexString(found[index]) + ", expected 0x" + Long.toHexString(expected));
            }
        }
    }

    /// Which NaN it is, PTX leaves open.
    private static boolean bothNaN(String result, long a, long b) {
        return switch (result) {
            case "f" -> Float.isNaN(single(a)) && Float.isNaN(single(b));
            case "fd" -> Double.isNaN(Double.longBitsToDouble(a)) && Double.isNaN(Double.longBitsToDouble(b));
            case "rs" -> Float.isNaN(Float.float16ToFloat((short) a)) && Float.isNaN(Float.float16ToFloat((short) b));
            default -> false;
        };
    }
}
