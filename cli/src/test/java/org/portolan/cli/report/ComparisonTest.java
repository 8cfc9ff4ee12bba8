package org.portolan.cli.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.portolan.cli.report.Comparison.Tolerance;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;

class ComparisonTest {
    private static final Tolerance USUAL = Tolerance.of(ElementType.F32);

    @Test
    void smallErrorsAgreeAndLargeOnesNameThePlace() {
        var expected = Tensor.of(new float[] {100, 1, 2, 3}, 2, 2);
        assertTrue(Comparison.of(expected, Tensor.of(new float[] {100, 1.009f, 2, 3}, 2, 2), USUAL).agrees());
        var wrong = Comparison.of(expected, Tensor.of(new float[] {100, 1, 2.5f, 3}, 2, 2), USUAL);
        assertFalse(wrong.agrees());
        assertEquals(2, wrong.index());
        assertEquals(0.5, wrong.largestError());
        assertEquals("1 of 4 elements differ, most at [1, 0]: expected 2.0, found 2.5", wrong.problem());
    }

    @Test
    void elementwiseToleranceDoesNotLookAtTheLargest() {
        var expected = Tensor.of(new float[] {100, 1}, 2);
        var found = Tensor.of(new float[] {100, 1.009f}, 2);
        assertFalse(Comparison.of(expected, found, new Tolerance(1e-4, 1e-6, false)).agrees());
    }

    @Test
    void notANumberEqualsOnlyItself() {
        var expected = Tensor.of(new float[] {Float.NaN, Float.POSITIVE_INFINITY}, 2);
        assertTrue(Comparison.of(expected, Tensor.of(new float[] {Float.NaN, Float.POSITIVE_INFINITY}, 2), USUAL).agrees());
        assertFalse(Comparison.of(expected, Tensor.of(new float[] {1, Float.POSITIVE_INFINITY}, 2), USUAL).agrees());
        assertFalse(Comparison.of(expected, Tensor.of(new float[] {Float.NaN, Float.NEGATIVE_INFINITY}, 2), USUAL).agrees());
    }

    @Test
    void integersAreExactBeyondTheDigitsOfADouble() {
        var expected = Tensor.of(new long[] {1L << 60}, 1);
        var exact = Tolerance.of(ElementType.I64);
        assertTrue(Comparison.of(expected, Tensor.of(new long[] {1L << 60}, 1), exact).agrees());
        assertFalse(Comparison.of(expected, Tensor.of(new long[] {(1L << 60) + 1}, 1), exact).agrees());
    }

    @Test
    void shapesAndTypesMustBeEqual() {
        var expected = Tensor.of(new float[] {1, 2}, 2);
        assertFalse(Comparison.of(expected, Tensor.of(new float[] {1, 2}, 1, 2), USUAL).agrees());
        assertFalse(Comparison.of(expected, Tensor.of(new int[] {1, 2}, 2), USUAL).agrees());
    }
}
