package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.List;
import org.portolan.runtime.type.Dim;

/// Makes index expressions simpler with what is known about their axes: quotients and remainders vanish where the
/// dividend is known to be small, and {@code (x / n) * n + x % n} becomes {@code x}.
final class IndexSimplifier {
    private final IndexBounds bounds;

    IndexSimplifier(IndexBounds bounds) {
        this.bounds = bounds;
    }

    List<Dim> simplify(List<Dim> expressions) {
        return expressions.stream().map(this::simplify).toList();
    }

    Dim simplify(Dim expression) {
        return switch (expression) {
            case Dim.Constant constant -> constant;
            case Dim.Symbol symbol ->
                bounds.extent(symbol.name()).filter(extent -> extent.isConstant(1)).isPresent() ? Dim.ZERO : symbol;
            case Dim.Product(long coefficient, List<Dim> factors) -> {
                Dim result = Dim.of(coefficient);
                for (var factor : factors) {
                    result = result.times(simplify(factor));
                }
                yield result;
            }
            case Dim.Sum(List<Dim> terms) -> {
                Dim result = Dim.ZERO;
                for (var term : terms) {
                    result = result.plus(simplify(term));
                }
                yield recombine(result);
            }
            case Dim.Binary(Dim.Operator operator, Dim left, Dim right) ->
                simplify(operator, simplify(left), simplify(right));
        };
    }

    private Dim simplify(Dim.Operator operator, Dim left, Dim right) {
        return switch (operator) {
            case FLOOR_DIVIDE -> floorDivide(left, right);
            case MODULO -> modulo(left, right);
            case CEIL_DIVIDE -> left.ceilDivide(right);
            case MINIMUM -> {
                if (bounds.notNegative(right.minus(left))) {
                    yield left;
                }
                yield bounds.notNegative(left.minus(right)) ? right : left.minimum(right);
            }
            case MAXIMUM -> {
                if (bounds.notNegative(left.minus(right))) {
                    yield left;
                }
                yield bounds.notNegative(right.minus(left)) ? right : left.maximum(right);
            }
            case EXCLUSIVE_OR -> left.exclusiveOr(right);
        };
    }

    private Dim floorDivide(Dim dividend, Dim divisor) {
        var quotient = dividend.floorDivide(divisor);
        if (divisor.isConstant(0)) {
            return quotient;
        }
        // What the algebra could not divide may still be known to be below the divisor, in parts.
        Dim result = Dim.ZERO;
        for (var term : terms(quotient)) {
            boolean vanishes = term instanceof Dim.Binary(Dim.Operator operator, Dim rest, Dim by)
                    && operator == Dim.Operator.FLOOR_DIVIDE
                    && bounds.inside(rest, by);
            result = result.plus(vanishes ? Dim.ZERO : term instanceof Dim.Binary binary ? coarse(binary) : term);
        }
        return result;
    }

    /// {@code (16 * x + y) / 64} is {@code x / 4} where {@code 0 <= y < 16}.
    private Dim coarse(Dim.Binary quotient) {
        if (quotient.operator() != Dim.Operator.FLOOR_DIVIDE
                || !(quotient.right() instanceof Dim.Constant(long divisor))
                || !(quotient.left() instanceof Dim.Sum(List<Dim> terms))) {
            return quotient;
        }
        for (var term : terms) {
            if (!(term instanceof Dim.Product(long coefficient, _)) || coefficient <= 1 || divisor % coefficient != 0) {
                continue;
            }
            Dim multiple = Dim.ZERO;
            Dim rest = Dim.ZERO;
            for (var each : terms) {
                if (each.modulo(coefficient).isConstant(0)) {
                    multiple = multiple.plus(each.floorDivide(coefficient));
                } else {
                    rest = rest.plus(each);
                }
            }
            if (bounds.inside(rest, Dim.of(coefficient))) {
                return floorDivide(multiple, Dim.of(divisor / coefficient));
            }
        }
        return quotient;
    }

    private Dim modulo(Dim dividend, Dim divisor) {
        if (divisor.isConstant(0)) {
            return dividend.modulo(divisor);
        }
        if (bounds.inside(dividend, divisor)) {
            return dividend;
        }
        var remainder = dividend.modulo(divisor);
        if (!(remainder instanceof Dim.Binary(Dim.Operator operator, Dim rest, Dim by))
                || operator != Dim.Operator.MODULO) {
            return remainder;
        }
        if (bounds.inside(rest, by)) {
            return rest;
        }
        if (rest instanceof Dim.Binary(Dim.Operator inner, Dim value, Dim innerBy)
                && inner == Dim.Operator.MODULO
                && innerBy.modulo(by).isConstant(0)) {
            return modulo(value, by);
        }
        // (16 * x + y) % 64 is 16 * (x % 4) + y where 0 <= y < 16.
        if (by instanceof Dim.Constant(long number) && rest instanceof Dim.Sum(List<Dim> terms)) {
            for (var term : terms) {
                if (!(term instanceof Dim.Product(long coefficient, _)) || coefficient <= 1 || number % coefficient != 0) {
                    continue;
                }
                Dim multiple = Dim.ZERO;
                Dim small = Dim.ZERO;
                for (var each : terms) {
                    if (each.modulo(coefficient).isConstant(0)) {
                        multiple = multiple.plus(each.floorDivide(coefficient));
                    } else {
                        small = small.plus(each);
                    }
                }
                if (bounds.inside(small, Dim.of(coefficient))) {
                    return modulo(multiple, Dim.of(number / coefficient)).times(coefficient).plus(small);
                }
            }
        }
        return remainder;
    }

    /// Puts {@code c * n * (x / n) + c * (x % n)} together to {@code c * x}.
    private static Dim recombine(Dim sum) {
        var current = sum;
        boolean changed = true;
        while (changed) {
            changed = false;
            for (var term : terms(current)) {
                var combined = recombine(current, term);
                if (combined != null) {
                    current = combined;
                    changed = true;
                    break;
                }
            }
        }
        return current;
    }

    private static Dim recombine(Dim sum, Dim term) {
        long coefficient = term instanceof Dim.Product product ? product.coefficient() : 1;
        var factors = term instanceof Dim.Product product ? product.factors() : List.of(term);
        for (var factor : factors) {
            if (!(factor instanceof Dim.Binary(Dim.Operator operator, Dim value, Dim by))
                    || operator != Dim.Operator.MODULO) {
                continue;
            }
            var others = new ArrayList<>(factors);
            others.remove(factor);
            var scale = Dim.product(others).times(coefficient);
            var whole = scale.times(by).times(value.floorDivide(by));
            var candidate = sum.minus(term).minus(whole).plus(scale.times(value));
            if (terms(candidate).size() < terms(sum).size()) {
                return candidate;
            }
        }
        return null;
    }

    static List<Dim> terms(Dim expression) {
        return expression instanceof Dim.Sum(List<Dim> terms) ? terms : List.of(expression);
    }
}
