package org.portolan.lowering.nest;

import java.util.List;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Combine;
import org.portolan.ir.Value;
import org.portolan.runtime.type.ElementType;

/// What a {@link Combine} does to scalars.
final class Combines {
    private Combines() {}

    /// The value that changes nothing: infinities for minimum and maximum of floats, the type's limits for integers.
    static Value neutral(NestBuilder nest, Combine combine, ElementType element) {
        return switch (combine) {
            case SUM, XOR, OR -> nest.zero(element);
            case PRODUCT -> element.isFloat() ? nest.number(1, element) : nest.integer(1, element);
            case AND -> nest.integer(element == ElementType.BOOL ? 1 : allOnes(element), element);
            case MINIMUM -> most(nest, element);
            case MAXIMUM -> least(nest, element);
        };
    }

    /// A value that is greater than or equal to all.
    static Value most(NestBuilder nest, ElementType element) {
        if (element.isFloat()) {
            return nest.number(Double.POSITIVE_INFINITY, element);
        }
        if (element == ElementType.BOOL) {
            return nest.integer(1, element);
        }
        return nest.integer(
                element.isSigned() ? Long.MAX_VALUE >> (Long.SIZE - element.bits()) : allOnes(element), element);
    }

    /// A value that is less than or equal to all.
    static Value least(NestBuilder nest, ElementType element) {
        if (element.isFloat()) {
            return nest.number(Double.NEGATIVE_INFINITY, element);
        }
        return nest.integer(element.isSigned() ? Long.MIN_VALUE >> (Long.SIZE - element.bits()) : 0, element);
    }

    /// Signed types and those of 64 bits hold it as -1.
    private static long allOnes(ElementType element) {
        return element.isSigned() ? -1 : -1L >>> (Long.SIZE - element.bits());
    }

    static Value combine(NestBuilder nest, Combine combine, Value left, Value right) {
        boolean truth = left.type().elementType() == ElementType.BOOL;
        return switch (combine) {
            case SUM -> nest.binary(truth ? ArithOp.Or::new : ArithOp.Add::new, left, right);
            case PRODUCT -> nest.binary(truth ? ArithOp.And::new : ArithOp.Mul::new, left, right);
            case MINIMUM -> nest.binary(truth ? ArithOp.And::new : ArithOp.Min::new, left, right);
            case MAXIMUM -> nest.binary(truth ? ArithOp.Or::new : ArithOp.Max::new, left, right);
            case AND -> nest.binary(ArithOp.And::new, left, right);
            case OR -> nest.binary(ArithOp.Or::new, left, right);
            case XOR -> nest.binary(ArithOp.Xor::new, left, right);
        };
    }

    /// The combination over axes.
    static Value reduce(NestBuilder nest, Combine combine, Value value, List<String> over) {
        var element = value.type().elementType();
        if (combine == Combine.SUM && element != ElementType.BOOL) {
            return nest.sum(value, over);
        }
        if (over.isEmpty()) {
            return value;
        }
        return nest.reduce(
                        List.of(value),
                        List.of(neutral(nest, combine, element)),
                        over,
                        (accumulators, values) ->
                                List.of(combine(nest, combine, accumulators.getFirst(), values.getFirst())))
                .getFirst();
    }
}
