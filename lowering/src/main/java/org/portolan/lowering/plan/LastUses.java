package org.portolan.lowering.plan;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
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

    /// Gives the values of the outside that the body uses.
    private Set<Value> visit(Body body) {
        Set<Value> used = Collections.newSetFromMap(new IdentityHashMap<>());
        for (var op : body.ops()) {
            for (var operand : OpSchema.operands(op)) {
                lastUses.put(operand, op);
                used.add(operand);
            }
            for (var inner : OpSchema.bodies(op)) {
                for (var operand : visit(inner)) {
                    lastUses.put(operand, op);
                    used.add(operand);
                }
            }
        }
        body.ops().forEach(op -> used.removeAll(OpSchema.results(op)));
        used.removeAll(body.params());
        return used;
    }

    boolean endsAt(Value value, Op op) {
        return lastUses.get(value) == op;
    }
}
