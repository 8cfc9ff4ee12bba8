package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Relation;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.Schedule.Split;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Writes nests whose rows are gone along once, in blocks of keys. What was summed for the largest score so far is multiplied
/// by how much smaller its exponential becomes when a larger one comes:
///
/// ```
/// new = max(old, max of the block)
/// sum = sum * exp(old - new) + sum over the block of exp(z - new) * ..
/// ```
///
/// Each thread has a few rows and shares them with its team, whose threads take neighbouring keys and columns. Operands lie in
/// boxes of shared memory; both products are done on fragments where the schedule names an instruction.
abstract class OnlineEmitter extends BoxEmitter {
    /// Beyond all keys.
    private static final long FAR = 1L << 40;

    private final MachineOp.Chip machine;
    private OnlineRows rows;
    private Split rowSplit;
    private Split keySplit;
    private Split columnSplit;
    private Optional<RowProducts> products = Optional.empty();
    /// Where the lanes of a warp hold sums, if they go on with them where they are.
    private Optional<RowLanes> lanes = Optional.empty();
    /// Comparisons whose outcome is known where code is being written.
    private final Map<Value, Boolean> assumed = new IdentityHashMap<>();

    OnlineEmitter(NestAnalysis analysis, Schedule schedule, Map<Value, Value> buffers, MachineOp.Chip machine) {
        super(analysis, schedule, buffers, machine);
        this.machine = machine;
    }

    abstract List<Value> accumulate(
            Scope scope,
            Reduction reduction,
            List<Value> accumulators,
            List<Map<String, Integer>> combinations,
            int partials);

    abstract Value neutral(Scope home, Reduction reduction, int index, Map<String, Integer> coordinates);

    /// The accumulators of a reduction over the row, for each of a thread's rows, and those of the product.
    private record State(Map<Reduction, List<Value>> rows, List<Value> product) {}

    /// Computes everything that is reduced over a row, and remembers it at all coordinates.
    void rowsOnce(Scope scope) {
        rows = OnlineRows.match(analysis).orElseThrow();
        rowSplit = schedule.common().stream()
                .filter(split -> split.axis().equals(rows.row()))
                .findFirst()
                .orElseThrow();
        columnSplit = schedule.stages().getFirst().getFirst();
        keySplit = schedule.reductions().get(analysis.reductions().indexOf(rows.maximum())).getLast();
        var zero = number(scope, Dim.ZERO);
        long deep = analysis.constantExtent(rows.deep()).orElseThrow();
        var warps = schedule.block().flatMap(Schedule.Block::warps);
        var matches = warps.map(used -> OnlineScheduler.matches(analysis, intrinsic(used.intrinsic()), rows)
                .orElseThrow());
        long deepSize = matches.map(both -> rounded(deep, both.getFirst().extent(rows.deep()))).orElse(deep);
        long columns = analysis.constantExtent(rows.column()).orElseThrow();
        long step = matches.map(both -> both.getLast().extent(rows.column())).orElse(1L);
        long columnSize = rounded(Math.max(columns, columnSplit.tile()), step);
        lanes = matches.flatMap(both -> OnlineScheduler.lanes(both, rows))
                .filter(own -> own.team() == schedule.block().orElseThrow().team());
        lanes.ifPresentOrElse(own -> bindLanes(scope, own, columnSize), () -> bindRow(scope, columnSplit));
        var start = blockStarts.get(rows.row());
        var left = box(
                rows.left(), new Side(rows.row(), start, rowSplit.tile()), new Side(rows.deep(), zero, deepSize), true);
        fill(scope, left);
        hold(left);
        products = warps.map(used -> lanes.<RowProducts>map(own -> new HeldProducts(
                        this, machine, rows, matches.get(), used, deepSize, columnSize, own))
                .orElseGet(() -> new RowProducts(this, machine, rows, matches.get(), used, deepSize, columnSize)));
        products.ifPresent(own -> {
            scope.ops.add(new TileOp.Barrier(TileOp.Bind.BLOCK));
            own.begin(scope, left, rowSplit.tile());
        });
        finish(scope, loop(scope, deepSize, columnSize));
    }

    /// Binds rows and columns to what a lane holds of the sums of an instruction.
    private void bindLanes(Scope scope, RowLanes own, long columnSize) {
        var ofWarp = Dim.symbol("$0").floorDivide(warp).times(own.height());
        var ofTeam = Dim.symbol("$0").modulo(warp).floorDivide(own.team());
        var local = expression(scope, ofWarp.plus(ofTeam), thread);
        threadStarts.put(rows.row(), local);
        var extent = analysis.extent(rows.row());
        boolean whole = extent.modulo(rowSplit.tile()).isConstant(0);
        int count = own.rows().size();
        scope.bind(
                rows.row(),
                new Scope.Position(
                        expression(
                                scope, Dim.symbol("$0").plus(Dim.symbol("$1")), blockStarts.get(rows.row()), local),
                        count,
                        1,
                        count == 1 ? 1 : own.rows().get(1),
                        whole ? count : 0,
                        whole ? null : number(scope, extent)));
        int columns = own.columns().size();
        long inside = analysis.constantExtent(rows.column()).orElseThrow() / own.width() * columns;
        scope.bind(
                rows.column(),
                new Scope.Position(
                        expression(scope, Dim.symbol("$0").times(own.each()), member),
                        columnSize / own.width() * columns,
                        1,
                        own.width(),
                        inside,
                        number(scope, analysis.extent(rows.column())),
                        columns));
    }

    private static long rounded(long extent, long step) {
        return Math.ceilDiv(extent, step) * step;
    }

    private List<Reduction> overRow() {
        var all = new ArrayList<Reduction>();
        all.add(rows.maximum());
        all.addAll(rows.rescaled());
        all.addAll(rows.plain());
        return all;
    }

    private State initial(Scope scope) {
        var state = new IdentityHashMap<Reduction, List<Value>>();
        for (var reduction : overRow()) {
            var values = new ArrayList<Value>();
            for (var place : coordinates(scope, Set.of(rows.row()))) {
                for (int i = 0; i < reduction.results().size(); i++) {
                    values.add(neutral(scope, reduction, i, place));
                }
            }
            state.put(reduction, values);
        }
        var sums = new ArrayList<Value>();
        if (products.isPresent()) {
            sums.addAll(products.get().zeros(scope));
        } else {
            var nothing = neutral(scope, rows.product(), 0, Map.of());
            places(scope).forEach(_ -> sums.add(nothing));
        }
        return new State(state, sums);
    }

    /// The rows and columns of a thread.
    private List<Map<String, Integer>> places(Scope scope) {
        return coordinates(scope, analysis.free(rows.product().results().getFirst()));
    }

    /// Goes along the keys: where a nest hides some of them, only from the first to the last that a row of the block sees, and
    /// what says which are hidden is asked only where not every row sees them.
    private State loop(Scope scope, long deepSize, long columnSize) {
        var extent = number(scope, analysis.extent(rows.key()));
        var initial = initial(scope);
        var ends = HiddenKeys.of(analysis, rows);
        if (ends.isEmpty()) {
            return keys(scope, number(scope, Dim.ZERO), extent, initial, isWhole(), deepSize, columnSize);
        }
        var seen = seen(scope, ends, extent);
        boolean before = ends.stream().anyMatch(end -> !end.upper());
        var current = before ? keys(scope, seen.from(), seen.first(), initial, isWhole(), deepSize, columnSize) : initial;
        ends.forEach(end -> assumed.put(end.condition(), !end.hides()));
        current = keys(scope, seen.first(), seen.last(), current, true, deepSize, columnSize);
        assumed.clear();
        return keys(scope, seen.last(), seen.to(), current, isWhole(), deepSize, columnSize);
    }

    private boolean isWhole() {
        return analysis.extent(rows.key()).modulo(keySplit.block()).isConstant(0);
    }

    /// Some rows of a block see keys between `from` and `to`, all of them see those between `first` and `last`; all but `to` are
    /// multiples of a block of keys.
    private record Seen(Value from, Value first, Value last, Value to) {}

    private Seen seen(Scope scope, List<HiddenKeys.End> ends, Value extent) {
        Value from = number(scope, Dim.ZERO);
        Value first = from;
        Value last = extent;
        Value to = extent;
        for (var end : ends) {
            var one = end(scope, end, 0);
            var other = end.slope() == 0 ? one : end(scope, end, rowSplit.tile() - 1);
            var low = end.slope() < 0 ? other : one;
            var high = end.slope() < 0 ? one : other;
            if (end.upper()) {
                last = expression(scope, Dim.symbol("$0").minimum(Dim.symbol("$1")), last, low);
                to = expression(scope, Dim.symbol("$0").minimum(Dim.symbol("$1")), to, high);
            } else {
                from = expression(scope, Dim.symbol("$0").maximum(Dim.symbol("$1")), from, low);
                first = expression(scope, Dim.symbol("$0").maximum(Dim.symbol("$1")), first, high);
            }
        }
        long block = keySplit.block();
        var up = Dim.symbol("$0").ceilDivide(block).times(block);
        var down = Dim.symbol("$0").floorDivide(block).times(block);
        from = expression(scope, down, from);
        to = expression(scope, Dim.symbol("$0").maximum(Dim.ZERO), to);
        // Where nothing is left in the middle, the loops around it meet.
        first = expression(scope, Dim.symbol("$0").minimum(Dim.symbol("$1")), expression(scope, up, first), expression(scope, up, to));
        last = expression(scope, Dim.symbol("$0").maximum(Dim.symbol("$1")), expression(scope, down, last), first);
        return new Seen(from, first, last, to);
    }

    /// An end of the keys that one row of the block sees.
    private Value end(Scope scope, HiddenKeys.End end, long row) {
        var operands = new ArrayList<Value>();
        end.operands().forEach(operand -> operands.add(evaluate(scope, operand, Map.of())));
        var index = end.index().substitute(name -> {
            if (name.startsWith("$")) {
                // Lengths that come with a run may be anything; so the sum does not overflow.
                return Dim.symbol(name).maximum(Dim.of(-FAR)).minimum(Dim.of(FAR));
            }
            return name.equals(rows.row()) ? Dim.symbol("$" + operands.size()).plus(row) : null;
        });
        operands.add(blockStarts.get(rows.row()));
        return index(scope, index, operands, Map.of());
    }

    /// Goes along keys from a block's beginning on.
    ///
    /// @param whole whether all blocks are full
    private State keys(Scope scope, Value from, Value to, State initial, boolean whole, long deepSize, long columnSize) {
        var counter = Value.of(Type.INDEX, rows.key());
        var carried = copied(initial);
        var results = copied(initial);
        var inner = new Scope(scope);
        long each = lanes.map(RowLanes::each).orElse(1L);
        var base = expression(inner, Dim.symbol("$0").plus(Dim.symbol("$1").times(each)), counter, member);
        inner.bind(rows.row(), scope.position(rows.row()));
        inner.bind(
                rows.key(),
                new Scope.Position(
                        base,
                        keySplit.unroll(),
                        1,
                        lanes.map(RowLanes::width).orElse(keySplit.stride()),
                        whole ? keySplit.unroll() : 0,
                        number(scope, analysis.extent(rows.key())),
                        lanes.map(own -> (long) own.columns().size()).orElse(1L)));
        var next = block(inner, new Side(rows.key(), counter, keySplit.block(), whole), carried, deepSize, columnSize);
        var params = new ArrayList<Value>();
        params.add(counter);
        params.addAll(flat(carried));
        scope.ops.add(new TileOp.For(
                from,
                to,
                number(scope, Dim.of(keySplit.block())),
                flat(initial),
                TileOp.Bind.SERIAL,
                new Body(params, terminated(inner.ops, flat(next))),
                flat(results)));
        return results;
    }

    @Override
    Value fromShared(Scope scope, Value value, Map<String, Integer> coordinates) {
        if (assumed.get(value) instanceof Boolean holds) {
            return constant(scope, ElementType.BOOL, holds ? 1 : 0);
        }
        if (analysis.definition(value) instanceof ArithOp.Select select
                && assumed.get(select.condition()) instanceof Boolean holds) {
            return evaluate(scope, holds ? select.yes() : select.no(), coordinates);
        }
        return super.fromShared(scope, value, coordinates);
    }

    private List<Value> flat(State state) {
        var all = new ArrayList<Value>();
        overRow().forEach(reduction -> all.addAll(state.rows().get(reduction)));
        all.addAll(state.product());
        return all;
    }

    private State copied(State state) {
        var copies = new IdentityHashMap<Reduction, List<Value>>();
        state.rows().forEach((reduction, values) ->
                copies.put(reduction, values.stream().map(Value::copy).toList()));
        return new State(copies, state.product().stream().map(Value::copy).toList());
    }

    /// One block of keys.
    private State block(Scope scope, Side key, State state, long deepSize, long columnSize) {
        var zero = number(scope, Dim.ZERO);
        // Whoever is late may still read the keys before these.
        scope.ops.add(new TileOp.Barrier(TileOp.Bind.BLOCK));
        var right = box(rows.right(), new Side(rows.deep(), zero, deepSize), key, true);
        var factor = box(rows.factor(), key, new Side(rows.column(), zero, columnSize), true);
        fill(scope, right);
        fill(scope, factor);
        scope.ops.add(new TileOp.Barrier(TileOp.Bind.BLOCK));
        hold(right);
        hold(factor);
        var row = new Side(rows.row(), blockStarts.get(rows.row()), rowSplit.tile());
        products.ifPresent(own -> own.scores(scope, right, row, key));
        var next = new IdentityHashMap<Reduction, List<Value>>();
        var combinations = coordinates(scope, Set.of(rows.row()));
        var before = state.rows().get(rows.maximum());
        var largest = largest(scope, before, combinations);
        next.put(rows.maximum(), largest);
        var shrinks = shrinks(scope, before, largest, combinations);
        var weights = weights(scope, key);
        var box = lanes.isPresent() ? null : box(rows.weight(), row, key, false);
        if (box != null) {
            weights.forEach((place, weight) -> store(scope, box, weight, place));
        }
        for (var reduction : rows.rescaled()) {
            var scaled = new ArrayList<Value>();
            for (int i = 0; i < combinations.size(); i++) {
                scaled.add(times(scope, state.rows().get(reduction).get(i), shrinks.get(i)));
            }
            next.put(reduction, accumulate(scope, reduction, scaled, combinations, 1));
        }
        for (var reduction : rows.plain()) {
            next.put(reduction, accumulate(scope, reduction, state.rows().get(reduction), combinations, 1));
        }
        if (products.orElse(null) instanceof HeldProducts own) {
            var sums = own.add(scope, state.product(), weights, shrinks, factor, keySplit.block());
            drop(List.of(right, factor));
            return new State(next, sums);
        }
        products.ifPresent(own -> own.share(scope, shrinks, isFirstMember(scope)));
        scope.ops.add(new TileOp.Barrier(TileOp.Bind.BLOCK));
        hold(box);
        var sums = products.isPresent()
                ? products.get().add(scope, state.product(), box, factor, keySplit.block())
                : add(scope, state.product(), shrinks, key);
        drop(List.of(right, factor, box));
        products.ifPresent(RowProducts::dropScores);
        return new State(next, sums);
    }

    /// The largest scores so far of each row, in all threads of the team.
    private List<Value> largest(Scope scope, List<Value> before, List<Map<String, Integer>> combinations) {
        var own = accumulate(scope, rows.maximum(), before, combinations, 1);
        var all = acrossTeam(scope, rows.maximum(), own.stream().map(List::of).toList());
        return all.stream().map(List::getFirst).toList();
    }

    /// By how much what was summed so far becomes smaller, for each row. As long as all scores of a row are minus infinity, their
    /// distance from the largest is taken from 0, so that nothing is added.
    private List<Value> shrinks(
            Scope scope, List<Value> before, List<Value> largest, List<Map<String, Integer>> combinations) {
        var shrinks = new ArrayList<Value>();
        var maximum = rows.maximum().results().getFirst();
        var element = maximum.type().elementType();
        // Large scores lie closer together than a narrower type can say.
        var wider = element.bits() >= wide().bits() ? element : wide();
        for (int i = 0; i < combinations.size(); i++) {
            var lowest = constant(scope, element, Double.NEGATIVE_INFINITY);
            var none = compare(scope, largest.get(i), Relation.EQUAL, lowest);
            var from = select(scope, none, constant(scope, element, 0), largest.get(i));
            scope.remember(maximum, combinations.get(i), from);
            var old = cast(scope, before.get(i), wider);
            var distance = old.copy();
            scope.ops.add(new ArithOp.Sub(old, cast(scope, from, wider), distance));
            var shrink = Value.of(Type.scalar(wider), "shrink");
            scope.ops.add(new ArithOp.Exp(distance, shrink));
            shrinks.add(shrink);
        }
        return shrinks;
    }

    /// The type of the products' sums, in which they are corrected.
    private ElementType wide() {
        return rows.product().results().getFirst().type().elementType();
    }

    Value cast(Scope scope, Value value, ElementType element) {
        if (value.type().elementType() == element) {
            return value;
        }
        var result = Value.of(Type.scalar(element), value.hint());
        scope.ops.add(new ArithOp.Cast(value, result));
        return result;
    }

    private Value times(Scope scope, Value value, Value shrink) {
        var result = value.copy();
        scope.ops.add(new ArithOp.Mul(value, cast(scope, shrink, value.type().elementType()), result));
        return result;
    }

    /// The weights of this block, each thread its own, by their coordinates; nothing beyond the last key.
    private Map<Map<String, Integer>, Value> weights(Scope scope, Side key) {
        var weights = new LinkedHashMap<Map<String, Integer>, Value>();
        for (var place : coordinates(scope, new LinkedHashSet<>(List.of(rows.row(), rows.key())))) {
            var weight = evaluate(scope, rows.weight(), place);
            var inside = mask(scope, key.axis(), place.getOrDefault(key.axis(), 0));
            if (inside != null) {
                weight = select(scope, inside, weight, constant(scope, weight.type().elementType(), 0));
            }
            weights.put(place, weight);
        }
        return weights;
    }

    /// Adds the products of a block of keys, each thread for its own rows and columns.
    private List<Value> add(Scope scope, List<Value> sums, List<Value> shrinks, Side key) {
        var places = places(scope);
        var combinations = coordinates(scope, Set.of(rows.row()));
        var current = new ArrayList<Value>();
        for (int i = 0; i < places.size(); i++) {
            var place = new TreeMap<>(places.get(i));
            place.keySet().retainAll(Set.of(rows.row()));
            current.add(times(scope, sums.get(i), shrinks.get(combinations.indexOf(place))));
        }
        var within = Value.of(Type.INDEX, rows.key() + "_within");
        var carried = current.stream().map(Value::copy).toList();
        var results = current.stream().map(Value::copy).toList();
        var inner = new Scope(scope);
        var position = expression(inner, Dim.symbol("$0").plus(Dim.symbol("$1")), key.start(), within);
        inner.bind(rows.key(), new Scope.Position(position, 1, 1, 1, null));
        var next = accumulate(inner, rows.product(), carried, places, 1);
        var params = new ArrayList<Value>();
        params.add(within);
        params.addAll(carried);
        scope.ops.add(new TileOp.For(
                number(scope, Dim.ZERO),
                number(scope, Dim.of(key.size())),
                number(scope, Dim.ONE),
                current,
                TileOp.Bind.SERIAL,
                new Body(params, terminated(inner.ops, next)),
                results));
        return results;
    }

    /// Combines what the threads of a team have, and hands everything to what follows.
    private void finish(Scope scope, State state) {
        var combinations = coordinates(scope, Set.of(rows.row()));
        for (var reduction : overRow()) {
            int width = reduction.results().size();
            var own = new ArrayList<List<Value>>();
            for (int i = 0; i < combinations.size(); i++) {
                own.add(state.rows().get(reduction).subList(i * width, (i + 1) * width));
            }
            var all = reduction == rows.maximum() ? own : acrossTeam(scope, reduction, own);
            for (int i = 0; i < combinations.size(); i++) {
                for (int j = 0; j < width; j++) {
                    scope.remember(reduction.results().get(j), combinations.get(i), all.get(i).get(j));
                }
            }
        }
        var result = rows.product().results().getFirst();
        var places = places(scope);
        if (products.isPresent()) {
            var row = new Side(rows.row(), blockStarts.get(rows.row()), rowSplit.tile());
            products.get().finish(scope, state.product(), row);
            return;
        }
        for (int i = 0; i < places.size(); i++) {
            scope.remember(result, places.get(i), state.product().get(i));
        }
    }
}
