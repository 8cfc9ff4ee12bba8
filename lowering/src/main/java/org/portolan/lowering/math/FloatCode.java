package org.portolan.lowering.math;

import java.util.List;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Op;
import org.portolan.ir.Relation;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.ElementType;

/// Appends arithmetic on `f32` or `f64`, scalars or vectors, and on integers of the same width to a list of
/// operations.
final class FloatCode {
    private final List<Op> ops;
    private final Type type;
    private final Type signed;
    private final boolean fused;

    /// @param type `f32`, `f64` or a vector of one of them
    /// @param fused whether the target rounds `a * b + c` once; where not, it is two operations
    FloatCode(List<Op> ops, Type type, boolean fused) {
        this.ops = ops;
        this.type = type;
        this.fused = fused;
        signed = type.withLaneElement(isSingle() ? ElementType.I32 : ElementType.I64);
    }

    boolean isSingle() {
        return type.elementType() == ElementType.F32;
    }

    /// The first for `f32`, the second for `f64`.
    double of(double single, double wide) {
        return isSingle() ? single : wide;
    }

    double[] of(double[] single, double[] wide) {
        return isSingle() ? single : wide;
    }

    int mantissaBits() {
        return isSingle() ? 23 : 52;
    }

    int bias() {
        return isSingle() ? 127 : 1023;
    }

    double smallestNormal() {
        return isSingle() ? 0x1p-126 : 0x1p-1022;
    }

    // --------------------------------------------------------------------------------------------------------- floats

    Value number(double value) {
        return add(new ArithOp.Const(value, Value.of(type)));
    }

    Value add(Value left, Value right) {
        return add(new ArithOp.Add(left, right, left.copy()));
    }

    Value add(Value left, double right) {
        return add(left, number(right));
    }

    Value sub(Value left, Value right) {
        return add(new ArithOp.Sub(left, right, left.copy()));
    }

    Value sub(double left, Value right) {
        return sub(number(left), right);
    }

    Value sub(Value left, double right) {
        return sub(left, number(right));
    }

    Value mul(Value left, Value right) {
        return add(new ArithOp.Mul(left, right, left.copy()));
    }

    Value mul(Value left, double right) {
        return mul(left, number(right));
    }

    Value div(Value left, Value right) {
        return add(new ArithOp.Div(left, right, left.copy()));
    }

    Value neg(Value value) {
        return add(new ArithOp.Neg(value, value.copy()));
    }

    Value abs(Value value) {
        return add(new ArithOp.Abs(value, value.copy()));
    }

    Value sqrt(Value value) {
        return add(new ArithOp.Sqrt(value, value.copy()));
    }

    /// To the nearest integer, ties to even.
    Value round(Value value) {
        return add(new ArithOp.Round(value, value.copy()));
    }

    /// `a * b + c`.
    Value fma(Value a, Value b, Value c) {
        return fused ? add(new ArithOp.Fma(a, b, c, a.copy())) : add(mul(a, b), c);
    }

    Value fma(Value a, double b, Value c) {
        return fma(a, number(b), c);
    }

    Value fma(Value a, double b, double c) {
        return fma(a, number(b), number(c));
    }

    /// `c[0] + c[1] x + c[2] x² ..`, by Horner's rule.
    Value polynomial(Value x, double... coefficients) {
        var result = number(coefficients[coefficients.length - 1]);
        for (int i = coefficients.length - 2; i >= 0; i--) {
            result = fma(result, x, number(coefficients[i]));
        }
        return result;
    }

    /// What rounding a product lost: `left * right = product + error`. Without fused operations by Dekker's
    /// splitting.
    Value productError(Value left, Value right, Value product) {
        if (fused) {
            return add(new ArithOp.Fma(left, right, neg(product), left.copy()));
        }
        var leftHigh = upperHalf(left);
        var leftLow = sub(left, leftHigh);
        var rightHigh = upperHalf(right);
        var rightLow = sub(right, rightHigh);
        var error = sub(mul(leftHigh, rightHigh), product);
        error = add(error, mul(leftHigh, rightLow));
        error = add(error, mul(leftLow, rightHigh));
        return add(error, mul(leftLow, rightLow));
    }

    private Value upperHalf(Value value) {
        var scaled = mul(value, of(0x1p12 + 1, 0x1p27 + 1));
        return sub(scaled, sub(scaled, value));
    }

    // ---------------------------------------------------------------------------------------------------- conditions

    Value compare(Relation relation, Value left, Value right) {
        var result = Value.of(left.type().withLaneElement(ElementType.BOOL));
        return add(new ArithOp.Compare(left, right, relation, result));
    }

    Value less(Value left, double right) {
        return compare(Relation.LESS, left, number(right));
    }

    Value greater(Value left, double right) {
        return compare(Relation.GREATER, left, number(right));
    }

    Value equal(Value left, double right) {
        return compare(Relation.EQUAL, left, number(right));
    }

    Value isNan(Value value) {
        return compare(Relation.NOT_EQUAL, value, value);
    }

    Value and(Value left, Value right) {
        return add(new ArithOp.And(left, right, left.copy()));
    }

    Value or(Value left, Value right) {
        return add(new ArithOp.Or(left, right, left.copy()));
    }

    Value xor(Value left, Value right) {
        return add(new ArithOp.Xor(left, right, left.copy()));
    }

    Value not(Value value) {
        return add(new ArithOp.Not(value, value.copy()));
    }

    Value select(Value condition, Value yes, Value no) {
        return add(new ArithOp.Select(condition, yes, no, yes.copy()));
    }

    Value select(Value condition, double yes, Value no) {
        return select(condition, number(yes), no);
    }

    /// The value, but not more than the limit; a NaN stays.
    Value atMost(Value value, double limit) {
        return select(greater(value, limit), limit, value);
    }

    /// The value, but not less than the limit; a NaN stays.
    Value atLeast(Value value, double limit) {
        return select(less(value, limit), limit, value);
    }

    // ------------------------------------------------------------------------------------------------------ integers

    /// An integer of the float's width.
    Value integer(long value) {
        return integer(signed, value);
    }

    Value integer(Type integers, long value) {
        return add(new ArithOp.Integer(value, Value.of(integers)));
    }

    Value bits(Value value) {
        return add(new ArithOp.Bitcast(value, Value.of(signed)));
    }

    Value fromBits(Value bits) {
        return add(new ArithOp.Bitcast(bits, Value.of(type)));
    }

    /// The integer as a float.
    Value toFloat(Value integer) {
        return cast(integer, type);
    }

    Value cast(Value value, Type other) {
        return add(new ArithOp.Cast(value, Value.of(other)));
    }

    Value shiftLeft(Value value, int distance) {
        return add(new ArithOp.Shl(value, integer(value.type(), distance), value.copy()));
    }

    /// Of signed numbers the sign is kept.
    Value shiftRight(Value value, int distance) {
        return add(new ArithOp.Shr(value, integer(value.type(), distance), value.copy()));
    }

    Value shiftLeft(Value value, Value distance) {
        return add(new ArithOp.Shl(value, distance, value.copy()));
    }

    Value shiftRight(Value value, Value distance) {
        return add(new ArithOp.Shr(value, distance, value.copy()));
    }

    /// The bit of the sign, all else 0.
    Value signBit(Value value) {
        return and(bits(value), integer(isSingle() ? Integer.MIN_VALUE : Long.MIN_VALUE));
    }

    /// A value that is not negative, with the sign of another one.
    Value withSign(Value magnitude, Value sign) {
        return fromBits(or(bits(magnitude), signBit(sign)));
    }

    private Value add(ArithOp op) {
        ops.add(op);
        return op.result();
    }
}
