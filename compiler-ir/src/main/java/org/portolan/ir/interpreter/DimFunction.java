package org.portolan.ir.interpreter;

import java.util.List;
import java.util.function.ToIntFunction;
import java.util.function.ToLongFunction;
import org.portolan.runtime.type.Dim;

/// An index expression ready to be evaluated many times.
@FunctionalInterface
interface DimFunction {
    /// @throws ArithmeticException on division by zero
    long at(long[] values);

    /// @param slots the place of a name in the values, or -1
    /// @param numbers what every other name stands for
    static DimFunction of(Dim dim, ToIntFunction<String> slots, ToLongFunction<String> numbers) {
        return switch (dim) {
            case Dim.Constant(long value) -> _ -> value;
            case Dim.Symbol(String name) -> {
                int slot = slots.applyAsInt(name);
                if (slot >= 0) {
                    yield values -> values[slot];
                }
                long number = numbers.applyAsLong(name);
                yield _ -> number;
            }
            case Dim.Product(long coefficient, List<Dim> factors) -> {
                var functions = functions(factors, slots, numbers);
                yield values -> {
                    long product = coefficient;
                    for (var function : functions) {
                        product *= function.at(values);
                    }
                    return product;
                };
            }
            case Dim.Sum(List<Dim> terms) -> {
                var functions = functions(terms, slots, numbers);
                yield values -> {
                    long sum = 0;
                    for (var function : functions) {
                        sum += function.at(values);
                    }
                    return sum;
                };
            }
            case Dim.Binary(var operator, Dim left, Dim right) -> {
                var a = of(left, slots, numbers);
                var b = of(right, slots, numbers);
                yield values -> operator.apply(a.at(values), b.at(values));
            }
        };
    }

    private static DimFunction[] functions(
            List<Dim> dims, ToIntFunction<String> slots, ToLongFunction<String> numbers) {
        return dims.stream().map(dim -> of(dim, slots, numbers)).toArray(DimFunction[]::new);
    }
}
