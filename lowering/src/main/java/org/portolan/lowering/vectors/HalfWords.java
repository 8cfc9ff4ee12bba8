package org.portolan.lowering.vectors;

import java.util.List;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Op;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.ElementType;

/// `bf16` on a machine that has no such type: it is the upper half of an `f32`, so that shifts of integers convert it. Between
/// integers of 16 and of 32 bits goes what every such machine has, by way of `f32`, which holds those of 16 bits exactly.
final class HalfWords {
    private static final int WIDTH = 16;
    /// Half of the lowest bit that is kept, less the one that a tie to even needs.
    private static final long ROUNDING = 0x7fff;

    private static final long NOT_A_NUMBER = 0x7fc0;

    private HalfWords() {}

    /// Whether the machine can convert between the two so.
    static boolean convert(ElementType from, ElementType to, VectorTable table) {
        boolean pair = from == ElementType.BF16 && to == ElementType.F32 || from == ElementType.F32 && to == ElementType.BF16;
        return pair
                && !table.casts(from, to)
                && List.of(ElementType.BF16, ElementType.I16, ElementType.I32, ElementType.U32, ElementType.F32).stream()
                        .allMatch(element -> table.has("bitcast", element))
                && table.casts(ElementType.I16, ElementType.F32)
                && table.casts(ElementType.F32, ElementType.I32)
                && table.casts(ElementType.I32, ElementType.F32)
                && table.casts(ElementType.F32, ElementType.I16)
                && table.has("shl", ElementType.I32)
                && table.has("shl", ElementType.U32)
                && table.has("shr", ElementType.I32)
                && table.has("shr", ElementType.U32)
                && table.has("add", ElementType.U32)
                && table.has("select", ElementType.I16)
                && table.compares(Relation.EQUAL, ElementType.F32);
    }

    /// To `f32`: exact.
    static Value widen(Value value, List<Op> ops) {
        var bits = bits(value, ElementType.I16, ops);
        var number = cast(cast(bits, ElementType.F32, ops), ElementType.I32, ops);
        return bits(add(ops, new ArithOp.Shl(number, integer(number, WIDTH, ops), number.copy())), ElementType.F32, ops);
    }

    /// From `f32`, to the nearest, ties to even; NaN stays NaN.
    static Value narrow(Value value, List<Op> ops) {
        var bits = bits(value, ElementType.U32, ops);
        var last = add(ops, new ArithOp.Shl(bits, integer(bits, WIDTH - 1, ops), bits.copy()));
        var odd = add(ops, new ArithOp.Shr(last, integer(bits, 2 * WIDTH - 1, ops), bits.copy()));
        var near = add(ops, new ArithOp.Add(bits, integer(bits, ROUNDING, ops), bits.copy()));
        var rounded = bits(add(ops, new ArithOp.Add(near, odd, bits.copy())), ElementType.I32, ops);
        var upper = add(ops, new ArithOp.Shr(rounded, integer(rounded, WIDTH, ops), rounded.copy()));
        var word = cast(cast(upper, ElementType.F32, ops), ElementType.I16, ops);
        var isNumber = Value.of(value.type().withLaneElement(ElementType.BOOL), value.hint());
        ops.add(new ArithOp.Compare(value, value, Relation.EQUAL, isNumber));
        var chosen = add(ops, new ArithOp.Select(isNumber, word, integer(word, NOT_A_NUMBER, ops), word.copy()));
        return bits(chosen, ElementType.BF16, ops);
    }

    private static Value bits(Value value, ElementType to, List<Op> ops) {
        return add(ops, new ArithOp.Bitcast(value, Value.of(value.type().withLaneElement(to), value.hint())));
    }

    private static Value cast(Value value, ElementType to, List<Op> ops) {
        return add(ops, new ArithOp.Cast(value, Value.of(value.type().withLaneElement(to), value.hint())));
    }

    private static Value integer(Value like, long number, List<Op> ops) {
        return add(ops, new ArithOp.Integer(number, Value.of(like.type(), "k")));
    }

    private static Value add(List<Op> ops, ArithOp op) {
        ops.add(op);
        return op.result();
    }
}
