package org.portolan.ir.analysis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.Axis;
import org.portolan.ir.SymbolRange;
import org.portolan.runtime.type.Dim;

/// Fused reshapes leave no quotient behind, and nothing that is claimed is false anywhere.
class DimBoundsTest {
    private static final List<SymbolRange> SYMBOLS = List.of(
            new SymbolRange("B", 1, 5),
            new SymbolRange("S", 1, 7),
            new SymbolRange("P", 0, 4),
            new SymbolRange("N", 1, 50));
    private static final DimBounds BOUNDS = DimBounds.of(
            SYMBOLS,
            List.of(
                    axis("b", "B"),
                    axis("s", "S"),
                    axis("h", "12"),
                    axis("d", "32"),
                    axis("c", "384"),
                    axis("t", "P+S"),
                    axis("n", "N"),
                    axis("m", "B*S"),
                    axis("one", "1")));

    private static Axis axis(String name, String extent) {
        return new Axis(name, Dim.parse(extent));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "(b*S*384+s*384+h*32+d)/(S*384)                 | b",
                "((b*S*384+s*384+h*32+d)/384)%S                 | s",
                "(b*S*384+s*384+h*32+d)%384                     | d+32*h",
                "((b*S*384+s*384+h*32+d)/32)%12                 | h",
                "(b*S*384+s*384+h*32+d)%32                      | d",
                "(b*S+s)/S*S+(b*S+s)%S                          | S*b+s",
                "m/S*S+m%S                                      | m",
                "m-S*(m/S)                                      | m%S",
                "(384*m+c)/(384*S)                              | m/S",
                "((384*m+c)/384)%S                              | m%S",
                "(b*12*(P+S)*32+h*(P+S)*32+t*32+d)/32%(P+S)     | t",
                "(b*12*(P+S)+h*(P+S)+t)/(P+S)                   | 12*b+h",
                "(b*12*(P+S)+h*(P+S)+t)/(12*(P+S))              | b",
                "(32*h+d)/64                                    | h/2",
                "(32*h+d)%64                                    | d+32*(h%2)",
                "c/32*32+c%32                                   | c",
                "(c%64)%32                                      | c%32",
                "(c%64)/32                                      | c/32%2",
                "min(s, S)                                      | s",
                "max(n-N, 0)                                    | 0",
                "(n+32)/32                                      | n/32+1",
                "one+s                                          | s",
                "ceildiv(32*h+32, 32)                           | h+1",
                "(n/32*32+n%32)/32                              | n/32",
                "(d-32)/32                                      | -1",
                "(d-32)%32                                      | d",
            })
    void simplifies(String before, String after) {
        assertEquals(Dim.parse(after), BOUNDS.simplify(Dim.parse(before)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "b*S+s               | B*S",
                "32*h+d              | 384",
                "n/32                | ceildiv(N, 32)",
                "n/32*32             | N",
                "n%32                | 32",
                "m/S                 | B",
                "P+s                 | P+S",
                "b*12*(P+S)+h*(P+S)+t| 12*B*(P+S)",
                "N-1-n               | N",
                "b*b                 | B*B",
                "min(n+3, N-1)       | N",
                "d%8^h%4             | 8",
                "16*(n/16)+n%16      | N",
            })
    void provesThatAnIndexLiesWithin(String index, String extent) {
        assertTrue(BOUNDS.isWithin(Dim.parse(index), Dim.parse(extent)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"s-1 | S", "s+1 | S", "n+31 | N", "$0 | S", "h | S", "2*(n/2)+1 | N", "t | S"})
    void provesNothingThatIsNotSo(String index, String extent) {
        assertFalse(BOUNDS.isWithin(Dim.parse(index), Dim.parse(extent)));
    }

    @Test
    void agreesWithEvaluation() {
        var random = new Random(11);
        int proven = 0;
        for (int round = 0; round < 800; round++) {
            var dim = expression(random, 4);
            var simple = BOUNDS.simplify(dim);
            boolean natural = BOUNDS.isNonNegative(dim);
            var minimum = BOUNDS.minimum(dim);
            var maximum = BOUNDS.maximum(dim);
            proven += natural ? 1 : 0;
            for (int sample = 0; sample < 20; sample++) {
                var point = point(random);
                long value = dim.evaluate(point::get);
                assertEquals(value, simple.evaluate(point::get), () -> dim + " became " + simple + " at " + point);
                assertTrue(!natural || value >= 0, () -> dim + " is negative at " + point);
                assertTrue(minimum.isEmpty() || value >= minimum.getAsLong(), () -> dim + " < " + minimum);
                assertTrue(maximum.isEmpty() || value <= maximum.getAsLong(), () -> dim + " > " + maximum);
            }
        }
        assertTrue(proven > 200, "only " + proven + " were proven");
    }

    /// Any chain of reshapes that ends where it began is the identity.
    @Test
    void chainsOfReshapesVanish() {
        var random = new Random(5);
        var axes = List.of(axis("b", "B"), axis("s", "S"), axis("h", "12"), axis("d", "32"));
        var extents = axes.stream().map(Axis::extent).toList();
        var indices = axes.stream().map(Axis::index).toList();
        for (int round = 0; round < 50; round++) {
            var shape = extents;
            var current = indices;
            for (int step = 0; step < 4; step++) {
                var next = regroup(extents, random);
                current = reshape(current, shape, next);
                shape = next;
            }
            var back = reshape(current, shape, extents).stream()
                    .map(BOUNDS::simplify)
                    .toList();
            assertEquals(indices, back);
        }
    }

    private static List<Dim> regroup(List<Dim> extents, Random random) {
        var groups = new ArrayList<Dim>();
        for (var extent : extents) {
            if (groups.isEmpty() || random.nextBoolean()) {
                groups.add(extent);
            } else {
                groups.add(groups.removeLast().times(extent));
            }
        }
        return groups;
    }

    private static List<Dim> reshape(List<Dim> indices, List<Dim> from, List<Dim> to) {
        var flat = Dim.ZERO;
        for (int axis = 0; axis < from.size(); axis++) {
            flat = flat.times(from.get(axis)).plus(indices.get(axis));
        }
        var result = new ArrayList<Dim>();
        var stride = Dim.ONE;
        for (int axis = to.size() - 1; axis >= 0; axis--) {
            var index = flat.floorDivide(stride);
            result.addFirst(axis == 0 ? index : index.modulo(to.get(axis)));
            stride = stride.times(to.get(axis));
        }
        return result.stream().map(BOUNDS::simplify).toList();
    }

    private static Dim expression(Random random, int depth) {
        if (depth == 0 || random.nextInt(6) == 0) {
            var names = List.of("b", "s", "h", "d", "t", "n", "m", "B", "S", "P", "N");
            return random.nextInt(3) == 0
                    ? Dim.of(random.nextInt(-4, 40))
                    : Dim.symbol(names.get(random.nextInt(names.size())));
        }
        var left = expression(random, depth - 1);
        var right = expression(random, depth - 1);
        return switch (random.nextInt(9)) {
            case 0, 1, 2 -> left.plus(right);
            case 3 -> left.minus(right);
            case 4 -> left.times(random.nextBoolean() ? Dim.of(random.nextInt(1, 33)) : Dim.symbol("S"));
            case 5 -> left.floorDivide(divisor(random));
            case 6 -> left.modulo(divisor(random));
            case 7 -> left.ceilDivide(divisor(random));
            default -> random.nextBoolean() ? left.minimum(right) : left.maximum(right);
        };
    }

    private static Dim divisor(Random random) {
        var divisors = List.of("2", "8", "32", "48", "S", "32*S", "P+S", "N", "B*S");
        return Dim.parse(divisors.get(random.nextInt(divisors.size())));
    }

    private static Map<String, Long> point(Random random) {
        var point = new HashMap<String, Long>();
        for (var range : SYMBOLS) {
            point.put(range.name(), random.nextLong(range.minimum(), range.maximum() + 1));
        }
        for (var name : List.of("b:B", "s:S", "h:12", "d:32", "t:P+S", "n:N", "m:B*S")) {
            var parts = name.split(":");
            point.put(parts[0], random.nextLong(Dim.parse(parts[1]).evaluate(point::get)));
        }
        return point;
    }
}
