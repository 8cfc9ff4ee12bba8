package org.portolan.lowering.math;

import java.util.List;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Op;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.ElementType;

/// Integers to the power of integers, by squaring; like all integer arithmetic it wraps. A negative exponent gives
/// the quotient rounded towards zero: 0, but for bases of 1 and -1.
final class IntegerPower {
    private final List<Op> ops;

    IntegerPower(List<Op> ops) {
        this.ops = ops;
    }

    Value pow(Value base, Value exponent) {
        var element = base.type().elementType();
        var one = integer(base, 1);
        var zero = integer(base, 0);
        var result = one;
        var square = base;
        int bits = element.bits() - (element.isSigned() ? 1 : 0);
        for (int bit = 0; bit < bits; bit++) {
            var set = compare(and(exponent, integer(base, 1L << bit)), zero, Relation.NOT_EQUAL);
            result = select(set, multiply(result, square), result);
            square = multiply(square, square);
        }
        if (!element.isSigned()) {
            return result;
        }
        // The lowest bit of a negative exponent says whether it is odd: that is all that counts for 1 and -1.
        var odd = compare(and(exponent, one), zero, Relation.NOT_EQUAL);
        var unit = select(odd, base, one);
        var isOne = compare(base, one, Relation.EQUAL);
        var isMinusOne = compare(base, integer(base, -1), Relation.EQUAL);
        var inverse = select(isOne, one, select(isMinusOne, unit, zero));
        return select(compare(exponent, zero, Relation.LESS), inverse, result);
    }

    private Value integer(Value like, long value) {
        return add(new ArithOp.Integer(value, Value.of(like.type())));
    }

    private Value and(Value left, Value right) {
        return add(new ArithOp.And(left, right, left.copy()));
    }

    private Value multiply(Value left, Value right) {
        return add(new ArithOp.Mul(left, right, left.copy()));
    }

    private Value compare(Value left, Value right, Relation relation) {
        return add(new ArithOp.Compare(
                left, right, relation, Value.of(left.type().withLaneElement(ElementType.BOOL))));
    }

    private Value select(Value condition, Value yes, Value no) {
        return add(new ArithOp.Select(condition, yes, no, yes.copy()));
    }

    private Value add(ArithOp op) {
        ops.add(op);
        return op.result();
    }
}
