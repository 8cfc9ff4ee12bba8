package org.portolan.runtime.type;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/// An integer that may not be known yet: a number, a symbol, or arithmetic over them in canonical form. Extents of
/// tensors, offsets in an arena, loop bounds and index expressions all are of this type.
///
/// Two Dims that compare equal are equal for every value of their symbols; the reverse holds for sums of products,
/// which have one canonical form, and not always for quotients. Quotients round towards negative infinity.
///
/// The text form has {@code + - * / % ^}, {@code ceildiv(a, b)}, {@code min(a, b)} and {@code max(a, b)}, where
/// {@code /} and {@code %} are floor division and its remainder and {@code ^} (exclusive or) binds weakest.
public sealed interface Dim {

    /// A number.
    record Constant(long value) implements Dim {
        @Override
        public String toString() {
            return Long.toString(value);
        }
    }

    /// A named integer: a symbolic extent, or an axis of a nest. A name that starts with {@code $} is an operand.
    record Symbol(String name) implements Dim {
        public Symbol {
            if (name.isEmpty()) {
                throw new IllegalArgumentException("a symbol needs a name");
            }
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /// A coefficient times at least one factor; no factor is a number, a sum or a product.
    record Product(long coefficient, List<Dim> factors) implements Dim {
        public Product {
            factors = List.copyOf(factors);
        }

        @Override
        public String toString() {
            return DimText.print(this);
        }
    }

    /// At least two terms; none is a sum, at most one (the last) is a number.
    record Sum(List<Dim> terms) implements Dim {
        public Sum {
            terms = List.copyOf(terms);
        }

        @Override
        public String toString() {
            return DimText.print(this);
        }
    }

    /// One of the operations that have no canonical form as a sum.
    record Binary(Operator operator, Dim left, Dim right) implements Dim {
        @Override
        public String toString() {
            return DimText.print(this);
        }
    }

    /// The operations of {@link Binary}.
    enum Operator {
        FLOOR_DIVIDE,
        CEIL_DIVIDE,
        MODULO,
        MINIMUM,
        MAXIMUM,
        EXCLUSIVE_OR;

        /// The result for two numbers.
        ///
        /// @throws ArithmeticException on a division by zero
        public long apply(long left, long right) {
            return switch (this) {
                case FLOOR_DIVIDE -> Math.floorDiv(left, right);
                case CEIL_DIVIDE -> Math.ceilDiv(left, right);
                case MODULO -> Math.floorMod(left, right);
                case MINIMUM -> Math.min(left, right);
                case MAXIMUM -> Math.max(left, right);
                case EXCLUSIVE_OR -> left ^ right;
            };
        }
    }

    Dim ZERO = new Constant(0);
    Dim ONE = new Constant(1);

    static Dim of(long value) {
        return value == 0 ? ZERO : value == 1 ? ONE : new Constant(value);
    }

    static Dim symbol(String name) {
        return new Symbol(name);
    }

    /// Reads the text form.
    ///
    /// @throws IllegalArgumentException if the text is no such expression
    static Dim parse(String text) {
        return new DimText.Reader(text).readAll();
    }

    default Dim plus(Dim other) {
        return DimAlgebra.add(this, other);
    }

    default Dim plus(long other) {
        return plus(of(other));
    }

    default Dim minus(Dim other) {
        return plus(other.times(-1));
    }

    default Dim minus(long other) {
        return plus(-other);
    }

    default Dim times(Dim other) {
        return DimAlgebra.multiply(this, other);
    }

    default Dim times(long other) {
        return times(of(other));
    }

    /// The quotient rounded towards negative infinity. A symbolic divisor is taken to be positive.
    default Dim floorDivide(Dim divisor) {
        return DimAlgebra.floorDivide(this, divisor);
    }

    default Dim floorDivide(long divisor) {
        return floorDivide(of(divisor));
    }

    /// The quotient rounded towards positive infinity. A symbolic divisor is taken to be positive.
    default Dim ceilDivide(Dim divisor) {
        return DimAlgebra.ceilDivide(this, divisor);
    }

    default Dim ceilDivide(long divisor) {
        return ceilDivide(of(divisor));
    }

    /// The remainder of {@link #floorDivide(Dim)}; it has the sign of the divisor.
    default Dim modulo(Dim divisor) {
        return DimAlgebra.modulo(this, divisor);
    }

    default Dim modulo(long divisor) {
        return modulo(of(divisor));
    }

    default Dim minimum(Dim other) {
        return DimAlgebra.extremum(Operator.MINIMUM, this, other);
    }

    default Dim maximum(Dim other) {
        return DimAlgebra.extremum(Operator.MAXIMUM, this, other);
    }

    default Dim exclusiveOr(Dim other) {
        return DimAlgebra.exclusiveOr(this, other);
    }

    /// The number that this is, if it has no symbols.
    default OptionalLong constant() {
        return this instanceof Constant(long value) ? OptionalLong.of(value) : OptionalLong.empty();
    }

    default boolean isConstant() {
        return this instanceof Constant;
    }

    default boolean isConstant(long value) {
        return this instanceof Constant(long own) && own == value;
    }

    /// The symbol's name, if this is nothing but a symbol.
    default Optional<String> symbolName() {
        return this instanceof Symbol(String name) ? Optional.of(name) : Optional.empty();
    }

    /// The value, given those of the symbols.
    ///
    /// @throws ArithmeticException on overflow or division by zero
    default long evaluate(ToLongFunction<String> values) {
        return switch (this) {
            case Constant(long value) -> value;
            case Symbol(String name) -> values.applyAsLong(name);
            case Product(long coefficient, List<Dim> factors) -> {
                long result = coefficient;
                for (var factor : factors) {
                    result = Math.multiplyExact(result, factor.evaluate(values));
                }
                yield result;
            }
            case Sum(List<Dim> terms) -> {
                long result = 0;
                for (var term : terms) {
                    result = Math.addExact(result, term.evaluate(values));
                }
                yield result;
            }
            case Binary(Operator operator, Dim left, Dim right) ->
                operator.apply(left.evaluate(values), right.evaluate(values));
        };
    }

    /// This expression with symbols replaced; {@code null} from the function keeps a symbol.
    default Dim substitute(Function<String, Dim> replacement) {
        return switch (this) {
            case Constant constant -> constant;
            case Symbol symbol -> {
                var replaced = replacement.apply(symbol.name());
                yield replaced == null ? symbol : replaced;
            }
            case Product(long coefficient, List<Dim> factors) -> {
                Dim result = of(coefficient);
                for (var factor : factors) {
                    result = result.times(factor.substitute(replacement));
                }
                yield result;
            }
            case Sum(List<Dim> terms) -> {
                Dim result = ZERO;
                for (var term : terms) {
                    result = result.plus(term.substitute(replacement));
                }
                yield result;
            }
            case Binary(Operator operator, Dim left, Dim right) ->
                DimAlgebra.apply(operator, left.substitute(replacement), right.substitute(replacement));
        };
    }

    /// The names of all symbols in here, in order of appearance.
    default Set<String> symbols() {
        var names = new LinkedHashSet<String>();
        collectSymbols(names);
        return names;
    }

    private void collectSymbols(Collection<String> names) {
        switch (this) {
            case Constant _ -> {}
            case Symbol(String name) -> names.add(name);
            case Product(_, List<Dim> factors) -> factors.forEach(factor -> factor.collectSymbols(names));
            case Sum(List<Dim> terms) -> terms.forEach(term -> term.collectSymbols(names));
            case Binary(_, Dim left, Dim right) -> {
                left.collectSymbols(names);
                right.collectSymbols(names);
            }
        }
    }

    /// The product of all; 1 if there are none.
    static Dim product(Collection<Dim> dims) {
        Dim result = ONE;
        for (var dim : dims) {
            result = result.times(dim);
        }
        return result;
    }

    /// A list of constant Dims.
    static List<Dim> list(long... values) {
        var result = new ArrayList<Dim>(values.length);
        for (long value : values) {
            result.add(of(value));
        }
        return List.copyOf(result);
    }
}
