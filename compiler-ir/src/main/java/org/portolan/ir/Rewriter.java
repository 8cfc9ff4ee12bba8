package org.portolan.ir;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/// Copies code while replacing values. Results keep their identity unless a copy is asked to be fresh, so that what is
/// not touched by a rewrite stays as it is.
public final class Rewriter {
    private final Map<Value, Value> replacements = new IdentityHashMap<>();

    /// From now on, uses of {@code old} become uses of {@code replacement}.
    public void replace(Value old, Value replacement) {
        replacements.put(old, map(replacement));
    }

    /// What stands for a value now.
    public Value map(Value value) {
        var current = value;
        for (var next = replacements.get(current); next != null; next = replacements.get(current)) {
            current = next;
        }
        return current;
    }

    public List<Value> map(List<Value> values) {
        return values.stream().map(this::map).toList();
    }

    /// The operation with its operands, also those in its bodies, replaced; its results are the same values.
    public Op copy(Op op) {
        return OpSchema.rebuild(op, this::map, result -> result, this::copy);
    }

    /// The body with all uses replaced; parameters and results are the same values.
    public Body copy(Body body) {
        List<Op> ops = null;
        for (int i = 0; i < body.ops().size(); i++) {
            var copied = copy(body.ops().get(i));
            if (ops == null && copied != body.ops().get(i)) {
                ops = new ArrayList<>(body.ops());
            }
            if (ops != null) {
                ops.set(i, copied);
            }
        }
        return ops == null ? body : new Body(body.params(), ops);
    }

    /// A second copy of an operation: its results and everything inside are fresh values, and later uses of the old ones
    /// become uses of those.
    public Op clone(Op op) {
        return OpSchema.rebuild(op, this::map, this::fresh, this::clone);
    }

    /// A second copy of a body: parameters and results are fresh.
    public Body clone(Body body) {
        var params = body.params().stream().map(this::fresh).toList();
        return new Body(params, body.ops().stream().map(this::clone).toList());
    }

    /// Copies a body's operations but its terminator in place of an operation, with its parameters standing for the
    /// arguments; gives the values that the terminator yields.
    public List<Value> inline(Body body, List<Value> arguments, List<Op> into) {
        for (int i = 0; i < arguments.size(); i++) {
            replacements.put(body.params().get(i), map(arguments.get(i)));
        }
        for (var op : body.ops().subList(0, body.ops().size() - 1)) {
            into.add(clone(op));
        }
        return map(OpSchema.operands(body.terminator()));
    }

    private Value fresh(Value old) {
        var copy = old.copy();
        replacements.put(old, copy);
        return copy;
    }
}
