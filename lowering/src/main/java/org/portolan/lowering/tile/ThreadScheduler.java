package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.Schedule.Split;

/// Picks a schedule for a machine whose lanes are threads.
///
/// Contractions are computed in tiles by blocks of threads. Long reductions are divided among the threads of a team. Otherwise every point of the common axes is a point of the
/// grid and with it a thread; what a point needs is computed by its thread alone. The axis along which the first result is
/// adjacent in memory is the innermost one of the grid, so that neighbouring threads touch neighbouring elements.
final class ThreadScheduler {
    /// Points of fewer than these are spread over as many threads as there are.
    private static final double MANY = 16384;

    private final NestAnalysis analysis;
    private final List<String> common;

    private ThreadScheduler(NestAnalysis analysis) {
        this.analysis = analysis;
        this.common = List.copyOf(analysis.commonAxes());
    }

    /// @param isConstant whether an input is known now, so that it can be laid out as the schedule wants it
    static Schedule choose(NestAnalysis analysis, MachineOp.Chip machine, Predicate<Value> isConstant) {
        return new ThreadScheduler(analysis).choose(machine, isConstant);
    }

    private Schedule choose(MachineOp.Chip machine, Predicate<Value> isConstant) {
        // Elements smaller than a byte share bytes, so that one thread must write them all.
        boolean packed = analysis.nest().results().stream()
                .anyMatch(result -> result.type().elementType().bits() < 8);
        if (packed) {
            return pointwise(machine, true);
        }
        var online = new OnlineScheduler(analysis, machine, gridOrder()).choose();
        if (online.isPresent()) {
            return online.get();
        }
        var blocks = new BlockScheduler(analysis, machine, gridOrder(), isConstant);
        return blocks.contraction()
                .flatMap(axes -> new FragmentScheduler(analysis, machine, gridOrder(), axes).choose())
                .or(blocks::choose)
                .or(() -> new TeamScheduler(analysis, machine, gridOrder()).choose())
                .orElseGet(() -> pointwise(machine, false));
    }

    /// Roughly how many cycles a machine takes for a nest with one reduction.
    static double cycles(NestAnalysis analysis, MachineOp.Chip machine) {
        var scheduler = new ThreadScheduler(analysis);
        var order = scheduler.gridOrder();
        var blocks = new BlockScheduler(analysis, machine, order, _ -> false);
        var axes = blocks.contraction();
        if (axes.isPresent()) {
            var cycles = new FragmentScheduler(analysis, machine, order, axes.get()).cycles();
            if (cycles.isEmpty()) {
                cycles = blocks.cycles(axes.get());
            }
            if (cycles.isPresent()) {
                return cycles.getAsDouble();
            }
        }
        return StreamCost.cycles(analysis, scheduler.choose(machine, _ -> false), machine);
    }

    private Schedule pointwise(MachineOp.Chip machine, boolean packed) {
        var order = gridOrder();
        long lanes = packed || order.isEmpty() || points() < MANY ? 1 : lanes(order.getLast(), machine);
        var splits = order.stream()
                .map(axis -> packed
                        ? new Split(axis, 0, 1, 1)
                        : axis.equals(order.getLast()) ? new Split(axis, lanes, 1, lanes) : Split.scalar(axis))
                .toList();
        return new Schedule(splits, stages(), reductions(), List.of(), List.of());
    }

    private double points() {
        return common.stream().mapToDouble(analysis::estimate).reduce(1, (a, b) -> a * b);
    }

    /// How many points of the innermost axis one thread computes as a vector.
    private long lanes(String axis, MachineOp.Chip machine) {
        long lanes = Wide.lanes(analysis, axis, List.of(), machine.vectorBytes());
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            lanes = analysis.storeAxes(i).contains(axis) ? lanes : 1;
        }
        return lanes;
    }

    /// The common axes, the one along which the first result is adjacent in memory last.
    private List<String> gridOrder() {
        var order = new ArrayList<>(common);
        var buffer = NestToTile.rowMajor(analysis.nest().results().getFirst());
        common.stream()
                .filter(axis ->
                        MemoryEmitter.isAdjacent(analysis.terminator().to().getFirst(), buffer, axis))
                .findFirst()
                .ifPresent(axis -> {
                    order.remove(axis);
                    order.add(axis);
                });
        return order;
    }

    private List<List<Split>> stages() {
        var stages = new ArrayList<List<Split>>();
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            stages.add(analysis.storeAxes(i).stream()
                    .filter(axis -> !common.contains(axis))
                    .map(Split::scalar)
                    .toList());
        }
        return stages;
    }

    private List<List<Split>> reductions() {
        return analysis.reductions().stream()
                .map(reduction -> reduction.over().stream().map(Split::scalar).toList())
                .toList();
    }
}
