package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.since;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Arithmetic, comparison, logic and bits, element by element.
final class ElementwiseOperators {
    static final List<Operator> ROWS = List.of(
            unary("Abs", 1, Scalars::abs),
            unary("Neg", 1, Scalars::neg),
            unary("Sign", 9, Scalars::sign),
            unary("Floor", 1, Scalars::floor),
            unary("Ceil", 1, Scalars::ceil),
            unary("Round", 11, Scalars::round),
            unary("Sqrt", 1, Scalars::sqrt),
            unary("Exp", 1, Scalars::exp),
            unary("Log", 1, Scalars::log),
            unary("Sin", 7, Scalars::sin),
            unary("Cos", 7, Scalars::cos),
            unary("Tan", 7, Scalars::tan),
            unary("Asin", 7, Scalars::asin),
            unary("Acos", 7, Scalars::acos),
            unary("Atan", 7, Scalars::atan),
            unary("Sinh", 9, Scalars::sinh),
            unary("Cosh", 9, Scalars::cosh),
            unary("Asinh", 9, Scalars::asinh),
            unary("Acosh", 9, Scalars::acosh),
            unary("Atanh", 9, Scalars::atanh),
            unary("Erf", 9, Scalars::erf),
            unary("Not", 1, Scalars::not),
            unary("BitwiseNot", 18, Scalars::not),
            unary("Reciprocal", 1, (s, x) -> s.div(s.number(x, 1), x)),
            since(9, "IsNaN", call -> truth(call, (s, x) -> s.compare(x, Relation.NOT_EQUAL, x))),
            since(10, "IsInf", ElementwiseOperators::isInfinite),
            binary("Add", 1, Scalars::add),
            binary("Sub", 1, Scalars::sub),
            binary("Mul", 1, Scalars::mul),
            binary("Div", 1, Scalars::div),
            binary("And", 1, Scalars::and),
            binary("Or", 1, Scalars::or),
            binary("Xor", 1, Scalars::xor),
            binary("BitwiseAnd", 18, Scalars::and),
            binary("BitwiseOr", 18, Scalars::or),
            binary("BitwiseXor", 18, Scalars::xor),
            since(10, "Mod", call -> binary(call, call.flag("fmod", false) ? Scalars::rem : Scalars::mod)),
            since(11, "BitShift", ElementwiseOperators::bitShift),
            since(1, "Pow", ElementwiseOperators::power),
            compare("Equal", 1, Relation.EQUAL),
            compare("Less", 1, Relation.LESS),
            compare("LessOrEqual", 12, Relation.LESS_OR_EQUAL),
            compare("Greater", 1, Relation.GREATER),
            compare("GreaterOrEqual", 12, Relation.GREATER_OR_EQUAL),
            since(1, "Max", call -> variadic(call, Scalars::max)),
            since(1, "Min", call -> variadic(call, Scalars::min)),
            since(1, "Sum", call -> variadic(call, Scalars::add)),
            since(1, "Mean", ElementwiseOperators::mean),
            since(9, "Where", ElementwiseOperators::where),
            since(1, "Clip", ElementwiseOperators::clip));

    private ElementwiseOperators() {}

    private static Operator unary(String name, long since, Scalars.Unary formula) {
        return since(since, name, call -> call.writer().map(call.input(0), formula));
    }

    private static Operator binary(String name, long since, Scalars.Binary formula) {
        return since(since, name, call -> binary(call, formula));
    }

    private static Operand binary(Call call, Scalars.Binary formula) {
        var left = call.input(0);
        return call.writer().map(left.element(), left, second(call), formula);
    }

    private static Operator compare(String name, long since, Relation relation) {
        return since(
                since,
                name,
                call -> call.writer()
                        .map(ElementType.BOOL, call.input(0), second(call), (s, x, y) -> s.compare(x, relation, y)));
    }

    /// The second operand. Before opset 7 it was broadcast only if the node said so, and from an axis that it gave.
    private static Operand second(Call call) {
        var right = call.input(1);
        if (call.opset() >= 7
                || !call.flag("broadcast", false)
                || call.integer("axis").isEmpty()) {
            return right;
        }
        int rank = call.input(0).rank();
        int axis = call.axis(call.integer("axis", 0), rank);
        int trailing = rank - axis - right.rank();
        if (trailing < 0) {
            throw call.error("axis %d leaves no room for %s".formatted(axis, right.type()));
        }
        var dims = new ArrayList<>(right.dims());
        IntStream.range(0, trailing).forEach(i -> dims.add(Dim.ONE));
        return call.writer().reshape(right, dims);
    }

    private static Operand truth(Call call, Scalars.Unary formula) {
        return call.writer().map(ElementType.BOOL, call.input(0), formula);
    }

    private static Operand isInfinite(Call call) {
        boolean negative = call.flag("detect_negative", true);
        boolean positive = call.flag("detect_positive", true);
        return truth(call, (s, x) -> {
            var high = s.compare(x, Relation.EQUAL, s.number(x, Double.POSITIVE_INFINITY));
            var low = s.compare(x, Relation.EQUAL, s.number(x, Double.NEGATIVE_INFINITY));
            return s.or(s.and(high, s.truth(positive)), s.and(low, s.truth(negative)));
        });
    }

    private static Operand bitShift(Call call) {
        var direction = call.text("direction", "");
        return switch (direction) {
            case "LEFT" -> binary(call, Scalars::shiftLeft);
            case "RIGHT" -> binary(call, Scalars::shiftRight);
            default -> throw call.error("direction must be LEFT or RIGHT, found '%s'".formatted(direction));
        };
    }

    /// The result has the base's type. A base of integers and an exponent of floats meet in f64.
    private static Operand power(Call call) {
        var element = call.input(0).element();
        if (element.isFloat() && call.constantNumbers(second(call)).equals(Optional.of(List.of(2.0)))) {
            return call.writer().map(call.input(0), (s, x) -> s.mul(x, x));
        }
        return call.writer().map(element, call.input(0), second(call), (s, base, exponent) -> {
            var exponentElement = exponent.type().elementType();
            if (element.isFloat() || !exponentElement.isFloat()) {
                return s.pow(base, s.cast(exponent, element));
            }
            var wide = s.pow(s.cast(base, ElementType.F64), s.cast(exponent, ElementType.F64));
            return s.cast(wide, element);
        });
    }

    private static Operand variadic(Call call, Scalars.Binary formula) {
        return call.writer().map(call.input(0).element(), call.all(), (s, x) -> folded(s, x, formula), "broadcast");
    }

    private static Value folded(Scalars s, List<Value> x, Scalars.Binary formula) {
        var result = x.getFirst();
        for (var next : x.subList(1, x.size())) {
            result = formula.apply(s, result, next);
        }
        return result;
    }

    private static Operand mean(Call call) {
        int count = call.inputCount();
        return call.writer()
                .map(
                        call.input(0).element(),
                        call.all(),
                        (s, x) -> s.div(folded(s, x, Scalars::add), count),
                        "broadcast");
    }

    private static Operand where(Call call) {
        return call.writer()
                .map(
                        call.input(1).element(),
                        call.all(),
                        (s, x) -> s.select(x.get(0), x.get(1), x.get(2)),
                        "broadcast");
    }

    /// Bounds are attributes before opset 11 and inputs since. Where they cross, the upper one wins.
    private static Operand clip(Call call) {
        var x = call.input(0);
        var element = x.element();
        var writer = call.writer();
        var low = call.opset() < 11 ? call.number("min").map(value -> writer.scalar(element, value)) : call.optional(1);
        var high =
                call.opset() < 11 ? call.number("max").map(value -> writer.scalar(element, value)) : call.optional(2);
        var result = x;
        if (low.isPresent()) {
            result = writer.mapTo(
                    x.dims(), element, List.of(result, single(call, low.get())), (s, v) -> s.max(v.get(0), v.get(1)));
        }
        if (high.isPresent()) {
            result = writer.mapTo(
                    x.dims(), element, List.of(result, single(call, high.get())), (s, v) -> s.min(v.get(0), v.get(1)));
        }
        return result;
    }

    /// A bound: a scalar, or a tensor of one element.
    private static Operand single(Call call, Operand bound) {
        return call.writer().reshape(bound, List.of());
    }
}
