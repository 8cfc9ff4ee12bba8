package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.NestOp;
import org.portolan.lowering.tile.Schedule.Split;
import org.portolan.lowering.tile.Schedule.Staged;

/// Schedules in which every scalar has lanes along one common axis, and reductions run down the lanes side by side. Whatever
/// reductions share is kept in registers by computing several points of another axis together.
final class CommonLanes {
    /// The work, in points, that makes an elementwise block worth a point of the grid.
    private static final long ELEMENTWISE_BLOCK = 4096;
    /// Rows of a contraction in one point of the grid.
    private static final long ROW_BLOCK = 64;
    /// Fewer rows than these do not pay for a copy of the other side.
    private static final long STAGED_ROWS = 8;
    /// The most vectors of columns in a tile.
    private static final long MOST_COLUMNS = 4;
    /// The price of masking one load, in vector operations.
    private static final double GUARDED_LANES = 1;

    private final RegisterNest nest;
    private final NestAnalysis analysis;
    private final Panels panels;

    CommonLanes(RegisterNest nest) {
        this.nest = nest;
        analysis = nest.analysis;
        panels = new Panels(nest);
    }

    /// Vector operations for a vector's worth of points along a common axis.
    double cost(String axis) {
        double cost = 0;
        var shared = analysis.reductions().isEmpty() ? Optional.<String>empty() : sharedAxis(axis);
        for (var read : analysis.reads()) {
            boolean staged = shared.isPresent() && isStageable(read, axis, shared.get());
            double each = isCheap(read, axis)
                    ? 1
                    : staged ? 1 + (double) nest.lanes / analysis.estimate(shared.get()) : nest.lanes;
            cost += nest.weight(read) * (each + (isGuardedAlong(read, axis) ? GUARDED_LANES : 0));
        }
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            var buffer = NestToTile.rowMajor(analysis.nest().results().get(i));
            boolean adjacent = MemoryEmitter.isAdjacent(analysis.terminator().to().get(i), buffer, axis);
            cost += nest.weight(i) * (adjacent ? 1 : nest.lanes);
        }
        long extent = analysis.estimate(axis);
        return cost * Math.ceilDiv(extent, nest.lanes) * nest.lanes / Math.max(1, extent);
    }

    /// Whether the lanes along an axis may leave the source, so that each load needs a mask.
    private boolean isGuardedAlong(NestOp.Read read, String axis) {
        return read.otherwise() != NestOp.Otherwise.PROVEN
                && read.at().stream()
                        .anyMatch(index -> index.symbols().contains(axis)
                                && !index.symbolName().equals(Optional.of(axis)));
    }

    private boolean isCheap(NestOp.Read read, String axis) {
        if (!analysis.free(read.result()).contains(axis)) {
            return true;
        }
        return read.indices().stream().noneMatch(index -> analysis.free(index).contains(axis))
                && MemoryEmitter.isAdjacent(read.at(), NestToTile.rowMajor(read.source()), axis)
                || panels.packing(read, axis, nest.lanes).isPresent();
    }

    Schedule along(String axis) {
        var shared = analysis.reductions().isEmpty() ? Optional.<String>empty() : sharedAxis(axis);
        if (shared.isEmpty()) {
            return columns(axis);
        }
        var rows = analysis.constantExtent(shared.get());
        var tile = RegisterTile.choose(nest.machine, nest.lanes, analysis.constantExtent(axis), rows, depth());
        long columns = tile.vectors() * nest.lanes;
        long rowBlock = Math.max(1, ROW_BLOCK / tile.rows()) * tile.rows();
        var splits = new ArrayList<Split>();
        var inside = new ArrayList<Split>();
        boolean columnsOutside = columnsOutside(axis, shared.get(), columns);
        for (var name : nest.common) {
            if (!name.equals(axis) && !name.equals(shared.get())) {
                boolean again = columnsOutside && isReadAgain(name, axis, shared.get());
                (again ? inside : splits).add(Split.scalar(name));
            }
        }
        splits.add(new Split(axis, columns, tile.vectors(), nest.lanes));
        splits.addAll(inside);
        // Few enough rows are one block, whose end is known: what is left over is one tile.
        boolean all = rows.isPresent() && rows.getAsLong() <= rowBlock;
        splits.add(new Split(shared.get(), all ? 0 : rowBlock, tile.rows(), 1));
        return new Schedule(
                splits,
                nest.scalarStages(),
                nest.scalarReductions(),
                panels.along(axis, columns),
                stages(axis, shared.get()));
    }

    /// Whether a panel of columns should meet all points of the axes that read it again before the next panel does: what comes
    /// from far then, over and over, is the side of the rows instead of all columns, whichever does not fit the second cache.
    private boolean columnsOutside(String axis, String shared, long columns) {
        double panels = Math.ceilDiv(analysis.estimate(axis), columns);
        double passes = 1;
        for (var name : nest.common) {
            if (isReadAgain(name, axis, shared)) passes *= analysis.estimate(name);
        }
        double right = 0;
        double left = 0;
        for (var read : analysis.reads()) {
            if (nest.weight(read) <= 1) continue;
            if (isPanel(read, axis, shared)) right += bytes(read);
            else left += bytes(read);
        }
        double near = nest.machine.level2Bytes() / 2.0;
        double rowsOutside = right * (right > near ? passes : 1) + left;
        return right + left * (left > near ? panels : 1) < rowsOutside;
    }

    /// Whether each point of an axis reads the same columns again.
    private boolean isReadAgain(String name, String axis, String shared) {
        return !name.equals(axis)
                && !name.equals(shared)
                && analysis.reads().stream()
                        .filter(read -> nest.weight(read) > 1 && isPanel(read, axis, shared))
                        .noneMatch(read -> analysis.free(read.result()).contains(name));
    }

    private boolean isPanel(NestOp.Read read, String axis, String shared) {
        var free = analysis.free(read.result());
        return free.contains(axis) && !free.contains(shared);
    }

    private static double bytes(NestOp.Read read) {
        double bytes = read.source().tensor().element().bits() / 8.0;
        for (var dim : read.source().tensor().dims()) bytes *= dim.constant().orElse(NestAnalysis.TYPICAL_EXTENT);
        return bytes;
    }

    /// Tiles as for any other product; the reduced axis that the instruction goes along is the innermost one.
    Schedule withInstruction(VectorInstructions.Found instruction) {
        var tiles = along(instruction.across());
        var outer = nest.loopOrder(analysis.reductions().getFirst());
        outer.remove(instruction.deep());
        var loops = new ArrayList<>(outer.stream().map(Split::scalar).toList());
        loops.add(new Split(instruction.deep(), 1, 1, instruction.group()));
        long width = tiles.common().stream()
                .filter(split -> split.axis().equals(instruction.across()))
                .mapToLong(Split::tile)
                .findFirst()
                .orElseThrow();
        var packed = new ArrayList<>(tiles.packed());
        var panel = instruction.packed(analysis, width, outer);
        packed.removeIf(entry -> entry.input() == panel.input());
        packed.add(panel);
        return new Schedule(
                tiles.common(),
                tiles.stages(),
                List.of(loops),
                packed,
                tiles.staged(),
                Optional.empty(),
                Optional.of(instruction.instruction()),
                List.of());
    }

    /// The products that the longest reduction sums.
    private double depth() {
        double depth = 1;
        for (var reduction : analysis.reductions()) {
            double points = 1;
            for (var axis : reduction.over()) points *= analysis.estimate(axis);
            depth = Math.max(depth, points);
        }
        return depth;
    }

    /// Lanes along one axis and nothing shared: long blocks of it, or, with reductions, a few vectors side by side.
    private Schedule columns(String axis) {
        boolean elementwise = analysis.reductions().isEmpty();
        double others = 1;
        for (var name : nest.common) {
            others *= name.equals(axis) ? 1 : analysis.estimate(name);
        }
        long unroll = nest.sideBySide(axis, elementwise ? 2 : 4);
        long tile = unroll * nest.lanes;
        boolean whole = others >= ROW_BLOCK && analysis.estimate(axis) <= ELEMENTWISE_BLOCK;
        long block = elementwise ? whole ? 0 : Math.ceilDiv(ELEMENTWISE_BLOCK, tile) * tile : tile;
        var splits = new ArrayList<Split>();
        for (var name : nest.common) {
            if (!name.equals(axis)) {
                splits.add(Split.scalar(name));
            }
        }
        splits.add(new Split(axis, block, unroll, nest.lanes));
        return new Schedule(splits, nest.scalarStages(), nest.scalarReductions(), panels.along(axis, tile), List.of());
    }

    private List<Staged> stages(String axis, String shared) {
        var staged = new ArrayList<Staged>();
        for (int i = 0; i < analysis.reads().size(); i++) {
            var read = analysis.reads().get(i);
            if (!isCheap(read, axis) && isStageable(read, axis, shared)) {
                staged.add(new Staged(i, axis));
            }
        }
        return staged;
    }

    /// Whether a read's lanes lie apart in memory, but a copy of what a tile needs is small and read by many rows, the points
    /// of the shared axis.
    private boolean isStageable(NestOp.Read read, String axis, String shared) {
        if (!read.indices().isEmpty()
                || read.otherwise() != NestOp.Otherwise.PROVEN
                || nest.weight(read) < 2
                || !analysis.free(read.result()).contains(axis)
                || analysis.free(read.result()).contains(shared)
                || analysis.estimate(shared) < STAGED_ROWS) {
            return false;
        }
        long bytes = MOST_COLUMNS * nest.lanes * read.result().type().elementType().bits() / 8;
        for (var name : analysis.free(read.result())) {
            if (!nest.common.contains(name)) {
                var extent = analysis.constantExtent(name);
                if (extent.isEmpty() || extent.getAsLong() > nest.machine.level2Bytes()) {
                    return false;
                }
                bytes *= extent.getAsLong();
            }
        }
        return bytes <= nest.machine.level2Bytes() / 4;
    }

    /// The common axis along which the reductions read the same elements again and again.
    private Optional<String> sharedAxis(String vectorAxis) {
        Optional<String> best = Optional.empty();
        double most = 0;
        for (var axis : nest.common) {
            if (axis.equals(vectorAxis) || analysis.constantExtent(axis).orElse(2) < 2) {
                continue;
            }
            double saved = 0;
            for (var read : analysis.reads()) {
                boolean runsOften = nest.weight(read) > 1;
                if (runsOften && !analysis.free(read.result()).contains(axis)) {
                    saved += nest.weight(read);
                }
            }
            // Of axes that save alike the longest one fills a tile of rows, of those the last.
            boolean longer = best.isEmpty() || analysis.estimate(axis) >= analysis.estimate(best.get());
            if (saved > 0 && (saved > most || saved == most && longer)) {
                most = saved;
                best = Optional.of(axis);
            }
        }
        return best;
    }
}
