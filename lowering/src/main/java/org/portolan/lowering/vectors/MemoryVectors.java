package org.portolan.lowering.vectors;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.Combine;
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
import org.portolan.runtime.type.ElementType;

/// Gives every vector a buffer in near memory: arithmetic that the machine has becomes maps, adjacent loads and stores
/// become copies through queues, and all else a loop over the lanes.
///
/// Broadcasts, the lanes' numbers and masks that say where a vector begins and ends are no buffers until something needs
/// them to be.
final class MemoryVectors extends VectorArithmetic {
    /// A copy of pieces that lie apart has at most 4095.
    private static final long MOST_PIECES = 2048;

    private final CopyQueues queues;

    /// So many lanes are combined without a loop.
    private static final long WRITTEN_OUT = 16;

    private MemoryVectors(Body body, VectorTable table) {
        super(body, table);
        queues = new CopyQueues(body, table.alignment());
    }

    /// The body without vectors; what it allocates stands where it is first needed.
    static Body apply(Body body, VectorTable table) {
        var pass = new MemoryVectors(body, table);
        var inner = pass.body(body);
        var ops = new ArrayList<Op>(pass.queues.declarations());
        ops.addAll(pass.declarations);
        ops.addAll(inner.ops());
        return new Body(body.params(), ops);
    }

    private static boolean hasVectors(Op op) {
        return OpSchema.operands(op).stream().anyMatch(VectorBuffers::isVector)
                || OpSchema.results(op).stream().anyMatch(VectorBuffers::isVector);
    }

    private Body body(Body body) {
        var outer = ops;
        var outerGroup = group;
        ops = new ArrayList<>();
        group = new ArrayList<>();
        body.ops().forEach(this::emit);
        flush();
        var result = new Body(body.params(), ops);
        ops = outer;
        group = outerGroup;
        return result;
    }

    private void emit(Op op) {
        if (!OpSchema.bodies(op).isEmpty() || op instanceof Op.Terminator) {
            flush();
            structured(op);
        } else if (!hasVectors(op)) {
            if (op instanceof ArithOp.Integer(long value, Value result)) {
                numbers.put(result, value);
            } else if (op instanceof TileOp.Expression expression
                    && expression.expression() instanceof Dim.Constant(long value)) {
                numbers.put(expression.result(), value);
            }
            if (!(op instanceof Op.Pure) || dependsOnGroup(op)) {
                flush();
            }
            if (op instanceof TileOp.Store store && queues.isSingle(store)) {
                single(store);
            } else {
                ops.add(op);
            }
        } else {
            switch (op) {
                case ArithOp arith -> arith(arith);
                case TileOp tile -> tile(tile);
                case GraphOp _, NestOp _, PlanOp _, MachineOp _ ->
                    throw new IllegalArgumentException(OpSchema.of(op).name() + " has no vectors");
            }
        }
    }

    // ------------------------------------------------------------------------------------------------------- memory

    private void tile(TileOp op) {
        switch (op) {
            case TileOp.Broadcast(Value value, Value result) -> {
                if (isVector(value)) {
                    places.put(result, place(value));
                } else {
                    places.put(result, new Place.Uniform(value));
                }
            }
            case TileOp.Lanes(Value result) -> places.put(result, new Place.Ascending());
            case TileOp.Mask(Value lower, Value upper, Value result) -> {
                var limit = Value.of(Type.INDEX, "limit");
                ops.add(new TileOp.Expression(
                        List.of(upper, lower), Dim.symbol("$0").minus(Dim.symbol("$1")), limit));
                places.put(result, new Place.Interval(Optional.empty(), Optional.of(limit)));
            }
            case TileOp.Load load -> load(load);
            case TileOp.Store store -> store(store);
            case TileOp.Reduce reduce -> reduce(reduce);
            case TileOp.Extract(Value vector, long lane, Value result) -> {
                var buffer = buffer(vector);
                flush();
                ops.add(new TileOp.Load(
                        buffer, List.of(LaneLoops.index(ops, lane)), Optional.empty(), Optional.empty(), result));
            }
            case TileOp.Shuffle shuffle -> shuffle(shuffle);
            case TileOp.Expression expression -> {
                if (!expression(expression)) {
                    byLanes(op);
                }
            }
            case TileOp.Atomic _, TileOp.Fail _ -> byLanes(op);
            case TileOp.Assume _ -> {}
            case TileOp.Kernel _, TileOp.For _, TileOp.While _, TileOp.If _, TileOp.Yield _, TileOp.Alloc _ ->
                throw new IllegalArgumentException(OpSchema.of(op).name() + " is handled elsewhere");
            case TileOp.View _, TileOp.Copy _, TileOp.Ring _, TileOp.Acquire _, TileOp.Publish _, TileOp.Consume _ ->
                throw new IllegalArgumentException(OpSchema.of(op).name() + " has no vectors");
            case TileOp.Exchange _, TileOp.Await _, TileOp.Part _, TileOp.Assemble _ -> throw new IllegalArgumentException(OpSchema.of(op).name() + " needs threads");
            case TileOp.Release _, TileOp.Barrier _, TileOp.Prefetch _, TileOp.Call _, TileOp.Map _ ->
                throw new IllegalArgumentException(OpSchema.of(op).name() + " cannot take vectors in memory");
            case TileOp.Fetch _, TileOp.Rows _, TileOp.Take _, TileOp.Put _, TileOp.Order _ ->
                throw new IllegalArgumentException(OpSchema.of(op).name() + " has no vectors");
        }
    }

    private boolean isScalar(Value value) {
        return !isVector(value) || places.get(value) instanceof Place.Uniform;
    }

    private void load(TileOp.Load load) {
        if (load.buffer().buffer().space() == Type.Space.GLOBAL
                && isBounded(load)
                && access(load.buffer(), load.indices()) instanceof Access(var indices, var step)) {
            var regular = new TileOp.Load(load.buffer(), indices, load.mask(), load.other(), load.result());
            if (step.isConstant(1)) {
                load(regular);
                return;
            }
            if (isTakenApart(load)) {
                takeApart(regular, step);
                return;
            }
        }
        boolean adjacent = load.buffer().buffer().space() == Type.Space.GLOBAL
                && load.indices().stream().noneMatch(VectorBuffers::isVector)
                && isBounded(load);
        if (!adjacent) {
            byLanes(load);
            return;
        }
        flush();
        var bounds = load.mask().map(this::bounds);
        boolean truth = load.result().type().elementType() == ElementType.BOOL;
        var other = load.other().map(this::scalar).map(this::asInMemory);
        var slot = queues.fetch(ops, load, bounds, other);
        if (truth) {
            var mask = destination(load.result());
            var byteType = Type.scalar(ElementType.U8);
            var like = new ArithOp.Cast(Value.of(byteType), Value.of(Type.BOOL));
            toTruth(mask, slot, load.result().type().laneCount(), like);
            places.put(load.result(), new Place.Buffer(mask));
        } else {
            places.put(load.result(), new Place.Buffer(slot));
        }
    }

    private boolean isBounded(TileOp.Load load) {
        return load.other().map(this::isScalar).orElse(true)
                && load.mask().map(mask -> bounds(mask) != null).orElse(true);
    }

    private boolean isTakenApart(TileOp.Load load) {
        long lanes = load.result().type().laneCount();
        return table.has("take", load.result().type().elementType()) && lanes >= table.alignment() && lanes <= MOST_PIECES;
    }

    /// Elements that lie apart come in one to a block of near memory, or, where they are near each other, with all that is between;
    /// they move together there. Bytes do so as numbers of 16 bits.
    private void takeApart(TileOp.Load load, Dim step) {
        flush();
        var bounds = load.mask().map(this::bounds);
        var other = load.other().map(this::scalar).map(this::asInMemory);
        long lanes = load.result().type().laneCount();
        var element = load.result().type().elementType() == ElementType.BOOL
                ? ElementType.U8
                : load.result().type().elementType();
        long bytes = element.bits() / 8;
        Value slot;
        long spread;
        long filled;
        if (step.constant().orElse(Long.MAX_VALUE) <= table.alignment() / bytes) {
            spread = step.constant().getAsLong();
            slot = queues.piece(ops, load, spread, bounds, other);
            filled = (lanes - 1) * spread + 1;
        } else {
            spread = table.alignment() / bytes;
            var distance = Value.of(Type.INDEX, "step");
            ops.add(new TileOp.Expression(List.of(), step, distance));
            slot = queues.rows(ops, load, new CopyQueues.Steps(distance, LaneLoops.index(ops, 1), spread), bounds, other);
            filled = lanes * spread;
        }
        if (bytes > 1) {
            var buffer = destination(load.result());
            ops.add(new TileOp.Take(slot, evenly(lanes, spread * bytes, Math.max(1, bytes / 4)), buffer, lanes));
            places.put(load.result(), new Place.Buffer(buffer));
            return;
        }
        var half = Value.of(Type.scalar(ElementType.F16));
        var wide = allocate(ElementType.F16, lanes * spread, "wide");
        map(wide, List.of(slot), filled, new ArithOp.Cast(Value.of(Type.scalar(element)), half));
        var taken = allocate(ElementType.F16, lanes, "taken");
        ops.add(new TileOp.Take(wide, evenly(lanes, spread * 2, 1), taken, lanes));
        var buffer = destination(load.result());
        if (load.result().type().elementType() == ElementType.BOOL) {
            isNotZero(buffer, taken, lanes);
        } else {
            map(buffer, List.of(taken), lanes, new ArithOp.Cast(half, Value.of(Type.scalar(element))));
        }
        places.put(load.result(), new Place.Buffer(buffer));
    }

    /// Truth values are bytes in memory.
    private Value asInMemory(Value other) {
        if (other.type().elementType() != ElementType.BOOL) {
            return other;
        }
        var number = Value.of(Type.scalar(ElementType.U8), "other");
        ops.add(new ArithOp.Cast(other, number));
        return number;
    }

    private void toTruth(Value mask, Value bytes, long lanes, ArithOp cast) {
        if (table.has(cast)) {
            map(mask, List.of(bytes), lanes, cast);
            return;
        }
        var wide = allocate(ElementType.F16, lanes, "wide");
        map(wide, List.of(bytes), lanes, new ArithOp.Cast(Value.of(Type.scalar(ElementType.U8)), Value.of(Type.scalar(ElementType.F16))));
        isNotZero(mask, wide, lanes);
    }

    private void isNotZero(Value mask, Value halves, long lanes) {
        var half = Type.scalar(ElementType.F16);
        var zero = Value.of(half, "zero");
        ops.add(new ArithOp.Const(0, zero));
        map(mask, List.of(halves, zero), lanes,
                new ArithOp.Compare(Value.of(half), Value.of(half), Relation.NOT_EQUAL, Value.of(Type.BOOL)));
    }

    private void store(TileOp.Store store) {
        boolean adjacent = store.buffer().buffer().space() == Type.Space.GLOBAL
                && store.indices().stream().noneMatch(VectorBuffers::isVector)
                && store.mask().map(mask -> bounds(mask) != null).orElse(true);
        if (!adjacent) {
            byLanes(store);
            return;
        }
        flush();
        var bounds = store.mask().map(this::bounds);
        var value = store.value();
        long lanes = value.type().laneCount();
        if (value.type().elementType() == ElementType.BOOL) {
            value = bytes(value);
        } else if (!(place(value) instanceof Place.Uniform)) {
            var near = buffer(value);
            boolean last = uses.count(value) == 1 && !wanted.containsKey(value);
            queues.put(ops, store, bounds, near, last, lanes);
            return;
        }
        queues.put(ops, store, bounds, places.get(value) instanceof Place.Uniform(Value scalar) ? scalar : buffer(value),
                true, lanes);
    }

    /// A single element goes out by a copy, like everything else.
    private void single(TileOp.Store store) {
        var value = store.value();
        if (value.type().elementType() == ElementType.BOOL) {
            value = Value.of(Type.scalar(ElementType.U8), value.hint());
            ops.add(new ArithOp.Cast(store.value(), value));
        }
        var one = LaneLoops.index(ops, 1);
        var limit = one;
        if (store.mask().isPresent()) {
            limit = Value.of(Type.INDEX, "limit");
            ops.add(new ArithOp.Select(store.mask().get(), one, LaneLoops.index(ops, 0), limit));
        }
        queues.single(ops, store, value, limit);
    }

    /// Truth values as bytes, for memory.
    private Value bytes(Value mask) {
        var like = Value.of(Type.vector(mask.type().laneCount(), ElementType.U8), mask.hint());
        var to = allocate(like);
        long lanes = mask.type().laneCount();
        if (place(mask) instanceof Place.Uniform(Value truth)) {
            var number = Value.of(Type.scalar(ElementType.U8), mask.hint());
            ops.add(new ArithOp.Cast(truth, number));
            map(to, List.of(number), lanes, null);
        } else {
            var chosen = allocate(ElementType.F16, lanes, "chosen");
            var half = Type.scalar(ElementType.F16);
            var from = List.of(buffer(mask), constant(1, lanes), constant(0, lanes));
            map(chosen, from, lanes,
                    new ArithOp.Select(Value.of(Type.BOOL), Value.of(half), Value.of(half), Value.of(half)));
            map(to, List.of(chosen), lanes, new ArithOp.Cast(Value.of(half), Value.of(Type.scalar(ElementType.U8))));
        }
        places.put(like, new Place.Buffer(to));
        return like;
    }

    private Value constant(double number, long lanes) {
        var scalar = Value.of(Type.scalar(ElementType.F16), "k");
        ops.add(new ArithOp.Const(number, scalar));
        var buffer = allocate(ElementType.F16, lanes, "k");
        map(buffer, List.of(scalar), lanes, null);
        return buffer;
    }

    // ----------------------------------------------------------------------------------------------------- across lanes

    private void shuffle(TileOp.Shuffle op) {
        long first = op.from().getFirst();
        for (int i = 0; i < op.from().size(); i++) {
            if (op.vectors().size() != 1 || op.from().get(i) != first + i) {
                throw new IllegalArgumentException("lanes of vectors in memory are picked in order, found " + op.from());
            }
        }
        var vector = op.vectors().getFirst();
        var place = place(vector);
        if (place instanceof Place.Uniform) {
            places.put(op.result(), place);
            return;
        }
        var element = op.result().type().elementType();
        var buffer = buffer(vector);
        places.put(vector, new Place.Buffer(buffer));
        long at = first * element.bits() / 8;
        if (at % table.alignment() != 0 || element == ElementType.BOOL) {
            byLanes(op);
            return;
        }
        places.put(op.result(), new Place.Buffer(view(buffer, first, op.result().type().laneCount())));
    }

    private Value view(Value buffer, long first, long lanes) {
        if (first == 0) {
            return buffer;
        }
        var type = new Type.Buffer(buffer.type().elementType(), List.of(Dim.of(lanes)), Type.Space.LOCAL);
        var view = Value.of(type, buffer.hint());
        ops.add(new TileOp.View(buffer, List.of(LaneLoops.index(ops, first)), view));
        return view;
    }

    /// Halves pairwise: by maps while they begin at aligned places, then one by one.
    private void reduce(TileOp.Reduce op) {
        var element = op.vector().type().elementType();
        var from = buffer(op.vector());
        flush();
        long lanes = op.vector().type().laneCount();
        var sample = combine(op.combine(), Value.of(Type.scalar(element)), Value.of(Type.scalar(element)));
        var current = from;
        Value scratch = null;
        while (lanes > 1 && lanes / 2 * element.bits() / 8 % table.alignment() == 0 && table.has(sample)) {
            lanes /= 2;
            if (scratch == null) {
                scratch = allocate(element, lanes, op.result().hint());
            }
            map(scratch, List.of(current, view(current, lanes, lanes)), lanes, sample);
            current = scratch;
        }
        if (lanes > WRITTEN_OUT) {
            ops.add(oneByOne(op, current, lanes));
            return;
        }
        var values = new ArrayList<Value>();
        for (long lane = 0; lane < lanes; lane++) {
            var value = Value.of(Type.scalar(element), op.result().hint());
            ops.add(new TileOp.Load(
                    current, List.of(LaneLoops.index(ops, lane)), Optional.empty(), Optional.empty(), value));
            values.add(value);
        }
        while (values.size() > 1) {
            int half = values.size() / 2;
            for (int i = 0; i < half; i++) {
                var step = combine(op.combine(), values.get(i), values.get(half + i));
                var result = half == 1 ? op.result() : step.result();
                ops.add(OpSchema.rebuild(step, value -> value, _ -> result, body -> body));
                values.set(i, result);
            }
            values = new ArrayList<>(values.subList(0, half));
        }
    }

    /// Lane after lane, where the machine has no operation that combines vectors.
    private Op oneByOne(TileOp.Reduce op, Value buffer, long lanes) {
        var type = op.result().type();
        var zero = LaneLoops.index(ops, 0);
        var first = Value.of(type, op.result().hint());
        ops.add(new TileOp.Load(buffer, List.of(zero), Optional.empty(), Optional.empty(), first));
        var lane = Value.of(Type.INDEX, "lane");
        var sum = Value.of(type, op.result().hint());
        var next = Value.of(type, op.result().hint());
        var step = combine(op.combine(), sum, next);
        return new TileOp.For(
                LaneLoops.index(ops, 1),
                LaneLoops.index(ops, lanes),
                LaneLoops.index(ops, 1),
                List.of(first),
                TileOp.Bind.SERIAL,
                new Body(
                        List.of(lane, sum),
                        List.of(
                                new TileOp.Load(buffer, List.of(lane), Optional.empty(), Optional.empty(), next),
                                step,
                                new TileOp.Yield(List.of(step.result())))),
                List.of(op.result()));
    }

    private static ArithOp combine(Combine combine, Value left, Value right) {
        var result = left.copy();
        return switch (combine) {
            case SUM -> new ArithOp.Add(left, right, result);
            case PRODUCT -> new ArithOp.Mul(left, right, result);
            case MINIMUM -> new ArithOp.Min(left, right, result);
            case MAXIMUM -> new ArithOp.Max(left, right, result);
            case AND -> new ArithOp.And(left, right, result);
            case OR -> new ArithOp.Or(left, right, result);
            case XOR -> new ArithOp.Xor(left, right, result);
        };
    }

    // --------------------------------------------------------------------------------------------------------- structure

    private void structured(Op op) {
        switch (op) {
            case TileOp.For loop when loop.initial().stream().anyMatch(VectorBuffers::isVector) -> carrying(loop);
            case TileOp.While loop when loop.initial().stream().anyMatch(VectorBuffers::isVector) ->
                throw new IllegalArgumentException("a tile.while cannot carry vectors in memory");
            case TileOp.If choice when choice.results().stream().anyMatch(VectorBuffers::isVector) ->
                throw new IllegalArgumentException("a tile.if cannot give vectors in memory");
            case GraphOp _, NestOp _, PlanOp _, MachineOp _, TileOp _, ArithOp _ ->
                ops.add(OpSchema.rebuild(op, value -> value, value -> value, this::body));
        }
    }

    /// What a loop carries from round to round stays in one buffer.
    private void carrying(TileOp.For loop) {
        var params = loop.body().params();
        var yielded = ((TileOp.Yield) loop.body().terminator()).values();
        var carriers = new ArrayList<Value>();
        var scalarInitial = new ArrayList<Value>();
        var scalarResults = new ArrayList<Value>();
        var scalarParams = new ArrayList<Value>(List.of(params.getFirst()));
        for (int i = 0; i < loop.initial().size(); i++) {
            var initial = loop.initial().get(i);
            if (!isVector(initial)) {
                carriers.add(null);
                scalarInitial.add(initial);
                scalarParams.add(params.get(i + 1));
                scalarResults.add(loop.results().get(i));
                continue;
            }
            var carrier = allocate(initial);
            fill(carrier, initial);
            carriers.add(carrier);
            places.put(params.get(i + 1), new Place.Buffer(carrier));
            places.put(loop.results().get(i), new Place.Buffer(carrier));
            if (isComputedInPlace(loop, params.get(i + 1), yielded.get(i))) {
                wanted.put(yielded.get(i), carrier);
            }
        }
        var outer = ops;
        var outerGroup = group;
        ops = new ArrayList<>();
        group = new ArrayList<>();
        var inner = loop.body().ops();
        inner.subList(0, inner.size() - 1).forEach(this::emit);
        flush();
        var scalarYields = new ArrayList<Value>();
        handOn(yielded, carriers, scalarYields);
        ops.add(new TileOp.Yield(scalarYields));
        var body = new Body(scalarParams, ops);
        ops = outer;
        group = outerGroup;
        ops.add(new TileOp.For(
                loop.lower(), loop.upper(), loop.step(), scalarInitial, loop.bind(), body, scalarResults));
    }

    /// Copies what a round yields to the buffers, by way of others where one of the buffers itself is handed on.
    private void handOn(List<Value> yielded, List<Value> carriers, List<Value> scalars) {
        var sources = new ArrayList<Value>();
        for (int i = 0; i < carriers.size(); i++) {
            var carrier = carriers.get(i);
            if (carrier == null) {
                scalars.add(yielded.get(i));
                sources.add(null);
                continue;
            }
            var source = buffer(yielded.get(i));
            if (source != carrier && carriers.contains(source)) {
                var copy = allocate(yielded.get(i));
                map(copy, List.of(source), yielded.get(i).type().laneCount(), null);
                source = copy;
            }
            sources.add(source);
        }
        for (int i = 0; i < carriers.size(); i++) {
            if (sources.get(i) != null && sources.get(i) != carriers.get(i)) {
                map(carriers.get(i), List.of(sources.get(i)), yielded.get(i).type().laneCount(), null);
            }
        }
    }

    /// Whether what a round yields is computed by arithmetic of the loop itself, after which nobody asks for the value
    /// that was carried in.
    private boolean isComputedInPlace(TileOp.For loop, Value param, Value yielded) {
        var inner = loop.body().ops();
        var definition = uses.definition(yielded).orElse(null);
        int at = inner.indexOf(definition);
        boolean once = ((TileOp.Yield) loop.body().terminator()).values().stream()
                        .filter(value -> value == yielded)
                        .count()
                == 1;
        if (at < 0 || !once || !(definition instanceof ArithOp arith) || !isPlainMap(arith)) {
            return false;
        }
        for (int i = at + 1; i < inner.size(); i++) {
            if (names(inner.get(i), param)) {
                return false;
            }
        }
        return true;
    }

    private boolean isPlainMap(ArithOp op) {
        return table.has(op) && !(op instanceof ArithOp.Compare) && !(op instanceof ArithOp.Shl) && !(op instanceof ArithOp.Shr);
    }

    private static boolean names(Op op, Value value) {
        return OpSchema.operands(op).contains(value)
                || OpSchema.bodies(op).stream()
                        .anyMatch(body -> body.ops().stream().anyMatch(inner -> names(inner, value)));
    }
}
