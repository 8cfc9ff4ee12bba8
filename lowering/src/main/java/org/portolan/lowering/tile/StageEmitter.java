package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.portolan.ir.Body;
import org.portolan.ir.IndexMap;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Relation;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.Schedule.Split;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Writes reductions whose operands come by way of shared memory: the threads of a block load a tile of each operand
/// together, while they compute with the one before.
abstract class StageEmitter extends ThreadEmitter {
    /// Two tiles of each operand: one is filled while the other is read.
    private static final Dim SLOTS = Dim.of(2);

    private final long vectorBytes;
    /// Whether what lies beyond the reduced axis is computed with, and has to be 0.
    boolean padded;
    /// The tiles that hold values in the body of a loop.
    private final Map<Scope, Map<Value, Held>> held = new IdentityHashMap<>();

    StageEmitter(NestAnalysis analysis, Schedule schedule, Map<Value, Value> buffers, MachineOp.Chip machine) {
        super(analysis, schedule, buffers, machine);
        this.vectorBytes = machine.vectorBytes();
    }

    /// @param deepFirst whether neighbouring threads take neighbours along the reduced axis
    /// @param lanes of a vector that a thread copies
    /// @param deepLast whether elements that are neighbours along the reduced axis are neighbours in shared memory
    record Tile(
            Value value, Split across, long depth, boolean deepFirst, long lanes, boolean deepLast, Value buffer) {
        long vectors() {
            return depth * across.tile() / lanes;
        }

        /// Whether neighbours that a thread copies are neighbours in shared memory.
        boolean isSideBySide() {
            int fastest = MemoryEmitter.fastestAxis(buffer.buffer());
            return deepFirst == (fastest == (deepLast ? 2 : 1));
        }

        List<Value> place(Value slot, Value deep, Value point) {
            return deepLast ? List.of(slot, point, deep) : List.of(slot, deep, point);
        }
    }

    /// What is done with a block of the reduced axis that lies in a slot of the tiles.
    interface Stage {
        /// @param count how many points the block has
        /// @param unrolled whether that is a number and few
        List<Value> emit(
                Scope scope, List<Tile> tiles, Value start, Value slot, Value count, boolean unrolled, List<Value> accumulators);
    }

    private record Held(Tile tile, Value slot, Value deep) {}

    /// Part of a tile that a thread has loaded, where it belongs, and whether it is part of the tile at all.
    private record Piece(Tile tile, Value value, Value deep, Value across, Value inside) {}

    /// What one round of the innermost loop does to the accumulators.
    interface Round {
        List<Value> emit(Scope scope, List<Value> accumulators);
    }

    abstract Value evaluate(Scope scope, Value value, Map<String, Integer> coordinates);

    /// The axes that a block tiles.
    Set<String> tiledAxes() {
        var axes = new HashSet<String>();
        for (var split : schedule.common()) {
            if (split.threads() > 1 || split.unroll() > 1) {
                axes.add(split.axis());
            }
        }
        return axes;
    }

    /// What a block of threads holds of a value in this loop; {@code null} if nothing.
    Value fromShared(Scope scope, Value value, Map<String, Integer> coordinates) {
        if (held.isEmpty()) {
            return null;
        }
        for (var home = scope; home != null; home = home.parent()) {
            var holds = held.get(home);
            if (holds != null && holds.get(value) instanceof Held copy) {
                return fromTile(home, value, copy, coordinates);
            }
        }
        return null;
    }

    private Value fromTile(Scope home, Value value, Held copy, Map<String, Integer> coordinates) {
        var split = copy.tile().across();
        int coordinate = coordinates.getOrDefault(split.axis(), 0);
        var own = Map.of(split.axis(), coordinate);
        var known = home.known(value, own);
        if (known != null) {
            return known;
        }
        var element = value.type().elementType();
        long wide = wide(split, element);
        var result = Value.of(laneType(split.lanes(), element), value.hint());
        if (wide > 1) {
            var vector = home.helper(
                    List.of("wide", value, coordinate / wide),
                    () -> load(home, copy, coordinate / wide * wide, Value.of(laneType(wide, element), value.hint())));
            home.ops.add(new TileOp.Extract(vector, coordinate % wide, result));
        } else {
            load(home, copy, coordinate * split.apart(), result);
        }
        home.remember(value, own, result);
        return result;
    }

    private Value load(Scope home, Held copy, long offset, Value result) {
        var start = threadStarts.get(copy.tile().across().axis());
        var place = expression(home, Dim.symbol("$0").plus(offset), start);
        home.ops.add(new TileOp.Load(
                copy.tile().buffer(),
                copy.tile().place(copy.slot(), copy.deep(), place),
                Optional.empty(),
                Optional.empty(),
                result));
        return result;
    }

    /// How many points of a thread lie in a row and can be loaded at once.
    private long wide(Split split, ElementType element) {
        return split.together() && split.lanes() == 1
                ? fitted(Math.max(1, Math.min(split.unroll(), vectorBytes * 8 / Math.max(8, element.bits()))), split.unroll())
                : 1;
    }

    /// Loops over the reduced axis in blocks that all threads load together.
    List<Value> stagedLoop(
            Scope scope, Reduction reduction, Split split, List<Value> accumulators, Round round) {
        var tiles = tiles(reduction, split, _ -> false);
        Stage stage = (inner, all, start, slot, count, unrolled, current) ->
                rounds(inner, split, all, start, slot, count, unrolled, current, round);
        var extent = analysis.extent(split.axis());
        long depth = split.block();
        var whole = extent.floorDivide(depth).times(depth);
        var current = stages(scope, split, tiles, whole, accumulators, stage);
        if (!extent.modulo(depth).isConstant(0)) {
            scope.ops.add(new TileOp.Barrier(TileOp.Bind.BLOCK));
            var slot = number(scope, whole.floorDivide(depth).modulo(SLOTS));
            var count = number(scope, extent.minus(whole));
            current = stage.emit(scope, tiles, number(scope, whole), slot, count, false, current);
        }
        return current;
    }

    /// Fills the first slot, then loops over the blocks below {@code end}; the slot of the one after those is filled as
    /// well.
    List<Value> stages(
            Scope scope, Split split, List<Tile> tiles, Dim end, List<Value> accumulators, Stage stage) {
        var zero = number(scope, Dim.ZERO);
        // Whoever is late may still read what was here before.
        scope.ops.add(new TileOp.Barrier(TileOp.Bind.BLOCK));
        boolean firstIsWhole = analysis.constantExtent(split.axis()).orElse(0) >= split.block();
        write(scope, zero, load(scope, tiles, split, zero, firstIsWhole));
        return end.isConstant(0) ? accumulators : blocks(scope, split, tiles, end, accumulators, stage);
    }

    private List<Value> blocks(
            Scope scope, Split split, List<Tile> tiles, Dim whole, List<Value> accumulators, Stage stage) {
        long depth = split.block();
        var counter = Value.of(Type.INDEX, split.axis());
        var carried = accumulators.stream().map(Value::copy).toList();
        var results = accumulators.stream().map(Value::copy).toList();
        var inner = new Scope(scope);
        inner.ops.add(new TileOp.Barrier(TileOp.Bind.BLOCK));
        var slot = expression(inner, Dim.symbol("$0").floorDivide(depth).modulo(SLOTS), counter);
        var other = expression(inner, Dim.ONE.minus(Dim.symbol("$0")), slot);
        var following = expression(inner, Dim.symbol("$0").plus(depth), counter);
        var pieces = load(inner, tiles, split, following, false);
        var next = stage.emit(inner, tiles, counter, slot, number(scope, Dim.of(depth)), true, carried);
        write(inner, other, pieces);
        var params = new ArrayList<Value>();
        params.add(counter);
        params.addAll(carried);
        scope.ops.add(new TileOp.For(
                number(scope, Dim.ZERO),
                number(scope, whole),
                number(scope, Dim.of(depth)),
                accumulators,
                TileOp.Bind.SERIAL,
                new Body(params, terminated(inner.ops, next)),
                results));
        return results;
    }

    /// The loop within a block.
    private List<Value> rounds(
            Scope scope,
            Split split,
            List<Tile> tiles,
            Value start,
            Value slot,
            Value count,
            boolean unrolled,
            List<Value> accumulators,
            Round round) {
        var deep = Value.of(Type.INDEX, split.axis() + "_deep");
        var carried = accumulators.stream().map(Value::copy).toList();
        var results = accumulators.stream().map(Value::copy).toList();
        var inner = new Scope(scope);
        var place = expression(inner, Dim.symbol("$0").plus(Dim.symbol("$1")), start, deep);
        inner.bind(split.axis(), new Scope.Position(place, 1, 1, 1, null));
        var holds = new IdentityHashMap<Value, Held>();
        tiles.forEach(tile -> holds.put(tile.value(), new Held(tile, slot, deep)));
        held.put(inner, holds);
        var next = round.emit(inner, carried);
        held.remove(inner);
        var params = new ArrayList<Value>();
        params.add(deep);
        params.addAll(carried);
        scope.ops.add(new TileOp.For(
                number(scope, Dim.ZERO),
                count,
                number(scope, Dim.ONE),
                accumulators,
                unrolled ? TileOp.Bind.UNROLL : TileOp.Bind.SERIAL,
                new Body(params, terminated(inner.ops, next)),
                results));
        return results;
    }

    /// @param deepLast the values whose tiles have the reduced axis as their last
    List<Tile> tiles(Reduction reduction, Split deep, Predicate<Value> deepLast) {
        var tiled = tiledAxes();
        var tiles = new ArrayList<Tile>();
        for (var value : Frontier.of(analysis, reduction, deep.axis(), tiled)) {
            var axis = Frontier.axis(analysis, value, tiled);
            var across = schedule.common().stream()
                    .filter(split -> split.axis().equals(axis))
                    .findFirst()
                    .orElseThrow();
            long along = Wide.lanes(analysis, deep.axis(), List.of(value), List.of(), vectorBytes, this::memory);
            long beside = Wide.lanes(analysis, axis, List.of(value), List.of(), vectorBytes, this::memory);
            boolean deepFirst = along > beside
                    || along == beside && Distance.of(analysis, value, deep.axis(), this::memory)
                            < Distance.of(analysis, value, axis, this::memory);
            long lanes = deepFirst ? fitted(along, deep.block()) : fitted(beside, across.tile());
            boolean last = deepLast.test(value);
            // Threads that go down a column find other banks in each row.
            long padding = vectorBytes * 8 / Math.max(8, value.type().elementType().bits());
            // Matrices of 16 bits are turned when they are loaded, so they lie as they came.
            boolean inside = padded && value.type().elementType().bits() == 16 ? deepFirst : last;
            var dims = last
                    ? Dim.list(2, across.tile(), deep.block())
                    : Dim.list(2, deep.block(), across.tile());
            var pitch = inside
                    ? Dim.list(2, across.tile(), deep.block() + padding)
                    : Dim.list(2, deep.block(), across.tile() + padding);
            var names = List.of("slot", "row", "column");
            var places = inside == last ? names : List.of("slot", "column", "row");
            var layout = new IndexMap(names, places.stream().map(Dim::symbol).toList());
            var type = new Type.Buffer(
                    value.type().elementType(), dims, Type.Space.SHARED, Optional.of(layout), pitch);
            tiles.add(new Tile(value, across, deep.block(), deepFirst, lanes, last, sharedBuffer(value, type)));
        }
        return tiles;
    }

    private static long fitted(long lanes, long points) {
        long most = lanes;
        while (points % most != 0) {
            most /= 2;
        }
        return most;
    }

    /// Loads this thread's part of each tile that starts as given on the reduced axis.
    ///
    /// @param whole whether the tile lies within the axis
    private List<Piece> load(Scope scope, List<Tile> tiles, Split split, Value start, boolean whole) {
        var pieces = new ArrayList<Piece>();
        long threads = schedule.threads();
        for (var tile : tiles) {
            long rounds = Math.ceilDiv(tile.vectors(), threads);
            for (long i = 0; i < rounds; i++) {
                var number = expression(scope, Dim.symbol("$0").plus(i * threads), thread);
                boolean partial = (i + 1) * threads > tile.vectors();
                pieces.add(load(scope, tile, split, start, number, whole && !partial, partial));
            }
        }
        return pieces;
    }

    private Piece load(
            Scope scope, Tile tile, Split split, Value start, Value number, boolean whole, boolean partial) {
        long lanes = tile.lanes();
        long width = tile.across().tile();
        long row = (tile.deepFirst() ? tile.depth() : width) / lanes;
        var fast = expression(scope, Dim.symbol("$0").modulo(row).times(lanes), number);
        var slow = expression(scope, Dim.symbol("$0").floorDivide(row), number);
        var deep = tile.deepFirst() ? fast : slow;
        var across = tile.deepFirst() ? slow : fast;
        var sum = Dim.symbol("$0").plus(Dim.symbol("$1"));
        var inner = new Scope(scope);
        bindOne(inner, split.axis(), expression(inner, sum, start, deep), tile.deepFirst() ? lanes : 1, whole);
        var axis = tile.across().axis();
        boolean fits = analysis.extent(axis).modulo(width).isConstant(0) && !partial;
        bindOne(inner, axis, expression(inner, sum, blockStarts.get(axis), across), tile.deepFirst() ? 1 : lanes, fits);
        var value = broadcast(inner, evaluate(inner, tile.value(), Map.of()), lanes);
        if (padded && !whole && !isZeroOutside(tile.value())) {
            var nothing = constant(inner, value.type().elementType(), 0);
            value = select(inner, mask(inner, split.axis(), 0), value, nothing);
        }
        scope.ops.addAll(inner.ops);
        var inside = partial
                ? compare(scope, number, Relation.LESS, number(scope, Dim.of(tile.vectors())))
                : null;
        return new Piece(tile, value, deep, across, inside);
    }

    private boolean isZeroOutside(Value value) {
        return analysis.definition(value) instanceof NestOp.Read read && read.other().isEmpty();
    }

    private void bindOne(Scope scope, String axis, Value base, long lanes, boolean whole) {
        var end = number(scope, analysis.extent(axis));
        scope.bind(axis, new Scope.Position(base, 1, lanes, whole ? 1 : 0, end));
    }

    private void write(Scope scope, Value slot, List<Piece> pieces) {
        for (var piece : pieces) {
            var tile = piece.tile();
            if (tile.isSideBySide() || tile.lanes() == 1) {
                var place = tile.place(slot, piece.deep(), piece.across());
                storeWhere(scope, piece.inside(), piece.value(), tile.buffer(), place);
                continue;
            }
            for (long lane = 0; lane < tile.lanes(); lane++) {
                var element = Value.of(Type.scalar(piece.value().type().elementType()), piece.value().hint());
                scope.ops.add(new TileOp.Extract(piece.value(), lane, element));
                var next = Dim.symbol("$0").plus(lane);
                var deep = tile.deepFirst() ? expression(scope, next, piece.deep()) : piece.deep();
                var across = tile.deepFirst() ? piece.across() : expression(scope, next, piece.across());
                storeWhere(scope, piece.inside(), element, tile.buffer(), tile.place(slot, deep, across));
            }
        }
    }
}
