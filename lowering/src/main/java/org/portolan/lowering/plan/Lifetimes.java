package org.portolan.lowering.plan;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.Body;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.Value;

/// From which step to which a buffer is needed, counting the steps of all bodies in order. What a loop uses of its
/// outside is needed until the loop ends. A use of a view is one of what it looks at.
final class Lifetimes {
    private final Map<Value, Value> bases = new IdentityHashMap<>();
    private final Map<Value, Integer> first = new IdentityHashMap<>();
    private final Map<Value, Integer> last = new IdentityHashMap<>();
    private int position;

    Lifetimes(Body body) {
        visit(body, new ArrayList<>());
    }

    private void visit(Body body, List<Value> used) {
        for (var op : body.ops()) {
            position++;
            for (var operand : OpSchema.operands(op)) {
                use(base(operand), used);
            }
            for (var result : OpSchema.results(op)) {
                if (op instanceof PlanOp.View(var viewed, _)) {
                    bases.put(result, base(viewed));
                } else {
                    first.put(result, position);
                    last.put(result, position);
                }
            }
            int start = position;
            var usedInside = new ArrayList<Value>();
            if (op instanceof PlanOp.Loop loop) {
                usedInside.add(base(loop.condition()));
            }
            OpSchema.bodies(op).forEach(inner -> visit(inner, usedInside));
            for (var value : usedInside) {
                if (op instanceof PlanOp.Loop && first(value) <= start) {
                    last.put(value, position);
                }
                used.add(value);
            }
        }
    }

    private void use(Value base, List<Value> used) {
        last.put(base, position);
        used.add(base);
    }

    /// What a view looks at; any other buffer itself.
    Value base(Value buffer) {
        return bases.getOrDefault(buffer, buffer);
    }

    int first(Value buffer) {
        return first.getOrDefault(buffer, 0);
    }

    int last(Value buffer) {
        return last.getOrDefault(buffer, 0);
    }
}
