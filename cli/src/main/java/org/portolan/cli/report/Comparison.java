package org.portolan.cli.report;

import java.util.Arrays;
import java.util.Locale;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;

/// How far one tensor is from the one that it should equal.
///
/// @param agrees whether every element is within the tolerance, and type and shape are equal
/// @param largestError the largest absolute difference; infinite where only one of two elements is finite
/// @param relativeError the largest difference over the largest expected magnitude
/// @param index where the largest error is, row-major; -1 where there is none
/// @param problem one sentence where they disagree, else empty
public record Comparison(boolean agrees, double largestError, double relativeError, long index, String problem) {

    /// Elements agree where `|found - expected| <= absolute + relative * |expected|`; with `ofLargest` the magnitude is that
    /// of the largest expected element instead, which is what sums in another order can promise.
    public record Tolerance(double relative, double absolute, boolean ofLargest) {
        /// What a correct implementation keeps that sums in another order, by element type; integers are exact.
        public static Tolerance of(ElementType type) {
            var relative =
                    switch (type) {
                        case F64 -> 1e-9;
                        case F32 -> 1e-4;
                        case F16 -> 1e-2;
                        case BF16 -> 4e-2;
                        case F8E4M3, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1 -> 0.15;
                        case I64, I32, I16, I8, I4, I2, U64, U32, U16, U8, U4, U2, BOOL, INDEX, STRING -> 0.0;
                    };
            return new Tolerance(relative, 0, true);
        }
    }

    public static Comparison of(Tensor expected, Tensor found, Tolerance tolerance) {
        if (expected.type() != found.type() || !Arrays.equals(expected.shape(), found.shape())) {
            return disagreement("expected " + expected + ", found " + found);
        }
        if (expected.type() == ElementType.STRING) {
            var equal = expected.strings().equals(found.strings());
            return equal ? new Comparison(true, 0, 0, -1, "") : disagreement("the strings differ");
        }
        return compareNumbers(expected, found, tolerance);
    }

    private static Comparison compareNumbers(Tensor expected, Tensor found, Tolerance tolerance) {
        var largestMagnitude = 0.0;
        for (var i = 0L; i < expected.elements(); i++) {
            var magnitude = Math.abs(expected.getDouble(i));
            if (Double.isFinite(magnitude)) largestMagnitude = Math.max(largestMagnitude, magnitude);
        }
        var largestError = 0.0;
        var at = -1L;
        var failing = 0L;
        for (var i = 0L; i < expected.elements(); i++) {
            var error = error(expected, found, i);
            if (error > largestError) {
                largestError = error;
                at = i;
            }
            var magnitude = tolerance.ofLargest() ? largestMagnitude : Math.abs(expected.getDouble(i));
            if (error > tolerance.absolute() + tolerance.relative() * magnitude) failing++;
        }
        var relative = largestMagnitude == 0 ? largestError : largestError / largestMagnitude;
        var problem = failing == 0 ? "" : describe(expected, found, at, failing);
        return new Comparison(failing == 0, largestError, relative, at, problem);
    }

    private static double error(Tensor expected, Tensor found, long index) {
        if (!expected.type().isFloat()) {
            var left = expected.getLong(index);
            var right = found.getLong(index);
            return left == right ? 0 : Math.max(1, Math.abs((double) left - (double) right));
        }
        var left = expected.getDouble(index);
        var right = found.getDouble(index);
        if (left == right || Double.isNaN(left) && Double.isNaN(right)) return 0;
        var error = Math.abs(left - right);
        return Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
    }

    private static String describe(Tensor expected, Tensor found, long at, long failing) {
        return String.format(
                Locale.ROOT,
                "%d of %d elements differ, most at %s: expected %s, found %s",
                failing,
                expected.elements(),
                Arrays.toString(position(at, expected.shape())),
                expected.getDouble(at),
                found.getDouble(at));
    }

    private static long[] position(long index, long[] shape) {
        var position = new long[shape.length];
        var rest = index;
        for (var axis = shape.length - 1; axis >= 0; axis--) {
            position[axis] = rest % shape[axis];
            rest /= shape[axis];
        }
        return position;
    }

    private static Comparison disagreement(String problem) {
        return new Comparison(false, Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY, -1, problem);
    }
}
