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
import org.portolan.lowering.tile.Schedule.Packed;
import org.portolan.lowering.tile.Schedule.Split;
import org.portolan.lowering.tile.Schedule.Staged;

/// Picks a schedule for a nest from the numbers of a machine.
///
/// There are two ways to use lanes. Along a common axis every scalar has lanes, and reductions run down the lanes side by
/// side; or each innermost loop has lanes of its own, and a reduction ends by combining its lanes. Both are weighed by the
/// elements that must be touched; then whatever reductions share is kept in registers by computing several points of
/// another axis together.
final class Scheduler {
    /// The work, in points, that makes an elementwise block worth a point of the grid.
    private static final long ELEMENTWISE_BLOCK = 4096;
    /// Rows of a contraction in one point of the grid.
    private static final long ROW_BLOCK = 64;
    /// Fewer rows than these do not pay for a copy of the other side.
    private static final long STAGED_ROWS = 8;
    /// Fewer rows than these do not pay for a copy of the other side in memory.
    private static final long COPIED_ROWS = 64;
    /// The most vectors of columns in a tile.
    private static final long MOST_COLUMNS = 4;
    /// The price of masking one load, in vector operations.
    private static final double GUARDED_LANES = 1;
    /// The price of combining the lanes of one vector, in vector operations.
    private static final double ACROSS_LANES = 6;

    private final NestAnalysis analysis;
    private final MachineOp.Chip machine;
    private final Predicate<Value> isConstant;
    private final List<String> common;
    private final long lanes;

    private Scheduler(NestAnalysis analysis, MachineOp.Chip machine, Predicate<Value> isConstant) {
        this.analysis = analysis;
        this.machine = machine;
        this.isConstant = isConstant;
        this.common = List.copyOf(analysis.commonAxes());
        this.lanes = lanes();
    }

    static Schedule choose(NestAnalysis analysis, MachineOp.Chip machine, Predicate<Value> isConstant) {
        return switch (machine.vectors()) {
            case THREAD -> ThreadScheduler.choose(analysis, machine, isConstant);
            case REGISTER, MEMORY -> new Scheduler(analysis, machine, isConstant).choose().keeping(KeptScalars.of(analysis));
        };
    }

    /// The lanes of a vector of the widest element that is computed with.
    private long lanes() {
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

    private Schedule choose() {
        boolean packedElements = analysis.nest().results().stream()
                        .anyMatch(result -> result.type().elementType().bits() < 8)
                || analysis.nest().inputs().stream()
                        .anyMatch(input -> input.type().elementType().bits() < 8);
        if (packedElements) {
            return scalar();
        }
        var instruction = VectorInstructions.find(analysis, machine, common, lanes, isConstant);
        if (instruction.isPresent()) {
            return withInstruction(instruction.get());
        }
        Optional<String> best = Optional.empty();
        double bestCost = perLoopCost();
        for (var axis : common) {
            double cost = commonCost(axis);
            if (cost < bestCost) {
                bestCost = cost;
                best = Optional.of(axis);
            }
        }
        return best.map(this::alongCommon).orElseGet(this::perLoop);
    }

    /// Elements smaller than a byte share bytes, so that neighbours must be written one after the other.
    private Schedule scalar() {
        var all = common.stream().map(axis -> new Split(axis, 0, 1, 1)).toList();
        return new Schedule(all, scalarStages(), scalarReductions(), List.of(), List.of());
    }

    private List<List<Split>> scalarStages() {
        var stages = new ArrayList<List<Split>>();
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            stages.add(inner(i).stream().map(Split::scalar).toList());
        }
        return stages;
    }

    private List<List<Split>> scalarReductions() {
        return analysis.reductions().stream()
                .map(reduction -> loopOrder(reduction).stream().map(Split::scalar).toList())
                .toList();
    }

    /// The reduced axes, those that guards depend on outermost: then a guard is decided once for many points.
    private List<String> loopOrder(Reduction reduction) {
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

    private List<String> inner(int result) {
        return analysis.storeAxes(result).stream().filter(axis -> !common.contains(axis)).toList();
    }

    /// How often a read runs for one point of the common axes.
    private double weight(NestOp.Read read) {
        double weight = 1;
        for (var axis : analysis.free(read.result())) {
            if (!common.contains(axis)) {
                weight *= analysis.estimate(axis);
            }
        }
        return weight;
    }

    private double weight(int result) {
        double weight = 1;
        for (var axis : inner(result)) {
            weight *= analysis.estimate(axis);
        }
        return weight;
    }

    /// Vector operations for a vector's worth of points along a common axis.
    private double commonCost(String axis) {
        double cost = 0;
        var shared = analysis.reductions().isEmpty() ? Optional.<String>empty() : sharedAxis(axis);
        for (var read : analysis.reads()) {
            boolean staged = shared.isPresent() && isStageable(read, axis, shared.get());
            double each = isCheap(read, axis)
                    ? 1
                    : staged ? 1 + (double) lanes / analysis.estimate(shared.get()) : lanes;
            cost += weight(read) * (each + (isGuardedAlong(read, axis) ? GUARDED_LANES : 0));
        }
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            var buffer = NestToTile.rowMajor(analysis.nest().results().get(i));
            boolean adjacent = MemoryEmitter.isAdjacent(analysis.terminator().to().get(i), buffer, axis);
            cost += weight(i) * (adjacent ? 1 : lanes);
        }
        long extent = analysis.estimate(axis);
        return cost * Math.ceilDiv(extent, lanes) * lanes / Math.max(1, extent);
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
                || packing(read, axis, lanes).isPresent();
    }

    /// Vector operations for as many points, if each innermost loop has lanes of its own.
    private double perLoopCost() {
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
            cost += weight(i) / axis.map(name -> loopLanes(name)).orElse(1L);
        }
        for (var read : analysis.reads()) {
            var axis = analysis.free(read.result()).stream().filter(vectorAxes::contains).findFirst();
            boolean adjacent = axis.isPresent()
                    && MemoryEmitter.isAdjacent(read.at(), NestToTile.rowMajor(read.source()), axis.get());
            cost += weight(read) / (adjacent ? loopLanes(axis.get()) : 1);
        }
        return cost * lanes;
    }

    private long loopLanes(String axis) {
        var extent = analysis.constantExtent(axis);
        return extent.isEmpty() ? lanes : Math.min(lanes, Math.max(1, Long.highestOneBit(extent.getAsLong())));
    }

    /// The reduced axis that gets lanes: none where the results around the reduction have lanes already.
    private Optional<String> ownLanes(Reduction reduction) {
        var free = analysis.free(reduction.results().getFirst());
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            if (stageAxis(i).filter(free::contains).isPresent()) {
                return Optional.empty();
            }
        }
        return loopAxis(reduction.over(), this::readsAlong);
    }

    private List<NestOp.Read> readsAlong(String axis) {
        return analysis.reads().stream()
                .filter(read -> analysis.free(read.result()).contains(axis))
                .toList();
    }

    private interface ReadsAlong {
        List<NestOp.Read> along(String axis);
    }

    /// The axis whose lanes are adjacent for most of the reads.
    private Optional<String> loopAxis(List<String> axes, ReadsAlong reads) {
        Optional<String> best = Optional.empty();
        long most = 0;
        for (var axis : axes) {
            long adjacent = reads.along(axis).stream()
                    .filter(read -> MemoryEmitter.isAdjacent(read.at(), NestToTile.rowMajor(read.source()), axis))
                    .count();
            long strided = reads.along(axis).size() - adjacent;
            if (adjacent > most && adjacent >= strided && loopLanes(axis) > 1) {
                most = adjacent;
                best = Optional.of(axis);
            }
        }
        return best;
    }

    private Optional<String> stageAxis(int result) {
        var buffer = NestToTile.rowMajor(analysis.nest().results().get(result));
        return inner(result).stream()
                .filter(axis -> MemoryEmitter.isAdjacent(analysis.terminator().to().get(result), buffer, axis))
                .filter(axis -> loopLanes(axis) > 1)
                .findFirst();
    }

    private Schedule perLoop() {
        var splits = common.stream().map(Split::scalar).toList();
        var stages = new ArrayList<List<Split>>();
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            var vector = stageAxis(i);
            var loops = new ArrayList<Split>();
            for (var axis : inner(i)) {
                if (!vector.equals(Optional.of(axis))) {
                    loops.add(Split.scalar(axis));
                }
            }
            vector.ifPresent(axis -> loops.add(new Split(axis, 0, sideBySide(axis, 2), loopLanes(axis))));
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
            vector.ifPresent(axis -> loops.add(new Split(axis, 0, sideBySide(axis, 4), loopLanes(axis))));
            reductions.add(loops);
        }
        return new Schedule(splits, stages, reductions, List.of(), List.of());
    }

    /// Vectors side by side, so that one need not wait for the other; fewer where the axis is short.
    private long sideBySide(String axis, long wanted) {
        var extent = analysis.constantExtent(axis);
        return extent.isEmpty() ? wanted : Math.max(1, Math.min(wanted, extent.getAsLong() / loopLanes(axis)));
    }

    private Schedule alongCommon(String axis) {
        var shared = analysis.reductions().isEmpty() ? Optional.<String>empty() : sharedAxis(axis);
        if (shared.isEmpty()) {
            return columns(axis);
        }
        var rows = analysis.constantExtent(shared.get());
        var tile = RegisterTile.choose(machine, lanes, analysis.constantExtent(axis), rows, depth());
        long columns = tile.vectors() * lanes;
        long rowBlock = Math.max(1, ROW_BLOCK / tile.rows()) * tile.rows();
        var splits = new ArrayList<Split>();
        var inside = new ArrayList<Split>();
        boolean columnsOutside = columnsOutside(axis, shared.get(), columns);
        for (var name : common) {
            if (!name.equals(axis) && !name.equals(shared.get())) {
                boolean again = columnsOutside && isReadAgain(name, axis, shared.get());
                (again ? inside : splits).add(Split.scalar(name));
            }
        }
        splits.add(new Split(axis, columns, tile.vectors(), lanes));
        splits.addAll(inside);
        // Few enough rows are one block, whose end is known: what is left over is one tile.
        boolean all = rows.isPresent() && rows.getAsLong() <= rowBlock;
        splits.add(new Split(shared.get(), all ? 0 : rowBlock, tile.rows(), 1));
        return new Schedule(splits, scalarStages(), scalarReductions(), panels(axis, columns), stages(axis, shared.get()));
    }

    /// Whether a panel of columns should meet all points of the axes that read it again before the next panel does: what comes
    /// from far then, over and over, is the side of the rows instead of all columns, whichever does not fit the second cache.
    private boolean columnsOutside(String axis, String shared, long columns) {
        double panels = Math.ceilDiv(analysis.estimate(axis), columns);
        double passes = 1;
        for (var name : common) {
            if (isReadAgain(name, axis, shared)) passes *= analysis.estimate(name);
        }
        double right = 0;
        double left = 0;
        for (var read : analysis.reads()) {
            if (weight(read) <= 1) continue;
            if (isPanel(read, axis, shared)) right += bytes(read);
            else left += bytes(read);
        }
        double near = machine.level2Bytes() / 2.0;
        double rowsOutside = right * (right > near ? passes : 1) + left;
        return right + left * (left > near ? panels : 1) < rowsOutside;
    }

    /// Whether each point of an axis reads the same columns again.
    private boolean isReadAgain(String name, String axis, String shared) {
        return !name.equals(axis)
                && !name.equals(shared)
                && analysis.reads().stream()
                        .filter(read -> weight(read) > 1 && isPanel(read, axis, shared))
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
    private Schedule withInstruction(VectorInstructions.Found instruction) {
        var tiles = alongCommon(instruction.across());
        var outer = loopOrder(analysis.reductions().getFirst());
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
        for (var name : common) {
            others *= name.equals(axis) ? 1 : analysis.estimate(name);
        }
        long unroll = sideBySide(axis, elementwise ? 2 : 4);
        long tile = unroll * lanes;
        boolean whole = others >= ROW_BLOCK && analysis.estimate(axis) <= ELEMENTWISE_BLOCK;
        long block = elementwise ? whole ? 0 : Math.ceilDiv(ELEMENTWISE_BLOCK, tile) * tile : tile;
        var splits = new ArrayList<Split>();
        for (var name : common) {
            if (!name.equals(axis)) {
                splits.add(Split.scalar(name));
            }
        }
        splits.add(new Split(axis, block, unroll, lanes));
        return new Schedule(splits, scalarStages(), scalarReductions(), panels(axis, tile), List.of());
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
                || weight(read) < 2
                || !analysis.free(read.result()).contains(axis)
                || analysis.free(read.result()).contains(shared)
                || analysis.estimate(shared) < STAGED_ROWS) {
            return false;
        }
        long bytes = MOST_COLUMNS * lanes * read.result().type().elementType().bits() / 8;
        for (var name : analysis.free(read.result())) {
            if (!common.contains(name)) {
                var extent = analysis.constantExtent(name);
                if (extent.isEmpty() || extent.getAsLong() > machine.level2Bytes()) {
                    return false;
                }
                bytes *= extent.getAsLong();
            }
        }
        return bytes <= machine.level2Bytes() / 4;
    }

    private List<Packed> panels(String axis, long width) {
        var packed = new ArrayList<Packed>();
        for (var read : analysis.reads()) {
            packing(read, axis, width)
                    .filter(entry -> packed.stream().noneMatch(other -> other.input() == entry.input()))
                    .ifPresent(packed::add);
        }
        return packed;
    }

    /// The common axis along which the reductions read the same elements again and again.
    private Optional<String> sharedAxis(String vectorAxis) {
        Optional<String> best = Optional.empty();
        double most = 0;
        for (var axis : common) {
            if (axis.equals(vectorAxis) || analysis.constantExtent(axis).orElse(2) < 2) {
                continue;
            }
            double saved = 0;
            for (var read : analysis.reads()) {
                boolean runsOften = weight(read) > 1;
                if (runsOften && !analysis.free(read.result()).contains(axis)) {
                    saved += weight(read);
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

    /// Whether a tensor of the run is so large that walking down its columns misses the caches, and is read again so often that
    /// a copy in panels is the smaller cost.
    private boolean isWorthACopy(NestOp.Read read) {
        double bytes = read.source().tensor().element().bits() / 8.0;
        for (int i = 0; i < read.at().size(); i++) {
            var axis = read.at().get(i).symbolName().filter(analysis::isAxis);
            var extent = read.source().tensor().dim(i);
            if (axis.isEmpty() || !analysis.extent(axis.get()).equals(extent) || !extent.isConstant()) return false;
            bytes *= extent.constant().orElseThrow();
        }
        double readers = 1;
        for (var axis : common) {
            if (!analysis.free(read.result()).contains(axis)) readers *= analysis.constantExtent(axis).orElse(1);
        }
        boolean alone = analysis.reads().stream().filter(other -> other.source() == read.source()).count() == 1;
        return alone && machine.vectors() == MachineOp.Vectors.REGISTER && bytes > machine.level2Bytes() && readers >= COPIED_ROWS;
    }

    /// The panels in which a constant should lie so that its lanes are adjacent.
    private Optional<Packed> packing(NestOp.Read read, String axis, long width) {
        boolean known = isConstant.test(read.source());
        if (read.at().size() < 2 || weight(read) < 4 || !read.indices().isEmpty() || !known && !isWorthACopy(read)) {
            return Optional.empty();
        }
        int place = -1;
        for (int i = 0; i < read.at().size(); i++) {
            if (!read.at().get(i).symbols().contains(axis)) {
                continue;
            }
            if (place >= 0 || !read.at().get(i).symbolName().equals(Optional.of(axis))) {
                return Optional.empty();
            }
            place = i;
        }
        if (place < 0 || read.otherwise() != NestOp.Otherwise.PROVEN) {
            return Optional.empty();
        }
        var order = new ArrayList<Integer>();
        for (int i = 0; i < read.at().size(); i++) {
            if (i != place) {
                order.add(i);
            }
        }
        // In the order of the loops, so that they walk through memory.
        var loops = analysis.reductions().stream()
                .flatMap(reduction -> loopOrder(reduction).stream())
                .toList();
        order.sort(Comparator.comparing(i -> read.at().get(i).symbols().stream()
                .mapToInt(loops::indexOf)
                .max()
                .orElse(-1)));
        return Optional.of(new Packed(analysis.nest().inputs().indexOf(read.source()), place, width, order));
    }
}
