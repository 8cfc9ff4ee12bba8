package org.portolan.llvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.portolan.lowering.cases.ArithmeticCase;

/// The expanded elementary functions on this processor, against Java's own: over random bit patterns of all
/// magnitudes, over the range where the function bends, and at its corners.
class ElementaryTest {
    private static final int COUNT = 60_000;
    private static final double[] CORNERS = {0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 0.25, 10, -10, 1e-30, -1e-30, 1e30,
        -1e30, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Double.NaN, Float.MIN_VALUE, -Float.MIN_VALUE,
        Float.MAX_VALUE, -Float.MAX_VALUE, 0x1p-126, 0x1p-140, 88.7, 88.73, -87.3, -103.9, -104.1, 709.7, 709.8, -745.1,
        -745.2, Math.PI, Math.PI / 2, 16777216, 16777217, 0x1p31, 1e9, 1.5, 0.9999999, 1.0000001, Math.nextDown(1.0),
        Double.MIN_VALUE, Double.MAX_VALUE, 0x1p-1022, 5, 7, 1.0 / 3};

    /// @param single largest error of `f32` in units in the last place, against the correctly rounded result
    /// @param wide largest relative error of `f64`
    record Function(String name, DoubleUnaryOperator reference, double range, double single, double wide) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Function> functions() {
        return Stream.of(
                new Function("exp", Math::exp, 90, 1.5, 4e-16),
                new Function("log", Math::log, 4, 1.5, 4e-16),
                new Function("sin", Math::sin, 10, 2.5, 6e-16),
                new Function("cos", Math::cos, 10, 2.5, 6e-16),
                new Function("tan", Math::tan, 10, 4, 1e-15),
                new Function("asin", Math::asin, 1, 2.5, 6e-16),
                new Function("acos", Math::acos, 1, 2.5, 6e-16),
                new Function("atan", Math::atan, 5, 2.5, 6e-16),
                new Function("sinh", Math::sinh, 20, 3, 1e-15),
                new Function("cosh", Math::cosh, 20, 3, 1e-15),
                new Function("tanh", Math::tanh, 10, 3, 1e-15),
                new Function("asinh", ElementaryTest::asinh, 5, 3, 1e-15),
                new Function("acosh", ElementaryTest::acosh, 5, 4, 2e-15),
                new Function("atanh", ElementaryTest::atanh, 1, 3, 1e-15),
                new Function("erf", ElementaryTest::erf, 6, 2, 1e-15));
    }

    @ParameterizedTest
    @MethodSource("functions")
    void singles(Function function) {
        var largest = sweep(function, "f32");
        System.out.printf("%s f32: %.2f ulp at %s%n", function, largest.error(), largest.at());
        assertTrue(largest.error() <= function.single(), largest.toString());
    }

    @ParameterizedTest
    @MethodSource("functions")
    void doubles(Function function) {
        var largest = sweep(function, "f64");
        System.out.printf("%s f64: %.2e relative at %s%n", function, largest.error(), largest.at());
        assertTrue(largest.error() <= function.wide(), largest.toString());
    }

    record Worst(double error, double at, double found, double expected) {}

    private static Worst sweep(Function function, String type) {
        boolean single = type.equals("f32");
        try (var arena = Arena.ofConfined();
                var kernel = new HostKernel(ArithmeticCase.text(
                        type, type, type, "%z = arith." + function.name() + " %x : T:" + type, 16))) {
            var x = inputs(arena, single, function.range(), 1);
            var y = arena.allocate(8L * COUNT, 64);
            assertEquals(0, kernel.run(List.of(x, x, y), List.of((long) COUNT), 0, (COUNT + 15) / 16));
            var worst = new Worst(-1, 0, 0, 0);
            for (int i = 0; i < COUNT; i++) {
                double in = get(x, single, i);
                double found = get(y, single, i);
                double expected = function.reference().applyAsDouble(in);
                double error = error(found, expected, single);
                if (error > worst.error()) {
                    worst = new Worst(error, in, found, expected);
                }
                if (in == 0 && expected == 0) {
                    assertEquals(Double.doubleToRawLongBits(expected), Double.doubleToRawLongBits(found), "sign of zero");
                }
            }
            return worst;
        }
    }

    private static double error(double found, double expected, boolean single) {
        if (Double.isNaN(expected) || Double.isNaN(found)) {
            return Double.isNaN(expected) && Double.isNaN(found) ? 0 : Double.POSITIVE_INFINITY;
        }
        if (single) {
            float rounded = (float) expected;
            if (rounded == found) {
                return 0;
            }
            if (Float.isInfinite(rounded) || Double.isInfinite(found)) {
                // The last number before infinity and infinity are one unit apart.
                double distance = Math.abs(clampToFloat(found) - clampToFloat(expected)) / 0x1p104;
                return distance;
            }
            return Math.abs(found - expected) / Math.ulp(rounded);
        }
        if (found == expected) {
            return 0;
        }
        return Math.abs(found - expected) / Math.max(Math.abs(expected), 0x1p-1022);
    }

    private static double clampToFloat(double value) {
        return Math.clamp(value, -0x1p128, 0x1p128);
    }

    private static MemorySegment inputs(Arena arena, boolean single, double range, int seed) {
        var segment = arena.allocate(8L * COUNT, 64);
        var random = new SplittableRandom(seed);
        for (int i = 0; i < COUNT; i++) {
            double value = i < CORNERS.length
                    ? CORNERS[i]
                    : switch (i % 4) {
                        case 0 -> single ? Float.intBitsToFloat(random.nextInt()) : Double.longBitsToDouble(random.nextLong());
                        case 1 -> random.nextDouble(-1, 1);
                        case 2 -> random.nextDouble(-1, 1) * range;
                        default -> random.nextDouble(0, 1) * range * 100;
                    };
            if (single) {
                segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) value);
            } else {
                segment.setAtIndex(ValueLayout.JAVA_DOUBLE, i, value);
            }
        }
        return segment;
    }

    private static double get(MemorySegment segment, boolean single, int index) {
        return single
                ? segment.getAtIndex(ValueLayout.JAVA_FLOAT, index)
                : segment.getAtIndex(ValueLayout.JAVA_DOUBLE, index);
    }

    @Test
    void powers() {
        DoubleBinaryOperator reference = (x, y) -> x == 1 || y == 0 ? 1 : Double.isInfinite(y) && x == -1 ? 1 : Math.pow(x, y);
        for (var type : List.of("f32", "f64")) {
            boolean single = type.equals("f32");
            try (var arena = Arena.ofConfined();
                    var kernel = new HostKernel(ArithmeticCase.text(
                            type, type, type, "%z = arith.pow %x, %y : T:" + type, 16))) {
                var x = inputs(arena, single, 30, 2);
                var y = inputs(arena, single, 20, 3);
                // Every corner meets every other.
                var pairs = new ArrayList<double[]>();
                for (double left : CORNERS) {
                    for (double right : CORNERS) {
                        pairs.add(new double[] {left, right});
                    }
                }
                for (int i = 0; i < pairs.size(); i++) {
                    if (single) {
                        x.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) pairs.get(i)[0]);
                        y.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) pairs.get(i)[1]);
                    } else {
                        x.setAtIndex(ValueLayout.JAVA_DOUBLE, i, pairs.get(i)[0]);
                        y.setAtIndex(ValueLayout.JAVA_DOUBLE, i, pairs.get(i)[1]);
                    }
                }
                var z = arena.allocate(8L * COUNT, 64);
                assertEquals(0, kernel.run(List.of(x, y, z), List.of((long) COUNT), 0, (COUNT + 15) / 16));
                double worst = 0;
                var where = "";
                for (int i = 0; i < COUNT; i++) {
                    double expected = reference.applyAsDouble(get(x, single, i), get(y, single, i));
                    double error = error(get(z, single, i), expected, single);
                    if (error > worst) {
                        worst = error;
                        where = get(x, single, i) + " to the power of " + get(y, single, i) + ": expected " + expected
                                + ", found " + get(z, single, i);
                    }
                }
                System.out.printf("pow %s: %.2e %s%n", type, worst, where);
                assertTrue(worst <= (single ? 2 : 1e-14), where);
            }
        }
    }

    @Test
    void integerPowers() {
        try (var arena = Arena.ofConfined();
                var kernel = new HostKernel(ArithmeticCase.text(
                        "i32", "i32", "i32", "%z = arith.pow %x, %y : T:i32", 16))) {
            int count = 41 * 41;
            var x = arena.allocate(4L * count, 64);
            var y = arena.allocate(4L * count, 64);
            var z = arena.allocate(4L * count, 64);
            for (int i = 0; i < count; i++) {
                x.setAtIndex(ValueLayout.JAVA_INT, i, i / 41 - 20);
                y.setAtIndex(ValueLayout.JAVA_INT, i, i % 41 - 20);
            }
            assertEquals(0, kernel.run(List.of(x, y, z), List.of((long) count), 0, (count + 15) / 16));
            for (int i = 0; i < count; i++) {
                int base = i / 41 - 20;
                int exponent = i % 41 - 20;
                int expected = 1;
                for (int step = 0; step < exponent; step++) {
                    expected *= base;
                }
                if (exponent < 0) {
                    expected = base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
                }
                assertEquals(expected, z.getAtIndex(ValueLayout.JAVA_INT, i), base + " to the power of " + exponent);
            }
        }
    }

    // Java has none of these; each is said so that doubles lose nothing.

    private static double asinh(double x) {
        double magnitude = Math.abs(x);
        double result = magnitude > 1e150
                ? Math.log(magnitude) + Math.log(2)
                : Math.log1p(magnitude + magnitude * magnitude / (1 + Math.sqrt(magnitude * magnitude + 1)));
        return Math.copySign(result, x);
    }

    private static double acosh(double x) {
        double above = x - 1;
        return x > 1e150 ? Math.log(x) + Math.log(2) : x < 1 ? Double.NaN : Math.log1p(above + Math.sqrt(above * (above + 2)));
    }

    private static double atanh(double x) {
        double magnitude = Math.abs(x);
        return Math.copySign(0.5 * Math.log1p(2 * magnitude / (1 - magnitude)), x);
    }

    /// The series of the function where it is small, and the continued fraction of its complement elsewhere.
    private static double erf(double x) {
        double magnitude = Math.abs(x);
        if (Double.isNaN(x)) {
            return x;
        }
        if (magnitude > 6) {
            return Math.copySign(1, x);
        }
        if (magnitude < 2.5) {
            // Terms grow before they fall: with doubled digits, the sum still has all of its own.
            var sum = BigDecimal.ZERO;
            var square = new BigDecimal(x).multiply(new BigDecimal(x), MathContext.DECIMAL128);
            var term = new BigDecimal(x);
            for (int n = 0; n < 80 && Math.abs(term.doubleValue()) > 1e-25 * magnitude; n++) {
                sum = sum.add(term.divide(BigDecimal.valueOf(2 * n + 1), MathContext.DECIMAL128));
                term = term.multiply(square, MathContext.DECIMAL128)
                        .divide(BigDecimal.valueOf(-(n + 1)), MathContext.DECIMAL128);
            }
            var factor = new BigDecimal("1.128379167095512573896158903121545172");
            return x == 0 ? x : sum.multiply(factor).doubleValue();
        }
        double fraction = magnitude;
        for (int n = 60; n > 0; n--) {
            fraction = magnitude + n / 2.0 / fraction;
        }
        double complement = Math.exp(-magnitude * magnitude) / (fraction * Math.sqrt(Math.PI));
        return Math.copySign(1 - complement, x);
    }
}
