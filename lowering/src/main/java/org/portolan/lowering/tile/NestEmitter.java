package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.Schedule.Split;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Writes the loops of one nest as its schedule says. Every scalar of the body is evaluated on demand, once for each
/// coordinate of the axes it is free in, in the outermost loop that binds them.
final class NestEmitter extends InstructionEmitter {
    private final boolean fused;
    /// How many axes a grid can have.
    private static final int GRID_AXES = 3;

    private final List<Dim> grid = new ArrayList<>();
    /// The grid's index along each axis, in the scopes of the grid loops.
    private final Map<Split, Value> gridPoints = new HashMap<>();
    /// The body of the innermost grid loop, or of the loop over threads in it.
    private Scope withinGrid;
    /// The reduction whose loops are being written; {@code null} outside of all.
    private Reduction reducing;
    /// Whether whatever is computed stays in there: a read fails the run where its index is out of range, or threads do it.
    private final boolean stays;

    NestEmitter(NestAnalysis analysis, Schedule schedule, Map<Value, Value> buffers, MachineOp.Chip machine) {
        super(analysis, schedule, buffers, machine);
        stays = schedule.block().isPresent()
                || analysis.reads().stream().anyMatch(read -> read.otherwise() == NestOp.Otherwise.ERROR);
        fused = machine.fmaPerCycle() > 0;
    }

    /// The kernel's operations.
    List<Op> emit() {
        var root = new Scope(null);
        gridLoops(root, 0, new ArrayList<>());
        return root.ops;
    }

    /// The trip counts of the grid loops, outermost first.
    List<Dim> grid() {
        return grid;
    }

    private record Block(Split split, Value start, Dim length, Value end) {}

    /// One loop for each common axis over its blocks, then the loops within the blocks.
    private void gridLoops(Scope scope, int index, List<Block> blocks) {
        if (index == schedule.common().size()) {
            withinGrid = scope;
            if (schedule.block().isPresent()) {
                threadLoop(scope, inner -> threadBody(inner, blocks));
            } else {
                blockLoops(scope, blocks, 0);
            }
            return;
        }
        var split = schedule.common().get(index);
        var extent = analysis.extent(split.axis());
        long block = split.block();
        if (block == 0) {
            blocks.add(new Block(split, number(scope, Dim.ZERO), extent, number(scope, extent)));
            gridLoops(scope, index + 1, blocks);
            return;
        }
        if (gridPoints.containsKey(split)) {
            bindBlock(scope, split, gridPoints.get(split), blocks);
            gridLoops(scope, index + 1, blocks);
            return;
        }
        var together = together(index);
        var count = Dim.product(together.stream().map(this::blocks).toList());
        grid.add(count);
        var point = Value.of(Type.INDEX, split.axis() + "_block");
        var inner = new Scope(scope);
        Dim inside = Dim.ONE;
        for (var each : together.reversed()) {
            gridPoints.put(
                    each,
                    together.size() == 1
                            ? point
                            : expression(inner, Dim.symbol("$0").floorDivide(inside).modulo(blocks(each)), point));
            inside = inside.times(blocks(each));
        }
        gridLoops(inner, index, blocks);
        scope.ops.add(new TileOp.For(
                number(scope, Dim.ZERO),
                number(scope, count),
                number(scope, Dim.ONE),
                List.of(),
                TileOp.Bind.GRID,
                new Body(List.of(point), terminated(inner.ops, List.of())),
                List.of()));
    }

    /// The axes that share the next grid loop: one, or where a grid has too few the outermost ones.
    private List<Split> together(int index) {
        var left = schedule.common().subList(index, schedule.common().size()).stream()
                .filter(split -> split.block() != 0)
                .toList();
        int excess = left.size() + grid.size() - GRID_AXES;
        return left.subList(0, 1 + Math.max(0, excess));
    }

    private Dim blocks(Split split) {
        return analysis.extent(split.axis()).ceilDivide(split.block());
    }

    /// Makes a point of the grid the start of a block.
    private void bindBlock(Scope scope, Split split, Value point, List<Block> blocks) {
        long block = split.block();
        if (block == 1) {
            scope.bind(split.axis(), new Scope.Position(point, 1, 1, 1, null));
            return;
        }
        // The loops within bind the axis; until then it has no position.
        var extent = analysis.extent(split.axis());
        var start = expression(scope, Dim.symbol("$0").times(block), point);
        boolean whole = extent.modulo(block).isConstant(0);
        var end = whole
                ? null
                : expression(
                        scope,
                        Dim.symbol("$0").plus(block).minimum(Dim.symbol("$1")),
                        start,
                        number(scope, extent));
        blocks.add(new Block(split, start, whole ? Dim.of(block) : null, end));
    }

    /// What one thread of a block does.
    private void threadBody(Scope scope, List<Block> blocks) {
        withinGrid = scope;
        blocks.forEach(block -> bindThreads(scope, block.split(), block.start()));
        if (schedule.block().orElseThrow().form() == Schedule.Form.ONLINE) {
            rowsOnce(scope);
        }
        if (schedule.block().orElseThrow().form() == Schedule.Form.RESIDENT) {
            var rows = new LinkedHashSet<Split>();
            schedule.reductions().forEach(rows::addAll);
            schedule.stages().forEach(rows::addAll);
            rows.forEach(split -> bindRow(scope, split));
        }
        stages(scope);
    }

    private void blockLoops(Scope scope, List<Block> blocks, int index) {
        if (index == blocks.size()) {
            stages(scope);
            return;
        }
        var block = blocks.get(index);
        tiles(scope, block.split(), block.start(), block.length(), block.end(), inner -> blockLoops(inner, blocks, index + 1));
    }

    /// Results with the same inner axes share their loops.
    private void stages(Scope scope) {
        int count = analysis.terminator().values().size();
        var done = new boolean[count];
        for (int first = 0; first < count; first++) {
            if (done[first]) {
                continue;
            }
            var axes = analysis.storeAxes(first);
            var members = new ArrayList<Integer>();
            for (int i = first; i < count; i++) {
                if (!done[i] && analysis.storeAxes(i).equals(axes)) {
                    done[i] = true;
                    members.add(i);
                }
            }
            var splits = schedule.stages().get(first);
            boolean divided = splits.stream().anyMatch(split -> split.threads() > 1);
            innerLoops(scope, splits, 0, inner -> store(inner, members, axes, divided));
        }
    }

    private void innerLoops(Scope scope, List<Split> splits, int index, Continuation body) {
        if (index == splits.size()) {
            body.emit(scope);
            return;
        }
        var split = splits.get(index);
        var extent = analysis.extent(split.axis());
        if (scope.position(split.axis()) != null) {
            innerLoops(scope, splits, index + 1, body);
            return;
        }
        if (split.threads() > 1) {
            teamTiles(scope, split, extent, inner -> innerLoops(inner, splits, index + 1, body));
            return;
        }
        tiles(scope, split, number(scope, Dim.ZERO), extent, number(scope, extent), inner ->
                innerLoops(inner, splits, index + 1, body));
    }

    /// @param divided whether each thread of a team stores elements of its own
    private void store(Scope scope, List<Integer> members, Set<String> axes, boolean divided) {
        boolean once = !divided && schedule.block().map(Schedule.Block::team).orElse(1L) > 1;
        for (var coordinates : coordinates(scope, axes)) {
            for (int member : members) {
                var yield = analysis.terminator();
                var value = evaluate(scope, yield.values().get(member), coordinates);
                var dollars = yield.indices().stream()
                        .map(index -> evaluate(scope, index, coordinates))
                        .toList();
                store(
                        scope,
                        analysis.nest().results().get(member),
                        value,
                        yield.to().get(member),
                        dollars,
                        axes,
                        coordinates,
                        once ? isFirstMember(scope) : null);
            }
        }
    }

    /// The value of a scalar of the nest at the coordinates; those of axes it is not free in do not matter.
    @Override
    Value evaluate(Scope scope, Value value, Map<String, Integer> coordinates) {
        var definition = analysis.definition(value);
        if (definition == null) {
            throw new IllegalArgumentException("a nest uses " + value + " without reading it");
        }
        var free = analysis.free(value);
        var own = new TreeMap<>(coordinates);
        own.keySet().retainAll(free);
        if (fromShared(scope, value, own) instanceof Value copy) {
            return copy;
        }
        var home = home(scope, free);
        var known = home.known(value, own);
        if (known != null) {
            return known;
        }
        if (analysis.reduction(definition) instanceof Reduction reduction) {
            reduce(home, reduction);
            return home.known(value, own);
        }
        var kept = kept(definition);
        if (kept.isPresent() && reducing != KeptScalars.reducer(analysis, value)) {
            var sums = KeptScalars.reducer(analysis, value).results().getFirst();
            evaluate(scope, sums, coordinates);
            var at = analysis.terminator().to().get(kept.get().result());
            var source = analysis.nest().results().get(kept.get().result());
            var read = new NestOp.Read(source, List.of(), Optional.empty(), at, NestOp.Otherwise.PROVEN, value);
            var loaded = load(home, read, List.of(), null, own);
            home.remember(value, own, loaded);
            return loaded;
        }
        var result = switch (definition) {
            case NestOp.Read read when schedule.staged(analysis.reads().indexOf(read)).isPresent() ->
                loadStaged(home, read, own);
            case NestOp.Read read -> {
                var dollars = evaluateAll(home, read.indices(), own);
                var other = read.other().map(operand -> evaluate(home, operand, own)).orElse(null);
                yield load(home, read, dollars, other, own);
            }
            case NestOp.Index index -> {
                var number = index(home, index.value(), evaluateAll(home, index.operands(), own), own);
                yield castIndex(home, number, index.result());
            }
            case ArithOp arith -> arithmetic(home, arith, evaluateAll(home, OpSchema.operands(arith), own));
            case NestOp.Compute _, NestOp.Reduce _, NestOp.Sum _, NestOp.Yield _ -> misplaced(definition);
            case GraphOp _, TileOp _, PlanOp _, MachineOp _ -> misplaced(definition);
        };
        home.remember(value, own, result);
        if (kept.isPresent()) {
            int place = kept.get().result();
            var to = analysis.terminator().to().get(place);
            store(home, analysis.nest().results().get(place), result, to, List.of(), free, own, null);
        }
        return result;
    }

    private Optional<Schedule.Kept> kept(Op definition) {
        return schedule.kept().stream()
                .filter(entry -> analysis.nest().body().ops().get(entry.op()) == definition)
                .findFirst();
    }

    /// Where a scalar is computed. What may fail the run, and with it all that needs it, stays within the grid.
    private Scope home(Scope scope, Set<String> free) {
        var home = scope.home(free);
        return stays && home.encloses(withinGrid) ? withinGrid : home;
    }

    private static Value misplaced(Op op) {
        throw new IllegalArgumentException(OpSchema.of(op).name() + " cannot be evaluated in the body of a nest");
    }

    /// Loads from the local copy of what a tile reads, which is made where the tile begins.
    private Value loadStaged(Scope scope, NestOp.Read read, Map<String, Integer> coordinates) {
        var axis = schedule.staged(analysis.reads().indexOf(read)).orElseThrow().axis();
        var reduced = analysis.free(read.result()).stream()
                .filter(name -> isReduced(analysis, name))
                .toList();
        var outer = new LinkedHashSet<>(analysis.free(read.result()));
        reduced.forEach(outer::remove);
        var home = home(scope, outer);
        var position = home.position(axis);
        // Points of other axes that the tile computes together have copies of their own.
        var others = new TreeMap<>(coordinates);
        others.keySet().retainAll(outer);
        others.remove(axis);
        var copy = home.helper(List.of("staged", read.result(), others), () -> {
            var dims = new ArrayList<Dim>();
            reduced.forEach(name -> dims.add(analysis.extent(name)));
            dims.add(Dim.of(position.unroll() * position.lanes()));
            var element = read.source().tensor().element();
            var buffer = Value.of(new Type.Buffer(element, dims, Type.Space.LOCAL), read.result().hint() + "_copy");
            home.ops.add(new TileOp.Alloc(buffer));
            fill(home, read, axis, others, reduced, 0, buffer);
            return buffer;
        });
        var indices = new ArrayList<Value>();
        for (var name : reduced) {
            indices.add(axisBase(scope, name, coordinates.getOrDefault(name, 0)));
        }
        indices.add(number(scope, Dim.of(coordinates.getOrDefault(axis, 0) * position.lanes())));
        var result = Value.of(
                laneType(position.lanes(), read.source().tensor().element()), read.result().hint());
        scope.ops.add(new TileOp.Load(copy, indices, Optional.empty(), Optional.empty(), result));
        return result;
    }

    private void fill(
            Scope scope,
            NestOp.Read read,
            String axis,
            Map<String, Integer> others,
            List<String> reduced,
            int index,
            Value buffer) {
        if (index < reduced.size()) {
            var extent = analysis.extent(reduced.get(index));
            tiles(scope, Split.scalar(reduced.get(index)), number(scope, Dim.ZERO), extent, number(scope, extent), inner ->
                    fill(inner, read, axis, others, reduced, index + 1, buffer));
            return;
        }
        var position = scope.position(axis);
        for (int coordinate = 0; coordinate < position.unroll(); coordinate++) {
            var coordinates = new TreeMap<>(others);
            coordinates.put(axis, coordinate);
            var value = load(scope, read, List.of(), null, coordinates);
            var indices = new ArrayList<Value>();
            for (var name : reduced) {
                indices.add(axisBase(scope, name, 0));
            }
            indices.add(number(scope, Dim.of(coordinate * position.lanes())));
            scope.ops.add(new TileOp.Store(value, buffer, indices, Optional.empty()));
        }
    }

    private List<Value> evaluateAll(Scope scope, List<Value> values, Map<String, Integer> coordinates) {
        return values.stream().map(value -> evaluate(scope, value, coordinates)).toList();
    }

    private Value castIndex(Scope scope, Value number, Value wanted) {
        var element = wanted.type().elementType();
        if (element == ElementType.INDEX) {
            return number;
        }
        var result = Value.of(laneType(number.type().laneCount(), element), wanted.hint());
        scope.ops.add(new ArithOp.Cast(number, result));
        return result;
    }

    /// Writes the loops of a reduction for all coordinates at once, so that what does not depend on a coordinate is loaded
    /// once for all of them.
    private void reduce(Scope home, Reduction reduction) {
        if (reduceInFragments(home, reduction)) {
            return;
        }
        var free = analysis.free(reduction.results().getFirst());
        var combinations = coordinates(home, free);
        long outerLanes = free.stream()
                .mapToLong(axis -> home.position(axis).lanes())
                .max()
                .orElse(1);
        var splits = schedule.reductions().get(analysis.reductions().indexOf(reduction));
        boolean resident = !splits.isEmpty() && home.position(splits.getLast().axis()) != null;
        // The neighbours that an instruction sums are no lanes of the sum.
        long innerLanes = splits.isEmpty() || isInstruction() ? 1 : splits.getLast().lanes();
        long partials = splits.isEmpty() || resident ? 1 : splits.getLast().unroll();
        long lanes = Math.max(outerLanes, innerLanes);
        var initial = new ArrayList<Value>();
        for (var combination : combinations) {
            for (long partial = 0; partial < partials; partial++) {
                for (int i = 0; i < reduction.results().size(); i++) {
                    initial.add(broadcast(home, neutral(home, reduction, i, combination), lanes));
                }
            }
        }
        var around = reducing;
        reducing = reduction;
        var sums = reductionLoops(home, reduction, splits, 0, initial, combinations, Math.toIntExact(partials));
        reducing = around;
        int width = reduction.results().size();
        var totals = new ArrayList<List<Value>>();
        for (int c = 0; c < combinations.size(); c++) {
            var parts = sums.subList(c * (int) partials * width, (c + 1) * (int) partials * width);
            var total = parts.subList(0, width);
            for (int partial = 1; partial < partials; partial++) {
                total = combine(home, reduction, total, parts.subList(partial * width, (partial + 1) * width));
            }
            if (innerLanes > 1) {
                total = acrossLanes(home, reduction, total);
            }
            totals.add(total);
        }
        if (splits.stream().anyMatch(split -> split.threads() > 1)) {
            totals = new ArrayList<>(acrossTeam(home, reduction, totals));
        }
        for (int c = 0; c < combinations.size(); c++) {
            for (int i = 0; i < width; i++) {
                home.remember(reduction.results().get(i), combinations.get(c), totals.get(c).get(i));
            }
        }
    }

    @Override
    Value neutral(Scope home, Reduction reduction, int index, Map<String, Integer> coordinates) {
        return reduction.isSum()
                ? constant(home, reduction.results().get(index).type().elementType(), 0)
                : evaluate(home, reduction.initial().get(index), coordinates);
    }

    /// Loops over the reduced axes from {@code index} on; gives the accumulators after them.
    private List<Value> reductionLoops(
            Scope scope,
            Reduction reduction,
            List<Split> splits,
            int index,
            List<Value> accumulators,
            List<Map<String, Integer>> combinations,
            int partials) {
        if (index == splits.size()) {
            return accumulate(scope, reduction, accumulators, combinations, partials);
        }
        var split = splits.get(index);
        if (scope.position(split.axis()) != null) {
            return reductionLoops(scope, reduction, splits, index + 1, accumulators, combinations, partials);
        }
        if (threaded && split.block() > 1) {
            return stagedLoop(
                    scope, reduction, split, accumulators, (inner, carried) -> reductionLoops(
                            inner, reduction, splits, index + 1, carried, combinations, partials));
        }
        var extent = analysis.extent(split.axis());
        var zero = number(scope, Dim.ZERO);
        long tile = split.tile();
        var whole = extent.floorDivide(tile).times(tile);
        var current = accumulators;
        if (!whole.isConstant(0)) {
            current = reductionLoop(
                    scope, split, zero, whole, tile, split.unroll(), split.unroll(), reduction, splits, index, current,
                    combinations, partials);
        }
        if (!extent.modulo(tile).isConstant(0)) {
            boolean masked = split.stride() > 1 && !(threaded && extent.modulo(split.stride()).isConstant(0));
            current = reductionLoop(
                    scope, split, number(scope, whole), extent, split.stride(), 1, masked ? 0 : 1, reduction, splits,
                    index, current, combinations, partials);
        }
        return current;
    }

    private List<Value> reductionLoop(
            Scope scope,
            Split split,
            Value from,
            Dim to,
            long step,
            long unroll,
            long whole,
            Reduction reduction,
            List<Split> splits,
            int index,
            List<Value> accumulators,
            List<Map<String, Integer>> combinations,
            int partials) {
        var counter = Value.of(Type.INDEX, split.axis());
        var carried = accumulators.stream().map(Value::copy).toList();
        var results = accumulators.stream().map(Value::copy).toList();
        var inner = new Scope(scope);
        var end = number(scope, to);
        inner.bind(
                split.axis(),
                new Scope.Position(
                        memberBase(inner, split, counter), unroll, split.lanes(), split.stride(), whole, end));
        var next = reductionLoops(inner, reduction, splits, index + 1, carried, combinations, partials);
        var params = new ArrayList<Value>();
        params.add(counter);
        params.addAll(carried);
        scope.ops.add(new TileOp.For(
                from,
                end,
                number(scope, Dim.of(step)),
                accumulators,
                TileOp.Bind.SERIAL,
                new Body(params, terminated(inner.ops, next)),
                results));
        return results;
    }

    /// One step: combines the values at every coordinate into its accumulators.
    @Override
    List<Value> accumulate(
            Scope scope,
            Reduction reduction,
            List<Value> accumulators,
            List<Map<String, Integer>> combinations,
            int partials) {
        if (isInstruction()) {
            return instructions(scope, accumulators, combinations);
        }
        int width = reduction.results().size();
        var next = new ArrayList<>(accumulators);
        var innermost = reduction.over().isEmpty() ? null : innermost(reduction);
        long steps = innermost == null ? 1 : scope.position(innermost).unroll();
        for (int c = 0; c < combinations.size(); c++) {
            for (int step = 0; step < steps; step++) {
                var coordinates = new TreeMap<>(combinations.get(c));
                if (steps > 1) {
                    coordinates.put(innermost, step);
                }
                int slot = (c * partials + (partials > 1 ? step : 0)) * width;
                var before = List.copyOf(next.subList(slot, slot + width));
                var after = step(scope, reduction, before, coordinates);
                var mask = innermost == null ? null : mask(scope, innermost, step);
                for (int i = 0; i < width; i++) {
                    next.set(slot + i, mask == null ? after.get(i) : select(scope, mask, after.get(i), before.get(i)));
                }
            }
        }
        return next;
    }

    private String innermost(Reduction reduction) {
        return schedule.reductions().get(analysis.reductions().indexOf(reduction)).getLast().axis();
    }

    private List<Value> step(
            Scope scope, Reduction reduction, List<Value> accumulators, Map<String, Integer> coordinates) {
        if (fused
                && reduction.isSum()
                && analysis.definition(reduction.values().getFirst()) instanceof ArithOp.Mul product
                && product.result().type().elementType().isFloat()) {
            long lanes = accumulators.getFirst().type().laneCount();
            var left = broadcast(scope, evaluate(scope, product.left(), coordinates), lanes);
            var right = broadcast(scope, evaluate(scope, product.right(), coordinates), lanes);
            var sum = accumulators.getFirst().copy();
            scope.ops.add(new ArithOp.Fma(left, right, accumulators.getFirst(), sum));
            return List.of(sum);
        }
        var values = evaluateAll(scope, reduction.values(), coordinates);
        return combine(scope, reduction, accumulators, values);
    }

    /// The axes that the reductions and results have in common.
    static Set<String> commonAxes(NestAnalysis analysis) {
        var common = new LinkedHashSet<>(analysis.storeAxes(0));
        for (int i = 1; i < analysis.terminator().values().size(); i++) {
            common.retainAll(analysis.storeAxes(i));
        }
        for (var reduction : analysis.reductions()) {
            var free = analysis.free(reduction.results().getFirst());
            boolean nested = free.stream().anyMatch(axis -> isReduced(analysis, axis));
            if (!nested) {
                common.retainAll(free);
            }
        }
        return common;
    }

    private static boolean isReduced(NestAnalysis analysis, String axis) {
        return analysis.reductions().stream().anyMatch(reduction -> reduction.over().contains(axis));
    }
}
