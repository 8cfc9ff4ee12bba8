package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;
import org.portolan.lowering.nest.Costs;
import org.portolan.lowering.tile.Schedule.Kept;

/// Scalars that a reduction and a result both need and that are not computed in a moment: the exponentials of a softmax. The
/// loop that sums them leaves each where the result will be stored, and the loop that stores results finds it there, so that
/// rows of any length are computed once.
final class KeptScalars {
    /// In simple operations: less is sooner computed again than stored and loaded.
    private static final double LEAST_COST = 8;

    private final NestAnalysis analysis;

    private KeptScalars(NestAnalysis analysis) {
        this.analysis = analysis;
    }

    /// For each result at most one scalar, the one that is closest to it.
    static List<Kept> of(NestAnalysis analysis) {
        if (!analysis.nest().into().isEmpty() || !analysis.terminator().indices().isEmpty()) return List.of();
        var search = new KeptScalars(analysis);
        var kept = new ArrayList<Kept>();
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            search.find(i).filter(entry -> kept.stream().noneMatch(other -> other.op() == entry.op())).ifPresent(kept::add);
        }
        return kept;
    }

    private Optional<Kept> find(int result) {
        var yield = analysis.terminator();
        var axes = new LinkedHashSet<String>();
        yield.to().get(result).forEach(index -> index.symbols().stream().filter(analysis::isAxis).forEach(axes::add));
        var needed = cone(yield.values().get(result));
        var ops = analysis.nest().body().ops();
        for (int i = ops.size() - 1; i >= 0; i--) {
            if (!(ops.get(i) instanceof ArithOp arith)
                    || !needed.contains(arith.result())
                    || !analysis.free(arith.result()).equals(axes)
                    || !fits(arith.result(), result)
                    || reducers(arith.result()).size() != 1
                    || cost(arith.result()) < LEAST_COST) {
                continue;
            }
            return Optional.of(new Kept(i, result));
        }
        return Optional.empty();
    }

    private boolean fits(Value scalar, int result) {
        var element = scalar.type().elementType();
        return element == analysis.nest().results().get(result).tensor().element() && element.bits() >= 8;
    }

    /// The reductions that need a scalar at each of their points.
    private List<Reduction> reducers(Value scalar) {
        return reducers(analysis, scalar);
    }

    /// The only reduction whose values a kept scalar goes into.
    static Reduction reducer(NestAnalysis analysis, Value scalar) {
        return reducers(analysis, scalar).getFirst();
    }

    private static List<Reduction> reducers(NestAnalysis analysis, Value scalar) {
        var search = new KeptScalars(analysis);
        return analysis.reductions().stream()
                .filter(reduction -> reduction.over().stream().allMatch(analysis.free(scalar)::contains)
                        && reduction.values().stream().anyMatch(value -> search.cone(value).contains(scalar)))
                .toList();
    }

    /// What a scalar is made of at the same point, reductions apart.
    private Set<Value> cone(Value scalar) {
        Set<Value> found = Collections.newSetFromMap(new IdentityHashMap<>());
        collect(scalar, found);
        return found;
    }

    private void collect(Value scalar, Set<Value> into) {
        if (!into.add(scalar)) return;
        var definition = analysis.definition(scalar);
        if (definition instanceof ArithOp || definition instanceof NestOp.Read) {
            OpSchema.operands(definition).forEach(operand -> collect(operand, into));
        }
    }

    private double cost(Value scalar) {
        double cost = 0;
        for (var value : cone(scalar)) {
            if (analysis.free(value).equals(analysis.free(scalar)) && analysis.definition(value) instanceof ArithOp arith) {
                cost += Costs.of(arith);
            }
        }
        return cost;
    }
}
