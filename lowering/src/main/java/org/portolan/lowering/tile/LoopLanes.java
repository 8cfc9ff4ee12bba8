package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.NestOp;
import org.portolan.lowering.tile.Schedule.Split;

/// Schedules in which each innermost loop has lanes of its own, and a reduction ends by combining its lanes.
final class LoopLanes {
    /// The price of combining the lanes of one vector, in vector operations.
    private static final double ACROSS_LANES = 6;

    private final RegisterNest nest;
    private final NestAnalysis analysis;

    LoopLanes(RegisterNest nest) {
        this.nest = nest;
        analysis = nest.analysis;
    }

    /// Vector operations for as many points, if each innermost loop has lanes of its own.
    double cost() {
        double cost = 0;
        var vectorAxes = new ArrayList<String>();
        for (var reduction : analysis.reductions()) {
            var axis = ownLanes(reduction);
            axis.ifPresent(vectorAxes::add);
            cost += axis.isPresent() ? ACROSS_LANES : 0;
        }
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            int result = i;
            var axis = stageAxis(result);
            axis.ifPresent(vectorAxes::add);
            cost += nest.weight(i) / axis.map(name -> nest.loopLanes(name)).orElse(1L);
        }
        for (var read : analysis.reads()) {
            var axis = analysis.free(read.result()).stream().filter(vectorAxes::contains).findFirst();
            boolean adjacent = axis.isPresent()
                    && MemoryEmitter.isAdjacent(read.at(), NestToTile.rowMajor(read.source()), axis.get());
            cost += nest.weight(read) / (adjacent ? nest.loopLanes(axis.get()) : 1);
        }
        return cost * nest.lanes;
    }

    /// The reduced axis that gets lanes: none where the results around the reduction have lanes already.
    private Optional<String> ownLanes(Reduction reduction) {
        var free = analysis.free(reduction.results().getFirst());
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            if (stageAxis(i).filter(free::contains).isPresent()) {
                return Optional.empty();
            }
        }
        return loopAxis(reduction.over());
    }

    /// The axis whose lanes are adjacent for most of the reads.
    private Optional<String> loopAxis(List<String> axes) {
        Optional<String> best = Optional.empty();
        long most = 0;
        for (var axis : axes) {
            long adjacent = readsAlong(axis).stream()
                    .filter(read -> MemoryEmitter.isAdjacent(read.at(), NestToTile.rowMajor(read.source()), axis))
                    .count();
            long strided = readsAlong(axis).size() - adjacent;
            if (adjacent > most && adjacent >= strided && nest.loopLanes(axis) > 1) {
                most = adjacent;
                best = Optional.of(axis);
            }
        }
        return best;
    }

    private List<NestOp.Read> readsAlong(String axis) {
        return analysis.reads().stream()
                .filter(read -> analysis.free(read.result()).contains(axis))
                .toList();
    }

    private Optional<String> stageAxis(int result) {
        var buffer = NestToTile.rowMajor(analysis.nest().results().get(result));
        return nest.inner(result).stream()
                .filter(axis -> MemoryEmitter.isAdjacent(analysis.terminator().to().get(result), buffer, axis))
                .filter(axis -> nest.loopLanes(axis) > 1)
                .findFirst();
    }

    Schedule schedule() {
        var splits = nest.common.stream().map(Split::scalar).toList();
        var stages = new ArrayList<List<Split>>();
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            var vector = stageAxis(i);
            var loops = new ArrayList<Split>();
            for (var axis : nest.inner(i)) {
                if (!vector.equals(Optional.of(axis))) {
                    loops.add(Split.scalar(axis));
                }
            }
            vector.ifPresent(axis -> loops.add(new Split(axis, 0, nest.sideBySide(axis, 2), nest.loopLanes(axis))));
            stages.add(loops);
        }
        var reductions = new ArrayList<List<Split>>();
        for (var reduction : analysis.reductions()) {
            var vector = ownLanes(reduction);
            var loops = new ArrayList<Split>();
            for (var axis : reduction.over()) {
                if (!vector.equals(Optional.of(axis))) {
                    loops.add(Split.scalar(axis));
                }
            }
            vector.ifPresent(axis -> loops.add(new Split(axis, 0, nest.sideBySide(axis, 4), nest.loopLanes(axis))));
            reductions.add(loops);
        }
        return new Schedule(splits, stages, reductions, List.of(), List.of());
    }
}
