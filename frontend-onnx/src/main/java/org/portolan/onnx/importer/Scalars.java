package org.portolan.onnx.importer;

import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.ArithOp;
import org.portolan.ir.ArithOp.Overflow;
import org.portolan.ir.ArithOp.Rounding;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.Relation;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Writes the scalar body of one elementwise operation.
final class Scalars {
    /// What an elementwise operation does with one scalar of each input.
    interface Formula {
        Value apply(Scalars s, List<Value> x);
    }

    /// The same for one input.
    interface Unary {
        Value apply(Scalars s, Value x);
    }

    /// The same for two inputs.
    interface Binary {
        Value apply(Scalars s, Value left, Value right);
    }

    private final List<Op> ops = new ArrayList<>();

    /// The body over scalars of these types.
    static Body body(List<ElementType> inputs, Formula formula) {
        var params = inputs.stream().map(Scalars::fresh).toList();
        var scalars = new Scalars();
        var result = formula.apply(scalars, params);
        scalars.ops.add(new GraphOp.Yield(List.of(result)));
        return new Body(params, scalars.ops);
    }

    private static Value fresh(ElementType element) {
        return Value.of(Type.scalar(element));
    }

    private <T extends ArithOp> Value add(T op) {
        ops.add(op);
        return op.result();
    }

    private static Value like(Value value) {
        return Value.of(value.type());
    }

    /// A number of this type.
    Value number(ElementType element, double value) {
        return element.isFloat()
                ? add(new ArithOp.Const(value, fresh(element)))
                : add(new ArithOp.Integer((long) value, fresh(element)));
    }

    /// An integer of this type, exact to 64 bits.
    Value integer(ElementType element, long value) {
        return element.isFloat() ? number(element, value) : add(new ArithOp.Integer(value, fresh(element)));
    }

    /// A number of the type of a value.
    Value number(Value like, double value) {
        return number(like.type().elementType(), value);
    }

    Value truth(boolean value) {
        return integer(ElementType.BOOL, value ? 1 : 0);
    }

    Value neg(Value x) {
        return add(new ArithOp.Neg(x, like(x)));
    }

    Value abs(Value x) {
        return add(new ArithOp.Abs(x, like(x)));
    }

    Value sign(Value x) {
        return add(new ArithOp.Sign(x, like(x)));
    }

    Value floor(Value x) {
        return add(new ArithOp.Floor(x, like(x)));
    }

    Value ceil(Value x) {
        return add(new ArithOp.Ceil(x, like(x)));
    }

    Value round(Value x) {
        return add(new ArithOp.Round(x, like(x)));
    }

    Value trunc(Value x) {
        return add(new ArithOp.Trunc(x, like(x)));
    }

    Value sqrt(Value x) {
        return add(new ArithOp.Sqrt(x, like(x)));
    }

    Value exp(Value x) {
        return add(new ArithOp.Exp(x, like(x)));
    }

    Value log(Value x) {
        return add(new ArithOp.Log(x, like(x)));
    }

    Value sin(Value x) {
        return add(new ArithOp.Sin(x, like(x)));
    }

    Value cos(Value x) {
        return add(new ArithOp.Cos(x, like(x)));
    }

    Value tan(Value x) {
        return add(new ArithOp.Tan(x, like(x)));
    }

    Value asin(Value x) {
        return add(new ArithOp.Asin(x, like(x)));
    }

    Value acos(Value x) {
        return add(new ArithOp.Acos(x, like(x)));
    }

    Value atan(Value x) {
        return add(new ArithOp.Atan(x, like(x)));
    }

    Value sinh(Value x) {
        return add(new ArithOp.Sinh(x, like(x)));
    }

    Value cosh(Value x) {
        return add(new ArithOp.Cosh(x, like(x)));
    }

    Value tanh(Value x) {
        return add(new ArithOp.Tanh(x, like(x)));
    }

    Value asinh(Value x) {
        return add(new ArithOp.Asinh(x, like(x)));
    }

    Value acosh(Value x) {
        return add(new ArithOp.Acosh(x, like(x)));
    }

    Value atanh(Value x) {
        return add(new ArithOp.Atanh(x, like(x)));
    }

    Value erf(Value x) {
        return add(new ArithOp.Erf(x, like(x)));
    }

    Value not(Value x) {
        return add(new ArithOp.Not(x, like(x)));
    }

    Value add(Value left, Value right) {
        return add(new ArithOp.Add(left, right, like(left)));
    }

    Value add(Value left, double right) {
        return add(left, number(left, right));
    }

    Value sub(Value left, Value right) {
        return add(new ArithOp.Sub(left, right, like(left)));
    }

    Value mul(Value left, Value right) {
        return add(new ArithOp.Mul(left, right, like(left)));
    }

    Value mul(Value left, double right) {
        return mul(left, number(left, right));
    }

    Value div(Value left, Value right) {
        return add(new ArithOp.Div(left, right, like(left)));
    }

    Value div(Value left, double right) {
        return div(left, number(left, right));
    }

    Value rem(Value left, Value right) {
        return add(new ArithOp.Rem(left, right, like(left)));
    }

    Value mod(Value left, Value right) {
        return add(new ArithOp.Mod(left, right, like(left)));
    }

    Value pow(Value left, Value right) {
        return add(new ArithOp.Pow(left, right, like(left)));
    }

    Value min(Value left, Value right) {
        return add(new ArithOp.Min(left, right, like(left)));
    }

    Value max(Value left, Value right) {
        return add(new ArithOp.Max(left, right, like(left)));
    }

    Value and(Value left, Value right) {
        return add(new ArithOp.And(left, right, like(left)));
    }

    Value or(Value left, Value right) {
        return add(new ArithOp.Or(left, right, like(left)));
    }

    Value xor(Value left, Value right) {
        return add(new ArithOp.Xor(left, right, like(left)));
    }

    Value shiftLeft(Value left, Value right) {
        return add(new ArithOp.Shl(left, right, like(left)));
    }

    Value shiftRight(Value left, Value right) {
        return add(new ArithOp.Shr(left, right, like(left)));
    }

    Value compare(Value left, Relation relation, Value right) {
        return add(new ArithOp.Compare(left, right, relation, Value.of(Type.BOOL)));
    }

    Value less(Value left, Value right) {
        return compare(left, Relation.LESS, right);
    }

    Value select(Value condition, Value yes, Value no) {
        return add(new ArithOp.Select(condition, yes, no, like(yes)));
    }

    Value cast(Value x, ElementType element) {
        return x.type().elementType() == element ? x : add(new ArithOp.Cast(x, fresh(element)));
    }

    Value cast(Value x, ElementType element, Rounding rounding, Overflow overflow) {
        return x.type().elementType() == element ? x : add(new ArithOp.Cast(x, rounding, overflow, fresh(element)));
    }

    Value bitcast(Value x, ElementType element) {
        return add(new ArithOp.Bitcast(x, fresh(element)));
    }

    /// 1 / (1 + exp(-x)).
    Value sigmoid(Value x) {
        return div(number(x, 1), add(number(x, 1), exp(neg(x))));
    }

    /// The smallest number of an integer type, or minus infinity.
    Value lowest(ElementType element) {
        return element.isFloat()
                ? number(element, Double.NEGATIVE_INFINITY)
                : integer(element, ElementTypes.smallest(element));
    }

    /// The largest number of an integer type, or infinity.
    Value highest(ElementType element) {
        return element.isFloat()
                ? number(element, Double.POSITIVE_INFINITY)
                : integer(element, ElementTypes.largest(element));
    }
}
