package org.portolan.lowering.nest;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.Axis;
import org.portolan.ir.SymbolRange;
import org.portolan.runtime.type.Dim;

/// What is known about index expressions: an axis runs from 0 to its extent less 1, a symbol lies in its range. A nest
/// over an empty axis does nothing, so an expression that names an axis may take the axis' extent to be at least 1.
/// Every answer is a proof; "no" means "not known".
final class IndexBounds {
    private static final int DEPTH_LIMIT = 24;

    /// The smallest and the largest value; {@code null} where nothing is known.
    private record Range(Dim low, Dim high) {}

    private final Map<String, Dim> extents = new HashMap<>();
    private final Map<String, Long> minima;

    IndexBounds(List<Axis> axes, Map<String, Long> minima) {
        axes.forEach(axis -> extents.put(axis.name(), axis.extent()));
        this.minima = minima;
    }

    /// The smallest value of each declared symbol.
    static Map<String, Long> minima(List<SymbolRange> symbols) {
        var minima = new HashMap<String, Long>();
        symbols.forEach(symbol -> minima.put(symbol.name(), symbol.minimum()));
        return minima;
    }

    /// The extent of an axis, if the name is one.
    Optional<Dim> extent(String name) {
        return Optional.ofNullable(extents.get(name));
    }

    /// Whether {@code 0 <= index < extent} always holds.
    boolean inside(Dim index, Dim extent) {
        if (index instanceof Dim.Symbol(String name) && extent.equals(extents.get(name))) {
            return true;
        }
        if (index instanceof Dim.Constant(long position) && extent instanceof Dim.Constant(long number)) {
            return position >= 0 && position < number;
        }
        return notNegative(index) && below(index, extent);
    }

    /// Whether the expression is below the limit always.
    boolean below(Dim index, Dim limit) {
        return notNegative(limit.minus(index).minus(1));
    }

    /// Whether the expression is at least 0 always.
    boolean notNegative(Dim expression) {
        return notNegative(expression, 0);
    }

    private boolean notNegative(Dim expression, int depth) {
        if (expression instanceof Dim.Constant(long number)) {
            return number >= 0;
        }
        if (depth > DEPTH_LIMIT) {
            return false;
        }
        var atLeastOne = new HashMap<String, Long>();
        for (var name : expression.symbols()) {
            var extent = extents.get(name);
            if (extent != null) {
                noteNotEmpty(extent, atLeastOne);
            }
        }
        var least = extreme(expression, true, depth);
        return least != null && coefficientsNotNegative(least, atLeastOne);
    }

    private void noteNotEmpty(Dim extent, Map<String, Long> atLeastOne) {
        switch (extent) {
            case Dim.Symbol(String name) -> atLeastOne.put(name, 1L);
            case Dim.Product(_, List<Dim> factors) -> factors.forEach(factor -> noteNotEmpty(factor, atLeastOne));
            case Dim.Constant _, Dim.Sum _, Dim.Binary _ -> {}
        }
    }

    /// The least or greatest value over all axes, an expression over symbols alone; {@code null} if not known.
    private Dim extreme(Dim expression, boolean least, int depth) {
        if (depth > DEPTH_LIMIT) {
            return null;
        }
        var current = expression;
        var ranges = new HashMap<String, Range>();
        current = replaceQuotients(current, ranges, depth);
        if (current == null) {
            return null;
        }
        boolean changed = true;
        while (changed) {
            changed = false;
            for (var name : current.symbols()) {
                var range = rangeOf(name, ranges);
                if (range == null) {
                    continue;
                }
                var coefficient = coefficient(current, name);
                if (coefficient == null) {
                    return null;
                }
                Dim bound;
                if (notNegative(coefficient, depth + 1)) {
                    bound = least ? range.low() : range.high();
                } else if (notNegative(coefficient.times(-1), depth + 1)) {
                    bound = least ? range.high() : range.low();
                } else {
                    continue;
                }
                if (bound == null) {
                    return null;
                }
                current = replace(current, name, bound);
                changed = true;
                break;
            }
        }
        for (var name : current.symbols()) {
            if (rangeOf(name, ranges) != null || name.startsWith("$")) {
                return null;
            }
        }
        return current;
    }

    private Range rangeOf(String name, Map<String, Range> ranges) {
        var range = ranges.get(name);
        if (range != null) {
            return range;
        }
        var extent = extents.get(name);
        return extent == null ? null : new Range(Dim.ZERO, extent.minus(1));
    }

    /// Puts a fresh unknown with a range in place of each quotient, remainder, minimum and maximum over axes.
    private Dim replaceQuotients(Dim expression, Map<String, Range> ranges, int depth) {
        return switch (expression) {
            case Dim.Constant constant -> constant;
            case Dim.Symbol symbol -> symbol;
            case Dim.Product(long coefficient, List<Dim> factors) -> {
                Dim result = Dim.of(coefficient);
                for (var factor : factors) {
                    result = result.times(replaceQuotients(factor, ranges, depth));
                }
                yield result;
            }
            case Dim.Sum(List<Dim> terms) -> {
                Dim result = Dim.ZERO;
                for (var term : terms) {
                    result = result.plus(replaceQuotients(term, ranges, depth));
                }
                yield result;
            }
            case Dim.Binary binary -> {
                if (binary.symbols().stream().noneMatch(name -> extents.containsKey(name) || name.startsWith("$"))) {
                    yield binary;
                }
                var name = "~" + binary;
                ranges.put(name, rangeOf(binary, depth + 1));
                yield Dim.symbol(name);
            }
        };
    }

    private Range rangeOf(Dim.Binary binary, int depth) {
        var left = binary.left();
        var right = binary.right();
        return switch (binary.operator()) {
            case MODULO -> new Range(Dim.ZERO, right.minus(1));
            case FLOOR_DIVIDE, CEIL_DIVIDE -> {
                if (!right.symbols().stream().allMatch(name -> !extents.containsKey(name) && !name.startsWith("$"))
                        || right instanceof Dim.Constant(long number) && number <= 0) {
                    yield new Range(null, null);
                }
                yield new Range(
                        divide(binary.operator(), extreme(left, true, depth), right),
                        divide(binary.operator(), extreme(left, false, depth), right));
            }
            case MINIMUM -> {
                var low = notNegative(left, depth) && notNegative(right, depth) ? Dim.ZERO : null;
                yield new Range(low, smaller(extreme(left, false, depth), extreme(right, false, depth), depth));
            }
            case MAXIMUM -> {
                var leftLow = extreme(left, true, depth);
                var rightLow = extreme(right, true, depth);
                var low = leftLow == null ? rightLow : rightLow == null ? leftLow : leftLow.maximum(rightLow);
                var leftHigh = extreme(left, false, depth);
                var rightHigh = extreme(right, false, depth);
                var high = leftHigh == null || rightHigh == null ? null : larger(leftHigh, rightHigh, depth);
                yield new Range(low, high);
            }
            case EXCLUSIVE_OR -> new Range(null, null);
        };
    }

    private static Dim divide(Dim.Operator operator, Dim dividend, Dim divisor) {
        if (dividend == null) {
            return null;
        }
        return operator == Dim.Operator.FLOOR_DIVIDE ? dividend.floorDivide(divisor) : dividend.ceilDivide(divisor);
    }

    private Dim smaller(Dim left, Dim right, int depth) {
        if (left == null || right == null) {
            return left == null ? right : left;
        }
        return notNegative(left.minus(right), depth + 1) ? right : left;
    }

    private Dim larger(Dim left, Dim right, int depth) {
        if (notNegative(left.minus(right), depth + 1)) {
            return left;
        }
        return notNegative(right.minus(left), depth + 1) ? right : left.maximum(right);
    }

    /// What one symbol is multiplied with, where it occurs to the first power only; otherwise {@code null}.
    private static Dim coefficient(Dim expression, String name) {
        var atZero = replace(expression, name, Dim.ZERO);
        var slope = replace(expression, name, Dim.ONE).minus(atZero);
        var rebuilt = slope.times(Dim.symbol(name)).plus(atZero);
        return slope.symbols().contains(name) || !rebuilt.equals(expression) ? null : slope;
    }

    private static Dim replace(Dim expression, String name, Dim replacement) {
        return expression.substitute(symbol -> symbol.equals(name) ? replacement : null);
    }

    /// Whether a polynomial over symbols is at least 0: every symbol is its minimum plus something, and no coefficient is
    /// negative then.
    private boolean coefficientsNotNegative(Dim polynomial, Map<String, Long> atLeastOne) {
        var shifted = withQuotientsAsSymbols(withoutNegativeQuotients(polynomial)).substitute(name -> {
            long minimum = name.startsWith("~")
                    ? 0
                    : Math.max(minima.getOrDefault(name, 0L), atLeastOne.getOrDefault(name, 0L));
            return minimum > 0 ? Dim.symbol(name).plus(minimum) : null;
        });
        return switch (shifted) {
            case Dim.Constant(long number) -> number >= 0;
            case Dim.Symbol _ -> true;
            case Dim.Product(long coefficient, _) -> coefficient >= 0;
            case Dim.Sum(List<Dim> terms) -> terms.stream().allMatch(IndexBounds::termNotNegative);
            case Dim.Binary _ -> false;
        };
    }

    /// Something smaller or equal: {@code n * (x / n)} is at most {@code x}, {@code n * ceildiv(x, n)} at most
    /// {@code x + n - 1}.
    private static Dim withoutNegativeQuotients(Dim polynomial) {
        var current = polynomial;
        for (var term : IndexSimplifier.terms(polynomial)) {
            if (term instanceof Dim.Product(long coefficient, List<Dim> factors)
                    && coefficient < 0
                    && factors.size() == 1
                    && factors.getFirst() instanceof Dim.Binary(Dim.Operator operator, Dim dividend, Dim divisor)
                    && divisor instanceof Dim.Constant(long number)
                    && number > 0
                    && coefficient % number == 0) {
                long times = coefficient / number;
                if (operator == Dim.Operator.FLOOR_DIVIDE) {
                    current = current.minus(term).plus(dividend.times(times));
                } else if (operator == Dim.Operator.CEIL_DIVIDE) {
                    current = current.minus(term).plus(dividend.plus(number - 1).times(times));
                }
            }
        }
        return current;
    }

    private static boolean termNotNegative(Dim term) {
        return switch (term) {
            case Dim.Constant(long number) -> number >= 0;
            case Dim.Symbol _ -> true;
            case Dim.Product(long coefficient, _) -> coefficient >= 0;
            case Dim.Sum _, Dim.Binary _ -> false;
        };
    }

    /// Quotients of symbols, which are at least 0 where dividend and divisor have no negative coefficient.
    private Dim withQuotientsAsSymbols(Dim expression) {
        return switch (expression) {
            case Dim.Constant constant -> constant;
            case Dim.Symbol symbol -> symbol;
            case Dim.Product(long coefficient, List<Dim> factors) -> {
                Dim result = Dim.of(coefficient);
                for (var factor : factors) {
                    result = result.times(withQuotientsAsSymbols(factor));
                }
                yield result;
            }
            case Dim.Sum(List<Dim> terms) -> {
                Dim result = Dim.ZERO;
                for (var term : terms) {
                    result = result.plus(withQuotientsAsSymbols(term));
                }
                yield result;
            }
            case Dim.Binary binary -> {
                boolean positive = switch (binary.operator()) {
                    case MODULO -> true;
                    case FLOOR_DIVIDE, CEIL_DIVIDE, MINIMUM ->
                        coefficientsNotNegative(binary.left(), Map.of())
                                && coefficientsNotNegative(binary.right(), Map.of());
                    case MAXIMUM ->
                        coefficientsNotNegative(binary.left(), Map.of())
                                || coefficientsNotNegative(binary.right(), Map.of());
                    case EXCLUSIVE_OR -> false;
                };
                yield positive ? Dim.symbol("~" + binary) : binary;
            }
        };
    }
}
