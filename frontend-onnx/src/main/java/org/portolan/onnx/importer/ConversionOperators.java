package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.since;

import java.util.List;
import org.portolan.ir.ArithOp.Overflow;
import org.portolan.ir.ArithOp.Rounding;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.ElementType;

/// From one element type to another.
final class ConversionOperators {
    static final List<Operator> ROWS = List.of(
            since(1, "Cast", ConversionOperators::cast),
            since(15, "CastLike", call -> convert(call, call.input(1).element())),
            since(26, "BitCast", ConversionOperators::bitCast),
            since(1, "Identity", call -> call.input(0)));

    private ConversionOperators() {}

    private static Operand cast(Call call) {
        var element = call.elementType("to").orElseThrow(() -> call.error("attribute 'to' is missing"));
        return convert(call, element);
    }

    private static Operand convert(Call call, ElementType element) {
        var overflow = call.flag("saturate", true) ? Overflow.SATURATE : Overflow.INFINITY;
        var mode = call.text("round_mode", "up");
        var rounding = switch (mode) {
            case "up" -> element == ElementType.F8E8M0 ? Rounding.UP : Rounding.NEAREST_EVEN;
            case "down" -> element == ElementType.F8E8M0 ? Rounding.DOWN : Rounding.NEAREST_EVEN;
            case "nearest" -> Rounding.NEAREST_EVEN;
            default -> throw call.error("round_mode '%s'".formatted(mode));
        };
        var x = call.input(0);
        return x.element() == element
                ? x
                : call.writer().map(element, x, (s, value) -> {
                    if (x.element().isFloat() && element == ElementType.F4E2M1) {
                        return s.cast(withoutNan(s, value), element, rounding, overflow);
                    }
                    // ONNX's data wants the low bits of what is too large for the types of less than a byte.
                    boolean wraps = x.element().isFloat() && element.isInteger() && element.bits() < 8;
                    return s.cast(wraps ? s.cast(value, ElementType.I32) : value, element, rounding, overflow);
                });
    }

    /// A type without NaN has -0 for it.
    private static Value withoutNan(Scalars s, Value x) {
        return s.select(s.compare(x, Relation.EQUAL, x), x, s.number(x, -0.0));
    }

    private static Operand bitCast(Call call) {
        var element = call.elementType("to").orElseThrow(() -> call.error("attribute 'to' is missing"));
        var x = call.input(0);
        if (x.element().bits() != element.bits()) {
            throw call.error("%s and %s differ in width".formatted(x.element(), element));
        }
        if (x.element() == element) {
            return x;
        }
        // A truth value in memory is a byte of 0 or 1, and has no bits of its own elsewhere.
        boolean truth = x.element() == ElementType.BOOL || element == ElementType.BOOL;
        return call.writer()
                .map(element, x, (s, value) -> truth ? s.cast(value, element) : s.bitcast(value, element));
    }
}
