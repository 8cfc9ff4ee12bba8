package org.portolan.llvm.emit;

import java.util.function.Function;
import org.portolan.ir.ArithOp;
import org.portolan.ir.ArithOp.Overflow;
import org.portolan.ir.ArithOp.Rounding;
import org.portolan.ir.Combine;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.ElementType;

/// Scalar and vector arithmetic. Floats of fewer than 32 bits are widened, computed in `f32` and rounded back: for
/// one operation this is exact, since `f32` has more than twice their digits.
final class ArithEmitter {
    private final FunctionBuilder builder;
    private final Function<Value, Operand> values;
    private final SmallFloats smallFloats;
    private final Casts casts;
    private final IntegerCorners integers;
    private final FloatOperations floats;

    ArithEmitter(FunctionBuilder builder, Traits traits, Function<Value, Operand> values) {
        this.builder = builder;
        this.values = values;
        smallFloats = new SmallFloats(builder, traits);
        casts = new Casts(builder, smallFloats);
        integers = new IntegerCorners(builder);
        floats = new FloatOperations(builder, traits);
    }

    Operand emit(ArithOp op) {
        var type = Words.of(op.result().type());
        var element = op.result().type().elementType();
        return switch (op) {
            case ArithOp.Const(double value, _) -> constant(type, element, value);
            case ArithOp.Integer(long value, _) -> Operand.integer(type, value);
            case ArithOp.Unary unary -> narrow(unary(unary, wide(unary.operand()), element), element);
            case ArithOp.Binary binary ->
                narrow(binary(binary, wide(binary.left()), wide(binary.right()), element), element);
            case ArithOp.Fma fma -> fma(fma, element);
            case ArithOp.Compare(Value left, Value right, Relation relation, _) ->
                compare(relation, wide(left), wide(right), left.type().elementType());
            case ArithOp.Select(Value condition, Value yes, Value no, _) ->
                builder.select(values.apply(condition), values.apply(yes), values.apply(no));
            case ArithOp.Cast(Value operand, Rounding rounding, Overflow overflow, _) ->
                casts.cast(
                        values.apply(operand), operand.type().elementType(), element, type, rounding, overflow);
            case ArithOp.Bitcast(Value operand, _) ->
                bitcast(values.apply(operand), operand.type().elementType(), element, type);
        };
    }

    /// A truth value is a byte in memory and a bit in a register.
    private Operand bitcast(Operand value, ElementType from, ElementType to, LlvmType type) {
        if (from == to) {
            return value;
        }
        if (from == ElementType.BOOL) {
            return builder.convert("zext", value, type);
        }
        return to == ElementType.BOOL
                ? builder.compare("ne", value, Operand.integer(value.type(), 0))
                : builder.convert("bitcast", value, type);
    }

    /// Combines two values of an element type, as reductions do.
    Operand combine(Combine combine, Operand left, Operand right, ElementType element) {
        var wideLeft = wide(left, element);
        var wideRight = wide(right, element);
        return narrow(
                switch (combine) {
                    case SUM -> add(wideLeft, wideRight);
                    case PRODUCT -> multiply(wideLeft, wideRight);
                    case MINIMUM -> extremum(true, wideLeft, wideRight, element);
                    case MAXIMUM -> extremum(false, wideLeft, wideRight, element);
                    case AND -> builder.binary("and", left, right);
                    case OR -> builder.binary("or", left, right);
                    case XOR -> builder.binary("xor", left, right);
                },
                element);
    }

    private Operand constant(LlvmType type, ElementType element, double value) {
        if (!Words.isSmallFloat(element)) {
            return Operand.floating(type, value);
        }
        var wide = Operand.floating(type.of("double"), value);
        return smallFloats.narrow(wide, element, Rounding.NEAREST_EVEN, Overflow.SATURATE);
    }

    private Operand wide(Value value) {
        return wide(values.apply(value), value.type().elementType());
    }

    private Operand wide(Operand operand, ElementType element) {
        return Words.isSmallFloat(element) ? smallFloats.widen(operand, element) : operand;
    }

    private Operand narrow(Operand computed, ElementType element) {
        return Words.isSmallFloat(element)
                ? smallFloats.narrow(computed, element, Rounding.NEAREST_EVEN, Overflow.SATURATE)
                : computed;
    }

    private Operand unary(ArithOp.Unary op, Operand value, ElementType element) {
        boolean floating = element.isFloat();
        return switch (op) {
            case ArithOp.Neg _ -> builder.negate(value);
            case ArithOp.Abs _ -> floating
                    ? builder.intrinsic("fabs", value)
                    : element.isSigned()
                            ? builder.call(
                                    "llvm.abs." + value.type().suffix(),
                                    value.type(),
                                    value,
                                    new Operand(LlvmType.BIT, "false"))
                            : value;
            case ArithOp.Sign _ -> floating ? floats.sign(value) : integerSign(value, element);
            case ArithOp.Floor _ -> floats.round("floor", value);
            case ArithOp.Ceil _ -> floats.round("ceil", value);
            case ArithOp.Round _ -> floats.round("roundeven", value);
            case ArithOp.Trunc _ -> floats.round("trunc", value);
            case ArithOp.Sqrt _ -> builder.intrinsic("sqrt", value);
            case ArithOp.Not _ -> builder.binary("xor", value, Operand.integer(value.type(), -1));
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

    private Operand binary(ArithOp.Binary op, Operand left, Operand right, ElementType element) {
        boolean floating = element.isFloat();
        boolean signed = element.isSigned();
        return switch (op) {
            case ArithOp.Add _ -> remember(add(left, right), left, right);
            case ArithOp.Sub _ -> floating ? builder.binary("fsub", left, right) : subtract(left, right);
            case ArithOp.Mul _ -> multiply(left, right);
            case ArithOp.Div _ ->
                floating ? builder.binary("fdiv", left, right) : integers.divide(left, right, signed);
            case ArithOp.Rem _ -> floating ? floats.remainder(left, right) : integers.remainder(left, right, signed);
            case ArithOp.Mod _ -> floating ? floats.modulo(left, right) : integers.modulo(left, right, signed);
            case ArithOp.Pow _ -> throw elementary(op);
            case ArithOp.Min _ -> extremum(true, left, right, element);
            case ArithOp.Max _ -> extremum(false, left, right, element);
            case ArithOp.And _ -> builder.binary("and", left, right);
            case ArithOp.Or _ -> builder.binary("or", left, right);
            case ArithOp.Xor _ -> builder.binary("xor", left, right);
            case ArithOp.Shl _ -> integers.shift("shl", left, right);
            case ArithOp.Shr _ -> integers.shift(signed ? "ashr" : "lshr", left, right);
        };
    }

    private static EmitException elementary(ArithOp op) {
        return new EmitException("elementary functions are expanded before code is emitted, but "
                + op.getClass().getSimpleName() + " of " + op.result().type() + " was not");
    }

    private Operand add(Operand left, Operand right) {
        if (left.type().isFloat()) {
            return builder.binary("fadd", left, right);
        }
        if (left.literal().isPresent() && right.literal().isPresent()) {
            return Operand.integer(
                    left.type(), left.literal().getAsLong() + right.literal().getAsLong());
        }
        return left.isLiteral(0) ? right : right.isLiteral(0) ? left : builder.binary("add", left, right);
    }

    private Operand subtract(Operand left, Operand right) {
        if (right.literal().isPresent()) {
            var negated = Operand.integer(right.type(), -right.literal().getAsLong());
            return remember(add(left, negated), left, negated);
        }
        return builder.binary("sub", left, right);
    }

    private Operand multiply(Operand left, Operand right) {
        if (left.type().isFloat()) {
            return builder.binary("fmul", left, right);
        }
        if (left.literal().isPresent() && right.literal().isPresent()) {
            return Operand.integer(
                    left.type(), left.literal().getAsLong() * right.literal().getAsLong());
        }
        return left.isLiteral(1) ? right : right.isLiteral(1) ? left : builder.binary("mul", left, right);
    }

    /// Sums of an index and a number are remembered: addresses keep the number apart.
    private Operand remember(Operand result, Operand left, Operand right) {
        if (result.type().equals(LlvmType.LONG) && result.literal().isEmpty()) {
            builder.rememberSum(result, left, right);
        }
        return result;
    }

    private Operand extremum(boolean smaller, Operand left, Operand right, ElementType element) {
        if (element.isFloat()) {
            return floats.extremum(smaller ? "olt" : "ogt", left, right);
        }
        var kind = element.isSigned() ? "s" : "u";
        return builder.intrinsic(kind + (smaller ? "min" : "max"), left, right);
    }

    private Operand integerSign(Operand value, ElementType element) {
        var zero = Operand.integer(value.type(), 0);
        var positive = builder.convert(
                "zext", builder.compare(element.isSigned() ? "sgt" : "ne", value, zero), value.type());
        if (!element.isSigned()) {
            return positive;
        }
        var negative = builder.convert("sext", builder.compare("slt", value, zero), value.type());
        return builder.binary("or", positive, negative);
    }

    private Operand fma(ArithOp.Fma op, ElementType element) {
        var a = wide(op.a());
        var b = wide(op.b());
        var c = wide(op.c());
        if (!element.isFloat()) {
            return add(multiply(a, b), c);
        }
        if (!Words.isSmallFloat(element)) {
            return floats.fma(a, b, c);
        }
        // The product of two small floats is exact in double, and the sum to odd there lets it be rounded once.
        var type = a.type().of("double");
        var product = builder.binary("fmul", builder.convert("fpext", a, type), builder.convert("fpext", b, type));
        return narrow(floats.sumToOdd(product, builder.convert("fpext", c, type)), element);
    }

    private Operand compare(Relation relation, Operand left, Operand right, ElementType element) {
        var predicate = switch (relation) {
            case EQUAL -> element.isFloat() ? "oeq" : "eq";
            case NOT_EQUAL -> element.isFloat() ? "une" : "ne";
            case LESS -> ordered(element) + "lt";
            case LESS_OR_EQUAL -> ordered(element) + "le";
            case GREATER -> ordered(element) + "gt";
            case GREATER_OR_EQUAL -> ordered(element) + "ge";
        };
        return builder.compare(predicate, left, right);
    }

    private static String ordered(ElementType element) {
        return element.isFloat() ? "o" : element.isSigned() ? "s" : "u";
    }
}
