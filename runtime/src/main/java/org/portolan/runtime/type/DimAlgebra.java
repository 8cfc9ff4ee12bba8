package org.portolan.runtime.type;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.portolan.runtime.type.Dim.Binary;
import org.portolan.runtime.type.Dim.Constant;
import org.portolan.runtime.type.Dim.Operator;
import org.portolan.runtime.type.Dim.Product;
import org.portolan.runtime.type.Dim.Sum;
import org.portolan.runtime.type.Dim.Symbol;

/// Arithmetic that keeps {@link Dim} canonical: a sum of products, terms sorted by degree and text, the number last.
final class DimAlgebra {
    private static final Comparator<Dim> FACTOR_ORDER = Comparator.comparing(Dim::toString);

    /// A term with its text, which is written once and not for each comparison.
    private record Written(List<Dim> factors, long coefficient, String text) {
        static final Comparator<Written> ORDER =
                Comparator.comparingInt(Written::degreesFirst).thenComparing(Written::text);

        private int degreesFirst() {
            return factors.isEmpty() ? Integer.MAX_VALUE : -factors.size();
        }
    }

    private DimAlgebra() {}

    static Dim add(Dim left, Dim right) {
        if (left instanceof Constant(long a) && right instanceof Constant(long b)) {
            return Dim.of(Math.addExact(a, b));
        }
        if (left.isConstant(0)) {
            return right;
        }
        if (right.isConstant(0)) {
            return left;
        }
        var terms = new HashMap<List<Dim>, Long>();
        addTerms(terms, left, 1);
        addTerms(terms, right, 1);
        return fromTerms(terms);
    }

    static Dim multiply(Dim left, Dim right) {
        if (left instanceof Constant(long a) && right instanceof Constant(long b)) {
            return Dim.of(Math.multiplyExact(a, b));
        }
        if (left.isConstant(1)) {
            return right;
        }
        if (right.isConstant(1)) {
            return left;
        }
        if (left instanceof Constant(long factor)) {
            return scale(right, factor);
        }
        if (right instanceof Constant(long factor)) {
            return scale(left, factor);
        }
        var leftTerms = new HashMap<List<Dim>, Long>();
        var rightTerms = new HashMap<List<Dim>, Long>();
        addTerms(leftTerms, left, 1);
        addTerms(rightTerms, right, 1);
        var terms = new HashMap<List<Dim>, Long>();
        leftTerms.forEach((leftFactors, a) -> rightTerms.forEach((rightFactors, b) -> {
            var factors = new ArrayList<>(leftFactors);
            factors.addAll(rightFactors);
            if (factors.size() > 1) {
                factors.sort(FACTOR_ORDER);
            }
            terms.merge(List.copyOf(factors), Math.multiplyExact(a, b), Math::addExact);
        }));
        return fromTerms(terms);
    }

    /// Each term times a number other than 1: their order stays.
    private static Dim scale(Dim dim, long factor) {
        if (factor == 0) {
            return Dim.ZERO;
        }
        return switch (dim) {
            case Constant(long value) -> Dim.of(Math.multiplyExact(value, factor));
            case Symbol _, Binary _ -> term(List.of(dim), factor);
            case Product(long coefficient, List<Dim> factors) -> term(factors, Math.multiplyExact(coefficient, factor));
            case Sum(List<Dim> summands) ->
                new Sum(summands.stream().map(summand -> scale(summand, factor)).toList());
        };
    }

    static Dim floorDivide(Dim dividend, Dim divisor) {
        if (divisor.isConstant(1)) {
            return dividend;
        }
        if (dividend.isConstant(0)) {
            return Dim.ZERO;
        }
        if (dividend instanceof Constant(long a) && divisor instanceof Constant(long b) && b != 0) {
            return Dim.of(Math.floorDiv(a, b));
        }
        if (divisor.isConstant(0)) {
            return new Binary(Operator.FLOOR_DIVIDE, dividend, divisor);
        }
        var split = split(dividend, divisor);
        return add(split.quotient(), restQuotient(Operator.FLOOR_DIVIDE, split.rest(), divisor));
    }

    static Dim ceilDivide(Dim dividend, Dim divisor) {
        if (divisor.isConstant(1)) {
            return dividend;
        }
        if (dividend.isConstant(0)) {
            return Dim.ZERO;
        }
        if (dividend instanceof Constant(long a) && divisor instanceof Constant(long b) && b != 0) {
            return Dim.of(Math.ceilDiv(a, b));
        }
        if (divisor.isConstant(0)) {
            return new Binary(Operator.CEIL_DIVIDE, dividend, divisor);
        }
        var split = split(dividend, divisor);
        return add(split.quotient(), restQuotient(Operator.CEIL_DIVIDE, split.rest(), divisor));
    }

    static Dim modulo(Dim dividend, Dim divisor) {
        if (divisor.isConstant(1)) {
            return Dim.ZERO;
        }
        if (divisor.isConstant(0)) {
            return new Binary(Operator.MODULO, dividend, divisor);
        }
        var rest = split(dividend, divisor).rest();
        if (rest.isConstant(0)) {
            return Dim.ZERO;
        }
        if (rest instanceof Constant(long a) && divisor instanceof Constant(long b)) {
            return Dim.of(Math.floorMod(a, b));
        }
        // (x % b) % b is x % b.
        if (rest instanceof Binary(Operator operator, _, Dim inner)
                && operator == Operator.MODULO
                && inner.equals(divisor)) {
            return rest;
        }
        return new Binary(Operator.MODULO, rest, divisor);
    }

    static Dim extremum(Operator operator, Dim left, Dim right) {
        if (left.equals(right)) {
            return left;
        }
        if (minus(left, right) instanceof Constant(long difference)) {
            return (difference < 0) == (operator == Operator.MINIMUM) ? left : right;
        }
        return FACTOR_ORDER.compare(left, right) <= 0
                ? new Binary(operator, left, right)
                : new Binary(operator, right, left);
    }

    static Dim exclusiveOr(Dim left, Dim right) {
        if (left instanceof Constant(long a) && right instanceof Constant(long b)) {
            return Dim.of(a ^ b);
        }
        if (left.isConstant(0)) {
            return right;
        }
        if (right.isConstant(0)) {
            return left;
        }
        return left.equals(right) ? Dim.ZERO : new Binary(Operator.EXCLUSIVE_OR, left, right);
    }

    static Dim apply(Operator operator, Dim left, Dim right) {
        return switch (operator) {
            case FLOOR_DIVIDE -> floorDivide(left, right);
            case CEIL_DIVIDE -> ceilDivide(left, right);
            case MODULO -> modulo(left, right);
            case MINIMUM, MAXIMUM -> extremum(operator, left, right);
            case EXCLUSIVE_OR -> exclusiveOr(left, right);
        };
    }

    private static Dim minus(Dim left, Dim right) {
        return add(left, multiply(right, Dim.of(-1)));
    }

    private record Split(Dim quotient, Dim rest) {}

    /// Takes every term that is a multiple of the divisor out of the dividend: a = quotient * divisor + rest.
    private static Split split(Dim dividend, Dim divisor) {
        var terms = new HashMap<List<Dim>, Long>();
        addTerms(terms, dividend, 1);
        long coefficient;
        List<Dim> factors;
        switch (divisor) {
            case Constant(long value) -> {
                coefficient = value;
                factors = List.of();
            }
            case Product product -> {
                coefficient = product.coefficient();
                factors = product.factors();
            }
            case Symbol symbol -> {
                coefficient = 1;
                factors = List.of(symbol);
            }
            case Binary binary -> {
                coefficient = 1;
                factors = List.of(binary);
            }
            case Sum sum -> {
                return dividend.equals(sum) ? new Split(Dim.ONE, Dim.ZERO) : new Split(Dim.ZERO, dividend);
            }
        }
        var quotient = new HashMap<List<Dim>, Long>();
        var rest = new HashMap<List<Dim>, Long>();
        for (var term : terms.entrySet()) {
            var remaining = new ArrayList<>(term.getKey());
            boolean holdsAll = true;
            for (var factor : factors) {
                holdsAll &= remaining.remove(factor);
            }
            long value = term.getValue();
            if (!holdsAll) {
                rest.merge(term.getKey(), value, Math::addExact);
                continue;
            }
            long whole = Math.floorDiv(value, coefficient);
            long left = Math.floorMod(value, coefficient);
            if (left != 0 && !remaining.isEmpty()) {
                // Coefficients of unknowns stay whole: (3x)/2 is not x + x/2 in a simpler form.
                whole = 0;
                left = value;
            }
            if (whole != 0) {
                quotient.merge(List.copyOf(remaining), whole, Math::addExact);
            }
            if (left != 0) {
                rest.merge(term.getKey(), left, Math::addExact);
            }
        }
        return new Split(fromTerms(quotient), fromTerms(rest));
    }

    private static Dim restQuotient(Operator operator, Dim rest, Dim divisor) {
        if (rest.isConstant(0)) {
            return Dim.ZERO;
        }
        if (rest instanceof Constant(long a) && divisor instanceof Constant(long b)) {
            return Dim.of(operator.apply(a, b));
        }
        // (x / a) / b is x / (a * b) for positive numbers.
        if (operator == Operator.FLOOR_DIVIDE
                && rest instanceof Binary(Operator inner, Dim dividend, Constant(long a))
                && inner == Operator.FLOOR_DIVIDE
                && divisor instanceof Constant(long b)
                && a > 0
                && b > 0) {
            return floorDivide(dividend, Dim.of(Math.multiplyExact(a, b)));
        }
        return new Binary(operator, rest, divisor);
    }

    private static void addTerms(Map<List<Dim>, Long> terms, Dim dim, long scale) {
        switch (dim) {
            case Constant(long value) -> terms.merge(List.of(), Math.multiplyExact(value, scale), Math::addExact);
            case Symbol symbol -> terms.merge(List.of(symbol), scale, Math::addExact);
            case Binary binary -> terms.merge(List.of(binary), scale, Math::addExact);
            case Product(long coefficient, List<Dim> factors) ->
                terms.merge(factors, Math.multiplyExact(coefficient, scale), Math::addExact);
            case Sum(List<Dim> summands) -> summands.forEach(summand -> addTerms(terms, summand, scale));
        }
    }

    private static Dim fromTerms(Map<List<Dim>, Long> terms) {
        terms.values().removeIf(coefficient -> coefficient == 0);
        if (terms.isEmpty()) {
            return Dim.ZERO;
        }
        if (terms.size() == 1) {
            var only = terms.entrySet().iterator().next();
            return term(only.getKey(), only.getValue());
        }
        var written = new ArrayList<Written>(terms.size());
        terms.forEach((factors, coefficient) -> written.add(new Written(factors, coefficient, factors.toString())));
        written.sort(Written.ORDER);
        return new Sum(written.stream().map(term -> term(term.factors(), term.coefficient())).toList());
    }

    private static Dim term(List<Dim> factors, long coefficient) {
        if (factors.isEmpty()) {
            return Dim.of(coefficient);
        }
        return coefficient == 1 && factors.size() == 1 ? factors.getFirst() : new Product(coefficient, factors);
    }
}
