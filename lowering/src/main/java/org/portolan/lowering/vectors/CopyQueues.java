package org.portolan.lowering.vectors;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Copies between global and near memory go through queues, so that the next piece comes in while one is worked on. As
/// long as there are few places that copy, each has a queue of its own; then a queue for each element type is shared, and
/// what comes in moves on to a buffer at once.
final class CopyQueues {
    /// The slots of all queues in one direction.
    private static final int MOST_SLOTS = 8;

    private final List<Op> declarations = new ArrayList<>();
    private final Map<Object, Value> shared = new HashMap<>();
    private final Map<Object, Long> longest = new HashMap<>();
    private final int incoming;
    private final int outgoing;
    private final long block;

    /// @param block the bytes that copies begin at multiples of
    CopyQueues(Body body, long block) {
        this.block = block;
        var counts = new int[2];
        count(body, counts);
        incoming = counts[0];
        outgoing = counts[1];
    }

    private void count(Body body, int[] counts) {
        for (var op : body.ops()) {
            if (op instanceof TileOp.Load load && VectorBuffers.isVector(load.result())) {
                counts[0]++;
                remember(true, load.result());
            } else if (op instanceof TileOp.Store store && (VectorBuffers.isVector(store.value()) || isSingle(store))) {
                counts[1]++;
                remember(false, store.value());
            }
            OpSchema.bodies(op).forEach(inner -> count(inner, counts));
        }
    }

    private record Key(boolean incoming, ElementType element) {}

    private void remember(boolean in, Value value) {
        longest.merge(new Key(in, inMemory(value)), lanes(value), Math::max);
    }

    /// The lanes of a slot; a single element has a block to itself.
    private long lanes(Value value) {
        return VectorBuffers.isVector(value) ? value.type().laneCount() : block * 8 / inMemory(value).bits();
    }

    /// Whether one element is stored to global memory.
    boolean isSingle(TileOp.Store store) {
        return !VectorBuffers.isVector(store.value())
                && store.indices().stream().noneMatch(VectorBuffers::isVector)
                && store.buffer().buffer().space() == Type.Space.GLOBAL
                && store.value().type().elementType().bits() * (store.value().type().elementType() == ElementType.BOOL ? 8 : 1) >= 8;
    }

    /// Copies out one element, if {@code limit} is 1 and not 0.
    void single(List<Op> ops, TileOp.Store store, Value element, Value limit) {
        var ring = ring(store.value(), false);
        var filled = slot(ring, store.value().hint());
        ops.add(new TileOp.Acquire(ring, filled));
        ops.add(new TileOp.Store(element, filled, List.of(LaneLoops.index(ops, 0)), Optional.empty()));
        ops.add(new TileOp.Publish(ring));
        var ready = slot(ring, store.value().hint());
        ops.add(new TileOp.Consume(ring, ready));
        ops.add(new TileOp.Put(ready, store.buffer(), store.indices(), Optional.empty(), Optional.of(limit), 1));
        ops.add(new TileOp.Release(ring));
    }

    /// Truth values travel as bytes.
    private static ElementType inMemory(Value value) {
        var element = value.type().elementType();
        return element == ElementType.BOOL ? ElementType.U8 : element;
    }

    List<Op> declarations() {
        return declarations;
    }

    private Value ring(Value value, boolean in) {
        int sites = in ? incoming : outgoing;
        var element = inMemory(value);
        if (sites <= MOST_SLOTS) {
            return declare(value.hint(), element, lanes(value), sites <= MOST_SLOTS / 2 ? 2 : 1);
        }
        var key = new Key(in, element);
        return shared.computeIfAbsent(key, _ -> declare(in ? "in" : "out", element, longest.get(key), 1));
    }

    private boolean isShared(boolean in) {
        return (in ? incoming : outgoing) > MOST_SLOTS;
    }

    private Value declare(String hint, ElementType element, long lanes, long depth) {
        var slot = new Type.Buffer(element, List.of(Dim.of(lanes)), Type.Space.LOCAL);
        var ring = Value.of(new Type.Ring(slot, depth), hint + "_queue");
        declarations.add(new TileOp.Ring(depth, ring));
        return ring;
    }

    private static Value slot(Value ring, String hint) {
        return Value.of(((Type.Ring) ring.type()).slot(), hint);
    }

    /// Copies in; gives the buffer in which the vector is then.
    Value fetch(List<Op> ops, TileOp.Load load, Optional<Place.Interval> bounds, Optional<Value> other) {
        var hint = load.result().hint();
        long lanes = load.result().type().laneCount();
        var ring = ring(load.result(), true);
        var filled = slot(ring, hint);
        ops.add(new TileOp.Acquire(ring, filled));
        ops.add(new TileOp.Fetch(
                load.buffer(),
                load.indices(),
                bounds.flatMap(Place.Interval::first),
                bounds.flatMap(Place.Interval::limit),
                other,
                filled,
                lanes));
        ops.add(new TileOp.Publish(ring));
        var ready = slot(ring, hint);
        ops.add(new TileOp.Consume(ring, ready));
        if (!isShared(true)) {
            return ready;
        }
        var buffer = Value.of(new Type.Buffer(inMemory(load.result()), List.of(Dim.of(lanes)), Type.Space.LOCAL), hint);
        ops.add(new TileOp.Alloc(buffer));
        ops.add(copy(buffer, ready, lanes));
        return buffer;
    }

    /// How pieces of a copy lie: the elements from one to the next, those of each, and those from one to the next in near memory.
    record Steps(Value step, Value width, long spread) {}

    private record Apart(ElementType element, long spread) {}

    /// Copies pieces that lie apart; gives the slot in which they are then.
    Value rows(List<Op> ops, TileOp.Load load, Steps steps, Optional<Place.Interval> bounds, Optional<Value> other) {
        var hint = load.result().hint();
        long lanes = load.result().type().laneCount();
        var element = inMemory(load.result());
        var ring = isShared(true)
                ? shared.computeIfAbsent(
                        new Apart(element, steps.spread()),
                        _ -> declare("apart", element, longest.get(new Key(true, element)) * steps.spread(), 1))
                : declare(hint, element, lanes * steps.spread(), incoming <= MOST_SLOTS / 2 ? 2 : 1);
        var filled = slot(ring, hint);
        ops.add(new TileOp.Acquire(ring, filled));
        ops.add(new TileOp.Rows(
                load.buffer(),
                load.indices(),
                steps.step(),
                steps.width(),
                bounds.flatMap(Place.Interval::first),
                bounds.flatMap(Place.Interval::limit),
                other,
                filled,
                lanes,
                steps.spread()));
        ops.add(new TileOp.Publish(ring));
        var ready = slot(ring, hint);
        ops.add(new TileOp.Consume(ring, ready));
        return ready;
    }

    /// Copies in what lies between the first and the last of lanes that lie a few elements apart; gives the slot in which it is then.
    ///
    /// @param step the elements from one lane to the next
    /// @param bounds of the lanes
    Value piece(List<Op> ops, TileOp.Load load, long step, Optional<Place.Interval> bounds, Optional<Value> other) {
        var hint = load.result().hint();
        long lanes = load.result().type().laneCount();
        var element = inMemory(load.result());
        var ring = isShared(true)
                ? shared.computeIfAbsent(
                        new Apart(element, step), _ -> declare("piece", element, longest.get(new Key(true, element)) * step, 1))
                : declare(hint, element, lanes * step, incoming <= MOST_SLOTS / 2 ? 2 : 1);
        var first = bounds.flatMap(Place.Interval::first).map(lane -> index(ops, Dim.symbol("$0").times(step), lane));
        var limit = bounds.flatMap(Place.Interval::limit)
                .map(lane -> index(ops, Dim.symbol("$0").minus(1).times(step).plus(1), lane));
        // Nothing is read behind the last lane's element.
        long count = limit.isPresent() ? lanes * step : (lanes - 1) * step + 1;
        var filled = slot(ring, hint);
        ops.add(new TileOp.Acquire(ring, filled));
        ops.add(new TileOp.Fetch(load.buffer(), load.indices(), first, limit, other, filled, count));
        ops.add(new TileOp.Publish(ring));
        var ready = slot(ring, hint);
        ops.add(new TileOp.Consume(ring, ready));
        return ready;
    }

    private static Value index(List<Op> ops, Dim expression, Value operand) {
        var result = Value.of(Type.INDEX, operand.hint());
        ops.add(new TileOp.Expression(List.of(operand), expression, result));
        return result;
    }

    /// Copies out a buffer, or a scalar in every lane.
    ///
    /// @param last whether nobody needs the buffer afterwards
    void put(
            List<Op> ops,
            TileOp.Store store,
            Optional<Place.Interval> bounds,
            Value near,
            boolean last,
            long lanes) {
        var ring = ring(store.value(), false);
        var filled = slot(ring, store.value().hint());
        var computed = last ? computed(ops, near, filled) : Optional.<Op>empty();
        computed.ifPresent(_ -> ops.removeLast());
        ops.add(new TileOp.Acquire(ring, filled));
        ops.add(computed.orElseGet(() -> copy(filled, near, lanes)));
        ops.add(new TileOp.Publish(ring));
        var ready = slot(ring, store.value().hint());
        ops.add(new TileOp.Consume(ring, ready));
        ops.add(new TileOp.Put(
                ready,
                store.buffer(),
                store.indices(),
                bounds.flatMap(Place.Interval::first),
                bounds.flatMap(Place.Interval::limit),
                lanes));
        ops.add(new TileOp.Release(ring));
    }

    /// What has just computed the buffer, if it may write to the slot instead.
    private static Optional<Op> computed(List<Op> ops, Value near, Value filled) {
        return switch (ops.isEmpty() ? null : ops.getLast()) {
            case TileOp.Map map when map.to() == near && !map.from().contains(near) ->
                Optional.of(new TileOp.Map(filled, map.from(), map.count(), map.body()));
            case TileOp.Take take when take.to() == near ->
                Optional.of(new TileOp.Take(take.from(), take.places(), filled, take.count()));
            case null -> Optional.empty();
            case Op _ -> Optional.empty();
        };
    }

    private static TileOp.Map copy(Value to, Value from, long lanes) {
        var element = Value.of(Type.scalar(from.type().elementType()), from.hint());
        return new TileOp.Map(
                to, List.of(from), lanes, new Body(List.of(element), List.of(new TileOp.Yield(List.of(element)))));
    }

    /// Hands every slot that came in back after its last use; those of a shared queue are used once.
    static Body release(Body body) {
        var ops = new ArrayList<Op>();
        for (var op : body.ops()) {
            ops.add(OpSchema.rebuild(op, value -> value, value -> value, CopyQueues::release));
        }
        for (int i = 0; i < ops.size(); i++) {
            if (ops.get(i) instanceof TileOp.Consume(Value ring, Value slot) && !isReleased(ops, i, ring)) {
                var names = new ArrayList<Value>(List.of(slot));
                int last = i;
                for (int j = i + 1; j < ops.size(); j++) {
                    if (ops.get(j) instanceof TileOp.View(Value buffer, var _, Value view) && names.contains(buffer)) {
                        names.add(view);
                    }
                    if (names(ops.get(j), names)) {
                        last = j;
                    }
                }
                ops.add(last + 1, new TileOp.Release(ring));
            }
        }
        return new Body(body.params(), ops);
    }

    private static boolean isReleased(List<Op> ops, int consume, Value ring) {
        for (int i = consume + 1; i < ops.size(); i++) {
            if (ops.get(i) instanceof TileOp.Release(Value released) && released == ring) {
                return true;
            }
            if (ops.get(i) instanceof TileOp.Acquire(Value acquired, _) && acquired == ring) {
                return false;
            }
        }
        return false;
    }

    private static boolean names(Op op, List<Value> values) {
        return OpSchema.operands(op).stream().anyMatch(values::contains)
                || OpSchema.bodies(op).stream()
                        .anyMatch(body -> body.ops().stream().anyMatch(inner -> names(inner, values)));
    }
}
