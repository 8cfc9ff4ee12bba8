package org.portolan.lowering.vectors;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Relation;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.Uses;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// The operations that are being written, and where each vector is: the part that has no opinion on what is done.
class VectorBuffers {
    final VectorTable table;
    final Uses uses;
    final Map<Value, Place> places = new IdentityHashMap<>();
    /// Where a value that is about to be computed should lie, because a loop carries it there.
    final Map<Value, Value> wanted = new IdentityHashMap<>();
    /// What stands before everything else.
    final List<Op> declarations = new ArrayList<>();
    private final long longest;
    private final Map<Even, Value> evenly = new HashMap<>();
    private Value ascending;

    List<Op> ops = new ArrayList<>();
    /// What is to be done lane by lane, in one loop.
    List<Op> group = new ArrayList<>();

    VectorBuffers(Body body, VectorTable table) {
        this.table = table;
        uses = Uses.of(body);
        longest = longest(body);
    }

    static boolean isVector(Value value) {
        return value.type() instanceof Type.Vector || value.type() instanceof Type.Mask;
    }

    private static long longest(Body body) {
        long most = 1;
        for (var op : body.ops()) {
            for (var result : OpSchema.results(op)) {
                most = isVector(result) ? Math.max(most, result.type().laneCount()) : most;
            }
            for (var inner : OpSchema.bodies(op)) {
                most = Math.max(most, longest(inner));
            }
        }
        return most;
    }

    // ----------------------------------------------------------------------------------------------- loops over lanes

    boolean dependsOnGroup(Op op) {
        for (var member : group) {
            for (var result : OpSchema.results(member)) {
                if (OpSchema.operands(op).contains(result)) {
                    return true;
                }
            }
        }
        return false;
    }

    static long lanes(Op op) {
        for (var result : OpSchema.results(op)) {
            if (isVector(result)) {
                return result.type().laneCount();
            }
        }
        return OpSchema.operands(op).stream()
                .filter(VectorBuffers::isVector)
                .mapToLong(value -> value.type().laneCount())
                .findFirst()
                .orElseThrow();
    }

    /// The operation will be done lane by lane, together with its neighbours.
    void byLanes(Op op) {
        if (!group.isEmpty() && lanes(group.getFirst()) != lanes(op)) {
            flush();
        }
        if (op instanceof TileOp.Shuffle && dependsOnGroup(op)) {
            flush();
        }
        group.add(op);
    }

    void flush() {
        if (group.isEmpty()) {
            return;
        }
        var members = group;
        group = new ArrayList<>();
        var results = new LinkedHashMap<Value, Value>();
        for (var op : members) {
            for (var result : OpSchema.results(op)) {
                if (uses.users(result).stream().anyMatch(user -> !members.contains(user))) {
                    var buffer = destination(result);
                    results.put(result, buffer);
                }
            }
        }
        var before = new ArrayList<Op>();
        var loop = LaneLoops.write(members, lanes(members.getFirst()), places, results, before);
        ops.addAll(before);
        ops.add(loop);
        results.forEach((value, buffer) -> places.put(value, new Place.Buffer(buffer)));
    }

    // --------------------------------------------------------------------------------------------------------- buffers

    Value destination(Value value) {
        var carrier = wanted.get(value);
        if (carrier == null) {
            return allocate(value);
        }
        // What waits may still need what the buffer holds.
        flush();
        return carrier;
    }

    Value allocate(Value value) {
        return allocate(value.type().elementType(), value.type().laneCount(), value.hint());
    }

    Value allocate(ElementType element, long lanes, String hint) {
        var buffer = Value.of(new Type.Buffer(element, List.of(Dim.of(lanes)), Type.Space.LOCAL), hint);
        ops.add(new TileOp.Alloc(buffer));
        return buffer;
    }

    Place place(Value value) {
        if (group.stream().anyMatch(op -> OpSchema.results(op).contains(value))) {
            flush();
        }
        return places.get(value);
    }

    /// The vector as a buffer.
    Value buffer(Value value) {
        if (place(value) instanceof Place.Buffer(Value buffer)) {
            return buffer;
        }
        var buffer = allocate(value);
        fill(buffer, value);
        return buffer;
    }

    /// Writes a vector to a buffer.
    void fill(Value buffer, Value value) {
        long lanes = value.type().laneCount();
        switch (place(value)) {
            case Place.Buffer(Value from) -> map(buffer, List.of(from), lanes, null);
            case Place.Uniform(Value scalar) -> map(buffer, List.of(scalar), lanes, null);
            case Place.Interval(var first, var limit) when table.compares(Relation.LESS, ElementType.F32)
                    && table.has("compare.scalar", ElementType.F32) -> bounds(buffer, first, limit, lanes);
            case Place.Ascending _, Place.Affine _, Place.Interval _ -> {
                var before = new ArrayList<Op>();
                // A copy of the value, since it is nowhere.
                var copy = value.copy();
                places.put(copy, places.get(value));
                var same = same(copy);
                var loop = LaneLoops.write(List.of(same), lanes, places, Map.of(OpSchema.results(same).getFirst(), buffer), before);
                ops.addAll(before);
                ops.add(loop);
            }
        }
    }

    /// The mask of what lies between bounds: the lanes' numbers, which singles hold exactly, against them.
    void bounds(Value mask, Optional<Value> first, Optional<Value> limit, long lanes) {
        var numbers = ascending();
        var single = Type.scalar(ElementType.F32);
        var less = new ArithOp.Compare(Value.of(single), Value.of(single), Relation.LESS, Value.of(Type.BOOL));
        if (first.isPresent()) {
            map(mask, List.of(numbers, single(first.get())), lanes, less);
            map(mask, List.of(mask), lanes, new ArithOp.Not(Value.of(Type.BOOL), Value.of(Type.BOOL)));
            if (limit.isEmpty()) {
                return;
            }
            var below = allocate(ElementType.BOOL, lanes, "below");
            map(below, List.of(numbers, single(limit.get())), lanes, less);
            map(mask, List.of(mask, below), lanes,
                    new ArithOp.And(Value.of(Type.BOOL), Value.of(Type.BOOL), Value.of(Type.BOOL)));
            return;
        }
        map(mask, List.of(numbers, single(limit.orElseThrow())), lanes, less);
    }

    Value single(Value index) {
        var result = Value.of(Type.scalar(ElementType.F32), index.hint());
        ops.add(new ArithOp.Cast(index, result));
        return result;
    }

    /// The lanes' numbers, written once.
    Value ascending() {
        if (ascending == null) {
            var type = new Type.Buffer(ElementType.F32, List.of(Dim.of(longest)), Type.Space.LOCAL);
            ascending = Value.of(type, "ascending");
            declarations.add(new TileOp.Alloc(ascending));
            count(ascending, longest, 1, 1);
        }
        return ascending;
    }

    private record Even(long count, long distance, long parts) {}

    /// The places, in bytes, of elements that lie so far apart in near memory, as many as wanted; written once. An element of more
    /// than 32 bits has several parts, each with its place.
    Value evenly(long elements, long distance, long parts) {
        return evenly.computeIfAbsent(new Even(elements, distance, parts), _ -> {
            long count = elements * parts;
            var at = Value.of(new Type.Buffer(ElementType.U32, List.of(Dim.of(count)), Type.Space.LOCAL), "places");
            declarations.add(new TileOp.Alloc(at));
            count(at, count, distance, parts);
            return at;
        });
    }

    private static final long PART_BYTES = 4;

    /// Writes numbers that ascend: a block of them one by one, then each half from the one before it.
    private void count(Value to, long count, long step, long parts) {
        var outer = ops;
        ops = declarations;
        var element = Type.scalar(to.type().elementType());
        boolean adds = table.has("add", to.type().elementType());
        long done = adds ? Math.min(count, table.alignment() * 8 / to.type().elementType().bits()) : count;
        var lane = Value.of(Type.INDEX, "lane");
        var at = Value.of(Type.INDEX, "at");
        var number = Value.of(element, "at");
        var own = Dim.symbol("$0");
        var place = parts == 1
                ? own.times(step)
                : own.floorDivide(parts).times(step).plus(own.modulo(Dim.of(parts)).times(PART_BYTES));
        ops.add(new TileOp.For(
                LaneLoops.index(ops, 0),
                LaneLoops.index(ops, done),
                LaneLoops.index(ops, 1),
                List.of(),
                TileOp.Bind.SERIAL,
                new Body(List.of(lane), List.of(
                        new TileOp.Expression(List.of(lane), place, at),
                        new ArithOp.Cast(at, number),
                        new TileOp.Store(number, to, List.of(lane), Optional.empty()),
                        new TileOp.Yield(List.of()))),
                List.of()));
        for (long more; done < count; done += more) {
            more = Math.min(done, count - done);
            var distance = Value.of(element, "more");
            ops.add(isFloat(element)
                    ? new ArithOp.Const(done / parts * step, distance)
                    : new ArithOp.Integer(done / parts * step, distance));
            var next = Value.of(new Type.Buffer(to.type().elementType(), List.of(Dim.of(more)), Type.Space.LOCAL), to.hint());
            ops.add(new TileOp.View(to, List.of(LaneLoops.index(ops, done)), next));
            map(next, List.of(to, distance), more, new ArithOp.Add(Value.of(element), Value.of(element), Value.of(element)));
        }
        ops = outer;
    }

    private static boolean isFloat(Type type) {
        return type.elementType().isFloat();
    }

    static Op same(Value value) {
        return new ArithOp.Bitcast(value, value.copy());
    }

    /// @param op whose operands are the body's, or null for a copy
    void map(Value to, List<Value> from, long count, ArithOp op) {
        var params = new ArrayList<Value>();
        for (var operand : from) {
            params.add(Value.of(Type.scalar(operand.type().elementType()), operand.hint()));
        }
        var inner = new ArrayList<Op>();
        var result = params.getFirst();
        if (op != null) {
            var next = params.iterator();
            var scalar = Value.of(Type.scalar(op.result().type().elementType()), op.result().hint());
            inner.add(OpSchema.rebuild(op, _ -> next.next(), _ -> scalar, body -> body));
            result = scalar;
        }
        inner.add(new TileOp.Yield(List.of(result)));
        ops.add(new TileOp.Map(to, from, count, new Body(params, inner)));
    }
}
