package org.portolan.ascend.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.function.IntFunction;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Functions are within a unit in the last place, and conversions are exact, over numbers of every size.
class NumericsTest {
    private static final int COUNT = 1 << 16;
    private static Acl acl;
    private static long binary;

    @BeforeAll
    static void open() throws Exception {
        acl = Emulated.acl();
        binary = acl.binary(AscendEmulator.compile(Emulated.source("functions.cpp"), 2201));
    }

    private static MemorySegment run(String kernel, MemorySegment input, int count, long resultBytes) {
        long x = acl.upload(acl.arena.allocate(input.byteSize(), 64).copyFrom(input));
        long y = acl.allocate(count * resultBytes);
        long stream = acl.stream();
        var size = acl.arena.allocate(8, 8);
        size.set(ValueLayout.JAVA_LONG, 0, count);
        assertEquals(0, acl.launch(acl.function(binary, kernel), 1, stream, new long[] {x, y}, size));
        acl.must("aclrtSynchronizeStream", Acl.pointer(stream));
        acl.must("aclrtDestroyStream", Acl.pointer(stream));
        var result = acl.download(y, count * resultBytes);
        acl.free(x);
        acl.free(y);
        return result;
    }

    /// Bit patterns from everywhere, and the corners.
    private static float[] floats() {
        var random = new Random(3);
        var values = new float[COUNT];
        for (int i = 0; i < COUNT; i++) {
            values[i] = i % 2 == 0 ? Float.intBitsToFloat(random.nextInt()) : (float) (random.nextGaussian() * Math.pow(10, i % 7 - 2));
        }
        float[] corners = {0f, -0f, 1f, -1f, 0.5f, 1.5f, 2.5f, -0.5f, -2.5f, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY,
            Float.MIN_VALUE, Float.MAX_VALUE, -Float.MAX_VALUE, 88.7f, 88.8f, -87.4f, -103.9f, -104.1f, 65504f, 65519f, 65520f, 32767.5f, 2147483648f, 1e-7f};
        System.arraycopy(corners, 0, values, 0, corners.length);
        return values;
    }

    private static double worstUlp(String kernel, DoubleUnaryOperator function) {
        var values = floats();
        var got = run(kernel, MemorySegment.ofArray(values), COUNT, 4);
        double worst = 0;
        for (int i = 0; i < COUNT; i++) {
            double want = function.applyAsDouble(values[i]);
            float result = got.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            if (Double.isNaN(want) || Float.isInfinite((float) want)) {
                assertEquals((float) want, result, kernel + " of " + values[i]);
            } else {
                worst = Math.max(worst, Math.abs(result - want) / Math.ulp((float) want));
            }
        }
        return worst;
    }

    @Test
    void functionsAreWithinAUnit() {
        assertTrue(worstUlp("exponential", StrictMath::exp) < 0.501);
        assertTrue(worstUlp("logarithm", StrictMath::log) < 0.501);
        assertTrue(worstUlp("root", StrictMath::sqrt) < 0.501);
        // The unit's own reciprocal is coarse, and the emulator's must not be better.
        double coarse = worstUlp("reciprocal", x -> 1 / x);
        assertTrue(coarse > 1000, () -> "ulp " + coarse);
    }

    @Test
    void theWorstCaseIsOffByAUnit() {
        acl.callVoid("portolan_emulator_worst", 1);
        try {
            double off = worstUlp("exponential", StrictMath::exp);
            assertTrue(off > 0.99 && off < 1.501, () -> "ulp " + off);
        } finally {
            acl.callVoid("portolan_emulator_worst", 0);
        }
    }

    @Test
    void functionsOfHalvesAreRoundedOnce() {
        var halves = new short[COUNT];
        for (int i = 0; i < COUNT; i++) halves[i] = (short) i;
        var exponential = run("exponentialOfHalves", MemorySegment.ofArray(halves), COUNT, 2);
        var logarithm = run("logarithmOfHalves", MemorySegment.ofArray(halves), COUNT, 2);
        for (int i = 0; i < COUNT; i++) {
            float x = Float.float16ToFloat(halves[i]);
            near(Math.exp(x), exponential.getAtIndex(ValueLayout.JAVA_SHORT, i), x);
            near(Math.log(x), logarithm.getAtIndex(ValueLayout.JAVA_SHORT, i), x);
        }
    }

    private static void near(double want, short bits, float x) {
        float got = Float.float16ToFloat(bits);
        float rounded = Float.float16ToFloat(Float.floatToFloat16((float) want));
        assertTrue(Float.compare(got, rounded) == 0 || Math.abs(got - want) <= Math.abs(rounded - want) * 1.001, () -> x + ": " + got + ", not " + want);
    }

    private static void converts(String kernel, Object input, long bytes, ValueLayout layout, IntFunction<Object> wanted) {
        var segment = switch (input) {
            case float[] values -> MemorySegment.ofArray(values);
            case short[] values -> MemorySegment.ofArray(values);
            case int[] values -> MemorySegment.ofArray(values);
            case long[] values -> MemorySegment.ofArray(values);
            default -> throw new IllegalArgumentException();
        };
        var got = run(kernel, segment, COUNT, bytes);
        for (int i = 0; i < COUNT; i++) {
            Object result = switch (layout) {
                case ValueLayout.OfFloat of -> got.getAtIndex(of, i);
                case ValueLayout.OfInt of -> got.getAtIndex(of, i);
                case ValueLayout.OfShort of -> got.getAtIndex(of, i);
                case ValueLayout.OfByte of -> got.get(of, i);
                case ValueLayout.OfLong of -> got.getAtIndex(of, i);
                default -> throw new IllegalArgumentException();
            };
            int number = i;
            assertEquals(wanted.apply(i), result, () -> kernel + " of element " + number);
        }
    }

    private static double whole(float x, RoundingMode mode) {
        return Float.isFinite(x) ? new BigDecimal(x).setScale(0, mode).doubleValue() : x;
    }

    @Test
    void floatsToIntegers() {
        var x = floats();
        converts("rint", x, 4, ValueLayout.JAVA_INT, i -> (int) whole(x[i], RoundingMode.HALF_EVEN));
        converts("floor", x, 4, ValueLayout.JAVA_INT, i -> (int) whole(x[i], RoundingMode.FLOOR));
        converts("ceil", x, 4, ValueLayout.JAVA_INT, i -> (int) whole(x[i], RoundingMode.CEILING));
        converts("round", x, 4, ValueLayout.JAVA_INT, i -> (int) whole(x[i], RoundingMode.HALF_UP));
        converts("trunc", x, 4, ValueLayout.JAVA_INT, i -> (int) x[i]);
        converts("floatToLong", x, 8, ValueLayout.JAVA_LONG, i -> (long) whole(x[i], RoundingMode.HALF_EVEN));
        converts("floatToShort", x, 2, ValueLayout.JAVA_SHORT, i -> (short) Math.clamp((int) whole(x[i], RoundingMode.HALF_EVEN), Short.MIN_VALUE, Short.MAX_VALUE));
    }

    @Test
    void floatsToNarrowFloats() {
        var x = floats();
        converts("floatToHalf", x, 2, ValueLayout.JAVA_SHORT, i -> canonical(Float.floatToFloat16(x[i])), 0x7c00);
        converts("floatToHalfDown", x, 2, ValueLayout.JAVA_SHORT, i -> canonical(directed(x[i], x[i] < 0)), 0x7c00);
        converts("floatToHalfUp", x, 2, ValueLayout.JAVA_SHORT, i -> canonical(directed(x[i], x[i] > 0)), 0x7c00);
        converts("floatToHalfZero", x, 2, ValueLayout.JAVA_SHORT, i -> canonical(directed(x[i], false)), 0x7c00);
        converts("floatToHalfOdd", x, 2, ValueLayout.JAVA_SHORT, i -> {
            short low = directed(x[i], false);
            return canonical((low & 1) == 0 ? directed(x[i], true) : low);
        }, 0x7c00);
        converts("floatToBrain", x, 2, ValueLayout.JAVA_SHORT, i -> {
            int bits = Float.floatToRawIntBits(x[i]);
            return Float.isNaN(x[i]) ? (short) 0x7fff : (short) (bits + 0x7fff + (bits >> 16 & 1) >> 16);
        }, 0x7f80);
    }

    /// As above, but every NaN counts as one.
    private static void converts(String kernel, float[] input, long bytes, ValueLayout.OfShort layout, IntFunction<Object> wanted, int infinity) {
        var got = run(kernel, MemorySegment.ofArray(input), COUNT, bytes);
        for (int i = 0; i < COUNT; i++) {
            short result = got.getAtIndex(layout, i);
            int number = i;
            assertEquals(wanted.apply(i), (result & 0x7fff) > infinity ? (short) 0x7fff : result, () -> kernel + " of " + input[number]);
        }
    }

    private static short canonical(short half) {
        return (half & 0x7fff) > 0x7c00 ? 0x7fff : half;
    }

    /// The half toward zero, or the next one away from it where the float lies between two.
    private static short directed(float x, boolean away) {
        if (!Float.isFinite(x)) return Float.floatToFloat16(x);
        int magnitude = Float.floatToFloat16(Math.abs(x)) & 0x7fff;
        while (Float.float16ToFloat((short) magnitude) > Math.abs(x)) magnitude--;
        if (away && Float.float16ToFloat((short) magnitude) < Math.abs(x)) magnitude++;
        return (short) (magnitude | (Float.floatToRawIntBits(x) < 0 ? 0x8000 : 0));
    }

    @Test
    void narrowNumbersToWideOnes() {
        var all = new short[COUNT];
        for (int i = 0; i < COUNT; i++) all[i] = (short) i;
        converts("halfToFloat", all, 4, ValueLayout.JAVA_FLOAT, i -> Float.float16ToFloat(all[i]));
        converts("brainToFloat", all, 4, ValueLayout.JAVA_FLOAT, i -> Float.intBitsToFloat(all[i] << 16));
        converts("halfToByte", all, 1, ValueLayout.JAVA_BYTE, i -> (byte) Math.clamp((int) Math.rint(Float.float16ToFloat(all[i])), -128, 127));
        converts("halfToUnsignedByte", all, 1, ValueLayout.JAVA_BYTE, i -> (byte) Math.clamp((int) Float.float16ToFloat(all[i]), 0, 255));
    }

    @Test
    void integersToOthers() {
        var random = new Random(4);
        var ints = random.ints(COUNT).toArray();
        var longs = new long[COUNT];
        for (int i = 0; i < COUNT; i++) longs[i] = random.nextLong() >> i % 60;
        longs[0] = Long.MAX_VALUE;
        longs[1] = Long.MIN_VALUE;
        longs[2] = (1L << 24) + 1;
        converts("intToFloat", ints, 4, ValueLayout.JAVA_FLOAT, i -> (float) ints[i]);
        converts("longToFloat", longs, 4, ValueLayout.JAVA_FLOAT, i -> (float) longs[i]);
        converts("longToInt", longs, 4, ValueLayout.JAVA_INT, i -> (int) Math.clamp(longs[i], Integer.MIN_VALUE, Integer.MAX_VALUE));
        converts("longToFloatDown", longs, 4, ValueLayout.JAVA_FLOAT, i -> {
            float near = (float) longs[i];
            return new BigDecimal(near).compareTo(BigDecimal.valueOf(longs[i])) > 0 ? Math.nextDown(near) : near;
        });
    }
}
