package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.Body;
import org.portolan.ir.IndexMap;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Relation;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Writes boxes of shared memory that hold a scalar of the nest at all points of two axes.
abstract class BoxEmitter extends FragmentEmitter {
    /// Loads of one thread that are written side by side.
    private static final long SIDE_BY_SIDE = 8;

    private final long vectorBytes;
    private final Map<Value, Box> held = new IdentityHashMap<>();
    private final Map<Value, Value> places = new IdentityHashMap<>();

    BoxEmitter(NestAnalysis analysis, Schedule schedule, Map<Value, Value> buffers, MachineOp.Chip machine) {
        super(analysis, schedule, buffers, machine);
        this.vectorBytes = machine.vectorBytes();
    }

    /// So many points of an axis from `start` on.
    ///
    /// @param inside whether all of them are known to lie on the axis
    record Side(String axis, Value start, long size, boolean inside) {
        Side(String axis, Value start, long size) {
            this(axis, start, size, false);
        }
    }

    /// @param buffer whose axes are those of the box; along the last one in memory elements are neighbours
    record Box(Value value, Side first, Side second, boolean turned, Value buffer) {
        Side fast() {
            return turned ? first : second;
        }

        Side slow() {
            return turned ? second : first;
        }
    }

    /// Memory for a value at the points of two axes.
    ///
    /// @param turnable whether neighbours along the first axis may be neighbours in memory, if those are that are read
    Box box(Value value, Side first, Side second, boolean turnable) {
        boolean turned = turnable && lanes(value, first.axis()) > lanes(value, second.axis());
        // A value's box lies in the same place wherever it begins.
        var buffer = places.computeIfAbsent(value, _ -> sharedBuffer(value, type(value, first, second, turned)));
        return new Box(value, first, second, turned, buffer);
    }

    private Type.Buffer type(Value value, Side first, Side second, boolean turned) {
        var element = value.type().elementType();
        // Threads that go down a column find other banks in each row.
        long padding = vectorBytes * 8 / Math.max(8, element.bits());
        var names = List.of("row", "column");
        var places = List.of(Dim.symbol(turned ? "column" : "row"), Dim.symbol(turned ? "row" : "column"));
        var pitch = Dim.list(
                turned ? second.size() : first.size(), (turned ? first.size() : second.size()) + padding);
        return new Type.Buffer(
                element,
                Dim.list(first.size(), second.size()),
                Type.Space.SHARED,
                Optional.of(new IndexMap(names, places)),
                pitch);
    }

    private long lanes(Value value, String axis) {
        return Wide.lanes(analysis, axis, List.of(value), List.of(), vectorBytes, this::memory);
    }

    /// From now on the value is read from the box.
    void hold(Box box) {
        held.put(box.value(), box);
    }

    void drop(List<Box> boxes) {
        boxes.forEach(box -> held.remove(box.value()));
    }

    @Override
    Value fromShared(Scope scope, Value value, Map<String, Integer> coordinates) {
        var box = held.get(value);
        if (box == null) {
            return super.fromShared(scope, value, coordinates);
        }
        var home = scope.home(new HashSet<>(Set.of(box.first().axis(), box.second().axis())));
        var known = home.known(value, coordinates);
        if (known != null) {
            return known;
        }
        var result = Value.of(Type.scalar(value.type().elementType()), value.hint());
        home.ops.add(new TileOp.Load(
                box.buffer(), place(home, box, coordinates), Optional.empty(), Optional.empty(), result));
        home.remember(value, coordinates, result);
        return result;
    }

    /// Where an element lies in a box.
    private List<Value> place(Scope scope, Box box, Map<String, Integer> coordinates) {
        var indices = new ArrayList<Value>();
        for (var side : List.of(box.first(), box.second())) {
            var position = axisBase(scope, side.axis(), coordinates.getOrDefault(side.axis(), 0));
            indices.add(expression(scope, Dim.symbol("$0").minus(Dim.symbol("$1")), position, side.start()));
        }
        return indices;
    }

    /// Stores this thread's element at some coordinates.
    void store(Scope scope, Box box, Value value, Map<String, Integer> coordinates) {
        scope.ops.add(new TileOp.Store(value, box.buffer(), place(scope, box, coordinates), Optional.empty()));
    }

    /// All threads of the block fill a box together; with 0 where it reaches beyond an axis.
    void fill(Scope scope, Box box) {
        long lanes = lanes(box.value(), box.fast().axis());
        while (box.fast().size() % lanes != 0) {
            lanes /= 2;
        }
        long vectors = box.slow().size() * box.fast().size() / lanes;
        long threads = schedule.threads();
        long rounds = Math.ceilDiv(vectors, threads);
        boolean partial = vectors % threads != 0;
        if (rounds <= SIDE_BY_SIDE) {
            for (long round = 0; round < rounds; round++) {
                var number = expression(scope, Dim.symbol("$0").plus(round * threads), thread);
                fill(scope, box, lanes, vectors, number, partial && round == rounds - 1);
            }
            return;
        }
        var counter = Value.of(Type.INDEX, "round");
        var inner = new Scope(scope);
        var number = expression(
                inner, Dim.symbol("$0").plus(Dim.symbol("$1").times(threads)), thread, counter);
        fill(inner, box, lanes, vectors, number, partial);
        scope.ops.add(new TileOp.For(
                number(scope, Dim.ZERO),
                number(scope, Dim.of(rounds)),
                number(scope, Dim.ONE),
                List.of(),
                TileOp.Bind.SERIAL,
                new Body(List.of(counter), terminated(inner.ops, List.of())),
                List.of()));
    }

    private void fill(Scope scope, Box box, long lanes, long vectors, Value number, boolean partial) {
        long row = box.fast().size() / lanes;
        var fast = expression(scope, Dim.symbol("$0").modulo(row).times(lanes), number);
        var slow = expression(scope, Dim.symbol("$0").floorDivide(row), number);
        var inner = new Scope(scope);
        bind(inner, box.slow(), slow, 1, partial);
        bind(inner, box.fast(), fast, lanes, false);
        var value = broadcast(inner, evaluate(inner, box.value(), Map.of()), lanes);
        if (!isZeroOutside(box.value())) {
            var inside = masks(inner, Set.of(box.slow().axis(), box.fast().axis()), Map.of());
            if (inside != null) {
                value = select(inner, inside, value, constant(inner, value.type().elementType(), 0));
            }
        }
        scope.ops.addAll(inner.ops);
        var inside = partial
                ? compare(scope, number, Relation.LESS, number(scope, Dim.of(vectors)))
                : null;
        storeWhere(scope, inside, value, box.buffer(), box.turned() ? List.of(fast, slow) : List.of(slow, fast));
    }

    private void bind(Scope scope, Side side, Value offset, long lanes, boolean partial) {
        var extent = analysis.extent(side.axis());
        boolean whole = !partial && (side.inside() || extent.modulo(side.size()).isConstant(0));
        var base = expression(scope, Dim.symbol("$0").plus(Dim.symbol("$1")), side.start(), offset);
        scope.bind(side.axis(), new Scope.Position(base, 1, lanes, whole ? 1 : 0, number(scope, extent)));
    }

    private boolean isZeroOutside(Value value) {
        return analysis.definition(value) instanceof NestOp.Read read && read.other().isEmpty();
    }
}
