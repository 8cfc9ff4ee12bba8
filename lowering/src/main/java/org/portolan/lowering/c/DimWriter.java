package org.portolan.lowering.c;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.portolan.runtime.type.Dim;

/// Index expressions as arithmetic of 64 bits.
final class DimWriter {
    private final Builder builder;
    private final Map<String, Term> symbols = new HashMap<>();

    DimWriter(Builder builder) {
        this.builder = builder;
    }

    /// Gives a kernel symbol its name; extents are never negative.
    void define(String symbol, Term value) {
        symbols.put(symbol, value.asNonNegative());
    }

    /// An expression over the kernel's symbols alone.
    Term invariant(Dim dim) {
        return write(dim, this::symbol);
    }

    /// An expression over the kernel's symbols and {@code $0}, {@code $1} and so on for the operands. If one of them is a
    /// vector, so is the result.
    Term write(Dim dim, List<Term> operands) {
        // Numbers are put in first: the expression may then fold.
        var folded = dim.substitute(name -> operand(name, operands) instanceof Term operand
                        && operand.literal().isPresent()
                ? Dim.of(operand.literal().getAsLong())
                : null);
        return write(folded, name -> operand(name, operands) instanceof Term operand ? operand : symbol(name));
    }

    private static Term operand(String name, List<Term> operands) {
        return name.startsWith("$") ? operands.get(Integer.parseInt(name.substring(1))) : null;
    }

    private Term symbol(String name) {
        var value = symbols.get(name);
        if (value == null) {
            throw new EmitException("the kernel uses the symbol " + name + ", which is not among its symbols "
                    + symbols.keySet().stream().sorted().toList());
        }
        return value;
    }

    private Term write(Dim dim, Function<String, Term> values) {
        return switch (dim) {
            case Dim.Constant(long value) -> Term.index(value);
            case Dim.Symbol(String name) -> values.apply(name);
            case Dim.Product(long coefficient, List<Dim> factors) -> {
                var result = write(factors.getFirst(), values);
                for (var factor : factors.subList(1, factors.size())) {
                    result = builder.multiply(result, write(factor, values));
                }
                yield builder.multiply(result, Term.index(coefficient));
            }
            case Dim.Sum(List<Dim> terms) -> {
                var result = write(terms.getFirst(), values);
                for (var term : terms.subList(1, terms.size())) {
                    result = builder.add(result, write(term, values));
                }
                yield result;
            }
            case Dim.Binary(Dim.Operator operator, Dim left, Dim right) ->
                binary(operator, write(left, values), write(right, values));
        };
    }

    private Term binary(Dim.Operator operator, Term left, Term right) {
        boolean known = left.literal().isPresent() && right.literal().isPresent();
        if (known && !right.isLiteral(0)) {
            return Term.index(operator.apply(left.literal().getAsLong(), right.literal().getAsLong()));
        }
        var result = switch (operator) {
            case FLOOR_DIVIDE -> divide(left, right);
            case CEIL_DIVIDE -> divide(builder.add(left, builder.add(right, Term.index(-1))), right);
            case MODULO -> modulo(left, right);
            case MINIMUM -> builder.function(Words.Function.MIN, wide(left, right), wide(right, left));
            case MAXIMUM -> builder.function(Words.Function.MAX, wide(left, right), wide(right, left));
            case EXCLUSIVE_OR -> builder.binary("^", left, right);
        };
        boolean stays = right.isNonNegative() || operator == Dim.Operator.MAXIMUM;
        return left.isNonNegative() && stays ? result.asNonNegative() : result;
    }

    private Term wide(Term value, Term other) {
        return builder.splat(value, Math.max(value.type().lanes(), other.type().lanes()));
    }

    /// Rounded down. A shift rounds down by itself.
    private Term divide(Term left, Term right) {
        if (shift(right) >= 0) {
            return builder.binary(">>", left, Term.index(shift(right)));
        }
        var divisor = divisor(right);
        if (left.isNonNegative()) {
            return builder.binary("/", left, divisor);
        }
        var a = wide(left, right);
        return builder.helpers.call(
                "floor_divide" + suffix(a), a.type(), List.of(a, wide(divisor, left)), (inner, terms) -> {
                    var quotient = inner.let("quotient", inner.binary("/", terms.get(0), terms.get(1)));
                    var rest = inner.binary("-", terms.get(0), inner.binary("*", quotient, terms.get(1)));
                    return inner.choose(
                            inner.compare("<", inner.let("rest", rest), Term.index(0)),
                            inner.binary("-", quotient, Term.index(1)),
                            quotient);
                });
    }

    private Term modulo(Term left, Term right) {
        if (shift(right) >= 0) {
            return builder.binary("&", left, Term.index(right.literal().orElseThrow() - 1));
        }
        var divisor = divisor(right);
        if (left.isNonNegative()) {
            return builder.binary("%", left, divisor);
        }
        var a = wide(left, right);
        return builder.helpers.call(
                "floor_modulo" + suffix(a), a.type(), List.of(a, wide(divisor, left)), (inner, terms) -> {
                    var rest = inner.let("rest", inner.binary("%", terms.get(0), terms.get(1)));
                    return inner.choose(
                            inner.compare("<", rest, Term.index(0)), inner.binary("+", rest, terms.get(1)), rest);
                });
    }

    private static String suffix(Term value) {
        return value.type().isVector() ? "_x" + value.type().lanes() : "";
    }

    /// The exponent of a divisor that is a power of two; else -1.
    private static int shift(Term divisor) {
        if (divisor.literal().isEmpty()) {
            return -1;
        }
        long value = divisor.literal().getAsLong();
        return value > 0 && Long.bitCount(value) == 1 ? Long.numberOfTrailingZeros(value) : -1;
    }

    /// A divisor that is not known is an extent, and an extent of 0 must not trap in code that runs nothing afterwards.
    private Term divisor(Term value) {
        return value.literal().isPresent() && !value.isLiteral(0)
                ? value
                : builder.function(Words.Function.MAX, value, builder.splat(Term.index(1), value.type().lanes()));
    }
}
