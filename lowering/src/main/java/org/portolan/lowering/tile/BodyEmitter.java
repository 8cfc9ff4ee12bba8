package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.portolan.ir.ArithOp;
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
/// Evaluates the scalars of a nest's body on demand: once for each coordinate of the axes that a scalar is free in, in the
/// outermost loop that binds them.
abstract class BodyEmitter extends ReductionEmitter {
    /// Whether whatever is computed stays within the grid: a read fails the run where its index is out of range, or
    /// threads do it.
    private final boolean stays;
    private Scope withinGrid;

    BodyEmitter(NestAnalysis analysis, Schedule schedule, Map<Value, Value> buffers, MachineOp.Chip machine) {
        super(analysis, schedule, buffers, machine);
        stays = schedule.block().isPresent()
                || analysis.reads().stream().anyMatch(read -> read.otherwise() == NestOp.Otherwise.ERROR);
    }

    /// @param scope the body of the innermost grid loop, or of the loop over threads in it
    void enterGrid(Scope scope) {
        withinGrid = scope;
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
        if (kept.isPresent() && !isReducing(KeptScalars.reducer(analysis, value))) {
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
                .filter(analysis::isReduced)
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

    private Value castIndex(Scope scope, Value number, Value wanted) {
        var element = wanted.type().elementType();
        if (element == ElementType.INDEX) {
            return number;
        }
        var result = Value.of(laneType(number.type().laneCount(), element), wanted.hint());
        scope.ops.add(new ArithOp.Cast(number, result));
        return result;
    }
}
