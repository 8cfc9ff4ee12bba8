package org.portolan.lowering.vectors;

import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Relation;
import org.portolan.ir.Rewriter;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.ElementType;

/// Says vector operations that a machine lacks with those that it has, without changing a bit of any result:
///
/// - arithmetic in a small float in `f32`, rounded once at the end (both roundings together are the one that is asked
///   for, since `f32` has more than twice the digits);
/// - comparisons of integers by the smaller or larger of both;
/// - exclusive or as the difference of or and and;
/// - conversions in steps that are exact but the last; saturation and NaN before a conversion to integers; those of `bf16`, the
///   upper half of an `f32`, by shifts.
///
/// What cannot be said so stays, and is computed lane by lane.
final class Legalize {
    private final VectorTable table;
    private final Rewriter rewriter = new Rewriter();

    private Legalize(VectorTable table) {
        this.table = table;
    }

    static Body apply(Body body, VectorTable table) {
        return new Legalize(table).body(body);
    }

    private Body body(Body body) {
        var ops = new ArrayList<Op>();
        for (var op : body.ops()) {
            var copied = OpSchema.rebuild(op, rewriter::map, result -> result, this::body);
            var said = copied instanceof ArithOp arith && isVector(arith) && !table.has(arith)
                    ? say(arith, ops)
                    : null;
            if (said == null) {
                ops.add(copied);
            } else {
                rewriter.replace(((ArithOp) copied).result(), said);
            }
        }
        return new Body(body.params(), ops);
    }

    private static boolean isVector(ArithOp op) {
        boolean constant = op instanceof ArithOp.Const || op instanceof ArithOp.Integer;
        return !constant && (op.result().type() instanceof Type.Vector || op.result().type() instanceof Type.Mask);
    }

    /// The operation in other words; null if there are none.
    private Value say(ArithOp op, List<Op> ops) {
        return switch (op) {
            case ArithOp.Cast cast -> cast(cast, ops);
            case ArithOp.Compare compare -> compare(compare, ops);
            case ArithOp.Xor(Value left, Value right, Value result) -> xor(left, right, result, ops);
            case ArithOp.Abs(Value operand, Value result) when !isFloat(result) && has("max", result) && has("neg", result) -> {
                var negative = add(ops, new ArithOp.Neg(operand, operand.copy()));
                yield add(ops, new ArithOp.Max(operand, negative, result.copy()));
            }
            case ArithOp.Select _, ArithOp.Bitcast _, ArithOp.Const _, ArithOp.Integer _, ArithOp.Fma _ -> null;
            case ArithOp.Unary unary -> isSmallFloat(unary.operand()) ? inSingle(unary, ops) : null;
            case ArithOp.Binary binary -> isSmallFloat(binary.left()) ? inSingle(binary, ops) : null;
        };
    }

    private boolean has(String word, Value value) {
        return table.has(word, value.type().elementType());
    }

    private static boolean isFloat(Value value) {
        return value.type().elementType().isFloat();
    }

    private static boolean isSmallFloat(Value value) {
        var element = value.type().elementType();
        return element == ElementType.BF16 || element == ElementType.F16;
    }

    private static Value add(List<Op> ops, ArithOp op) {
        ops.add(op);
        return op.result();
    }

    /// Rounding to single first does not show: single has more than twice the digits and two more.
    private Value inSingle(ArithOp op, List<Op> ops) {
        boolean known = table.has(VectorTable.word(op), ElementType.F32)
                && converts(op.result().type().elementType(), ElementType.F32)
                && converts(ElementType.F32, op.result().type().elementType());
        boolean safe = op instanceof ArithOp.Unary
                || op instanceof ArithOp.Add
                || op instanceof ArithOp.Sub
                || op instanceof ArithOp.Mul
                || op instanceof ArithOp.Div
                || op instanceof ArithOp.Min
                || op instanceof ArithOp.Max;
        if (!known || !safe) {
            return null;
        }
        var operands = OpSchema.operands(op).stream().map(value -> convert(value, ElementType.F32, ops)).toList();
        var next = operands.iterator();
        var wide = (ArithOp) OpSchema.rebuild(
                op,
                _ -> next.next(),
                result -> Value.of(result.type().withLaneElement(ElementType.F32), result.hint()),
                body -> body);
        ops.add(wide);
        return convert(wide.result(), op.result().type().elementType(), ops);
    }

    private boolean converts(ElementType from, ElementType to) {
        return table.casts(from, to) || HalfWords.convert(from, to, table);
    }

    private Value convert(Value value, ElementType to, List<Op> ops) {
        var from = value.type().elementType();
        if (from == to) {
            return value;
        }
        if (!table.casts(from, to) && HalfWords.convert(from, to, table)) {
            return to == ElementType.F32 ? HalfWords.widen(value, ops) : HalfWords.narrow(value, ops);
        }
        return add(ops, new ArithOp.Cast(value, Value.of(value.type().withLaneElement(to), value.hint())));
    }

    private static Value number(Value like, double value, List<Op> ops) {
        var result = Value.of(like.type(), "k");
        return add(
                ops,
                isFloat(like) ? new ArithOp.Const(value, result) : new ArithOp.Integer((long) value, result));
    }

    private static Value truth(Value like) {
        return Value.of(like.type().withLaneElement(ElementType.BOOL), like.hint());
    }

    private Value compare(ArithOp.Compare op, List<Op> ops) {
        var element = op.left().type().elementType();
        if (isSmallFloat(op.left()) && table.compares(op.relation(), ElementType.F32)
                && converts(element, ElementType.F32)) {
            var left = convert(op.left(), ElementType.F32, ops);
            var right = convert(op.right(), ElementType.F32, ops);
            return add(ops, new ArithOp.Compare(left, right, op.relation(), truth(left)));
        }
        if (element == ElementType.BOOL) {
            return switch (op.relation()) {
                case NOT_EQUAL -> xor(op.left(), op.right(), op.result(), ops);
                case EQUAL -> not(xor(op.left(), op.right(), op.result(), ops), ops);
                case LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL -> null;
            };
        }
        if (!element.isSigned() || !table.compares(Relation.EQUAL, element) || !table.has("max", element)) {
            return null;
        }
        return switch (op.relation()) {
            case EQUAL -> null;
            case NOT_EQUAL -> not(equal(op.left(), op.right(), ops), ops);
            case GREATER_OR_EQUAL -> equal(larger(op, ops), op.left(), ops);
            case LESS_OR_EQUAL -> equal(larger(op, ops), op.right(), ops);
            case LESS -> not(equal(larger(op, ops), op.left(), ops), ops);
            case GREATER -> not(equal(larger(op, ops), op.right(), ops), ops);
        };
    }

    private static Value larger(ArithOp.Compare op, List<Op> ops) {
        return add(ops, new ArithOp.Max(op.left(), op.right(), op.left().copy()));
    }

    private static Value equal(Value left, Value right, List<Op> ops) {
        return add(ops, new ArithOp.Compare(left, right, Relation.EQUAL, truth(left)));
    }

    private static Value not(Value condition, List<Op> ops) {
        return add(ops, new ArithOp.Not(condition, condition.copy()));
    }

    private Value xor(Value left, Value right, Value result, List<Op> ops) {
        var element = left.type().elementType();
        if (!table.has("or", element) || !table.has("and", element)) {
            return null;
        }
        if (element == ElementType.BOOL) {
            var both = add(ops, new ArithOp.And(left, right, result.copy()));
            var either = add(ops, new ArithOp.Or(left, right, result.copy()));
            return add(ops, new ArithOp.And(either, not(both, ops), result.copy()));
        }
        if (!table.has("sub", element)) {
            return null;
        }
        var both = add(ops, new ArithOp.And(left, right, result.copy()));
        var either = add(ops, new ArithOp.Or(left, right, result.copy()));
        return add(ops, new ArithOp.Sub(either, both, result.copy()));
    }

    // --------------------------------------------------------------------------------------------------- conversions

    private Value cast(ArithOp.Cast op, List<Op> ops) {
        var from = op.operand().type().elementType();
        var to = op.result().type().elementType();
        if (op.rounding() != ArithOp.Rounding.NEAREST_EVEN || from == to) {
            return from == to ? op.operand() : null;
        }
        if (HalfWords.convert(from, to, table)) {
            return convert(op.operand(), to, ops);
        }
        if (to == ElementType.BOOL) {
            return toTruth(op.operand(), ops);
        }
        if (from == ElementType.BOOL) {
            return fromTruth(op, ops);
        }
        if (from == ElementType.U8 || from == ElementType.I8) {
            return steps(op.operand(), ops, ElementType.F16, exactFromHalf(to) ? List.of(to) : List.of(ElementType.F32, to));
        }
        if (isSmallFloat(op.operand()) && (isSmallFloat(op.result()) || to.isInteger())) {
            // A conversion to integers from single is written out in its turn.
            var wide = steps(op.operand(), ops, ElementType.F32, List.of());
            return wide == null ? null : toElement(wide, to, ops);
        }
        if (from == ElementType.F32 && (to == ElementType.U8 || to == ElementType.I8)) {
            return toByte(op.operand(), to, ops);
        }
        if (from == ElementType.I32 && to == ElementType.F16) {
            return steps(op.operand(), ops, ElementType.F32, List.of(to));
        }
        return null;
    }

    private static boolean exactFromHalf(ElementType to) {
        return to == ElementType.F16 || to == ElementType.F32 || to == ElementType.I32 || to == ElementType.I16;
    }

    private Value toElement(Value wide, ElementType to, List<Op> ops) {
        if (converts(ElementType.F32, to)) {
            return convert(wide, to, ops);
        }
        return to == ElementType.U8 || to == ElementType.I8 ? toByte(wide, to, ops) : null;
    }

    /// Conversions one after the other, if the machine has them all.
    private Value steps(Value value, List<Op> ops, ElementType first, List<ElementType> rest) {
        var from = value.type().elementType();
        var path = new ArrayList<ElementType>(List.of(first));
        rest.stream().filter(next -> next != path.getLast()).forEach(path::add);
        for (var next : path) {
            if (!converts(from, next)) {
                return null;
            }
            from = next;
        }
        var current = value;
        for (var next : path) {
            current = convert(current, next, ops);
        }
        return current;
    }

    /// Towards zero and within the type; NaN gives 0.
    private Value toByte(Value value, ElementType to, List<Op> ops) {
        boolean known = table.casts(ElementType.F32, ElementType.F16)
                && table.casts(ElementType.F16, to)
                && table.has("trunc", ElementType.F32)
                && table.has("select", ElementType.F32);
        if (!known) {
            return null;
        }
        var isNumber = add(ops, new ArithOp.Compare(value, value, Relation.EQUAL, truth(value)));
        var number = add(ops, new ArithOp.Select(isNumber, value, number(value, 0, ops), value.copy()));
        double low = to == ElementType.U8 ? 0 : -128;
        double high = to == ElementType.U8 ? 255 : 127;
        var least = add(ops, new ArithOp.Max(number, number(value, low, ops), value.copy()));
        var most = add(ops, new ArithOp.Min(least, number(value, high, ops), value.copy()));
        var whole = add(ops, new ArithOp.Trunc(most, value.copy()));
        return convert(convert(whole, ElementType.F16, ops), to, ops);
    }

    private Value toTruth(Value value, List<Op> ops) {
        var element = value.type().elementType();
        if (table.compares(Relation.NOT_EQUAL, element)) {
            return add(ops, new ArithOp.Compare(value, number(value, 0, ops), Relation.NOT_EQUAL, truth(value)));
        }
        if (element.isInteger() && table.compares(Relation.EQUAL, element)) {
            return not(equal(value, number(value, 0, ops), ops), ops);
        }
        var wide = element == ElementType.BF16 ? ElementType.F32 : ElementType.F16;
        boolean known = element.bits() <= 16 && converts(element, wide) && table.compares(Relation.NOT_EQUAL, wide);
        return known ? toTruth(convert(value, wide, ops), ops) : null;
    }

    private Value fromTruth(ArithOp.Cast op, List<Op> ops) {
        var to = op.result().type().elementType();
        var through = table.has("select", to)
                ? to
                : to.bits() == 8 && table.casts(ElementType.F16, to) ? ElementType.F16 : null;
        if (through == null) {
            return null;
        }
        var like = Value.of(op.result().type().withLaneElement(through), op.result().hint());
        var chosen = add(
                ops,
                new ArithOp.Select(op.operand(), number(like, 1, ops), number(like, 0, ops), like));
        return convert(chosen, to, ops);
    }
}
