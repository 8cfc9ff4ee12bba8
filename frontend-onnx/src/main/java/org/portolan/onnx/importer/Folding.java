package org.portolan.onnx.importer;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.IrException;
import org.portolan.ir.Op;
import org.portolan.ir.Value;
import org.portolan.ir.interpreter.IntegerArithmetic;
import org.portolan.ir.interpreter.RealArithmetic;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Computes the body of an elementwise operation on known elements: integers exactly, also symbolic ones, and floats
/// where the result is the same on every machine. Empty where the result is not known.
final class Folding {
    /// Denominators up to here are recognised in factors such as 0.5 or 2.6666667.
    private static final int LARGEST_DENOMINATOR = 64;

    private final Map<Value, Element> known = new IdentityHashMap<>();

    private Folding() {}

    /// What the body yields for these scalars.
    static Optional<Element> evaluate(Body body, List<Element> arguments) {
        var folding = new Folding();
        for (int i = 0; i < arguments.size(); i++) {
            folding.known.put(body.params().get(i), arguments.get(i));
        }
        try {
            for (var op : body.ops()) {
                if (op instanceof GraphOp.Yield(var values)) {
                    return Optional.of(folding.known.get(values.getFirst()));
                }
                if (!folding.step(op)) {
                    return Optional.empty();
                }
            }
        } catch (ArithmeticException e) {
            return Optional.empty(); // left to the run, where integers wrap
        }
        throw new IrException("an elementwise body without a yield");
    }

    private boolean step(Op op) {
        if (!(op instanceof ArithOp arith)) {
            return false;
        }
        var result = result(arith);
        if (result == null) {
            return false;
        }
        known.put(arith.result(), result);
        return true;
    }

    private Element result(ArithOp op) {
        return switch (op) {
            case ArithOp.Const(double value, var _) -> new Element.Real(value);
            case ArithOp.Integer(long value, var _) -> Element.of(value);
            case ArithOp.Select(var condition, var yes, var no, var _) -> select(condition, yes, no);
            case ArithOp.Compare compare -> compare(compare);
            case ArithOp.Cast cast -> cast(cast);
            case ArithOp.Unary unary ->
                switch (known.get(unary.operand())) {
                    case Element.Whole(Dim x) -> whole(unary, x);
                    case Element.Real(double x) -> real(unary, x);
                    case Element.Ratio ratio -> ratio(unary, ratio);
                };
            case ArithOp.Binary binary -> binary(binary);
            case ArithOp.Fma _, ArithOp.Bitcast _ -> null;
        };
    }

    private Element select(Value condition, Value yes, Value no) {
        if (!(known.get(condition) instanceof Element.Whole(Dim truth))) {
            return null;
        }
        if (truth.isConstant()) {
            return known.get(truth.isConstant(0) ? no : yes);
        }
        return known.get(yes) instanceof Element.Whole(Dim left) && known.get(no) instanceof Element.Whole(Dim right)
                ? new Element.Whole(left.equals(right) ? left : DimLogic.select(truth, left, right))
                : null;
    }

    private Element compare(ArithOp.Compare op) {
        var left = known.get(op.left());
        var right = known.get(op.right());
        if (left instanceof Element.Real(double x) && right instanceof Element.Real(double y)) {
            return Element.of(RealArithmetic.holds(op.relation(), x, y));
        }
        if (!(left instanceof Element.Whole(Dim x)) || !(right instanceof Element.Whole(Dim y))) {
            return null;
        }
        if (x.isConstant() && y.isConstant()) {
            var type = op.left().type().elementType();
            return compared(
                    op,
                    IntegerArithmetic.compare(
                            type, x.constant().getAsLong(), y.constant().getAsLong()));
        }
        var difference = x.minus(y);
        if (difference.isConstant()) {
            return compared(op, Long.signum(difference.constant().getAsLong()));
        }
        if (DimLogic.atLeast(difference) > 0) {
            return compared(op, 1);
        }
        return DimLogic.atLeast(difference.times(-1)) > 0 ? compared(op, -1) : null;
    }

    private static Element compared(ArithOp.Compare op, int comparison) {
        return Element.of(op.relation().holds(comparison));
    }

    private static boolean isExtent(Dim dim) {
        return DimLogic.atLeast(dim) >= 0;
    }

    private Element cast(ArithOp.Cast op) {
        var from = op.operand().type().elementType();
        var to = op.result().type().elementType();
        return switch (known.get(op.operand())) {
            case Element.Whole(Dim value) when !value.isConstant() -> symbolicCast(value, to);
            case Element.Whole(Dim value) -> {
                long bits = ElementTypes.convert(
                        from, to, ElementTypes.encodeLong(from, value.constant().getAsLong()));
                yield decoded(to, bits);
            }
            case Element.Real(double value) -> {
                if (to.bits() <= 8 && to.isFloat()) {
                    yield null; // rounding and overflow are the interpreter's business
                }
                yield decoded(to, ElementTypes.encodeDouble(to, value));
            }
            case Element.Ratio ratio -> {
                if (to.isFloat()) {
                    yield to.bits() >= 32 ? ratio : null;
                }
                var floor = floor(ratio);
                yield to == ElementType.I64 || to == ElementType.I32 ? floor : null;
            }
        };
    }

    private static Element symbolicCast(Dim value, ElementType to) {
        return switch (to) {
            case I64, I32, U64, U32, INDEX -> new Element.Whole(value);
            case F64, F32 -> new Element.Ratio(value, 1, 1);
            case BOOL ->
                isExtent(value)
                        ? null
                        : new Element.Whole(DimLogic.absolute(value).minimum(Dim.ONE));
            case F16,
                    BF16,
                    F8E4M3,
                    F8E4M3FNUZ,
                    F8E5M2,
                    F8E5M2FNUZ,
                    F8E8M0,
                    F4E2M1,
                    I16,
                    I8,
                    I4,
                    I2,
                    U16,
                    U8,
                    U4,
                    U2,
                    STRING -> null;
        };
    }

    private static Element decoded(ElementType type, long bits) {
        return type.isFloat()
                ? new Element.Real(ElementTypes.decodeDouble(type, bits))
                : Element.of(ElementTypes.decodeLong(type, bits));
    }

    private static Element whole(ArithOp.Unary op, Dim x) {
        var type = op.result().type().elementType();
        if (x.isConstant()) {
            return wrapped(
                    type, IntegerArithmetic.unary(op, type).applyAsLong(x.constant().getAsLong()));
        }
        var result = switch (op) {
            case ArithOp.Neg _ -> x.times(-1);
            case ArithOp.Abs _ -> isExtent(x) ? x : DimLogic.absolute(x);
            case ArithOp.Not _ -> type == ElementType.BOOL ? DimLogic.not(x) : x.times(-1).minus(1);
            case ArithOp.Sign _, ArithOp.Floor _, ArithOp.Ceil _, ArithOp.Round _, ArithOp.Trunc _, ArithOp.Sqrt _ -> null;
            case ArithOp.Exp _, ArithOp.Log _, ArithOp.Sin _, ArithOp.Cos _, ArithOp.Tan _, ArithOp.Asin _ -> null;
            case ArithOp.Acos _, ArithOp.Atan _, ArithOp.Sinh _, ArithOp.Cosh _, ArithOp.Tanh _ -> null;
            case ArithOp.Asinh _, ArithOp.Acosh _, ArithOp.Atanh _, ArithOp.Erf _ -> null;
        };
        return result == null ? null : symbolic(type, result);
    }

    private static Element wrapped(ElementType type, long value) {
        return Element.of(ElementTypes.decodeLong(type, ElementTypes.encodeLong(type, value)));
    }

    /// Symbolic numbers are extents, and fit the types that carry extents.
    private static Element symbolic(ElementType type, Dim value) {
        if (value.isConstant()) {
            return wrapped(type, value.constant().getAsLong());
        }
        return type.bits() >= 32 || type == ElementType.BOOL ? new Element.Whole(value) : null;
    }

    private static Element real(ArithOp.Unary op, double x) {
        return isExact(op)
                ? rounded(op.result().type().elementType(), RealArithmetic.unary(op).applyAsDouble(x))
                : null;
    }

    /// Whether an operation has the same result on every machine.
    private static boolean isExact(ArithOp op) {
        return switch (op) {
            case ArithOp.Neg _, ArithOp.Abs _, ArithOp.Sign _, ArithOp.Sqrt _ -> true;
            case ArithOp.Floor _, ArithOp.Ceil _, ArithOp.Round _, ArithOp.Trunc _ -> true;
            case ArithOp.Add _, ArithOp.Sub _, ArithOp.Mul _, ArithOp.Div _, ArithOp.Min _, ArithOp.Max _ -> true;
            case ArithOp.Unary _, ArithOp.Binary _, ArithOp.Const _, ArithOp.Integer _ -> false;
            case ArithOp.Compare _, ArithOp.Select _, ArithOp.Cast _, ArithOp.Bitcast _, ArithOp.Fma _ -> false;
        };
    }

    private static Element ratio(ArithOp.Unary op, Element.Ratio x) {
        return switch (op) {
            case ArithOp.Floor _ -> whole(x.extent().times(x.numerator()).floorDivide(x.denominator()));
            case ArithOp.Ceil _ -> whole(x.extent().times(x.numerator()).ceilDivide(x.denominator()));
            case ArithOp.Neg _,
                    ArithOp.Abs _,
                    ArithOp.Sign _,
                    ArithOp.Round _,
                    ArithOp.Trunc _,
                    ArithOp.Sqrt _,
                    ArithOp.Exp _,
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
                    ArithOp.Erf _,
                    ArithOp.Not _ -> null;
        };
    }

    private static Element whole(Dim extent) {
        return new Element.Ratio(extent, 1, 1);
    }

    private static Element floor(Element.Ratio ratio) {
        return new Element.Whole(ratio.extent().times(ratio.numerator()).floorDivide(ratio.denominator()));
    }

    /// The exact result in the type's precision; doubles hold more than twice the digits of a float.
    private static Element rounded(ElementType type, double exact) {
        return switch (type) {
            case F64, F32, F16, BF16 -> decoded(type, ElementTypes.encodeDouble(type, exact));
            case F8E4M3,
                    F8E4M3FNUZ,
                    F8E5M2,
                    F8E5M2FNUZ,
                    F8E8M0,
                    F4E2M1,
                    I64,
                    I32,
                    I16,
                    I8,
                    I4,
                    I2,
                    U64,
                    U32,
                    U16,
                    U8,
                    U4,
                    U2,
                    BOOL,
                    INDEX,
                    STRING -> null;
        };
    }

    private Element binary(ArithOp.Binary op) {
        var left = known.get(op.left());
        var right = known.get(op.right());
        var type = op.result().type().elementType();
        if (left instanceof Element.Whole(Dim x) && right instanceof Element.Whole(Dim y)) {
            if (x.isConstant() && y.isConstant()) {
                long first = x.constant().getAsLong();
                long second = y.constant().getAsLong();
                return wrapped(type, IntegerArithmetic.binary(op, type).applyAsLong(first, second));
            }
            var result = symbolic(op, type, x, y);
            return result == null ? null : symbolic(type, result);
        }
        if (left instanceof Element.Real(double x) && right instanceof Element.Real(double y)) {
            return isExact(op) ? rounded(type, RealArithmetic.binary(op).applyAsDouble(x, y)) : null;
        }
        if (left instanceof Element.Ratio ratio && right instanceof Element.Real(double factor)) {
            return scaled(op, ratio, factor);
        }
        if (right instanceof Element.Ratio ratio && left instanceof Element.Real(double factor)) {
            return op instanceof ArithOp.Mul ? scaled(op, ratio, factor) : null;
        }
        return null;
    }

    /// An extent times a factor that is a fraction of small numbers.
    private static Element scaled(ArithOp.Binary op, Element.Ratio ratio, double factor) {
        boolean divides = op instanceof ArithOp.Div;
        if (!divides && !(op instanceof ArithOp.Mul) || !(factor > 0) || factor > 1 << 20) {
            return null;
        }
        for (int denominator = 1; denominator <= LARGEST_DENOMINATOR; denominator++) {
            long numerator = Math.round(factor * denominator);
            if (numerator > 0 && (float) ((double) numerator / denominator) == (float) factor) {
                return divides
                        ? new Element.Ratio(
                                ratio.extent(),
                                Math.multiplyExact(ratio.numerator(), denominator),
                                Math.multiplyExact(ratio.denominator(), numerator))
                        : new Element.Ratio(
                                ratio.extent(),
                                Math.multiplyExact(ratio.numerator(), numerator),
                                Math.multiplyExact(ratio.denominator(), denominator));
            }
        }
        return null;
    }

    private static Dim symbolic(ArithOp.Binary op, ElementType type, Dim x, Dim y) {
        boolean truth = type == ElementType.BOOL;
        return switch (op) {
            case ArithOp.Add _ -> x.plus(y);
            case ArithOp.Sub _ -> x.minus(y);
            case ArithOp.Mul _ -> x.times(y);
            case ArithOp.Min _ -> x.minimum(y);
            case ArithOp.Max _ -> x.maximum(y);
            case ArithOp.Div _ -> isExtent(x) && isPositive(y) ? x.floorDivide(y) : null;
            case ArithOp.Rem _ -> isExtent(x) && isPositive(y) ? x.modulo(y) : null;
            case ArithOp.Mod _ -> isPositive(y) ? x.modulo(y) : null;
            case ArithOp.And _ -> truth ? x.times(y) : null;
            case ArithOp.Or _ -> truth ? x.maximum(y) : null;
            case ArithOp.Xor _, ArithOp.Pow _, ArithOp.Shl _, ArithOp.Shr _ -> null;
        };
    }

    private static boolean isPositive(Dim dim) {
        return dim.constant().orElse(0) > 0;
    }

    /// Elements as a list, or empty where one is not known.
    static Optional<List<Element>> all(Body body, List<List<Element>> arguments, int count) {
        var results = new ArrayList<Element>(count);
        for (int i = 0; i < count; i++) {
            int index = i;
            var result = evaluate(
                    body,
                    arguments.stream().map(elements -> elements.get(index)).toList());
            if (result.isEmpty()) {
                return Optional.empty();
            }
            results.add(result.get());
        }
        return Optional.of(results);
    }
}
