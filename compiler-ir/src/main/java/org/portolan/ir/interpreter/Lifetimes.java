package org.portolan.ir.interpreter;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// What can be said about a function before it runs: after which operation a value is not needed any more, and which
/// values give symbols their numbers.
final class Lifetimes {
    /// An axis of a value whose extent is what a symbol stands for from then on.
    record Definition(int axis, String symbol) {}

    private final Map<Body, List<List<Value>>> dead = new IdentityHashMap<>();
    private final Map<Value, List<Definition>> definitions = new IdentityHashMap<>();
    private final Set<String> known = new HashSet<>();

    Lifetimes(GraphOp.Function function) {
        analyse(function.body());
    }

    /// Values of the body that are last used by its operation of that index; they include results nobody uses.
    List<Value> deadAfter(Body body, int op) {
        return dead.get(body).get(op);
    }

    /// The symbols that a value binds when it gets its array.
    List<Definition> definitions(Value value) {
        return definitions.getOrDefault(value, List.of());
    }

    private void analyse(Body body) {
        body.params().forEach(this::define);
        var own = Collections.newSetFromMap(new IdentityHashMap<Value, Boolean>());
        own.addAll(body.params());
        for (var op : body.ops()) {
            own.addAll(OpSchema.results(op));
            if (op instanceof GraphOp.Bind bind) {
                known.addAll(bind.symbols());
            }
            OpSchema.bodies(op).stream().filter(_ -> op instanceof GraphOp).forEach(this::analyse);
            if (op instanceof GraphOp.Loop loop) {
                known.add(loop.trips());
            }
            if (op instanceof GraphOp.If || op instanceof GraphOp.Loop || op instanceof GraphOp.Call) {
                OpSchema.results(op).forEach(this::define);
            }
        }
        var seen = Collections.newSetFromMap(new IdentityHashMap<Value, Boolean>());
        var lists = new ArrayList<List<Value>>(Collections.nCopies(body.ops().size(), List.of()));
        for (int i = body.ops().size() - 1; i >= 0; i--) {
            var op = body.ops().get(i);
            var last = new ArrayList<Value>();
            uses(op, value -> {
                if (own.contains(value) && seen.add(value)) {
                    last.add(value);
                }
            });
            for (var result : OpSchema.results(op)) {
                if (seen.add(result)) {
                    last.add(result);
                }
            }
            lists.set(i, last);
        }
        dead.put(body, lists);
    }

    private static void uses(Op op, Consumer<Value> use) {
        OpSchema.operands(op).forEach(use);
        for (var inner : OpSchema.bodies(op)) {
            inner.ops().forEach(nested -> uses(nested, use));
        }
    }

    private void define(Value value) {
        if (!(value.type() instanceof Type.Tensor tensor)) {
            return;
        }
        var found = new ArrayList<Definition>();
        for (int axis = 0; axis < tensor.rank(); axis++) {
            if (tensor.dim(axis) instanceof Dim.Symbol(String name) && known.add(name)) {
                found.add(new Definition(axis, name));
            }
        }
        if (!found.isEmpty()) {
            definitions.put(value, found);
        }
    }
}
