package org.portolan.ir.analysis;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import org.portolan.ir.Axis;
import org.portolan.ir.SymbolRange;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.Dim.Operator;

/// What is known about the values of index expressions: symbols have ranges of numbers, axes run from 0 below their
/// extents. Symbols that nothing is known of are extents, thus at least 0, but for {@code $i}, which may be anything.
///
/// Everything said holds inside the loops over the axes, where no extent is 0. What cannot be proven is simply not
/// known: {@code false}, or an expression that stays as it was.
public final class DimBounds {
    private static final int EFFORT = 100;

    private final Map<String, Interval> symbols;
    private final Map<String, Dim> axes;
    private final Map<Dim, Boolean> proofs = new ConcurrentHashMap<>();
    private final Map<Dim, Dim> simplified = new ConcurrentHashMap<>();

    private DimBounds(Map<String, Interval> symbols, Map<String, Dim> axes) {
        this.symbols = symbols;
        this.axes = axes;
    }

    /// Nothing is known.
    public static DimBounds none() {
        return new DimBounds(Map.of(), Map.of());
    }

    public static DimBounds of(Collection<SymbolRange> ranges) {
        var symbols = new HashMap<String, Interval>();
        ranges.forEach(range -> symbols.put(range.name(), new Interval(range.minimum(), range.maximum())));
        return new DimBounds(symbols, Map.of());
    }

    public static DimBounds of(Collection<SymbolRange> ranges, Collection<Axis> axes) {
        return of(ranges).withAxes(axes);
    }

    /// The same within loops over more axes. An axis hides a symbol of its name.
    public DimBounds withAxes(Collection<Axis> more) {
        var extended = new HashMap<>(axes);
        var narrowed = new HashMap<>(symbols);
        for (var axis : more) {
            extended.put(axis.name(), axis.extent());
            atLeastOne(axis.extent(), narrowed);
        }
        return new DimBounds(narrowed, extended);
    }

    /// Inside a loop its extent is at least 1, and so is each factor of it.
    private static void atLeastOne(Dim extent, Map<String, Interval> symbols) {
        switch (extent) {
            case Dim.Symbol(String name) -> {
                var known = symbols.getOrDefault(name, Interval.NATURAL);
                symbols.put(name, new Interval(Math.max(1, known.low()), known.high()));
            }
            case Dim.Product(_, List<Dim> factors) -> factors.forEach(factor -> atLeastOne(factor, symbols));
            case Dim.Constant _, Dim.Sum _, Dim.Binary _ -> {}
        }
    }

    /// The smallest number that the expression is known to reach.
    public OptionalLong minimum(Dim dim) {
        var interval = interval(dim);
        return interval.hasLow() ? OptionalLong.of(interval.low()) : OptionalLong.empty();
    }

    /// The largest number that the expression is known to reach.
    public OptionalLong maximum(Dim dim) {
        var interval = interval(dim);
        return interval.hasHigh() ? OptionalLong.of(interval.high()) : OptionalLong.empty();
    }

    /// Whether {@code 0 <= dim}.
    public boolean isNonNegative(Dim dim) {
        return proves(dim) || proves(simplify(dim));
    }

    /// The same without looking for another form first.
    boolean proves(Dim dim) {
        try {
            return new Proof().isNonNegative(dim);
        } catch (ArithmeticException overflow) {
            // The ends of large ranges, multiplied, need not fit a long; then nothing is known.
            return false;
        }
    }

    boolean provesWithin(Dim index, Dim extent) {
        return proves(index) && proves(extent.minus(index).minus(1));
    }

    /// Whether {@code left <= right}.
    public boolean isAtMost(Dim left, Dim right) {
        return isNonNegative(right.minus(left));
    }

    /// Whether {@code left < right}.
    public boolean isLess(Dim left, Dim right) {
        return isNonNegative(right.minus(left).minus(1));
    }

    /// Whether {@code 0 <= index < extent}.
    public boolean isWithin(Dim index, Dim extent) {
        return isNonNegative(index) && isLess(index, extent);
    }

    /// Whether both have the same value everywhere.
    public boolean areEqual(Dim left, Dim right) {
        return left.equals(right) || simplify(left.minus(right)).isConstant(0);
    }

    /// An expression with the same value, without the quotients and remainders whose operands are known to be in range:
    /// with axes b:B, s:S, c:384 the expression {@code (b*S*384+s*384+c)/(S*384)} is {@code b}.
    public Dim simplify(Dim dim) {
        var known = simplified.get(dim);
        if (known == null) {
            known = new DimSimplifier(this).simplify(dim);
            simplified.put(dim, known);
        }
        return known;
    }

    Interval interval(Dim dim) {
        return switch (dim) {
            case Dim.Constant(long value) -> new Interval(value, value);
            case Dim.Symbol(String name) -> interval(name);
            case Dim.Product(long coefficient, List<Dim> factors) -> {
                var product = new Interval(coefficient, coefficient);
                for (var factor : factors) {
                    product = product.times(interval(factor));
                }
                yield product;
            }
            case Dim.Sum(List<Dim> terms) -> {
                var sum = new Interval(0, 0);
                for (var term : terms) {
                    sum = sum.plus(interval(term));
                }
                yield sum;
            }
            case Dim.Binary(Operator operator, Dim left, Dim right) -> interval(left).apply(operator, interval(right));
        };
    }

    private Interval interval(String name) {
        var extent = axes.get(name);
        if (extent != null) {
            var limit = interval(extent);
            return new Interval(0, limit.hasHigh() ? Math.max(0, limit.high() - 1) : Long.MAX_VALUE);
        }
        return symbols.getOrDefault(name, name.startsWith("$") ? Interval.ALL : Interval.NATURAL);
    }

    /// A divisor that is known to be positive, or, as {@link Dim} has it, a symbolic one that is taken to be.
    boolean isPositive(Dim dim) {
        var interval = interval(dim);
        return interval.low() > 0 || (!dim.isConstant() && interval.low() == 0);
    }

    /// A search for a proof that an expression is not negative: one unknown after the other is replaced by the bound
    /// that makes the expression smallest. The effort is limited.
    private final class Proof {
        private int effort = EFFORT;

        boolean isNonNegative(Dim dim) {
            if (dim instanceof Dim.Constant(long value)) {
                return value >= 0;
            }
            var interval = interval(dim);
            if (interval.low() >= 0) {
                return true;
            }
            if (interval.high() < 0) {
                return false;
            }
            var known = proofs.get(dim);
            if (known == null) {
                if (effort-- <= 0) {
                    return false;
                }
                known = searchWithin64Bits(dim);
                proofs.put(dim, known);
            }
            return known;
        }

        private boolean searchWithin64Bits(Dim dim) {
            try {
                return search(dim);
            } catch (ArithmeticException e) {
                // Bounds without an end in practice, such as 2^62, leave the numbers that a Dim can hold.
                return false;
            }
        }

        private boolean search(Dim dim) {
            for (var unknown : unknowns(dim)) {
                var linear = Linear.of(dim, unknown);
                if (unknown instanceof Dim.Binary binary && expandMultiple(linear, binary)) {
                    return true;
                }
                if (isNonNegative(linear.factor())) {
                    for (var low : lowerBounds(unknown)) {
                        if (isNonNegative(linear.at(low))) {
                            return true;
                        }
                    }
                } else if (isNonNegative(linear.factor().times(-1))) {
                    for (var high : upperBounds(unknown)) {
                        if (isNonNegative(linear.at(high))) {
                            return true;
                        }
                    }
                }
            }
            return false;
        }

        /// b * (a / b) is a - a % b, which is tighter than the bounds of the quotient.
        private boolean expandMultiple(Linear linear, Dim.Binary binary) {
            if (binary.operator() != Operator.FLOOR_DIVIDE || !isPositive(binary.right())) {
                return false;
            }
            var division = Polynomial.divide(linear.factor(), binary.right());
            if (!division.rest().isConstant(0)) {
                return false;
            }
            var remainder = binary.left().modulo(binary.right());
            return isNonNegative(
                    linear.rest().plus(division.quotient().times(binary.left().minus(remainder))));
        }

        private List<Dim> lowerBounds(Dim unknown) {
            var bounds = new ArrayList<Dim>();
            switch (unknown) {
                case Dim.Symbol(String name) when axes.containsKey(name) -> bounds.add(Dim.ZERO);
                case Dim.Binary(Operator operator, Dim left, Dim right) -> {
                    switch (operator) {
                        case MAXIMUM -> bounds.addAll(List.of(left, right));
                        case CEIL_DIVIDE -> {
                            if (isPositive(right)) {
                                bounds.add(left.minus(1).floorDivide(right).plus(1));
                            }
                        }
                        case FLOOR_DIVIDE, MODULO, MINIMUM, EXCLUSIVE_OR -> {}
                    }
                }
                case Dim.Symbol _, Dim.Constant _, Dim.Product _, Dim.Sum _ -> {}
            }
            var interval = interval(unknown);
            if (interval.hasLow()) {
                bounds.add(Dim.of(interval.low()));
            }
            return bounds;
        }

        private List<Dim> upperBounds(Dim unknown) {
            var bounds = new ArrayList<Dim>();
            switch (unknown) {
                case Dim.Symbol(String name) when axes.containsKey(name) -> bounds.add(axes.get(name).minus(1));
                case Dim.Binary(Operator operator, Dim left, Dim right) -> {
                    switch (operator) {
                        case MINIMUM -> bounds.addAll(List.of(left, right));
                        case MODULO -> {
                            if (isPositive(right)) {
                                bounds.add(right.minus(1));
                                if (isNonNegative(left)) {
                                    bounds.add(left);
                                }
                            }
                        }
                        case FLOOR_DIVIDE -> quotientUpperBounds(left, right, bounds);
                        case CEIL_DIVIDE -> {
                            if (isPositive(right)) {
                                bounds.add(left.minus(1).floorDivide(right).plus(1));
                            }
                        }
                        case MAXIMUM, EXCLUSIVE_OR -> {}
                    }
                }
                case Dim.Symbol _, Dim.Constant _, Dim.Product _, Dim.Sum _ -> {}
            }
            var interval = interval(unknown);
            if (interval.hasHigh()) {
                bounds.add(Dim.of(interval.high()));
            }
            return bounds;
        }

        private void quotientUpperBounds(Dim left, Dim right, List<Dim> bounds) {
            if (!isPositive(right)) {
                return;
            }
            var greatest = withoutAxes(left);
            if (!greatest.equals(left)) {
                bounds.add(greatest.floorDivide(right));
            }
            if (isNonNegative(left)) {
                bounds.add(left);
            }
        }

        /// The expression with every axis at the end that makes it greatest; unchanged if that is not known.
        private Dim withoutAxes(Dim dim) {
            var current = dim;
            for (var unknown : unknowns(dim)) {
                if (unknown instanceof Dim.Symbol(String name) && axes.containsKey(name)) {
                    var linear = Linear.of(current, unknown);
                    if (isNonNegative(linear.factor())) {
                        current = linear.at(axes.get(name).minus(1));
                    } else if (isNonNegative(linear.factor().times(-1))) {
                        current = linear.at(Dim.ZERO);
                    }
                }
            }
            return current;
        }
    }

    /// What an expression is a sum of products of: quotients first, for they hold axes; then axes; then symbols.
    private List<Dim> unknowns(Dim dim) {
        var quotients = new ArrayList<Dim>();
        var indices = new ArrayList<Dim>();
        var extents = new ArrayList<Dim>();
        for (var term : Polynomial.terms(dim)) {
            for (var factor : term.factors()) {
                var kind = switch (factor) {
                    case Dim.Symbol(String name) -> axes.containsKey(name) ? indices : extents;
                    case Dim.Binary _, Dim.Constant _, Dim.Product _, Dim.Sum _ -> quotients;
                };
                if (!kind.contains(factor)) {
                    kind.add(factor);
                }
            }
        }
        indices.addAll(quotients);
        indices.addAll(extents);
        return indices;
    }

    /// {@code factor * unknown + rest}; the factor may hold the unknown again.
    private record Linear(Dim factor, Dim rest) {
        static Linear of(Dim dim, Dim unknown) {
            var factor = Dim.ZERO;
            var rest = Dim.ZERO;
            var lead = Polynomial.terms(unknown).getFirst();
            for (var term : Polynomial.terms(dim)) {
                var quotient = term.dividedBy(lead);
                if (quotient.isPresent()) {
                    factor = factor.plus(quotient.get().dim());
                } else {
                    rest = rest.plus(term.dim());
                }
            }
            return new Linear(factor, rest);
        }

        Dim at(Dim value) {
            return factor.times(value).plus(rest);
        }
    }
}
