package org.portolan.runtime.type;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DimTest {
    private static final List<String> NAMES = List.of("batch", "seq", "i");

    @Test
    void sumsOfProductsHaveOneForm() {
        assertEquals(Dim.parse("2*seq*batch+seq-3"), Dim.parse("seq - 3 + batch*(seq+seq)"));
        assertEquals("2*batch*seq+seq-3", Dim.parse("seq - 3 + batch*(seq+seq)").toString());
        assertEquals(Dim.of(0), Dim.parse("seq-seq"));
    }

    @Test
    void quotientsTakeWholeTermsOut() {
        assertEquals("batch+i/384", Dim.parse("(batch*384+i)/384").toString());
        assertEquals("i%384", Dim.parse("(batch*384+i)%384").toString());
        assertEquals("batch+i/seq", Dim.parse("(batch*seq+i)/seq").toString());
    }

    /// Whatever simplification does, the value stays: against a second evaluation without it.
    @Test
    void simplificationKeepsTheValue() {
        var random = new Random(11);
        for (int round = 0; round < 20_000; round++) {
            var values = Map.of(
                    "batch", 1L + random.nextInt(5), "seq", 1L + random.nextInt(9), "i", 1L + random.nextInt(40));
            var expression = new Expression(random, 4, values);
            var dim = expression.dim;
            assertEquals(expression.value, dim.evaluate(values::get), () -> expression.text);
            assertEquals(dim, Dim.parse(dim.toString()), () -> "text of " + expression.text + " is " + dim);
            assertEquals(dim, Dim.parse(expression.text), () -> "parse of " + expression.text);
        }
    }

    @Test
    void textThatIsNoExpressionIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> Dim.parse("seq+"));
        assertThrows(IllegalArgumentException.class, () -> Dim.parse("foo(1, 2)"));
        assertThrows(IllegalArgumentException.class, () -> Dim.parse("(".repeat(10_000)));
        assertThrows(IllegalArgumentException.class, () -> Dim.parse("99999999999999999999"));
    }

    /// A random expression as text, as a Dim and as the number that plain arithmetic gives.
    private static final class Expression {
        final String text;
        final Dim dim;
        final long value;

        Expression(Random random, int depth, Map<String, Long> values) {
            if (depth == 0 || random.nextInt(5) == 0) {
                if (random.nextBoolean()) {
                    value = random.nextInt(20);
                    text = Long.toString(value);
                    dim = Dim.of(value);
                } else {
                    text = NAMES.get(random.nextInt(NAMES.size()));
                    dim = Dim.symbol(text);
                    value = values.get(text);
                }
                return;
            }
            var left = new Expression(random, depth - 1, values);
            switch (random.nextInt(8)) {
                case 0, 1 -> {
                    var right = new Expression(random, depth - 1, values);
                    text = "(" + left.text + "+" + right.text + ")";
                    dim = left.dim.plus(right.dim);
                    value = left.value + right.value;
                }
                case 2 -> {
                    var right = new Expression(random, depth - 1, values);
                    text = "(" + left.text + "-" + right.text + ")";
                    dim = left.dim.minus(right.dim);
                    value = left.value - right.value;
                }
                case 3 -> {
                    var right = new Expression(random, depth - 1, values);
                    text = "((" + left.text + ")*(" + right.text + "))";
                    dim = left.dim.times(right.dim);
                    value = left.value * right.value;
                }
                case 4 -> {
                    long divisor = 1 + random.nextInt(7);
                    text = "((" + left.text + ")/" + divisor + ")";
                    dim = left.dim.floorDivide(divisor);
                    value = Math.floorDiv(left.value, divisor);
                }
                case 5 -> {
                    text = "((" + left.text + ")%seq)";
                    dim = left.dim.modulo(Dim.symbol("seq"));
                    value = Math.floorMod(left.value, values.get("seq"));
                }
                case 6 -> {
                    var right = new Expression(random, depth - 1, values);
                    text = "max(" + left.text + ", " + right.text + ")";
                    dim = left.dim.maximum(right.dim);
                    value = Math.max(left.value, right.value);
                }
                default -> {
                    text = "ceildiv(" + left.text + ", batch)";
                    dim = left.dim.ceilDivide(Dim.symbol("batch"));
                    value = Math.ceilDiv(left.value, values.get("batch"));
                }
            }
        }

    }
}
