package org.portolan.lowering.c;

import java.util.List;
import org.portolan.ir.ArithOp;
import org.portolan.ir.ArithOp.Overflow;
import org.portolan.ir.ArithOp.Rounding;
import org.portolan.ir.Combine;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Scalar and vector arithmetic on one part of a value. Floats of fewer than 32 bits are widened, computed in
/// {@code f32} and rounded back: for one operation this is exact, since {@code f32} has more than twice their digits.
final class Arithmetic {
    private final Builder builder;

    Arithmetic(Builder builder) {
        this.builder = builder;
    }

    /// @param lanes of the part
    /// @param operands the same part of each operand
    Term emit(ArithOp op, int lanes, List<Term> operands) {
        var element = op.result().type().elementType();
        var type = CType.of(element).withLanes(lanes);
        return switch (op) {
            case ArithOp.Const(double value, _) -> constant(type, element, value);
            case ArithOp.Integer(long value, _) -> element == ElementType.INDEX && lanes == 1
                    ? Term.index(value)
                    : builder.integer(type, value);
            case ArithOp.Unary unary -> narrow(unary(unary, wide(operands.get(0), element), element), element);
            case ArithOp.Binary binary -> narrow(
                    binary(binary, wide(operands.get(0), element), wide(operands.get(1), element), element), element);
            case ArithOp.Fma _ -> fma(operands, element);
            case ArithOp.Compare(Value left, _, Relation relation, _) -> compare(
                    relation,
                    wide(operands.get(0), left.type().elementType()),
                    wide(operands.get(1), left.type().elementType()));
            case ArithOp.Select _ -> builder.choose(operands.get(0), operands.get(1), operands.get(2));
            case ArithOp.Cast(Value operand, Rounding rounding, Overflow overflow, _) ->
                Casts.cast(builder, operands.getFirst(), operand.type().elementType(), element, rounding, overflow);
            case ArithOp.Bitcast(Value operand, _) ->
                bitcast(operands.getFirst(), operand.type().elementType(), element, type);
        };
    }

    private Term bitcast(Term value, ElementType from, ElementType to, CType type) {
        if (from == to) {
            return value;
        }
        if (from == ElementType.BOOL) {
            return builder.convert(value, type.base());
        }
        if (to == ElementType.BOOL) {
            return builder.compare("!=", value, builder.integer(value.type(), 0));
        }
        var result = builder.bits(value, type);
        if (to.bits() < 8) {
            return Integers.wrap(builder, result, to.isFloat() ? unsigned(to) : to);
        }
        return result;
    }

    /// An integer as wide as a float of less than a byte.
    private static ElementType unsigned(ElementType element) {
        return element.bits() == 4 ? ElementType.U4 : ElementType.U8;
    }

    /// Combines two values of an element type, as reductions do.
    Term combine(Builder own, Combine combine, Term left, Term right, ElementType element) {
        return new Arithmetic(own).combine(combine, left, right, element);
    }

    Term combine(Combine combine, Term left, Term right, ElementType element) {
        boolean floating = element.isFloat();
        var a = wide(left, element);
        var b = wide(right, element);
        return narrow(
                switch (combine) {
                    case SUM -> floating ? builder.binary("+", a, b) : Integers.wrapping(builder, "+", a, b, element);
                    case PRODUCT ->
                        floating ? builder.binary("*", a, b) : Integers.wrapping(builder, "*", a, b, element);
                    case MINIMUM -> extremum("<", a, b, element);
                    case MAXIMUM -> extremum(">", a, b, element);
                    case AND -> builder.binary("&", left, right);
                    case OR -> builder.binary("|", left, right);
                    case XOR -> builder.binary("^", left, right);
                },
                element);
    }

    private Term constant(CType type, ElementType element, double value) {
        if (!CType.isSmallFloat(element)) {
            return builder.floating(type, value);
        }
        return builder.integer(type, ElementTypes.encodeDouble(
                element, value, true, ElementTypes.ScaleRounding.NEAREST));
    }

    private Term wide(Term operand, ElementType element) {
        return CType.isSmallFloat(element) ? SmallFloats.widen(builder, operand, element) : operand;
    }

    private Term narrow(Term computed, ElementType element) {
        return CType.isSmallFloat(element)
                ? SmallFloats.narrow(builder, computed, element, Rounding.NEAREST_EVEN, Overflow.SATURATE)
                : computed;
    }

    private Term unary(ArithOp.Unary op, Term value, ElementType element) {
        boolean floating = element.isFloat();
        return switch (op) {
            case ArithOp.Neg _ -> floating
                    ? Term.of(value.type(), "(-" + value + ")")
                    : Integers.negate(builder, value, element);
            case ArithOp.Abs _ -> floating
                    ? builder.function(Words.Function.ABS, value)
                    : Integers.absolute(builder, value, element);
            case ArithOp.Sign _ -> floating ? Floats.sign(builder, value) : Integers.sign(builder, value, element);
            case ArithOp.Floor _ -> builder.function(Words.Function.FLOOR, value);
            case ArithOp.Ceil _ -> builder.function(Words.Function.CEIL, value);
            case ArithOp.Round _ -> builder.function(Words.Function.ROUND, value);
            case ArithOp.Trunc _ -> builder.function(Words.Function.TRUNC, value);
            case ArithOp.Sqrt _ -> builder.function(Words.Function.SQRT, value);
            case ArithOp.Not _ -> element == ElementType.BOOL
                    ? builder.not(value)
                    : Integers.wrap(
                            builder, builder.binary("^", value, builder.integer(value.type(), -1)), element);
            case ArithOp.Exp _,
                    ArithOp.Log _,
                    ArithOp.Sin _,
                    ArithOp.Cos _,
                    ArithOp.Tan _,
                    ArithOp.Asin _,
                    ArithOp.Acos _,
                    ArithOp.Atan _,
                    ArithOp.Sinh _,
                    ArithOp.Cosh _,
                    ArithOp.Tanh _,
                    ArithOp.Asinh _,
                    ArithOp.Acosh _,
                    ArithOp.Atanh _,
                    ArithOp.Erf _ -> throw elementary(op);
        };
    }

    private Term binary(ArithOp.Binary op, Term left, Term right, ElementType element) {
        boolean floating = element.isFloat();
        return switch (op) {
            case ArithOp.Add _ -> arithmetic("+", left, right, element);
            case ArithOp.Sub _ -> arithmetic("-", left, right, element);
            case ArithOp.Mul _ -> arithmetic("*", left, right, element);
            case ArithOp.Div _ ->
                floating ? builder.binary("/", left, right) : Integers.divide(builder, left, right, element);
            case ArithOp.Rem _ -> floating
                    ? Floats.remainder(builder, left, right)
                    : Integers.remainder(builder, left, right, element);
            case ArithOp.Mod _ ->
                floating ? Floats.modulo(builder, left, right) : Integers.modulo(builder, left, right, element);
            case ArithOp.Pow _ -> throw elementary(op);
            case ArithOp.Min _ -> extremum("<", left, right, element);
            case ArithOp.Max _ -> extremum(">", left, right, element);
            case ArithOp.And _ -> builder.binary("&", left, right);
            case ArithOp.Or _ -> builder.binary("|", left, right);
            case ArithOp.Xor _ -> builder.binary("^", left, right);
            case ArithOp.Shl _ -> Integers.shift(builder, "<<", left, right, element);
            case ArithOp.Shr _ -> Integers.shift(builder, ">>", left, right, element);
        };
    }

    private Term arithmetic(String operator, Term left, Term right, ElementType element) {
        if (element.isFloat()) {
            return builder.binary(operator, left, right);
        }
        if (element == ElementType.INDEX) {
            return switch (operator) {
                case "+" -> builder.add(left, right);
                case "*" -> builder.multiply(left, right);
                default -> right.literal().isPresent()
                        ? builder.add(left, Term.index(-right.literal().getAsLong()))
                        : builder.binary(operator, left, right);
            };
        }
        return Integers.wrapping(builder, operator, left, right, element);
    }

    private static EmitException elementary(ArithOp op) {
        return new EmitException("elementary functions are expanded before code is emitted, but "
                + op.getClass().getSimpleName() + " of " + op.result().type() + " was not");
    }

    private Term extremum(String operator, Term left, Term right, ElementType element) {
        if (element.isFloat()) {
            return Floats.extremum(builder, operator, left, right);
        }
        return element == ElementType.BOOL
                ? builder.binary(operator.equals("<") ? "&" : "|", left, right)
                : builder.function(
                        operator.equals("<") ? Words.Function.MIN : Words.Function.MAX, left, right);
    }

    private Term fma(List<Term> operands, ElementType element) {
        if (CType.isSmallFloat(element)) {
            return SmallFma.of(builder, operands, element);
        }
        var a = operands.get(0);
        var b = operands.get(1);
        var c = operands.get(2);
        return element.isFloat()
                ? builder.function(Words.Function.FMA, a, b, c)
                : arithmetic("+", builder.let("product", arithmetic("*", a, b, element)), c, element);
    }

    private Term compare(Relation relation, Term left, Term right) {
        return builder.compare(
                switch (relation) {
                    case EQUAL -> "==";
                    case NOT_EQUAL -> "!=";
                    case LESS -> "<";
                    case LESS_OR_EQUAL -> "<=";
                    case GREATER -> ">";
                    case GREATER_OR_EQUAL -> ">=";
                },
                left,
                right);
    }
}
