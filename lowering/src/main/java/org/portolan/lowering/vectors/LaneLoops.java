package org.portolan.lowering.vectors;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.Relation;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Operations on vectors, written as one loop over their lanes.
final class LaneLoops {
    private final Map<Value, Place> places;
    private final Map<Value, Value> scalars = new IdentityHashMap<>();
    private final List<Op> ops = new ArrayList<>();
    private final Value lane = Value.of(Type.INDEX, "lane");

    private LaneLoops(Map<Value, Place> places) {
        this.places = places;
    }

    /// The loop for a group of operations; what others need of it is stored where {@code results} says.
    static Op write(List<Op> group, long lanes, Map<Value, Place> places, Map<Value, Value> results, List<Op> before) {
        var loop = new LaneLoops(places);
        for (var op : group) {
            loop.scalar(op);
        }
        results.forEach((value, buffer) -> loop.ops.add(
                new TileOp.Store(loop.scalars.get(value), buffer, List.of(loop.lane), Optional.empty())));
        loop.ops.add(new TileOp.Yield(List.of()));
        return new TileOp.For(
                index(before, 0),
                index(before, lanes),
                index(before, 1),
                List.of(),
                TileOp.Bind.SERIAL,
                new Body(List.of(loop.lane), loop.ops),
                List.of());
    }

    static Value index(List<Op> ops, long number) {
        var result = Value.of(Type.INDEX, "c" + number);
        ops.add(new TileOp.Expression(List.of(), Dim.of(number), result));
        return result;
    }

    private void scalar(Op op) {
        switch (op) {
            case TileOp.Shuffle(var vectors, var from, Value result) -> {
                // Neighbouring lanes of one vector, which lies in memory.
                var place = (Place.Buffer) places.get(vectors.getFirst());
                var at = Value.of(Type.INDEX, "from");
                ops.add(new TileOp.Expression(List.of(lane), Dim.symbol("$0").plus(from.getFirst()), at));
                scalars.put(result, load(place.buffer(), at));
            }
            case TileOp tile -> rebuild(tile);
            case ArithOp arith -> rebuild(arith);
            case GraphOp _, NestOp _, PlanOp _, MachineOp _ ->
                throw new IllegalArgumentException(OpSchema.of(op).name() + " has no lanes");
        }
    }

    private void rebuild(Op op) {
        ops.add(OpSchema.rebuild(
                op,
                this::operand,
                result -> {
                    var scalar = Value.of(Type.scalar(result.type().elementType()), result.hint());
                    scalars.put(result, scalar);
                    return scalar;
                },
                body -> body));
    }

    private Value operand(Value value) {
        if (!VectorBuffers.isVector(value)) {
            return value;
        }
        return scalars.computeIfAbsent(value, _ -> switch (places.get(value)) {
            case Place.Buffer(Value buffer) -> load(buffer, lane);
            case Place.Uniform(Value scalar) -> scalar;
            case Place.Ascending _ -> cast(value);
            case Place.Affine(Value base, long step) -> {
                var at = Value.of(Type.INDEX, value.hint());
                ops.add(new TileOp.Expression(List.of(base, lane), Dim.symbol("$0").plus(Dim.symbol("$1").times(step)), at));
                yield at;
            }
            case Place.Interval(var first, var limit) -> inside(first, limit);
        });
    }

    private Value cast(Value value) {
        var element = value.type().elementType();
        if (Type.scalar(element).equals(Type.INDEX)) {
            return lane;
        }
        var number = Value.of(Type.scalar(element), "lane");
        ops.add(new ArithOp.Cast(lane, number));
        return number;
    }

    private Value load(Value buffer, Value at) {
        var element = Value.of(Type.scalar(buffer.type().elementType()), buffer.hint());
        ops.add(new TileOp.Load(buffer, List.of(at), Optional.empty(), Optional.empty(), element));
        return element;
    }

    private Value inside(Optional<Value> first, Optional<Value> limit) {
        Value result = null;
        if (first.isPresent()) {
            result = compare(lane, Relation.GREATER_OR_EQUAL, first.get());
        }
        if (limit.isPresent()) {
            var below = compare(lane, Relation.LESS, limit.get());
            if (result == null) {
                return below;
            }
            var both = Value.of(Type.BOOL, "inside");
            ops.add(new ArithOp.And(result, below, both));
            result = both;
        }
        if (result == null) {
            result = Value.of(Type.BOOL, "inside");
            ops.add(new ArithOp.Integer(1, result));
        }
        return result;
    }

    private Value compare(Value left, Relation relation, Value right) {
        var result = Value.of(Type.BOOL, "inside");
        ops.add(new ArithOp.Compare(left, right, relation, result));
        return result;
    }
}
