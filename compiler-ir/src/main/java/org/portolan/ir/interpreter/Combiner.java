package org.portolan.ir.interpreter;

import java.util.function.DoubleBinaryOperator;
import java.util.function.LongBinaryOperator;
import org.portolan.ir.Combine;
import org.portolan.ir.IrException;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// {@link Combine} on elements of one type: each step is rounded, or wrapped, to the type.
final class Combiner {
    private final Combine combine;
    private final ElementType type;
    private final DoubleBinaryOperator real;
    private final LongBinaryOperator integer;

    Combiner(Combine combine, ElementType type) {
        this.combine = combine;
        this.type = type;
        this.real = type.isFloat() ? real(combine) : null;
        this.integer = type.isFloat() ? null : integer(combine, type);
    }

    private static DoubleBinaryOperator real(Combine combine) {
        return switch (combine) {
            case SUM -> Double::sum;
            case PRODUCT -> (a, b) -> a * b;
            case MINIMUM -> Math::min;
            case MAXIMUM -> Math::max;
            case AND, OR, XOR ->
                throw new IrException("floating-point numbers cannot be combined bit by bit (" + combine + ")");
        };
    }

    private static LongBinaryOperator integer(Combine combine, ElementType type) {
        return switch (combine) {
            case SUM -> Long::sum;
            case PRODUCT -> (a, b) -> a * b;
            case MINIMUM -> (a, b) -> IntegerArithmetic.compare(type, a, b) <= 0 ? a : b;
            case MAXIMUM -> (a, b) -> IntegerArithmetic.compare(type, a, b) >= 0 ? a : b;
            case AND -> (a, b) -> a & b;
            case OR -> (a, b) -> a | b;
            case XOR -> (a, b) -> a ^ b;
        };
    }

    double apply(double left, double right) {
        double exact = real.applyAsDouble(left, right);
        return type == ElementType.F32 ? (float) exact : Rounding.round(type, exact);
    }

    long apply(long left, long right) {
        return Rounding.wrap(type, integer.applyAsLong(left, right));
    }

    /// Combines element {@code index} of a row with one of another, in place.
    void into(Elements row, int index, Elements other, int from) {
        switch (row) {
            case Elements.Floats(_, float[] values) ->
                values[index] = (float) apply(values[index], ((Elements.Floats) other).values()[from]);
            case Elements.Doubles(double[] values) ->
                values[index] = apply(values[index], ((Elements.Doubles) other).values()[from]);
            case Elements.Longs(_, long[] values) ->
                values[index] = apply(values[index], ((Elements.Longs) other).values()[from]);
            case Elements.Texts _ -> throw new IrException("texts cannot be combined");
        }
    }

    /// Stores what combines with any element to that element.
    void neutral(Elements row, int index) {
        switch (combine) {
            case SUM, OR, XOR -> row.setLong(index, 0);
            case PRODUCT -> row.setLong(index, 1);
            case AND -> row.setLong(index, type == ElementType.BOOL ? 1 : -1);
            case MINIMUM -> extreme(row, index, false);
            case MAXIMUM -> extreme(row, index, true);
        }
    }

    private void extreme(Elements row, int index, boolean smallest) {
        if (type == ElementType.BOOL) {
            row.setLong(index, smallest ? 0 : 1);
        } else if (type.isFloat()) {
            row.setBits(
                    index,
                    ElementTypes.encodeDouble(
                            type, smallest ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY));
        } else {
            row.setLong(index, smallest ? ElementTypes.smallest(type) : ElementTypes.largest(type));
        }
    }
}
