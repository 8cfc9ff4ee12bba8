package org.portolan.ir.interpreter;

import java.util.Arrays;
import java.util.List;
import org.portolan.ir.IrException;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.type.Dim;

/// An index expression over the axes of a nest, ready to be evaluated for all points of a block. Most are affine: a
/// constant and a number of steps for each axis.
final class NestIndex {
    /// {@code constant + sum of coefficients[axis] * axis}.
    record Affine(long constant, long[] coefficients) {}

    private final NestSpace space;
    private final Dim expression;
    private final Affine affine;

    NestIndex(NestSpace space, Dim expression) {
        this.space = space;
        this.expression = expression;
        this.affine = affine(expression);
    }

    /// The affine form, or null.
    Affine affine() {
        return affine;
    }

    private Affine affine(Dim dim) {
        return switch (dim) {
            case Dim.Constant(long value) -> new Affine(value, new long[space.axes()]);
            case Dim.Symbol(String name) -> {
                if (name.startsWith("$")) {
                    yield null;
                }
                var coefficients = new long[space.axes()];
                int axis = space.axis(name);
                if (axis < 0) {
                    yield new Affine(space.symbol(name), coefficients);
                }
                coefficients[axis] = 1;
                yield new Affine(0, coefficients);
            }
            case Dim.Product(long coefficient, List<Dim> factors) -> {
                var product = new Affine(coefficient, new long[space.axes()]);
                for (var factor : factors) {
                    product = times(product, affine(factor));
                }
                yield product;
            }
            case Dim.Sum(List<Dim> terms) -> {
                var sum = new Affine(0, new long[space.axes()]);
                for (var term : terms) {
                    sum = plus(sum, affine(term));
                }
                yield sum;
            }
            case Dim.Binary(var operator, Dim left, Dim right) -> {
                var a = affine(left);
                var b = affine(right);
                yield isNumber(a) && isNumber(b)
                        ? new Affine(apply(operator, a.constant, b.constant), new long[space.axes()])
                        : null;
            }
        };
    }

    private static boolean isNumber(Affine affine) {
        return affine != null && Arrays.stream(affine.coefficients).allMatch(step -> step == 0);
    }

    private static Affine times(Affine left, Affine right) {
        if (left == null || right == null || !isNumber(left) && !isNumber(right)) {
            return null;
        }
        long factor = isNumber(left) ? left.constant : right.constant;
        var other = isNumber(left) ? right : left;
        return new Affine(
                Math.multiplyExact(factor, other.constant),
                Arrays.stream(other.coefficients)
                        .map(step -> Math.multiplyExact(factor, step))
                        .toArray());
    }

    private static Affine plus(Affine left, Affine right) {
        if (left == null || right == null) {
            return null;
        }
        var coefficients = left.coefficients.clone();
        for (int axis = 0; axis < coefficients.length; axis++) {
            coefficients[axis] = Math.addExact(coefficients[axis], right.coefficients[axis]);
        }
        return new Affine(Math.addExact(left.constant, right.constant), coefficients);
    }

    private static long apply(Dim.Operator operator, long left, long right) {
        try {
            return operator.apply(left, right);
        } catch (ArithmeticException e) {
            throw new PortolanException.RunFailed(
                    "an index expression divides by zero", KernelError.INVALID_SIZE, -1);
        }
    }

    /// The least and the greatest value of an affine expression in the block, which has at least one point.
    long[] range() {
        long least = affine.constant;
        long greatest = affine.constant;
        for (int axis = 0; axis < affine.coefficients.length; axis++) {
            long step = affine.coefficients[axis];
            if (step != 0) {
                long first = step * space.low(axis);
                long last = step * (space.low(axis) + space.length(axis) - 1);
                least += Math.min(first, last);
                greatest += Math.max(first, last);
            }
        }
        return new long[] {least, greatest};
    }

    /// The value of an affine expression at the block's first point.
    long first() {
        long value = affine.constant;
        for (int axis = 0; axis < affine.coefficients.length; axis++) {
            value += affine.coefficients[axis] * space.low(axis);
        }
        return value;
    }

    /// The values for all points of the block over the axes of a layout.
    ///
    /// @param operands the values of {@code $0} and on, arranged over the same layout
    long[] values(int[] layout, Elements[] operands, int size) {
        return values(expression, layout, operands, size);
    }

    private long[] values(Dim dim, int[] layout, Elements[] operands, int size) {
        var known = dim == expression ? affine : affine(dim);
        if (known != null) {
            return ramp(known, layout, size);
        }
        return switch (dim) {
            case Dim.Constant _ -> throw new AssertionError("a number is affine");
            case Dim.Symbol(String name) -> operand(name, operands, size);
            case Dim.Product(long coefficient, List<Dim> factors) -> {
                var product = new long[size];
                Arrays.fill(product, coefficient);
                for (var factor : factors) {
                    var other = values(factor, layout, operands, size);
                    for (int i = 0; i < size; i++) {
                        product[i] *= other[i];
                    }
                }
                yield product;
            }
            case Dim.Sum(List<Dim> terms) -> {
                var sum = new long[size];
                for (var term : terms) {
                    var other = values(term, layout, operands, size);
                    for (int i = 0; i < size; i++) {
                        sum[i] += other[i];
                    }
                }
                yield sum;
            }
            case Dim.Binary(var operator, Dim left, Dim right) -> {
                var a = values(left, layout, operands, size);
                var b = values(right, layout, operands, size);
                for (int i = 0; i < size; i++) {
                    a[i] = apply(operator, a[i], b[i]);
                }
                yield a;
            }
        };
    }

    private static long[] operand(String name, Elements[] operands, int size) {
        int number = Integer.parseInt(name.substring(1));
        if (number >= operands.length) {
            throw new IrException("an index expression names operand " + name + " of " + operands.length);
        }
        var values = new long[size];
        for (int i = 0; i < size; i++) {
            values[i] = operands[number].getLong(i);
        }
        return values;
    }

    private long[] ramp(Affine ramp, int[] layout, int size) {
        var values = new long[size];
        if (size == 0) {
            return values;
        }
        var steps = Arrays.stream(layout).mapToLong(axis -> ramp.coefficients[axis]).toArray();
        var lengths = space.lengths(layout);
        long value = ramp.constant;
        for (int axis = 0; axis < ramp.coefficients.length; axis++) {
            value += ramp.coefficients[axis] * space.low(axis);
        }
        if (layout.length == 0) {
            values[0] = value;
            return values;
        }
        int inner = layout.length - 1;
        var index = new int[layout.length];
        for (int at = 0; at < size; ) {
            for (int i = 0; i < lengths[inner]; i++) {
                values[at++] = value + i * steps[inner];
            }
            for (int axis = inner - 1; axis >= 0; axis--) {
                value += steps[axis];
                if (++index[axis] < lengths[axis]) {
                    break;
                }
                value -= steps[axis] * lengths[axis];
                index[axis] = 0;
            }
        }
        return values;
    }
}
