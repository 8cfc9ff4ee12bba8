package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.Schedule.Split;

/// What is asked about a nest for a machine whose vectors are registers.
final class RegisterNest {
    final NestAnalysis analysis;
    final MachineOp.Chip machine;
    final Predicate<Value> isConstant;
    /// The axes that the reductions and results have in common.
    final List<String> common;
    /// The lanes of a vector of the widest element that is computed with.
    final long lanes;

    RegisterNest(NestAnalysis analysis, MachineOp.Chip machine, Predicate<Value> isConstant) {
        this.analysis = analysis;
        this.machine = machine;
        this.isConstant = isConstant;
        this.common = List.copyOf(analysis.commonAxes());
        this.lanes = lanes(analysis, machine);
    }

    private static long lanes(NestAnalysis analysis, MachineOp.Chip machine) {
        long bits = 32;
        for (var op : analysis.nest().body().ops()) {
            if (op instanceof NestOp.Index) {
                continue;
            }
            for (var result : OpSchema.results(op)) {
                bits = Math.max(bits, result.type().elementType().bits());
            }
        }
        return Math.max(1, machine.vectorBytes() * 8 / bits);
    }

    List<String> inner(int result) {
        return analysis.storeAxes(result).stream().filter(axis -> !common.contains(axis)).toList();
    }

    /// How often a read runs for one point of the common axes.
    double weight(NestOp.Read read) {
        double weight = 1;
        for (var axis : analysis.free(read.result())) {
            if (!common.contains(axis)) {
                weight *= analysis.estimate(axis);
            }
        }
        return weight;
    }

    double weight(int result) {
        double weight = 1;
        for (var axis : inner(result)) {
            weight *= analysis.estimate(axis);
        }
        return weight;
    }

    /// The reduced axes, those that guards depend on outermost: then a guard is decided once for many points.
    List<String> loopOrder(Reduction reduction) {
        var order = new ArrayList<>(reduction.over());
        order.sort(Comparator.comparing(axis -> !isGuarded(axis)));
        return order;
    }

    private boolean isGuarded(String axis) {
        return analysis.reads().stream()
                .filter(read -> read.otherwise() != NestOp.Otherwise.PROVEN)
                .flatMap(read -> read.at().stream())
                .anyMatch(index -> index.symbols().contains(axis)
                        && !index.symbolName().equals(Optional.of(axis)));
    }

    long loopLanes(String axis) {
        var extent = analysis.constantExtent(axis);
        return extent.isEmpty() ? lanes : Math.min(lanes, Math.max(1, Long.highestOneBit(extent.getAsLong())));
    }

    /// Vectors side by side, so that one need not wait for the other; fewer where the axis is short.
    long sideBySide(String axis, long wanted) {
        var extent = analysis.constantExtent(axis);
        return extent.isEmpty() ? wanted : Math.max(1, Math.min(wanted, extent.getAsLong() / loopLanes(axis)));
    }

    List<List<Split>> scalarStages() {
        var stages = new ArrayList<List<Split>>();
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            stages.add(inner(i).stream().map(Split::scalar).toList());
        }
        return stages;
    }

    List<List<Split>> scalarReductions() {
        return analysis.reductions().stream()
                .map(reduction -> loopOrder(reduction).stream().map(Split::scalar).toList())
                .toList();
    }
}
