package org.portolan.runtime.type;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.portolan.runtime.type.ElementTypes.ScaleRounding;

final class ElementTypesTest {
    private final Random random = new Random(3);

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16", "F8E4M3", "F8E4M3FNUZ", "F8E5M2", "F8E5M2FNUZ", "F4E2M1", "F8E8M0"})
    void everyNumberReadsBackAsItself(ElementType type) {
        for (int bits = 0; bits < 1 << type.bits(); bits++) {
            double value = ElementTypes.decodeDouble(type, bits);
            long again = ElementTypes.encodeDouble(type, value, false, ScaleRounding.NEAREST);
            if (Double.isNaN(value)) {
                assertTrue(Double.isNaN(ElementTypes.decodeDouble(type, again)));
            } else {
                assertEquals(bits, again);
            }
        }
    }

    /// Against the definition: the closest of all numbers of the format, and of two the one with an even last bit.
    @ParameterizedTest
    @EnumSource(names = {"F8E4M3", "F8E4M3FNUZ", "F8E5M2", "F8E5M2FNUZ", "F4E2M1"})
    void roundsToTheNearestNumber(ElementType type) {
        for (int round = 0; round < 3000; round++) {
            double value = Math.scalb(random.nextDouble() * 2 - 1, random.nextInt(40) - 24);
            if (round % 3 == 0) {
                int bits = random.nextInt(1 << type.bits() - 1);
                value = (ElementTypes.decodeDouble(type, bits) + ElementTypes.decodeDouble(type, bits + 1)) / 2;
            }
            if (!Double.isFinite(value)) {
                continue;
            }
            double expected = nearest(type, value);
            assertEquals(expected, ElementTypes.decodeDouble(type, ElementTypes.encodeDouble(type, value)) + 0.0,
                    "nearest to " + value);
        }
    }

    private static double nearest(ElementType type, double value) {
        double best = Double.NaN;
        boolean bestIsEven = false;
        for (int bits = 0; bits < 1 << type.bits(); bits++) {
            double candidate = ElementTypes.decodeDouble(type, bits) + 0.0;
            double gap = Math.abs(candidate - value);
            double bestGap = Math.abs(best - value);
            if (Double.isFinite(candidate) && (Double.isNaN(best) || gap < bestGap
                    || gap == bestGap && !bestIsEven && (bits & 1) == 0)) {
                best = candidate;
                bestIsEven = (bits & 1) == 0;
            }
        }
        return best;
    }

    @Test
    void halfPrecisionAgreesWithTheJdk() {
        for (int round = 0; round < 200_000; round++) {
            float value = Float.intBitsToFloat(random.nextInt());
            if (round % 2 == 0) {
                value = (float) Math.scalb(random.nextGaussian(), random.nextInt(50) - 30);
            }
            if (!Float.isNaN(value)) {
                assertEquals(Float.floatToFloat16(value) & 0xFFFF, ElementTypes.encodeDouble(ElementType.F16, value));
            }
        }
    }

    @Test
    void bfloatIsNotRoundedTwice() {
        // Rounded to f32 first this would be a tie, and then the even neighbour below.
        double value = 1 + 0x1p-8 + 0x1p-40;
        assertEquals(0x3F81, ElementTypes.encodeDouble(ElementType.BF16, value));
        assertEquals(0x3F80, ElementTypes.encodeDouble(ElementType.BF16, 1 + 0x1p-8));
        long integer = (1L << 62) + (1L << 54) + 1;
        assertEquals(0x5E81, ElementTypes.encodeLong(ElementType.BF16, integer));
    }

    @Test
    void whatIsTooLargeSaturatesOrNot() {
        assertEquals(448, saturated(ElementType.F8E4M3, 1e9));
        assertEquals(-448, saturated(ElementType.F8E4M3, Double.NEGATIVE_INFINITY));
        assertEquals(240, saturated(ElementType.F8E4M3FNUZ, 1e9));
        assertEquals(57344, saturated(ElementType.F8E5M2, Double.POSITIVE_INFINITY));
        assertEquals(6, saturated(ElementType.F4E2M1, 1e9));
        assertEquals(Double.POSITIVE_INFINITY, saturated(ElementType.F16, 65520));
        assertEquals(65504, saturated(ElementType.F16, 65519.99));
        assertTrue(Double.isNaN(unsaturated(ElementType.F8E4M3, 1e9)));
        assertTrue(Double.isNaN(unsaturated(ElementType.F8E5M2FNUZ, 1e9)));
        assertEquals(Double.POSITIVE_INFINITY, unsaturated(ElementType.F8E5M2, 1e9));
        assertEquals(0, ElementTypes.encodeDouble(ElementType.F8E4M3FNUZ, -0.0));
        assertEquals(0x80, ElementTypes.encodeDouble(ElementType.F8E4M3, -0.0));
    }

    private static double saturated(ElementType type, double value) {
        return ElementTypes.decodeDouble(type, ElementTypes.encodeDouble(type, value));
    }

    private static double unsaturated(ElementType type, double value) {
        return ElementTypes.decodeDouble(type, ElementTypes.encodeDouble(type, value, false, ScaleRounding.UP));
    }

    @Test
    void scalesRoundAsTold() {
        assertEquals(8, scale(5, ScaleRounding.UP));
        assertEquals(4, scale(5, ScaleRounding.DOWN));
        assertEquals(4, scale(5, ScaleRounding.NEAREST));
        assertEquals(8, scale(6, ScaleRounding.NEAREST));
        assertEquals(0x1p-127, scale(0, ScaleRounding.UP));
        assertTrue(Double.isNaN(scale(-1, ScaleRounding.UP)));
    }

    private static double scale(double value, ScaleRounding rounding) {
        return ElementTypes.decodeDouble(
                ElementType.F8E8M0, ElementTypes.encodeDouble(ElementType.F8E8M0, value, true, rounding));
    }

    @Test
    void floatToIntegerSaturatesAndNaNIsZero() {
        assertEquals(Integer.MAX_VALUE, integer(ElementType.I32, 1e30));
        assertEquals(Integer.MIN_VALUE, integer(ElementType.I32, Double.NEGATIVE_INFINITY));
        assertEquals(0, integer(ElementType.I32, Double.NaN));
        assertEquals(-3, integer(ElementType.I8, -3.9));
        assertEquals(0, integer(ElementType.U8, -3.9));
        assertEquals(255, integer(ElementType.U8, 300));
        assertEquals(-8, integer(ElementType.I4, -100));
        assertEquals(15, integer(ElementType.U4, 100));
        assertEquals(1, integer(ElementType.I2, 100));
        assertEquals(-1, integer(ElementType.U64, 1e30));
        assertEquals(Long.MIN_VALUE, integer(ElementType.U64, 0x1p63));
        assertEquals(Long.MAX_VALUE, integer(ElementType.I64, 1e30));
        assertEquals(1, integer(ElementType.BOOL, Double.NaN));
    }

    private static long integer(ElementType type, double value) {
        return ElementTypes.decodeLong(type, ElementTypes.encodeDouble(type, value));
    }

    @Test
    void integersKeepTheirLowBits() {
        assertEquals(0x7F, ElementTypes.convert(ElementType.I32, ElementType.U8, 0x17F));
        assertEquals(-1, ElementTypes.decodeLong(ElementType.I4, ElementTypes.convert(
                ElementType.I32, ElementType.I4, 0xFF)));
        assertEquals(-2, ElementTypes.decodeLong(ElementType.I2, 2));
        assertEquals(0xFFFF_FFFFL, ElementTypes.convert(ElementType.I8, ElementType.U32, 0xFF));
    }

    @Test
    void largeUnsignedIntegersRoundOnce() {
        for (int round = 0; round < 20_000; round++) {
            long bits = random.nextLong() | Long.MIN_VALUE;
            if (round % 2 == 0) {
                bits = bits & -1L << 40 | 1L << 39 | random.nextInt(2); // near a tie of f32
            }
            var exact = new BigDecimal(Long.toUnsignedString(bits));
            assertEquals(Float.floatToRawIntBits(exact.floatValue()),
                    (int) ElementTypes.convert(ElementType.U64, ElementType.F32, bits));
            assertEquals(Double.doubleToRawLongBits(exact.doubleValue()),
                    ElementTypes.convert(ElementType.U64, ElementType.F64, bits));
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = {"STRING", "INDEX"})
    void elementsInMemoryLeaveTheirNeighboursAlone(ElementType type) {
        int count = 37;
        var segment = MemorySegment.ofArray(new byte[(int) type.bytes(count)]);
        var expected = new long[count];
        for (int round = 0; round < 500; round++) {
            int index = random.nextInt(count);
            expected[index] = random.nextLong() & -1L >>> 64 - type.bits();
            ElementTypes.setBits(type, segment, index, expected[index]);
            for (int other = 0; other < count; other++) {
                assertEquals(expected[other], ElementTypes.getBits(type, segment, other));
            }
        }
    }

    @Test
    void packedElementsBeginInTheLowestBits() {
        var segment = MemorySegment.ofArray(new byte[] {0x21, (byte) 0xE4});
        assertEquals(1, ElementTypes.getLong(ElementType.I4, segment, 0));
        assertEquals(2, ElementTypes.getLong(ElementType.I4, segment, 1));
        assertEquals(-2, ElementTypes.getLong(ElementType.I4, segment, 3));
        assertEquals(3, ElementTypes.getLong(ElementType.U2, segment, 7));
        assertEquals(0, ElementTypes.getLong(ElementType.U2, segment, 4));
    }
}
