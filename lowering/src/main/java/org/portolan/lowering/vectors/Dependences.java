package org.portolan.lowering.vectors;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.TileOp.Unit;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Puts a {@code tile.order} wherever what a unit does touches what another, or itself, did before, unless a queue orders
/// them. Elements that are loaded and stored one by one are done by the scalar unit, which does one after the other.
///
/// What is known about each buffer, or all slots of a queue together: by which unit it was read and written, and which
/// units come after that already. A loop is gone through twice, since its end comes before its beginning.
final class Dependences {
    private record Access(Object what, Unit unit, boolean write) {}

    /// For each access the units that come after it.
    private Map<Access, Set<Unit>> state = new HashMap<>();

    private final Map<Value, Object> roots = new IdentityHashMap<>();
    private final Map<Value, Long> numbers = new IdentityHashMap<>();
    private final PieceBounds pieces;

    /// By slot: what the vector unit did before it filled the rest of a piece, behind which the copy came.
    private final Map<Object, List<Access>> beforeFilling = new HashMap<>();

    private final Set<Object> incoming = new HashSet<>();
    private final Set<Object> results = new HashSet<>();

    private Dependences(Body body) {
        pieces = new PieceBounds(body);
        body.params().forEach(param -> results.add(new Root(param)));
        collect(body);
    }

    static Body order(Body body) {
        return new Dependences(body).body(body);
    }

    /// Identity, for values and rings.
    private record Root(Value value) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Root(Value own) && own == value;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(value);
        }
    }

    private void collect(Body body) {
        for (var op : body.ops()) {
            switch (op) {
                case TileOp.Acquire(Value ring, Value slot) -> roots.put(slot, new Root(ring));
                case TileOp.Consume(Value ring, Value slot) -> roots.put(slot, new Root(ring));
                case TileOp.View(Value buffer, var _, Value view) -> roots.put(view, root(buffer));
                case ArithOp.Integer(long value, Value result) -> numbers.put(result, value);
                case TileOp.Expression(var _, Dim.Constant(long value), Value result) -> numbers.put(result, value);
                case TileOp.Fetch fetch -> incoming.add(root(fetch.to()));
                case TileOp.Rows rows -> incoming.add(root(rows.to()));
                case Op _ -> {}
            }
            OpSchema.bodies(op).forEach(this::collect);
        }
    }

    private Object root(Value buffer) {
        return roots.getOrDefault(buffer, new Root(buffer));
    }

    private Body body(Body body) {
        var ops = new ArrayList<Op>();
        for (var op : body.ops()) {
            var bodies = OpSchema.bodies(op);
            if (op instanceof TileOp.Map || bodies.isEmpty()) {
                access(op, ops);
                ops.add(op);
            } else if (elements(op) instanceof List<Access> accesses) {
                accesses.forEach(access -> require(access, ops));
                accesses.forEach(this::record);
                ops.add(op);
            } else if (op instanceof TileOp.If choice) {
                var before = copy(state);
                var yes = body(choice.yes());
                var afterYes = state;
                state = before;
                var no = body(choice.no());
                merge(state, afterYes);
                ops.add(new TileOp.If(choice.condition(), yes, no, choice.results()));
            } else if (op instanceof TileOp.For loop && runsOnce(loop)) {
                var once = body(loop.body());
                ops.add(OpSchema.rebuild(op, value -> value, value -> value, _ -> once));
            } else if (op instanceof TileOp.For loop && pieces.runsAtMostOnce(loop)) {
                var before = copy(state);
                var once = body(loop.body());
                merge(state, before);
                ops.add(OpSchema.rebuild(op, value -> value, value -> value, _ -> once));
            } else {
                var before = copy(state);
                bodies.forEach(this::body);
                merge(state, before);
                var entry = copy(state);
                var done = new ArrayList<Body>();
                bodies.forEach(inner -> done.add(body(inner)));
                merge(state, entry);
                var next = done.iterator();
                ops.add(OpSchema.rebuild(op, value -> value, value -> value, _ -> next.next()));
            }
        }
        return new Body(body.params(), ops);
    }

    private boolean runsOnce(TileOp.For loop) {
        var lower = numbers.get(loop.lower());
        var upper = numbers.get(loop.upper());
        var step = numbers.get(loop.step());
        return lower != null && upper != null && step != null && lower < upper && upper - lower <= step;
    }

    /// One unit goes on after what another has done. What the other came after is not looked at: of a slot that was released it
    /// may be what comes later, when the slot is acquired again.
    private void goesOn(Unit before, Unit after) {
        state.forEach((access, units) -> {
            if (access.unit() == before) {
                units.add(after);
            }
        });
    }

    private static Map<Access, Set<Unit>> copy(Map<Access, Set<Unit>> state) {
        var copy = new HashMap<Access, Set<Unit>>();
        state.forEach((access, after) -> copy.put(access, EnumSet.copyOf(after)));
        return copy;
    }

    /// What may have happened on either way; only what is ordered on both is ordered.
    private static void merge(Map<Access, Set<Unit>> into, Map<Access, Set<Unit>> other) {
        other.forEach((access, after) -> {
            var own = into.get(access);
            if (own == null) {
                into.put(access, EnumSet.copyOf(after));
            } else {
                own.retainAll(after);
            }
        });
    }

    private void access(Op op, List<Op> ops) {
        switch (op) {
            case TileOp.Publish(Value ring) -> publish(ring);
            case TileOp.Release(Value ring) -> release(ring);
            case Op other -> {
                var accesses = accesses(other);
                accesses.forEach(access -> require(access, ops));
                if (!accesses.isEmpty()) {
                    beforeFilling.clear();
                }
                if (fills(other)) {
                    var done = state.keySet().stream().filter(access -> access.unit() == Unit.VECTOR).toList();
                    beforeFilling.put(accesses.getLast().what(), done);
                }
                accesses.forEach(this::record);
            }
        }
    }

    private static boolean isBounded(TileOp.Fetch fetch) {
        return fetch.first().isPresent() || fetch.limit().isPresent();
    }

    /// Whether the vector unit fills a part of a piece in any case, before the rest comes in.
    private boolean fills(Op op) {
        return switch (op) {
            case TileOp.Fetch fetch -> pieces.endsBefore(fetch.limit(), fetch.count());
            case TileOp.Rows rows -> pieces.endsBefore(rows.limit(), rows.count());
            case Op _ -> false;
        };
    }

    /// What an operation touches, what it reads first.
    private List<Access> accesses(Op op) {
        var accesses = new ArrayList<Access>();
        switch (op) {
            case TileOp.Map map -> {
                for (var from : map.from()) {
                    if (from.type() instanceof Type.Buffer) {
                        accesses.add(new Access(root(from), Unit.VECTOR, false));
                    }
                }
                accesses.add(new Access(root(map.to()), Unit.VECTOR, true));
            }
            case TileOp.Fetch fetch -> {
                accesses.add(new Access(root(fetch.from()), Unit.COPY_IN, false));
                if (isBounded(fetch)) {
                    // What lies outside of the bounds is filled by the vector unit, and the copy comes after that.
                    accesses.add(new Access(root(fetch.to()), Unit.VECTOR, true));
                }
                accesses.add(new Access(root(fetch.to()), Unit.COPY_IN, true));
            }
            case TileOp.Rows rows -> {
                accesses.add(new Access(root(rows.from()), Unit.COPY_IN, false));
                if (rows.first().isPresent() || rows.limit().isPresent()) {
                    accesses.add(new Access(root(rows.to()), Unit.VECTOR, true));
                }
                accesses.add(new Access(root(rows.to()), Unit.COPY_IN, true));
            }
            case TileOp.Take(Value from, Value places, Value to, long _) -> {
                accesses.add(new Access(root(from), Unit.VECTOR, false));
                accesses.add(new Access(root(places), Unit.VECTOR, false));
                accesses.add(new Access(root(to), Unit.VECTOR, true));
            }
            case TileOp.Put put -> {
                accesses.add(new Access(root(put.from()), Unit.COPY_OUT, false));
                accesses.add(new Access(root(put.to()), Unit.COPY_OUT, true));
            }
            case TileOp.Load load -> accesses.add(new Access(root(load.buffer()), Unit.SCALAR, false));
            case TileOp.Store store -> accesses.add(new Access(root(store.buffer()), Unit.SCALAR, true));
            case TileOp.Atomic atomic -> accesses.add(new Access(root(atomic.buffer()), Unit.SCALAR, true));
            case Op _ -> {}
        }
        return accesses;
    }

    private List<Access> elements(Op op) {
        var all = new ArrayList<Access>();
        for (var body : OpSchema.bodies(op)) {
            var within = elements(body);
            if (within == null) {
                return null;
            }
            all.addAll(within);
        }
        return all;
    }

    /// What a body touches element by element; null if another unit works in it too.
    private List<Access> elements(Body body) {
        var all = new ArrayList<Access>();
        for (var op : body.ops()) {
            var own = accesses(op);
            boolean alone = own.stream().allMatch(access -> access.unit() == Unit.SCALAR)
                    && !(op instanceof TileOp.Publish)
                    && !(op instanceof TileOp.Release);
            if (!alone) {
                return null;
            }
            all.addAll(own);
            for (var inner : OpSchema.bodies(op)) {
                var within = elements(inner);
                if (within == null) {
                    return null;
                }
                all.addAll(within);
            }
        }
        return all;
    }

    private boolean isIncoming(Value ring) {
        return incoming.contains(new Root(ring));
    }

    /// The filling side of a queue and the reading side.
    private Unit filling(Value ring) {
        return isIncoming(ring) ? Unit.COPY_IN : Unit.VECTOR;
    }

    private Unit reading(Value ring) {
        return isIncoming(ring) ? Unit.VECTOR : Unit.COPY_OUT;
    }

    /// The reading side of the queue goes on after what the filling side has done so far.
    private void publish(Value ring) {
        goesOn(filling(ring), reading(ring));
        for (var access : beforeFilling.getOrDefault(new Root(ring), List.of())) {
            if (state.containsKey(access)) {
                state.get(access).add(Unit.VECTOR);
            }
        }
    }

    /// Who fills the slot next comes after who has read it.
    private void release(Value ring) {
        var what = new Root(ring);
        state.forEach((access, units) -> {
            boolean before = access.unit() == reading(ring) || units.contains(reading(ring));
            if (access.what().equals(what) && before) {
                units.add(filling(ring));
            }
        });
    }

    /// Orders what the access needs.
    private void require(Access wanted, List<Op> ops) {
        var needed = EnumSet.noneOf(Unit.class);
        state.forEach((access, units) -> {
            boolean conflict = access.what().equals(wanted.what()) && (wanted.write() || access.write());
            // The scalar unit does one after the other, and what is copied out to one buffer are different elements of it.
            boolean alone = access.unit() == wanted.unit()
                    && (wanted.unit() == Unit.SCALAR
                            || wanted.unit() == Unit.COPY_OUT && access.write() && results.contains(access.what()));
            if (conflict && !alone && !units.contains(wanted.unit())) {
                needed.add(access.unit());
            }
        });
        for (var before : needed) {
            ops.add(new TileOp.Order(before, wanted.unit()));
            goesOn(before, wanted.unit());
        }
    }

    private void record(Access access) {
        if (access.write()) {
            // Whatever comes after this comes after all that was before it.
            state.keySet().removeIf(other -> other.what().equals(access.what()));
        }
        state.put(access, EnumSet.noneOf(Unit.class));
    }
}
