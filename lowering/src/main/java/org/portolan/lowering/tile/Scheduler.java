package org.portolan.lowering.tile;

import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.Schedule.Split;

/// Picks a schedule for a nest from the numbers of a machine.
///
/// There are two ways to use lanes. Along a common axis every scalar has lanes, and reductions run down the lanes side by
/// side; or each innermost loop has lanes of its own, and a reduction ends by combining its lanes. Both are weighed by the
/// elements that must be touched.
final class Scheduler {
    private final RegisterNest nest;

    private Scheduler(RegisterNest nest) {
        this.nest = nest;
    }

    static Schedule choose(NestAnalysis analysis, MachineOp.Chip machine, Predicate<Value> isConstant) {
        return switch (machine.vectors()) {
            case THREAD -> ThreadScheduler.choose(analysis, machine, isConstant);
            case REGISTER, MEMORY ->
                new Scheduler(new RegisterNest(analysis, machine, isConstant))
                        .choose()
                        .keeping(KeptScalars.of(analysis));
        };
    }

    private Schedule choose() {
        boolean packedElements = nest.analysis.nest().results().stream()
                        .anyMatch(result -> result.type().elementType().bits() < 8)
                || nest.analysis.nest().inputs().stream()
                        .anyMatch(input -> input.type().elementType().bits() < 8);
        if (packedElements) {
            return scalar();
        }
        var commonLanes = new CommonLanes(nest);
        var instruction = VectorInstructions.find(
                nest.analysis, nest.machine, nest.common, nest.lanes, nest.isConstant);
        if (instruction.isPresent()) {
            return commonLanes.withInstruction(instruction.get());
        }
        Optional<String> best = Optional.empty();
        var loopLanes = new LoopLanes(nest);
        double bestCost = loopLanes.cost();
        for (var axis : nest.common) {
            double cost = commonLanes.cost(axis);
            if (cost < bestCost) {
                bestCost = cost;
                best = Optional.of(axis);
            }
        }
        return best.map(commonLanes::along).orElseGet(loopLanes::schedule);
    }

    /// Elements smaller than a byte share bytes, so that neighbours must be written one after the other.
    private Schedule scalar() {
        var all = nest.common.stream().map(axis -> new Split(axis, 0, 1, 1)).toList();
        return new Schedule(all, nest.scalarStages(), nest.scalarReductions(), List.of(), List.of());
    }
}
