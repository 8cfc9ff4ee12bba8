package org.portolan.ir.analysis;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.Dim.Operator;

/// Removes quotients and remainders that bounds make superfluous. With {@code a = q*b + r} and {@code 0 <= r < b},
/// {@code a/b} is {@code q} and {@code a%b} is {@code r}; with {@code a = g*x + r} and {@code 0 <= r < g},
/// {@code a/(g*m)} is {@code x/m} and {@code a%(g*m)} is {@code g*(x%m) + r}.
final class DimSimplifier {
    private final DimBounds bounds;

    DimSimplifier(DimBounds bounds) {
        this.bounds = bounds;
    }

    Dim simplify(Dim dim) {
        return switch (dim) {
            case Dim.Constant _ -> dim;
            case Dim.Symbol _ -> {
                var interval = bounds.interval(dim);
                yield interval.low() == interval.high() ? Dim.of(interval.low()) : dim;
            }
            case Dim.Product(long coefficient, List<Dim> factors) -> {
                var product = Dim.of(coefficient);
                for (var factor : factors) {
                    product = product.times(simplify(factor));
                }
                yield merge(product);
            }
            case Dim.Sum(List<Dim> terms) -> {
                var sum = Dim.ZERO;
                for (var term : terms) {
                    sum = sum.plus(simplify(term));
                }
                yield merge(sum);
            }
            case Dim.Binary(Operator operator, Dim left, Dim right) ->
                binary(operator, simplify(left), simplify(right));
        };
    }

    private Dim binary(Operator operator, Dim left, Dim right) {
        return switch (operator) {
            case FLOOR_DIVIDE -> bounds.isPositive(right) ? quotient(left, right) : left.floorDivide(right);
            case MODULO -> bounds.isPositive(right) ? remainder(left, right) : left.modulo(right);
            case CEIL_DIVIDE -> ceilQuotient(left, right);
            case MINIMUM ->
                bounds.proves(right.minus(left))
                        ? left
                        : bounds.proves(left.minus(right)) ? right : left.minimum(right);
            case MAXIMUM ->
                bounds.proves(right.minus(left))
                        ? right
                        : bounds.proves(left.minus(right)) ? left : left.maximum(right);
            case EXCLUSIVE_OR -> left.exclusiveOr(right);
        };
    }

    private Dim quotient(Dim dividend, Dim divisor) {
        var division = Polynomial.divide(dividend, divisor);
        var whole = division.quotient();
        var rest = division.rest();
        if (rest.isConstant(0) || bounds.provesWithin(rest, divisor)) {
            return whole;
        }
        var constant = constantQuotient(rest, divisor);
        if (constant != null) {
            return whole.plus(constant);
        }
        if (rest instanceof Dim.Binary(Operator operator, Dim inner, Dim by) && bounds.isPositive(by)) {
            if (operator == Operator.FLOOR_DIVIDE) {
                return whole.plus(quotient(inner, by.times(divisor)));
            }
            if (operator == Operator.MODULO) {
                var multiple = Polynomial.divide(by, divisor);
                if (multiple.rest().isConstant(0)) {
                    return whole.plus(remainder(quotient(inner, divisor), multiple.quotient()));
                }
            }
        }
        for (var scale : scales(rest, divisor)) {
            var parts = multiplesOf(scale, rest);
            if (bounds.provesWithin(parts.rest(), scale.dim())) {
                var narrower = Polynomial.divide(divisor, scale.dim()).quotient();
                return whole.plus(quotient(parts.quotient(), narrower));
            }
        }
        return whole.plus(rest.floorDivide(divisor));
    }

    private Dim remainder(Dim dividend, Dim divisor) {
        var rest = Polynomial.divide(dividend, divisor).rest();
        if (rest.isConstant(0) || bounds.provesWithin(rest, divisor)) {
            return rest;
        }
        var constant = constantQuotient(rest, divisor);
        if (constant != null) {
            return rest.minus(divisor.times(constant));
        }
        if (rest instanceof Dim.Binary(Operator operator, Dim inner, Dim by)
                && operator == Operator.MODULO
                && Polynomial.divide(by, divisor).rest().isConstant(0)) {
            return remainder(inner, divisor);
        }
        for (var scale : scales(rest, divisor)) {
            var parts = multiplesOf(scale, rest);
            if (bounds.provesWithin(parts.rest(), scale.dim())) {
                var narrower = Polynomial.divide(divisor, scale.dim()).quotient();
                return remainder(parts.quotient(), narrower).times(scale.dim()).plus(parts.rest());
            }
        }
        return rest.modulo(divisor);
    }

    private Dim ceilQuotient(Dim dividend, Dim divisor) {
        if (!bounds.isPositive(divisor)) {
            return dividend.ceilDivide(divisor);
        }
        var division = Polynomial.divide(dividend, divisor);
        var rest = division.rest();
        if (rest.isConstant(0)) {
            return division.quotient();
        }
        // 0 < r <= b rounds up to 1.
        if (bounds.provesWithin(rest.minus(1), divisor)) {
            return division.quotient().plus(1);
        }
        return division.quotient().plus(rest.ceilDivide(divisor));
    }

    /// The quotient, if it is the same number everywhere.
    private Dim constantQuotient(Dim dividend, Dim divisor) {
        var interval = bounds.interval(dividend);
        if (divisor instanceof Dim.Constant(long by) && interval.hasLow() && interval.hasHigh()) {
            long lowest = Math.floorDiv(interval.low(), by);
            return lowest == Math.floorDiv(interval.high(), by) ? Dim.of(lowest) : null;
        }
        return null;
    }

    /// The common divisors of the divisor and a term of the dividend, largest first: candidates for {@code g}.
    private static List<Polynomial.Term> scales(Dim dividend, Dim divisor) {
        var divisorTerms = Polynomial.terms(divisor);
        if (divisorTerms.size() != 1) {
            return List.of();
        }
        var scales = new ArrayList<Polynomial.Term>();
        for (var term : Polynomial.terms(dividend)) {
            var scale = term.commonWith(divisorTerms.getFirst());
            boolean trivial = scale.isConstant() && scale.coefficient() <= 1;
            if (!trivial && !scales.contains(scale)) {
                scales.add(scale);
            }
        }
        scales.sort(Comparator.comparingInt((Polynomial.Term scale) -> -scale.factors().size())
                .thenComparingLong(scale -> -scale.coefficient()));
        return scales;
    }

    /// Exactly the terms that the scale divides, over it; the others are the rest.
    private static Polynomial.Division multiplesOf(Polynomial.Term scale, Dim dim) {
        return Polynomial.divide(dim, scale.dim());
    }

    /// Where {@code c*b*(a/b)} stands beside {@code c*(a%b)}, both are {@code c*a}; the same the other way round if the
    /// result is shorter.
    private Dim merge(Dim dim) {
        var current = dim;
        boolean shorter = true;
        while (shorter) {
            shorter = false;
            for (var term : Polynomial.terms(current)) {
                for (var factor : term.factors()) {
                    if (factor instanceof Dim.Binary(Operator operator, Dim left, Dim right)
                            && operator == Operator.FLOOR_DIVIDE
                            && bounds.isPositive(right)) {
                        var merged = withoutQuotient(current, term, factor, left, right);
                        if (size(merged) < size(current)) {
                            current = merged;
                            shorter = true;
                        }
                    }
                }
                if (shorter) {
                    break;
                }
            }
        }
        return current;
    }

    private Dim withoutQuotient(Dim sum, Polynomial.Term term, Dim factor, Dim left, Dim right) {
        var cofactor = term.dividedBy(new Polynomial.Term(1, List.of(factor))).orElseThrow().dim();
        var division = Polynomial.divide(cofactor, right);
        if (!division.rest().isConstant(0)) {
            return sum;
        }
        return sum.minus(term.dim()).plus(division.quotient().times(left.minus(remainder(left, right))));
    }

    private static int size(Dim dim) {
        return switch (dim) {
            case Dim.Constant _, Dim.Symbol _ -> 1;
            case Dim.Product(_, List<Dim> factors) -> factors.stream().mapToInt(DimSimplifier::size).sum() + 1;
            case Dim.Sum(List<Dim> terms) -> terms.stream().mapToInt(DimSimplifier::size).sum();
            case Dim.Binary(_, Dim left, Dim right) -> size(left) + size(right) + 2;
        };
    }
}
