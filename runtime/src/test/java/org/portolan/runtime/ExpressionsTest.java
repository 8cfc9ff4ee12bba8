package org.portolan.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.PortolanException.RunFailed;
import org.portolan.runtime.type.Dim;

final class ExpressionsTest {
    private static final Map<String, Integer> SYMBOLS = Map.of("a", 0, "b", 1, "c", 2);

    private final Random random = new Random(4);

    @Test
    void compiledExpressionsHaveTheValueOfTheirDims() {
        var expressions = new Expressions(SYMBOLS);
        var indices = new int[1000];
        var dims = new Dim[indices.length];
        for (int i = 0; i < indices.length; i++) {
            dims[i] = dim(0);
            indices[i] = expressions.add(dims[i]);
        }
        expressions.freeze();
        var stack = new long[expressions.stackSize()];
        for (int round = 0; round < 20; round++) {
            var values = new long[] {random.nextInt(50), random.nextInt(50), 1 + random.nextInt(50)};
            for (int i = 0; i < indices.length; i++) {
                var dim = dims[i];
                long expected = dim.evaluate(name -> values[SYMBOLS.get(name)]);
                assertEquals(expected, expressions.evaluate(indices[i], values, stack), dim::toString);
            }
        }
    }

    private Dim dim(int depth) {
        return switch (depth > 4 ? random.nextInt(2) : random.nextInt(9)) {
            case 0 -> Dim.of(random.nextInt(40) - 10);
            case 1 -> Dim.symbol(List.of("a", "b", "c").get(random.nextInt(3)));
            case 2, 3 -> dim(depth + 1).plus(dim(depth + 1));
            case 4 -> dim(depth + 1).times(dim(depth + 1)).modulo(1000);
            case 5 -> dim(depth + 1).floorDivide(3 + random.nextInt(5));
            case 6 -> dim(depth + 1).ceilDivide(Dim.symbol("c"));
            case 7 -> dim(depth + 1).minimum(dim(depth + 1)).exclusiveOr(dim(depth + 1));
            default -> dim(depth + 1).maximum(dim(depth + 1));
        };
    }

    @Test
    void overflowAndDivisionByZeroAreTypedErrors() {
        var expressions = new Expressions(SYMBOLS);
        int square = expressions.add(Dim.parse("a*a+1"));
        int quotient = expressions.add(Dim.parse("a/b"));
        expressions.freeze();
        var stack = new long[expressions.stackSize()];
        var values = new long[] {1L << 40, 0, 0};
        assertThrows(LimitExceeded.class, () -> expressions.evaluate(square, values, stack));
        assertThrows(RunFailed.class, () -> expressions.evaluate(quotient, values, stack));
    }
}
