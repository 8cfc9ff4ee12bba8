package org.portolan.lowering.vectors;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Attributes;
import org.portolan.ir.MachineOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Relation;
import org.portolan.runtime.type.ElementType;

/// Which operations a machine has on vectors in memory, for which element types: its {@code machine.vector} lines.
final class VectorTable {
    /// Comparisons work on whole multiples of this many bytes.
    static final long COMPARE_BYTES = 256;

    private final Map<String, Set<String>> types = new HashMap<>();
    private final long alignment;

    VectorTable(MachineOp.Chip machine) {
        alignment = Math.max(1, machine.alignment());
        for (var op : machine.intrinsics().ops()) {
            if (op instanceof MachineOp.Vector(String operation, var listed)) {
                types.computeIfAbsent(operation, _ -> new HashSet<>()).addAll(listed);
            }
        }
    }

    /// Where a vector may begin, in bytes.
    long alignment() {
        return alignment;
    }

    boolean has(String operation, ElementType element) {
        return types.getOrDefault(operation, Set.of()).contains(element.text());
    }

    boolean casts(ElementType from, ElementType to) {
        return types.getOrDefault("cast", Set.of()).contains(from.text() + " " + to.text());
    }

    boolean compares(Relation relation, ElementType element) {
        return has("compare." + Attributes.word(relation), element);
    }

    /// Whether the machine has an operation as it stands.
    boolean has(ArithOp op) {
        return switch (op) {
            case ArithOp.Cast cast ->
                cast.rounding() == ArithOp.Rounding.NEAREST_EVEN
                        && casts(
                                cast.operand().type().elementType(),
                                cast.result().type().elementType());
            case ArithOp.Bitcast bitcast ->
                has("bitcast", bitcast.operand().type().elementType())
                        && has("bitcast", bitcast.result().type().elementType());
            case ArithOp.Compare compare ->
                compares(compare.relation(), compare.left().type().elementType());
            case ArithOp.Select select -> has("select", select.result().type().elementType());
            case ArithOp.Const _, ArithOp.Integer _, ArithOp.Fma _ -> false;
            case ArithOp.Unary unary -> has(word(unary), unary.operand().type().elementType());
            case ArithOp.Binary binary -> has(word(binary), binary.left().type().elementType());
        };
    }

    static String word(ArithOp op) {
        return OpSchema.of(op).name().substring("arith.".length());
    }
}
