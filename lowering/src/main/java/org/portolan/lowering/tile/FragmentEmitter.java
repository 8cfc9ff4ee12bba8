package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.Body;
import org.portolan.ir.IndexMap;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Op;
import org.portolan.ir.Relation;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.Schedule.Split;
import org.portolan.lowering.tile.Schedule.Warps;
import org.portolan.lowering.tile.Tensorize.Match;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Writes a reduction that an instruction does on fragments. The lanes of a warp hold fragments together; the sums go by
/// way of shared memory to the threads that compute what follows, each for its own points.
abstract class FragmentEmitter extends StageEmitter {
    private final MachineOp.Chip machine;

    FragmentEmitter(NestAnalysis analysis, Schedule schedule, Map<Value, Value> buffers, MachineOp.Chip machine) {
        super(analysis, schedule, buffers, machine);
        this.machine = machine;
    }

    /// What the warps of a block have in common.
    ///
    /// @param group how many warps hold a fragment together
    private record Plan(Match match, Split row, Split column, Split deep, Warps warps, long group) {
        long height() {
            return match.extent(row.axis());
        }

        long width() {
            return match.extent(column.axis());
        }

        /// Fragments of a warp along each axis.
        long rows() {
            return row.tile() / warps.rows() / height();
        }

        long columns() {
            return column.tile() / warps.columns() / width();
        }
    }

    /// Computes a reduction in fragments, if the schedule says so, and remembers its result at all coordinates.
    boolean reduceInFragments(Scope home, Reduction reduction) {
        var warps = schedule.block().flatMap(Schedule.Block::warps);
        if (warps.isEmpty()) {
            return false;
        }
        var tiled = schedule.common().stream()
                .filter(split -> tiledAxes().contains(split.axis()))
                .toList();
        var splits = schedule.reductions().getFirst();
        var deep = splits.getLast();
        var results = tiled.stream().map(Split::axis).toList();
        var match = FragmentScheduler.match(analysis, intrinsic(warps.get().intrinsic()), results, deep.axis())
                .orElseThrow();
        var plan = new Plan(
                match, tiled.get(0), tiled.get(1), deep, warps.get(), Math.max(1, match.lanes() / warp));
        padded = true;
        var sums = sums(home, reduction, plan, splits, 0, zeros(home, plan));
        spread(home, reduction, plan, sums);
        return true;
    }

    MachineOp.Intrinsic intrinsic(String name) {
        return machine.intrinsics().ops().stream()
                .filter(op -> op instanceof MachineOp.Intrinsic intrinsic && intrinsic.name().equals(name))
                .map(MachineOp.Intrinsic.class::cast)
                .findFirst()
                .orElseThrow();
    }

    private List<Value> zeros(Scope home, Plan plan) {
        var addend = plan.match().addend().orElseThrow();
        var type = fragment(plan.match(), addend);
        var nothing = constant(home, addend.type().elementType(), 0);
        var zero = Value.of(type, "none");
        home.ops.add(new TileOp.Broadcast(nothing, zero));
        var all = new ArrayList<Value>();
        for (long i = 0; i < plan.rows() * plan.columns(); i++) {
            all.add(zero);
        }
        return all;
    }

    /// The type of the fragment that a parameter of the instruction is.
    static Type.Fragment fragment(Match match, Value parameter) {
        int index = match.isShared() ? 0 : match.intrinsic().body().params().indexOf(parameter);
        return new Type.Fragment(
                parameter.tensor().element(),
                parameter.tensor().dims(),
                match.intrinsic().spreads().get(index));
    }

    /// Loops over the reduced axes, the last of them in blocks.
    private List<Value> sums(
            Scope scope, Reduction reduction, Plan plan, List<Split> splits, int index, List<Value> accumulators) {
        if (index == splits.size() - 1 && plan.warps().slots() > 0) {
            return ringed(scope, plan, accumulators);
        }
        if (index == splits.size() - 1) {
            var tiles = tiles(reduction, plan.deep(), value -> isDeepLast(plan, value));
            return stages(
                    scope,
                    plan.deep(),
                    tiles,
                    analysis.extent(plan.deep().axis()),
                    accumulators,
                    (inner, all, _, slot, _, _, current) -> products(inner, plan, all, slot, current));
        }
        var axis = splits.get(index).axis();
        var counter = Value.of(Type.INDEX, axis);
        var carried = accumulators.stream().map(Value::copy).toList();
        var results = accumulators.stream().map(Value::copy).toList();
        var inner = new Scope(scope);
        inner.bind(axis, new Scope.Position(counter, 1, 1, 1, null));
        var next = sums(inner, reduction, plan, splits, index + 1, carried);
        carriedLoop(scope, analysis.extent(axis), counter, accumulators, carried, inner, next, results);
        return results;
    }

    // ------------------------------------------------------------------------------------------------------------ rings

    /// An operand, and the ring into which its tiles are copied.
    private record Fed(Value value, Feed feed, Split across, boolean deepLast, Value ring) {
        Type.Buffer slot() {
            return ((Type.Ring) ring.type()).slot();
        }
    }

    /// Loops over the blocks of the reduced axis; while one is multiplied, the next ones are copied.
    private List<Value> ringed(Scope scope, Plan plan, List<Value> accumulators) {
        var fed = new ArrayList<Fed>();
        for (var value : plan.match().inOrder()) {
            var across = analysis.free(value).contains(plan.row().axis()) ? plan.row() : plan.column();
            boolean deepLast = isDeepLast(plan, value);
            long depth = plan.deep().block();
            var feed = Feed.of(analysis, value, plan.deep().axis(), across.axis(), depth, this::memory).orElseThrow();
            var type = new Type.Ring(feed.slot(depth, across.tile(), deepLast), plan.warps().slots());
            fed.add(new Fed(value, feed, across, deepLast, sharedRing(value, type, plan.warps().boxes())));
        }
        var steps = analysis.extent(plan.deep().axis()).ceilDivide(plan.deep().block());
        var count = number(scope, steps);
        boolean boxes = plan.warps().boxes();
        if (!boxes) {
            // Whoever is late may still read what was here before.
            scope.ops.add(new TileOp.Barrier(TileOp.Bind.BLOCK));
        }
        long ahead = plan.warps().slots() - 1;
        for (long step = 0; step < ahead; step++) {
            copyIfThere(scope, plan, fed, number(scope, Dim.of(step)), count);
        }
        var step = Value.of(Type.INDEX, "step");
        var carried = accumulators.stream().map(Value::copy).toList();
        var results = accumulators.stream().map(Value::copy).toList();
        var inner = new Scope(scope);
        var full = new HashMap<Value, Value>();
        for (var each : fed) {
            var slot = Value.of(each.slot(), each.value().hint() + "_full");
            inner.ops.add(new TileOp.Consume(each.ring(), slot));
            full.put(each.value(), slot);
        }
        if (!boxes) {
            inner.ops.add(new TileOp.Barrier(TileOp.Bind.BLOCK));
        }
        var next = products(inner, plan, carried, (parameter, deep, number) -> {
            var value = plan.match().operands().get(parameter);
            var each = fed.stream().filter(own -> own.value() == value).findFirst().orElseThrow();
            var corner = corner(inner, plan, each.across().equals(plan.row()), number);
            var start = number(inner, Dim.of(deep));
            var offsets = each.deepLast() ? List.of(corner, start) : List.of(start, corner);
            return loaded(inner, plan, parameter, full.get(value), offsets);
        });
        if (boxes) {
            // While this block is multiplied, the one before it is known to be done, and its place can be filled.
            long products = plan.rows() * plan.columns() * (plan.deep().block() / plan.match().extent(plan.deep().axis()));
            inner.ops.add(new TileOp.Await(List.of(), products, List.of()));
            releaseWhere(inner, fed, compare(inner, number(inner, Dim.ZERO), Relation.LESS, step));
        } else {
            fed.forEach(each -> inner.ops.add(new TileOp.Release(each.ring())));
        }
        copyIfThere(inner, plan, fed, expression(inner, Dim.symbol("$0").plus(ahead), step), count);
        carriedLoop(scope, steps, step, accumulators, carried, inner, next, results);
        if (boxes) {
            var complete = results.stream().map(Value::copy).toList();
            scope.ops.add(new TileOp.Await(results, 0, complete));
            releaseWhere(scope, fed, compare(scope, number(scope, Dim.ZERO), Relation.LESS, count));
            return complete;
        }
        // What was handed over beyond the last block is taken back, empty.
        for (long rest = 0; rest < ahead; rest++) {
            for (var each : fed) {
                scope.ops.add(new TileOp.Consume(each.ring(), Value.of(each.slot(), "rest")));
                scope.ops.add(new TileOp.Release(each.ring()));
            }
        }
        return results;
    }

    private static void releaseWhere(Scope scope, List<Fed> fed, Value condition) {
        var releases = new ArrayList<Op>();
        fed.forEach(each -> releases.add(new TileOp.Release(each.ring())));
        scope.ops.add(where(condition, releases));
    }

    private boolean isWhole(Split split) {
        return analysis.extent(split.axis()).modulo(split.block()).isConstant(0);
    }

    /// Begins to copy a block, if there is such a one. The slots are handed over in any case, so that how many are under way is
    /// always the same number, unless they say themselves what is in them.
    private void copyIfThere(Scope scope, Plan plan, List<Fed> fed, Value step, Value count) {
        var there = compare(scope, step, Relation.LESS, count);
        if (plan.warps().boxes()) {
            var inner = new Scope(scope);
            for (var each : fed) {
                var slot = acquired(inner, each);
                copy(inner, plan, each, slot, step);
                inner.ops.add(new TileOp.Publish(each.ring()));
            }
            scope.ops.add(where(there, inner.ops));
            return;
        }
        for (var each : fed) {
            var slot = acquired(scope, each);
            var inner = new Scope(scope);
            copy(inner, plan, each, slot, step);
            scope.ops.add(where(there, inner.ops));
            scope.ops.add(new TileOp.Publish(each.ring()));
        }
    }

    private static Value acquired(Scope scope, Fed fed) {
        var slot = Value.of(fed.slot(), fed.value().hint() + "_fill");
        scope.ops.add(new TileOp.Acquire(fed.ring(), slot));
        return slot;
    }

    private static TileOp.If where(Value condition, List<Op> ops) {
        return new TileOp.If(
                condition,
                new Body(List.of(), terminated(ops, List.of())),
                new Body(List.of(), List.of(new TileOp.Yield(List.of()))),
                List.of());
    }

    /// Copies an operand's part of a block to a slot.
    private void copy(Scope scope, Plan plan, Fed fed, Value slot, Value step) {
        var offsets = new ArrayList<Value>();
        for (int axis = 0; axis < fed.feed().origin().size(); axis++) {
            var origin = index(scope, fed.feed().origin().get(axis), List.of(), Map.of());
            offsets.add(
                    axis == fed.feed().deepAxis()
                            ? expression(
                                    scope,
                                    Dim.symbol("$0").plus(Dim.symbol("$1").times(plan.deep().block())),
                                    origin,
                                    step)
                            : axis == fed.feed().acrossAxis()
                                    ? expression(
                                            scope,
                                            Dim.symbol("$0").plus(Dim.symbol("$1")),
                                            origin,
                                            blockStarts.get(fed.across().axis()))
                                    : origin);
        }
        scope.ops.add(new TileOp.Copy(
                memoryOf(fed.feed().read().source()),
                slot,
                offsets,
                true,
                fed.feed().axes(fed.deepLast()),
                isWhole(plan.deep()) && isWhole(fed.across())));
    }

    // --------------------------------------------------------------------------------------------------------- products

    private static boolean isDeepLast(Plan plan, Value value) {
        var parameter = plan.match().operands().entrySet().stream()
                .filter(entry -> entry.getValue() == value)
                .findFirst()
                .orElseThrow()
                .getKey();
        return plan.match().order(parameter).getLast().equals(plan.deep().axis());
    }

    /// Multiplies what a block of the reduced axis holds in shared memory.
    private List<Value> products(Scope scope, Plan plan, List<Tile> tiles, Value slot, List<Value> accumulators) {
        return products(scope, plan, accumulators, (parameter, deep, number) -> {
            var value = plan.match().operands().get(parameter);
            var tile = tiles.stream().filter(each -> each.value() == value).findFirst().orElseThrow();
            var corner = corner(scope, plan, tile.across().equals(plan.row()), number);
            return loaded(scope, plan, parameter, tile.buffer(), tile.place(slot, number(scope, Dim.of(deep)), corner));
        });
    }

    /// Loads the fragment of a parameter that begins at a place along the reduced axis, the n-th of this warp along the other.
    private interface Loading {
        Value fragment(Value parameter, long deep, long number);
    }

    private List<Value> products(Scope scope, Plan plan, List<Value> accumulators, Loading loading) {
        var current = new ArrayList<>(accumulators);
        long step = plan.match().extent(plan.deep().axis());
        for (long deep = 0; deep < plan.deep().block(); deep += step) {
            for (long row = 0; row < plan.rows(); row++) {
                for (long column = 0; column < plan.columns(); column++) {
                    int index = Math.toIntExact(row * plan.columns() + column);
                    current.set(index, product(scope, plan, loading, deep, row, column, current.get(index)));
                }
            }
        }
        return current;
    }

    private Value product(
            Scope scope, Plan plan, Loading loading, long deep, long row, long column, Value sum) {
        var match = plan.match();
        var arguments = new ArrayList<Value>();
        for (var parameter : match.intrinsic().body().params()) {
            if (match.addend().equals(Optional.of(parameter))) {
                arguments.add(sum);
                continue;
            }
            var value = match.operands().get(parameter);
            long number = analysis.free(value).contains(plan.row().axis()) ? row : column;
            arguments.add(scope.helper(
                    List.of("fragment", parameter, deep, number),
                    () -> loading.fragment(parameter, deep, number)));
        }
        var result = Value.of(sum.type(), sum.hint());
        scope.ops.add(new TileOp.Call(arguments, match.intrinsic().name(), List.of(result)));
        return result;
    }

    private Value loaded(Scope scope, Plan plan, Value parameter, Value buffer, List<Value> offsets) {
        return loaded(scope, plan.match(), parameter, plan.deep().axis(), buffer, offsets);
    }

    /// Loads a fragment from shared memory, by an instruction if there is one.
    Value loaded(Scope scope, Match match, Value parameter, String deep, Value buffer, List<Value> offsets) {
        if (match.isShared()) {
            var tensor = parameter.tensor();
            var part = Value.of(new Type.Buffer(tensor.element(), tensor.dims(), Type.Space.SHARED), parameter.hint());
            scope.ops.add(new TileOp.View(buffer, offsets, part));
            return part;
        }
        var type = fragment(match, parameter);
        var result = Value.of(type, parameter.hint());
        var load = loading(type);
        int along = match.order(parameter).indexOf(deep) - type.dims().size() + buffer.buffer().rank();
        // Only matrices of 16 bits can be turned on the way.
        boolean fits = type.element().bits() == 16 || MemoryEmitter.fastestAxis(buffer.buffer()) == along;
        if (load.isEmpty() || !fits) {
            scope.ops.add(new TileOp.Load(buffer, offsets, Optional.empty(), Optional.empty(), result));
            return result;
        }
        var part = Value.of(new Type.Buffer(type.element(), type.dims(), Type.Space.SHARED), parameter.hint() + "_part");
        scope.ops.add(new TileOp.View(buffer, offsets, part));
        scope.ops.add(new TileOp.Call(List.of(part), load.get().name(), List.of(result)));
        return result;
    }

    /// The instruction that loads such a fragment from shared memory, if there is one: it yields what it is given.
    Optional<MachineOp.Intrinsic> loading(Type.Fragment type) {
        return machine.intrinsics().ops().stream()
                .filter(MachineOp.Intrinsic.class::isInstance)
                .map(MachineOp.Intrinsic.class::cast)
                .filter(intrinsic -> {
                    var body = intrinsic.body();
                    return body.ops().size() == 1
                            && body.params().size() == 1
                            && body.params().getFirst().type() instanceof Type.Tensor tensor
                            && tensor.equals(new Type.Tensor(type.element(), type.dims()))
                            && intrinsic.spreads().equals(List.<IndexMap>of(type.spread()));
                })
                .findFirst();
    }

    /// Where a fragment of this warp begins within the tile of its block.
    private Value corner(Scope scope, Plan plan, boolean isRow, long number) {
        long size = isRow ? plan.height() : plan.width();
        long count = isRow ? plan.rows() : plan.columns();
        var warp = Dim.symbol("$0").floorDivide(plan.group());
        var along = isRow ? warp.floorDivide(plan.warps().columns()) : warp.modulo(plan.warps().columns());
        return expression(scope, along.times(count * size).plus(number * size), warpNumber);
    }

    /// Hands the sums to the threads that go on with them.
    private void spread(Scope home, Reduction reduction, Plan plan, List<Value> sums) {
        var result = reduction.results().getFirst();
        long padding = Math.max(1, 16 / Math.max(1, result.type().elementType().bits() / 8));
        var dims = List.of(Dim.of(plan.row().tile()), Dim.of(plan.column().tile() + padding));
        var buffer = sharedBuffer(result, dims);
        // Behind a barrier the sums may lie where the tiles were.
        home.ops.add(new TileOp.Barrier(TileOp.Bind.BLOCK));
        for (long row = 0; row < plan.rows(); row++) {
            for (long column = 0; column < plan.columns(); column++) {
                home.ops.add(new TileOp.Store(
                        sums.get(Math.toIntExact(row * plan.columns() + column)),
                        buffer,
                        List.of(corner(home, plan, true, row), corner(home, plan, false, column)),
                        Optional.empty()));
            }
        }
        home.ops.add(new TileOp.Barrier(TileOp.Bind.BLOCK));
        Set<String> axes = new HashSet<>(analysis.free(result));
        for (var coordinates : coordinates(home, axes)) {
            var own = Value.of(laneType(plan.column().lanes(), element(result)), result.hint());
            var place = List.of(
                    point(home, plan.row(), coordinates), point(home, plan.column(), coordinates));
            home.ops.add(new TileOp.Load(buffer, place, Optional.empty(), Optional.empty(), own));
            home.remember(result, coordinates, own);
        }
    }

    private static ElementType element(Value value) {
        return value.type().elementType();
    }

    private Value point(Scope scope, Split split, Map<String, Integer> coordinates) {
        int coordinate = coordinates.getOrDefault(split.axis(), 0);
        return expression(
                scope, Dim.symbol("$0").plus(coordinate * split.apart()), threadStarts.get(split.axis()));
    }

    private void carriedLoop(
            Scope scope,
            Dim extent,
            Value counter,
            List<Value> initial,
            List<Value> carried,
            Scope body,
            List<Value> next,
            List<Value> results) {
        var params = new ArrayList<Value>();
        params.add(counter);
        params.addAll(carried);
        scope.ops.add(new TileOp.For(
                number(scope, Dim.ZERO),
                number(scope, extent),
                number(scope, Dim.ONE),
                initial,
                TileOp.Bind.SERIAL,
                new Body(params, terminated(body.ops, next)),
                results));
    }
}
