package org.portolan.ir.analysis;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.runtime.type.Dim;

/// A {@link Dim} seen as a sum of terms: what division and bounds work on.
final class Polynomial {

    /// A number times factors that are symbols or quotients.
    record Term(long coefficient, List<Dim> factors) {
        boolean isConstant() {
            return factors.isEmpty();
        }

        Dim dim() {
            return Dim.product(factors).times(coefficient);
        }

        /// This divided by another term, if that leaves no rest.
        Optional<Term> dividedBy(Term divisor) {
            if (divisor.coefficient == 0 || coefficient % divisor.coefficient != 0) {
                return Optional.empty();
            }
            var left = new ArrayList<>(factors);
            for (var factor : divisor.factors) {
                if (!left.remove(factor)) {
                    return Optional.empty();
                }
            }
            return Optional.of(new Term(coefficient / divisor.coefficient, left));
        }

        /// The largest term with a positive coefficient that divides both.
        Term commonWith(Term other) {
            var common = new ArrayList<Dim>();
            var left = new ArrayList<>(other.factors);
            for (var factor : factors) {
                if (left.remove(factor)) {
                    common.add(factor);
                }
            }
            return new Term(greatestCommonDivisor(coefficient, other.coefficient), common);
        }
    }

    /// {@code dividend = quotient * divisor + rest}.
    record Division(Dim quotient, Dim rest) {}

    private Polynomial() {}

    static List<Term> terms(Dim dim) {
        return switch (dim) {
            case Dim.Constant(long value) -> value == 0 ? List.of() : List.of(new Term(value, List.of()));
            case Dim.Symbol symbol -> List.of(new Term(1, List.of(symbol)));
            case Dim.Binary binary -> List.of(new Term(1, List.of(binary)));
            case Dim.Product(long coefficient, List<Dim> factors) -> List.of(new Term(coefficient, factors));
            case Dim.Sum(List<Dim> terms) -> terms.stream().map(term -> terms(term).getFirst()).toList();
        };
    }

    static Dim sum(List<Term> terms) {
        var sum = Dim.ZERO;
        for (var term : terms) {
            sum = sum.plus(term.dim());
        }
        return sum;
    }

    /// Takes multiples of the divisor out of the dividend, as long as its first term divides a term of what is left.
    static Division divide(Dim dividend, Dim divisor) {
        var quotient = Dim.ZERO;
        var rest = dividend;
        var lead = terms(divisor).getFirst();
        for (int step = 0; step < 64; step++) {
            var factor = firstMultiple(rest, lead);
            if (factor.isEmpty()) {
                break;
            }
            quotient = quotient.plus(factor.get().dim());
            rest = rest.minus(divisor.times(factor.get().dim()));
        }
        return new Division(quotient, rest);
    }

    private static Optional<Term> firstMultiple(Dim dim, Term divisor) {
        for (var term : terms(dim)) {
            var factor = term.dividedBy(divisor);
            if (factor.isPresent()) {
                return factor;
            }
            if (term.isConstant() && divisor.isConstant()) {
                long whole = Math.floorDiv(term.coefficient(), divisor.coefficient());
                if (whole != 0) {
                    return Optional.of(new Term(whole, List.of()));
                }
            }
        }
        return Optional.empty();
    }

    private static long greatestCommonDivisor(long left, long right) {
        long a = Math.abs(left);
        long b = Math.abs(right);
        while (b != 0) {
            long rest = a % b;
            a = b;
            b = rest;
        }
        return a;
    }
}
