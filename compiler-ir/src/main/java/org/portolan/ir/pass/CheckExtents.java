package org.portolan.ir.pass;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.GraphOp.Check;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Relation;
import org.portolan.ir.analysis.DimBounds;
import org.portolan.ir.analysis.ExtentRules;
import org.portolan.ir.analysis.FunctionSymbols;
import org.portolan.runtime.type.Dim;

/// Puts a `graph.check` before every operation whose extents are not proven to fit, so that no model, whoever wrote it,
/// makes a kernel read or write beyond the end of a tensor: what the symbols turn out to be is checked by the run. Nothing
/// is said twice.
public record CheckExtents() implements Pass {

    @Override
    public List<Op> run(List<Op> module) {
        return module.stream()
                .map(op -> op instanceof GraphOp.Function function ? checked(function) : op)
                .toList();
    }

    private static Op checked(GraphOp.Function function) {
        var natural = NaturalExtents.of(function);
        var body = new Checked(null, FunctionSymbols.of(natural).bounds(), natural).body(natural.body());
        return new GraphOp.Function(function.name(), function.symbols(), body);
    }

    /// What is known to hold from a place in a body on.
    private static final class Checked {
        /// How often what is equal to a symbol is put in its place: a chain of equalities is seldom longer.
        private static final int ROUNDS = 4;

        private final Checked outer;
        private final DimBounds bounds;
        private final GraphOp around;
        private final Set<List<Object>> known = new HashSet<>();
        private final Map<String, Dim> equals = new HashMap<>();

        /// @param around whose body this is
        Checked(Checked outer, DimBounds bounds, GraphOp around) {
            this.outer = outer;
            this.bounds = bounds;
            this.around = around;
        }

        Body body(Body body) {
            var ops = new ArrayList<Op>(body.ops().size());
            for (var op : body.ops()) {
                if (!(op instanceof GraphOp graph)) {
                    ops.add(op);
                    continue;
                }
                ExtentRules.of(graph, bounds).forEach(rule -> demand(rule, ops));
                if (graph instanceof GraphOp.Yield yield) {
                    ExtentRules.ofYield(around, yield, bounds).forEach(rule -> demand(rule, ops));
                } else if (graph instanceof Check check) {
                    learn(check);
                }
                ops.add(
                        graph instanceof GraphOp.If || graph instanceof GraphOp.Loop
                                ? OpSchema.rebuild(
                                        op,
                                        value -> value,
                                        value -> value,
                                        inner -> new Checked(this, bounds, graph).body(inner))
                                : op);
                ExtentRules.after(graph, bounds).forEach(rule -> demand(rule, ops));
            }
            return new Body(body.params(), ops);
        }

        private void demand(Check rule, List<Op> ops) {
            var difference = settled(rule.left().minus(rule.right()));
            boolean holds = difference instanceof Dim.Constant(long value) && rule.relation().holds(Long.signum(value));
            if (!holds && !isKnown(difference, rule.relation())) {
                // What can never hold fails the run that comes here: a branch may never be taken.
                ops.add(rule);
                learn(rule);
            }
        }

        private Dim settled(Dim dim) {
            var current = dim;
            for (int round = 0; round < ROUNDS; round++) {
                var next = current.substitute(this::value);
                if (next.equals(current)) {
                    break;
                }
                current = next;
            }
            return current;
        }

        private Dim value(String symbol) {
            for (var scope = this; scope != null; scope = scope.outer) {
                var value = scope.equals.get(symbol);
                if (value != null) {
                    return value;
                }
            }
            return null;
        }

        private boolean isKnown(Dim difference, Relation relation) {
            var key = List.<Object>of(difference, relation);
            for (var scope = this; scope != null; scope = scope.outer) {
                if (scope.known.contains(key)) {
                    return true;
                }
            }
            return false;
        }

        private void learn(Check check) {
            var left = settled(check.left());
            var right = settled(check.right());
            known.add(List.of(left.minus(right), check.relation()));
            if (check.relation() == Relation.EQUAL) {
                known.add(List.of(right.minus(left), check.relation()));
                if (left instanceof Dim.Symbol(String name) && !right.symbols().contains(name)) {
                    equals.put(name, right);
                } else if (right instanceof Dim.Symbol(String name) && !left.symbols().contains(name)) {
                    equals.put(name, left);
                }
            }
        }
    }
}
