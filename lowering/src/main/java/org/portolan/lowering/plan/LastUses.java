package org.portolan.lowering.plan;

import java.util.IdentityHashMap;
import java.util.Map;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;

/// Which operation is the last to use a value: the last one of the body that defines it, where a use inside of an
/// operation's bodies counts as the operation's own.
final class LastUses {
    private final Map<Value, Op> lastUses = new IdentityHashMap<>();

    LastUses(Body body) {
        visit(body);
    }

    private void visit(Body body) {
        for (var op : body.ops()) {
            OpSchema.bodies(op).forEach(this::visit);
            used(op, op);
        }
    }

    private void used(Op op, Op by) {
        OpSchema.operands(op).forEach(operand -> lastUses.put(operand, by));
        for (var body : OpSchema.bodies(op)) {
            body.ops().forEach(inner -> used(inner, by));
        }
    }

    boolean endsAt(Value value, Op op) {
        return lastUses.get(value) == op;
    }
}
