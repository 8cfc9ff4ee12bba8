package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.portolan.ir.ArithOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.Schedule.Packed;
import org.portolan.lowering.tile.Schedule.Split;
import org.portolan.runtime.type.Dim;

/// Picks a schedule for a machine whose vectors live in memory: long vectors, as many lanes as are wanted.
///
/// As for registers, lanes lie along a common axis, or each innermost loop has its own. What counts here is how often the
/// near memory is filled by a copy, and how often an element is touched alone, which is dear. The grid is cut only where
/// the aligned blocks of memory that a result ends in belong to one point of it: cores write whole blocks.
final class MemoryScheduler {
    /// Costs, in the time in which the vector unit does {@value #LANES_PER_STEP} lanes.
    private static final double VECTOR_START = 8;

    private static final double COPY_START = 32;
    private static final double ELEMENT = 6;
    /// How much dearer an element is that is stored alone: by a copy of its own.
    private static final double SCATTERED = 4;
    /// For each piece of a copy whose pieces lie apart.
    private static final double PIECE = 0.75;
    /// The most lanes where each element comes in a block of its own.
    private static final long MOST_APART = 256;
    private static final double LANES_PER_STEP = 64;
    private static final double ACROSS_LANES = 250;
    /// The fewest lanes: operations work on multiples of them.
    static final long FEWEST_LANES = 64;
    /// Rows of a contraction that share what is fetched.
    private static final long MOST_ROWS = 8;
    /// Points of the grid that a large result is cut into.
    private static final long GRID_POINTS = 96;

    private final NestAnalysis analysis;
    private final MachineOp.Chip machine;
    private final Predicate<Value> isConstant;
    private final List<String> common;
    private final Map<String, Long> gridBlocks;
    private final long fewest;
    private final long most;
    private final boolean hasOddElements;
    private final Map<String, Boolean> touched = new HashMap<>();

    private MemoryScheduler(
            NestAnalysis analysis, MachineOp.Chip machine, Predicate<Value> isConstant, long mostLanes) {
        this.analysis = analysis;
        this.machine = machine;
        this.isConstant = isConstant;
        this.common = List.copyOf(analysis.commonAxes());
        this.fewest = narrowest() < 32 ? 2 * FEWEST_LANES : FEWEST_LANES;
        this.most = Math.max(mostLanes, fewest);
        this.gridBlocks = gridBlocks();
        this.hasOddElements = analysis.nest().body().ops().stream()
                .filter(op -> op instanceof ArithOp || op instanceof NestOp.Index)
                .flatMap(op -> OpSchema.results(op).stream())
                .anyMatch(result -> result.type().elementType().bits() == 64);
    }

    /// @param mostLanes the longest vectors to use
    static Schedule choose(
            NestAnalysis analysis, MachineOp.Chip machine, Predicate<Value> isConstant, long mostLanes) {
        return new MemoryScheduler(analysis, machine, isConstant, mostLanes).choose();
    }

    private long narrowest() {
        long bits = 64;
        for (var op : analysis.nest().body().ops()) {
            for (var result : OpSchema.results(op)) {
                bits = Math.min(bits, result.type().elementType().bits());
            }
        }
        return bits;
    }

    private Schedule choose() {
        boolean packedElements = analysis.nest().results().stream()
                        .anyMatch(result -> result.type().elementType().bits() < 8)
                || analysis.nest().inputs().stream()
                        .anyMatch(input -> input.type().elementType().bits() < 8);
        if (packedElements) {
            return new Schedule(
                    common.stream().map(this::outer).toList(),
                    stages(Set.of()), reductions(Set.of()), List.of(), List.of());
        }
        var own = ownAxes();
        Optional<String> best = Optional.empty();
        double least = cost(own, Optional.empty()) / cores(Optional.empty(), Optional.empty());
        for (var axis : common) {
            var shared = sharedAxis(axis);
            double cost = cost(Set.of(axis), shared) / cores(Optional.of(axis), shared);
            if (cost < least) {
                least = cost;
                best = Optional.of(axis);
            }
        }
        return best.map(axis -> along(axis, sharedAxis(axis))).orElseGet(() -> perLoop(own));
    }

    // ---------------------------------------------------------------------------------------------------------- the grid

    /// The common axes that may be cut, and into multiples of how many points.
    private Map<String, Long> gridBlocks() {
        Map<String, Long> blocks = null;
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            var own = gridBlocks(i);
            if (blocks == null) {
                blocks = own;
                continue;
            }
            blocks.keySet().retainAll(own.keySet());
            blocks.replaceAll((axis, block) -> Math.max(block, own.get(axis)));
        }
        return blocks;
    }

    private Map<String, Long> gridBlocks(int result) {
        var blocks = new LinkedHashMap<String, Long>();
        var type = analysis.nest().results().get(result).tensor();
        var to = analysis.terminator().to().get(result);
        for (int axis = 0; axis < type.rank(); axis++) {
            var index = to.get(axis);
            var stride = Dim.product(type.dims().subList(axis + 1, type.rank())).times(type.element().bits());
            if (index.isConstant() && isAligned(stride.times(index))) {
                continue;
            }
            var name = index.symbolName().orElse("");
            if (!common.contains(name) || blocks.containsKey(name)) {
                break;
            }
            long block = 1;
            while (!isAligned(stride.times(block))) {
                block *= 2;
            }
            blocks.put(name, block);
            if (block > 1) {
                break;
            }
        }
        return blocks;
    }

    private boolean isAligned(Dim bits) {
        return bits.modulo(8 * Math.max(1, machine.alignment())).isConstant(0);
    }

    /// A common axis without lanes of its own.
    private Split outer(String axis) {
        var block = gridBlocks.get(axis);
        return new Split(axis, block == null ? 0 : block, 1, 1);
    }

    /// How many cores share the work, with lanes along a common axis and several points of another, if any.
    private double cores(Optional<String> vector, Optional<String> shared) {
        double points = 1;
        for (var axis : gridBlocks.keySet()) {
            long block = vector.equals(Optional.of(axis))
                    ? block(axis)
                    : shared.equals(Optional.of(axis)) ? rows(axis) * 2 : gridBlocks.get(axis);
            points *= Math.ceil(Math.max(1, analysis.estimate(axis)) / (double) block);
        }
        return Math.min(points, Math.max(1, machine.blockLimit()));
    }

    // ------------------------------------------------------------------------------------------------------- what it costs

    /// @param vectors the axes with lanes
    /// @param shared the axis whose points are computed several at a time
    private double cost(Set<String> vectors, Optional<String> shared) {
        double cost = 0;
        for (var op : analysis.nest().body().ops()) {
            if (op instanceof NestOp.Yield) {
                continue;
            }
            var result = OpSchema.results(op).getFirst();
            var free = analysis.free(result);
            var reduction = analysis.reduction(op);
            if (reduction != null) {
                var inner = new LinkedHashSet<>(free);
                inner.addAll(reduction.over());
                cost += times(inner, vectors, shared) * vector(inner, vectors);
                boolean across = reduction.over().stream().anyMatch(vectors::contains);
                cost += across ? times(free, vectors, shared) * ACROSS_LANES : 0;
            } else if (op instanceof NestOp.Read read) {
                cost += times(free, vectors, shared) * read(read, vectors);
            } else if (op instanceof ArithOp) {
                cost += times(free, vectors, shared) * vector(free, vectors);
            }
        }
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            var axes = analysis.storeAxes(i);
            var vector = axes.stream().filter(vectors::contains).findFirst();
            boolean adjacent = vector.isPresent() && isStoreAdjacent(i, vector.get());
            cost += times(axes, vectors, Optional.empty())
                    * (adjacent ? COPY_START + lanes(vector.get()) / LANES_PER_STEP * 4 : SCATTERED * copies(vector));
        }
        return cost;
    }

    /// How often something runs that is free in these axes.
    private double times(Set<String> free, Set<String> vectors, Optional<String> shared) {
        var loops = new LinkedHashSet<>(common);
        loops.addAll(free);
        double times = 1;
        for (var axis : loops) {
            double extent = Math.max(1, analysis.estimate(axis));
            if (vectors.contains(axis)) {
                times *= Math.ceil(extent / lanes(axis));
            } else if (shared.equals(Optional.of(axis)) && !free.contains(axis)) {
                times *= Math.ceil(extent / rows(axis));
            } else {
                times *= extent;
            }
        }
        return times;
    }

    private double vector(Set<String> free, Set<String> vectors) {
        return free.stream()
                .filter(vectors::contains)
                .findFirst()
                .map(axis -> VECTOR_START + lanes(axis) / LANES_PER_STEP)
                .orElse(1.0);
    }

    private double read(NestOp.Read read, Set<String> vectors) {
        var vector = analysis.free(read.result()).stream().filter(vectors::contains).findFirst();
        boolean adjacent = vector.isPresent()
                && (isAdjacent(read, vector.get()) || packing(read, vector.get()).isPresent());
        if (!adjacent && vector.isPresent() && isApart(read, vector.get())) {
            double elements = Math.min(lanes(vector.get()), analysis.estimate(vector.get()));
            // Neighbours that lie a few elements apart come with all that is between.
            long step = step(read, vector.get());
            boolean near = step > 0 && step * read.source().type().elementType().bits() / 8 <= machine.alignment();
            return COPY_START + VECTOR_START + elements * (near ? 4 * step / LANES_PER_STEP : PIECE);
        }
        return adjacent ? COPY_START + lanes(vector.get()) / LANES_PER_STEP * 4 : copies(vector);
    }

    private double copies(Optional<String> vector) {
        return vector.map(axis -> ELEMENT * Math.min(lanes(axis), analysis.estimate(axis))).orElse(ELEMENT);
    }

    private boolean isAdjacent(NestOp.Read read, String axis) {
        return read.indices().stream().noneMatch(index -> analysis.free(index).contains(axis))
                && read.otherwise() != NestOp.Otherwise.CLAMP
                && MemoryEmitter.isAdjacent(read.at(), NestToTile.rowMajor(read.source()), axis);
    }

    /// Whether neighbours along an axis lie evenly in memory, so that one copy brings them in.
    private boolean isApart(NestOp.Read read, String axis) {
        var element = read.source().type().elementType();
        boolean any = false;
        for (var index : read.at()) {
            var stride = NestAnalysis.stride(index, axis);
            if (stride.isEmpty() || stride.getAsLong() < 0) {
                return false;
            }
            any |= stride.getAsLong() > 0;
            if (stride.getAsLong() > 0 && read.otherwise() == NestOp.Otherwise.CLAMP) {
                return false;
            }
        }
        return any
                && read.indices().stream().noneMatch(index -> analysis.free(index).contains(axis))
                && machine.intrinsics().ops().stream()
                        .anyMatch(op -> op instanceof MachineOp.Vector(String operation, var types)
                                && operation.equals("take")
                                && types.contains(element.text()));
    }

    /// How many elements a neighbour along the axis lies further on, if that is known; else 0.
    private static long step(NestOp.Read read, String axis) {
        var type = read.source().tensor();
        long step = 0;
        for (int i = 0; i < read.at().size(); i++) {
            long own = NestAnalysis.stride(read.at().get(i), axis).orElse(0);
            if (own != 0) {
                var inner = Dim.product(type.dims().subList(i + 1, type.rank())).constant();
                if (inner.isEmpty()) {
                    return 0;
                }
                step += own * inner.getAsLong();
            }
        }
        return step;
    }

    private boolean isStoreAdjacent(int result, String axis) {
        var buffer = NestToTile.rowMajor(analysis.nest().results().get(result));
        return MemoryEmitter.isAdjacent(analysis.terminator().to().get(result), buffer, axis);
    }

    private long lanes(String axis) {
        if (isElementwise(axis) || hasOddElements) {
            return fewest;
        }
        boolean apart = analysis.reads().stream()
                .anyMatch(read -> analysis.free(read.result()).contains(axis)
                        && !isAdjacent(read, axis)
                        && placeOf(read, axis).isEmpty());
        long limit = apart ? Math.clamp(MOST_APART, fewest, most) : most;
        var extent = analysis.constantExtent(axis);
        if (extent.isEmpty()) {
            return Math.clamp(2 * analysis.estimate(axis), fewest, limit);
        }
        long wanted = Long.highestOneBit(Math.max(1, 2 * extent.getAsLong() - 1));
        return Math.clamp(wanted, fewest, limit);
    }

    /// Where elements are touched one by one long vectors gain nothing, and lose where they are not full.
    private boolean isElementwise(String axis) {
        return touched.computeIfAbsent(axis, _ -> analysis.reads().stream()
                .anyMatch(read -> analysis.free(read.result()).contains(axis)
                        && !isAdjacent(read, axis)
                        && !isApart(read, axis)
                        && placeOf(read, axis).isEmpty()));
    }

    // --------------------------------------------------------------------------------------------------- lanes everywhere

    /// For each innermost loop the axis along which most of its accesses are adjacent.
    private Set<String> ownAxes() {
        var axes = new LinkedHashSet<String>();
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            int result = i;
            inner(i).stream().filter(axis -> isStoreAdjacent(result, axis)).findFirst().ifPresent(axes::add);
        }
        for (var reduction : analysis.reductions()) {
            boolean around = analysis.free(reduction.results().getFirst()).stream().anyMatch(axes::contains);
            if (!around) {
                adjacentAxis(reduction.over()).ifPresent(axes::add);
            }
        }
        return axes;
    }

    private Optional<String> adjacentAxis(List<String> axes) {
        return axes.stream()
                .filter(axis -> adjacentReads(axis) > 0)
                .max(Comparator.comparingLong(this::adjacentReads));
    }

    private long adjacentReads(String axis) {
        return analysis.reads().stream()
                .filter(read -> analysis.free(read.result()).contains(axis) && isAdjacent(read, axis))
                .count();
    }

    private List<String> inner(int result) {
        return analysis.storeAxes(result).stream().filter(axis -> !common.contains(axis)).toList();
    }

    private Schedule perLoop(Set<String> vectors) {
        return new Schedule(
                common.stream().map(this::outer).toList(),
                stages(vectors),
                reductions(vectors),
                List.of(),
                List.of());
    }

    private List<List<Split>> stages(Set<String> vectors) {
        var stages = new ArrayList<List<Split>>();
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            int result = i;
            stages.add(lastWithLanes(inner(i), vectors, axis -> isStoreAdjacent(result, axis)));
        }
        return stages;
    }

    private List<List<Split>> reductions(Set<String> vectors) {
        var reductions = new ArrayList<List<Split>>();
        for (var reduction : analysis.reductions()) {
            boolean around = analysis.free(reduction.results().getFirst()).stream().anyMatch(vectors::contains);
            var order = new ArrayList<>(reduction.over());
            order.sort(Comparator.comparing(axis -> !isGuarded(axis)));
            reductions.add(lastWithLanes(order, around ? Set.of() : vectors, _ -> true));
        }
        return reductions;
    }

    /// Scalar loops, and the one with lanes last.
    private List<Split> lastWithLanes(List<String> axes, Set<String> vectors, Predicate<String> fits) {
        var loops = new ArrayList<Split>();
        var vector = axes.stream().filter(axis -> vectors.contains(axis) && fits.test(axis)).findFirst();
        for (var axis : axes) {
            if (!vector.equals(Optional.of(axis))) {
                loops.add(Split.scalar(axis));
            }
        }
        vector.ifPresent(axis -> loops.add(new Split(axis, 0, 1, lanes(axis))));
        return loops;
    }

    private boolean isGuarded(String axis) {
        return analysis.reads().stream()
                .filter(read -> read.otherwise() != NestOp.Otherwise.PROVEN)
                .flatMap(read -> read.at().stream())
                .anyMatch(index -> index.symbols().contains(axis)
                        && !index.symbolName().equals(Optional.of(axis)));
    }

    // ------------------------------------------------------------------------------------------- lanes along a common axis

    private Schedule along(String axis, Optional<String> shared) {
        var splits = new ArrayList<Split>();
        for (var name : common) {
            if (!name.equals(axis) && !shared.equals(Optional.of(name))) {
                splits.add(outer(name));
            }
        }
        splits.add(new Split(axis, gridBlocks.containsKey(axis) ? block(axis) : 0, 1, lanes(axis)));
        shared.ifPresent(name -> splits.add(new Split(
                name, gridBlocks.containsKey(name) ? rows(name) * 2 : 0, rows(name), 1)));
        return new Schedule(splits, stages(Set.of()), reductions(Set.of()), panels(axis), List.of());
    }

    private long block(String axis) {
        long lanes = lanes(axis);
        double others = 1;
        for (var name : common) {
            others *= name.equals(axis) ? 1 : analysis.estimate(name);
        }
        long points = Math.max(1, (long) (GRID_POINTS / Math.max(1, others)));
        long vectors = Math.max(1, analysis.estimate(axis) / lanes / points);
        return lanes * Math.min(vectors, analysis.constantExtent(axis).isPresent() ? 64 : 4);
    }

    /// The common axis whose points read the same elements in a reduction.
    private Optional<String> sharedAxis(String vectorAxis) {
        if (analysis.reductions().isEmpty()) {
            return Optional.empty();
        }
        Optional<String> best = Optional.empty();
        double most = 0;
        for (var axis : common) {
            boolean lone = analysis.constantExtent(axis).orElse(2) < 2;
            if (axis.equals(vectorAxis) || lone) {
                continue;
            }
            double saved = 0;
            for (var read : analysis.reads()) {
                var free = analysis.free(read.result());
                if (free.contains(vectorAxis) && !free.contains(axis) && free.stream().anyMatch(n -> !common.contains(n))) {
                    saved++;
                }
            }
            if (saved > most) {
                most = saved;
                best = Optional.of(axis);
            }
        }
        return best;
    }

    private long rows(String axis) {
        long block = gridBlocks.getOrDefault(axis, 1L);
        long wanted = analysis.constantExtent(axis).orElse(MOST_ROWS);
        long rows = Math.max(1, Long.highestOneBit(Math.min(MOST_ROWS, Math.max(1, wanted))));
        return rows * 2 % block == 0 ? rows : Math.max(1, block / 2);
    }

    private List<Packed> panels(String axis) {
        var packed = new ArrayList<Packed>();
        for (var read : analysis.reads()) {
            packing(read, axis)
                    .filter(entry -> packed.stream().noneMatch(other -> other.input() == entry.input()))
                    .ifPresent(packed::add);
        }
        return packed;
    }

    /// The panels in which a constant should lie so that its lanes are adjacent.
    private Optional<Packed> packing(NestOp.Read read, String axis) {
        return placeOf(read, axis).map(place -> {
            var order = new ArrayList<Integer>();
            for (int i = 0; i < read.at().size(); i++) {
                if (i != place) {
                    order.add(i);
                }
            }
            return new Packed(analysis.nest().inputs().indexOf(read.source()), place, lanes(axis), order);
        });
    }

    /// Which of the read's axes the panels would divide, if it can lie in panels.
    private Optional<Integer> placeOf(NestOp.Read read, String axis) {
        boolean reduced = analysis.free(read.result()).stream().anyMatch(name -> !common.contains(name));
        if (!isConstant.test(read.source())
                || read.at().size() < 2
                || !reduced
                || !read.indices().isEmpty()
                || read.otherwise() != NestOp.Otherwise.PROVEN
                || isAdjacent(read, axis)) {
            return Optional.empty();
        }
        Optional<Integer> place = Optional.empty();
        for (int i = 0; i < read.at().size(); i++) {
            if (!read.at().get(i).symbols().contains(axis)) {
                continue;
            }
            if (place.isPresent() || !read.at().get(i).symbolName().equals(Optional.of(axis))) {
                return Optional.empty();
            }
            place = Optional.of(i);
        }
        return place;
    }
}
