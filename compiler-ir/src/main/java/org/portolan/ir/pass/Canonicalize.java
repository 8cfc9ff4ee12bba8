package org.portolan.ir.pass;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.Rewriter;
import org.portolan.ir.Type;
import org.portolan.ir.Value;

/// Computes nothing twice and nothing for nobody: of equal operations in a body, or in bodies within each other, the
/// first stays; an operation without effect whose results nobody uses goes.
public record Canonicalize() implements Pass {

    @Override
    public List<Op> run(List<Op> module) {
        var result = new ArrayList<Op>(module.size());
        for (var op : module) {
            var merged = new Merging(op).top();
            result.add(new Sweeping().top(merged));
        }
        return result;
    }

    /// The first of equal operations takes the place of the others.
    private static final class Merging {
        /// What makes two operations equal. Values have no equality but their identity, which is what is meant.
        private record Key(Class<?> kind, List<Object> parts, List<Type> types) {}

        private final Op top;
        private final Rewriter rewriter = new Rewriter();
        private final Set<Value> returned = Collections.newSetFromMap(new IdentityHashMap<>());

        Merging(Op top) {
            this.top = top;
        }

        Op top() {
            return bodies(top, new HashMap<>());
        }

        private Op bodies(Op op, Map<Key, List<Value>> around) {
            return OpSchema.rebuild(op, rewriter::map, result -> result, body -> body(body, op, around));
        }

        private Body body(Body body, Op owner, Map<Key, List<Value>> around) {
            // The values that a function returns carry the names of its outputs.
            if (!body.ops().isEmpty()
                    && (body.ops().getLast() instanceof GraphOp.Return
                            || body.ops().getLast() instanceof PlanOp.Return)) {
                returned.addAll(OpSchema.operands(body.ops().getLast()));
            }
            // Nothing around a scalar body is of use in it.
            boolean scalar = owner instanceof GraphOp.Map || owner instanceof NestOp.Compute;
            var seen = scalar ? new HashMap<Key, List<Value>>() : new HashMap<>(around);
            var ops = new ArrayList<Op>(body.ops().size());
            boolean changed = false;
            for (var old : body.ops()) {
                var op = bodies(old, seen);
                changed |= op != old;
                if (isMergeable(op) && OpSchema.results(op).stream().noneMatch(returned::contains)) {
                    var first = seen.putIfAbsent(key(op), OpSchema.results(op));
                    if (first != null) {
                        replace(OpSchema.results(op), first);
                        changed = true;
                        continue;
                    }
                }
                ops.add(op);
            }
            return changed ? new Body(body.params(), ops) : body;
        }

        private void replace(List<Value> old, List<Value> first) {
            for (int i = 0; i < old.size(); i++) {
                rewriter.replace(old.get(i), first.get(i));
            }
        }

        private static boolean isMergeable(Op op) {
            boolean alwaysTheSame = op instanceof Op.Pure || op instanceof NestOp.Read || op instanceof NestOp.Sum;
            return alwaysTheSame && OpSchema.bodies(op).isEmpty();
        }

        private static Key key(Op op) {
            var parts = new ArrayList<Object>();
            for (var component : OpSchema.of(op).components()) {
                switch (component.role()) {
                    case OPERAND, OPERAND_LIST, OPERAND_OPTIONAL, ATTRIBUTE -> parts.add(OpSchema.get(component, op));
                    case RESULT, RESULT_LIST, BODY -> {}
                }
            }
            return new Key(
                    op.getClass(),
                    parts,
                    OpSchema.results(op).stream().map(Value::type).toList());
        }
    }

    /// Goes from the last operation to the first and keeps what has an effect or is used by what is kept.
    private static final class Sweeping {
        private final Set<Value> used = Collections.newSetFromMap(new IdentityHashMap<>());

        Op top(Op op) {
            return OpSchema.rebuild(op, value -> value, result -> result, this::body);
        }

        private Body body(Body body) {
            var kept = new ArrayList<Op>();
            boolean changed = false;
            for (int i = body.ops().size() - 1; i >= 0; i--) {
                var old = body.ops().get(i);
                if (isDroppable(old) && OpSchema.results(old).stream().noneMatch(used::contains)) {
                    changed = true;
                    continue;
                }
                var op = top(old);
                changed |= op != old;
                used.addAll(OpSchema.operands(op));
                kept.add(op);
            }
            return changed ? new Body(body.params(), kept.reversed()) : body;
        }

        private static boolean isDroppable(Op op) {
            if (op instanceof NestOp.Read read) {
                return read.otherwise() != NestOp.Otherwise.ERROR;
            }
            boolean harmless = op instanceof Op.Pure
                    || op instanceof NestOp.Sum
                    || op instanceof NestOp.Reduce
                    || op instanceof NestOp.Compute nest && nest.into().isEmpty();
            return harmless
                    && OpSchema.bodies(op).stream()
                            .flatMap(body -> body.ops().stream())
                            .allMatch(inner -> inner instanceof Op.Terminator || isDroppable(inner));
        }
    }
}
