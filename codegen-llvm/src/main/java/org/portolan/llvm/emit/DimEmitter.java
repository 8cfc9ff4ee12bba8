package org.portolan.llvm.emit;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.portolan.runtime.type.Dim;

/// Index expressions as 64-bit integer arithmetic.
final class DimEmitter {
    private final FunctionBuilder builder;
    private final Map<String, Operand> symbols = new HashMap<>();
    private final Map<Dim, Operand> invariants = new HashMap<>();

    DimEmitter(FunctionBuilder builder) {
        this.builder = builder;
    }

    /// Gives a kernel symbol its value; extents are never negative.
    void define(String symbol, Operand value) {
        builder.markNonNegative(value);
        symbols.put(symbol, value);
    }

    /// An expression over the kernel's symbols alone; it is computed once, when the kernel is entered.
    Operand invariant(Dim dim) {
        var known = invariants.get(dim);
        if (known == null) {
            known = builder.inEntry(() -> emit(dim, this::symbol));
            invariants.put(dim, known);
        }
        return known;
    }

    /// An expression over the kernel's symbols and `$0`, `$1` and so on for the operands. If one of them is a vector,
    /// so is the result.
    Operand emit(Dim dim, List<Operand> operands) {
        // Numbers are put in first: the expression may then fold.
        var folded = dim.substitute(name -> operand(name, operands) instanceof Operand operand
                        && operand.literal().isPresent()
                ? Dim.of(operand.literal().getAsLong())
                : null);
        if (symbols.keySet().containsAll(folded.symbols())) {
            return invariant(folded);
        }
        return emit(folded, name -> operand(name, operands) instanceof Operand operand ? operand : symbol(name));
    }

    private static Operand operand(String name, List<Operand> operands) {
        return name.startsWith("$") ? operands.get(Integer.parseInt(name.substring(1))) : null;
    }

    private Operand symbol(String name) {
        var value = symbols.get(name);
        if (value == null) {
            throw new EmitException("the kernel uses the symbol " + name + ", which is not among its symbols "
                    + symbols.keySet().stream().sorted().toList());
        }
        return value;
    }

    private Operand emit(Dim dim, Function<String, Operand> values) {
        return switch (dim) {
            case Dim.Constant(long value) -> Operand.index(value);
            case Dim.Symbol(String name) -> values.apply(name);
            case Dim.Product(long coefficient, List<Dim> factors) -> {
                var result = emit(factors.getFirst(), values);
                for (var factor : factors.subList(1, factors.size())) {
                    result = builder.multiply(result, emit(factor, values));
                }
                yield builder.multiply(result, Operand.index(coefficient));
            }
            case Dim.Sum(List<Dim> terms) -> {
                var result = emit(terms.getFirst(), values);
                for (var term : terms.subList(1, terms.size())) {
                    result = builder.add(result, emit(term, values));
                }
                yield result;
            }
            case Dim.Binary(Dim.Operator operator, Dim left, Dim right) ->
                binary(operator, emit(left, values), emit(right, values));
        };
    }

    private Operand binary(Dim.Operator operator, Operand left, Operand right) {
        if (left.literal().isPresent() && right.literal().isPresent() && right.literal().getAsLong() != 0) {
            return Operand.index(operator.apply(left.literal().getAsLong(), right.literal().getAsLong()));
        }
        long lanes = Math.max(left.type().lanes(), right.type().lanes());
        boolean plain = builder.isNonNegative(left);
        var a = builder.splat(left, lanes);
        var b = builder.splat(right, lanes);
        var result = switch (operator) {
            case FLOOR_DIVIDE -> plain ? builder.binary("udiv", a, divisor(b)) : floorDivide(a, b);
            case CEIL_DIVIDE -> {
                var raised = builder.add(a, builder.add(b, Operand.index(-1)));
                yield plain ? builder.binary("udiv", raised, divisor(b)) : floorDivide(raised, b);
            }
            case MODULO -> plain ? builder.binary("urem", a, divisor(b)) : floorModulo(a, b);
            case MINIMUM -> builder.intrinsic("smin", a, b);
            case MAXIMUM -> builder.intrinsic("smax", a, b);
            case EXCLUSIVE_OR -> builder.binary("xor", a, b);
        };
        boolean stays = builder.isNonNegative(right) || operator == Dim.Operator.MAXIMUM;
        if (plain && stays) {
            builder.markNonNegative(result);
        }
        return result;
    }

    /// A divisor that is not known is an extent, and an extent of 0 must not trap in code that runs nothing
    /// afterwards.
    private Operand divisor(Operand value) {
        boolean constant = value.text().charAt(0) != '%';
        return constant ? value : builder.intrinsic("umax", value, builder.splat(Operand.index(1), value.type().lanes()));
    }

    private Operand floorDivide(Operand a, Operand b) {
        var safe = divisor(b);
        var quotient = builder.binary("sdiv", a, safe);
        return builder.binary("add", quotient, builder.convert("sext", roundsDown(a, safe), a.type()));
    }

    private Operand floorModulo(Operand a, Operand b) {
        var safe = divisor(b);
        var remainder = builder.binary("srem", a, safe);
        var zero = builder.splat(Operand.index(0), a.type().lanes());
        var negative = builder.compare("slt", remainder, zero);
        return builder.binary("add", remainder, builder.select(negative, safe, zero));
    }

    /// Whether the quotient rounded towards zero lies above the one rounded down; divisors are positive.
    private Operand roundsDown(Operand a, Operand divisor) {
        var zero = builder.splat(Operand.index(0), a.type().lanes());
        return builder.compare("slt", builder.binary("srem", a, divisor), zero);
    }
}
