package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.TileOp.Bind;
import org.portolan.ir.Type;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// The operations of a kernel's body.
final class TileEmitter {
    /// The intrinsic of machines that copy to shared memory by themselves.
    private static final String ASYNC_COPY = "copy.async";
    private static final String BOX_COPY = "copy.box";

    private final FunctionBuilder builder;
    private final Scope scope;
    private final DimEmitter dims;
    private final ArithEmitter arith;
    private final Addressing addressing;
    private final Memory memory;
    private final LocalMemory local;
    private final BoxCopies boxes;
    private final ControlFlow flow;
    private final Lanes lanes;
    private final Intrinsics intrinsics;
    private final Fragments fragments;
    private final Atomics atomics;
    private final Grid grid;
    private final ThreadBlock team;
    private int failures;
    private int blockLoops;

    /// @param team the threads of a block, side by side; null where one thread runs a whole block
    /// @param shared null where a buffer is never shared
    /// @param rings of the kernel
    /// @param parameters of the kernel
    /// @param groups its rings that go together
    TileEmitter(
            FunctionBuilder builder,
            Scope scope,
            DimEmitter dims,
            Target target,
            Grid grid,
            ThreadBlock team,
            SharedMemory shared,
            RingOrder rings,
            List<Value> parameters,
            RingGroups groups) {
        this.builder = builder;
        this.scope = scope;
        this.dims = dims;
        arith = new ArithEmitter(builder, target.traits(), scope::operand);
        addressing = new Addressing(builder, dims);
        memory = new Memory(builder, addressing, team != null);
        flow = new ControlFlow(builder);
        fragments = new Fragments(builder, addressing, memory, team, target.intrinsics(), rings.awaits());
        var copies = team == null
                ? null
                : new SharedCopies(
                        builder,
                        flow,
                        addressing,
                        memory,
                        dims,
                        team,
                        fragments,
                        target.intrinsics().containsKey(ASYNC_COPY),
                        rings.isReadByWarpgroups(target.intrinsics()));
        boxes = team == null || !target.intrinsics().containsKey(BOX_COPY)
                ? null
                : new BoxCopies(builder, flow, dims, team, fragments, parameters, groups);
        local = new LocalMemory(builder, dims, flow, memory, target.vectorBytes(), shared, copies, boxes, rings);
        lanes = new Lanes(builder, arith);
        intrinsics = new Intrinsics(builder, target.intrinsics());
        atomics = new Atomics(builder, addressing, arith);
        this.grid = grid;
        this.team = team;
    }

    /// What a launch describes for the copy engine, with the parameters of the entry that hold it.
    Map<TensorBox, Operand> boxes() {
        return boxes == null ? Map.of() : boxes.boxes();
    }

    /// Writes a body's operations and gives what it yields.
    List<Operand> emit(Body body) {
        List<Operand> yielded = List.of();
        for (var op : body.ops()) {
            if (op instanceof TileOp.Yield(List<Value> values)) {
                yielded = operands(values);
            } else {
                builder.from(op, () -> emit(op));
            }
        }
        return yielded;
    }

    private void emit(Op op) {
        switch (op) {
            case ArithOp arithmetic -> bind(arithmetic.result(), () -> arith.emit(arithmetic));
            case TileOp tile -> emit(tile);
            case GraphOp _, NestOp _, PlanOp _, MachineOp _ ->
                throw new EmitException("a kernel holds operations of the dialects tile and arith, found " + op);
        }
    }

    private void emit(TileOp op) {
        switch (op) {
            case TileOp.Kernel kernel ->
                throw new EmitException("the kernel " + kernel.name() + " stands inside another kernel");
            case TileOp.For loop -> loop(loop);
            case TileOp.While loop -> repeat(loop);
            case TileOp.If choice -> bind(
                    choice.results(),
                    flow.choose(
                            scope.operand(choice.condition()), () -> emit(choice.yes()), () -> emit(choice.no())));
            case TileOp.Yield _ -> throw new EmitException("a yield stands at the end of a body");
            case TileOp.Alloc(Value result) -> {
                if (team != null && team.isInside() && result.buffer().space() == Type.Space.SHARED) {
                    throw new EmitException("buffers that threads share stand outside the loops over them, found " + result);
                }
                scope.bind(result, local.allocate(result));
            }
            case TileOp.View(Value buffer, List<Value> offsets, Value result) ->
                scope.bind(result, addressing.view(scope.buffer(buffer), operands(offsets), result.buffer()));
            case TileOp.Load(Value buffer, List<Value> indices, _, _, Value result) when Fragments.isFragment(result) ->
                bind(result, () -> fragments.load(
                        scope.buffer(buffer), operands(indices), (Type.Fragment) result.type()));
            case TileOp.Load(
                    Value buffer, List<Value> indices, Optional<Value> mask, Optional<Value> other, Value result) ->
                bind(result, () -> memory.load(
                        scope.buffer(buffer),
                        operands(indices),
                        Words.of(result.type()),
                        mask.map(scope::operand),
                        other.map(scope::operand)));
            case TileOp.Store(Value value, Value buffer, List<Value> indices, _) when Fragments.isFragment(value) ->
                fragments.store(
                        scope.operand(value), scope.buffer(buffer), operands(indices), (Type.Fragment) value.type());
            case TileOp.Store(Value value, Value buffer, List<Value> indices, Optional<Value> mask) ->
                memory.store(
                        scope.buffer(buffer), operands(indices), scope.operand(value), mask.map(scope::operand));
            case TileOp.Copy copy ->
                local.copy(scope.buffer(copy.from()), scope.buffer(copy.to()), operands(copy.offsets()), copy);
            case TileOp.Ring(_, boolean signals, Value result) -> scope.bind(result, local.ring(result, signals));
            case TileOp.Acquire(Value ring, Value result) -> scope.bind(result, local.acquire(scope.ring(ring), result));
            case TileOp.Publish(Value ring) -> local.publish(scope.ring(ring));
            case TileOp.Consume(Value ring, Value result) -> scope.bind(result, local.consume(scope.ring(ring)));
            case TileOp.Release(Value ring) -> local.release(scope.ring(ring));
            case TileOp.Barrier(Bind bound) -> barrier(bound);
            case TileOp.Exchange(Value value, long distance, Value result) ->
                bind(result, () -> exchange(scope.operand(value), distance));
            case TileOp.Broadcast(Value value, Value result) ->
                bind(result, () -> builder.splat(
                        scope.operand(value), Words.of(result.type()).lanes()));
            case TileOp.Lanes(Value result) -> scope.bind(result, Operand.ascending(Words.of(result.type())));
            case TileOp.Extract(Value vector, long lane, Value result) ->
                bind(result, () -> builder.extract(scope.operand(vector), lane));
            case TileOp.Part(Value fragment, long register, Value result) ->
                bind(result, () -> builder.extract(scope.operand(fragment), register));
            case TileOp.Assemble(List<Value> parts, Value result) -> bind(result, () -> {
                var fragment = Operand.poison(Words.of(result.type()));
                for (int i = 0; i < parts.size(); i++) {
                    fragment = builder.insert(fragment, scope.operand(parts.get(i)), i);
                }
                return fragment;
            });
            case TileOp.Shuffle(List<Value> vectors, List<Long> from, Value result) ->
                bind(result, () -> lanes.shuffle(operands(vectors), from, Words.of(result.type())));
            case TileOp.Reduce(Value vector, Combine combine, Value result) ->
                bind(result, () -> lanes.reduce(
                        scope.operand(vector), combine, result.type().elementType()));
            case TileOp.Mask(Value lower, Value upper, Value result) ->
                bind(result, () -> lanes.mask(
                        scope.operand(lower), scope.operand(upper), Words.of(result.type())));
            case TileOp.Atomic(Value value, Value buffer, List<Value> indices, Combine combine, Value result) ->
                bind(result, () -> atomics.emit(
                        scope.operand(value), scope.buffer(buffer), operands(indices), combine));
            case TileOp.Map map -> map(map);
            case TileOp.Fetch fetch -> fetch(fetch);
            case TileOp.Put put -> put(put);
            case TileOp.Rows _, TileOp.Take _ ->
                throw new IllegalArgumentException(OpSchema.of(op).name() + " is for machines whose vectors live in memory");
            // One processor does all of this in the order in which it stands.
            case TileOp.Order _ -> {}
            case TileOp.Prefetch(Value buffer, List<Value> indices) -> prefetch(scope.buffer(buffer), operands(indices));
            case TileOp.Call(List<Value> arguments, String name, List<Value> results) when fragments.spells(name) ->
                bind(results.getFirst(), () -> fragments.call(name, arguments, scope, results.getFirst()));
            case TileOp.Call(List<Value> arguments, String name, List<Value> results) ->
                bind(results, intrinsics.call(
                        name,
                        operands(arguments),
                        results.stream().map(value -> Words.of(value.type())).toList()));
            case TileOp.Await(List<Value> values, long later, List<Value> results) ->
                bind(results, fragments.await(operands(values), later));
            case TileOp.Expression(List<Value> operands, Dim expression, Value result) ->
                bind(result, () -> builder.splat(
                        dims.emit(expression, operands(operands)),
                        Words.of(result.type()).lanes()));
            case TileOp.Assume(Value condition) -> assume(scope.operand(condition));
            case TileOp.Fail(Value condition, long code) -> fail(scope.operand(condition), code);
        }
    }

    private void loop(TileOp.For loop) {
        var lower = scope.operand(loop.lower());
        var upper = scope.operand(loop.upper());
        var step = scope.operand(loop.step());
        switch (loop.bind()) {
            case GRID -> {
                if (!loop.initial().isEmpty()) {
                    throw new EmitException("a loop over the grid carries nothing: its rounds run in any order");
                }
                grid.emit(lower, step, index -> body(loop, index, List.of()));
            }
            case UNROLL -> unroll(loop, lower, upper, step);
            case SERIAL -> serial(loop, lower, upper, step);
            case BLOCK, WARP, LANE -> {
                if (team != null) {
                    team.loop(loop, lower, step, index -> body(loop, index, List.of()));
                } else {
                    blockLoops++;
                    serial(loop, lower, upper, step);
                    blockLoops--;
                }
            }
        }
    }

    private void serial(TileOp.For loop, Operand lower, Operand upper, Operand step) {
        var hint = loop.body().params().getFirst().hint();
        bind(
                loop.results(),
                flow.count(
                        hint.isEmpty() ? "i" : hint,
                        lower,
                        upper,
                        step,
                        operands(loop.initial()),
                        index -> carried -> body(loop, index, carried)));
    }

    private void unroll(TileOp.For loop, Operand lower, Operand upper, Operand step) {
        if (lower.literal().isEmpty() || upper.literal().isEmpty() || step.literal().isEmpty()) {
            throw new EmitException("an unrolled loop runs between numbers, found " + lower.text() + " to "
                    + upper.text() + " in steps of " + step.text());
        }
        var carried = operands(loop.initial());
        for (long index = lower.literal().getAsLong();
                index < upper.literal().getAsLong();
                index += step.literal().getAsLong()) {
            carried = body(loop, Operand.index(index), carried);
        }
        bind(loop.results(), carried);
    }

    private List<Operand> body(TileOp.For loop, Operand index, List<Operand> carried) {
        var params = loop.body().params();
        scope.bind(params.getFirst(), index);
        bind(params.subList(1, params.size()), carried);
        return emit(loop.body());
    }

    /// A loop over the elements.
    private void map(TileOp.Map map) {
        flow.count("i", Operand.index(map.count()), Operand.index(1), index -> {
            for (int i = 0; i < map.from().size(); i++) {
                var from = map.from().get(i);
                boolean isBuffer = from.type() instanceof Type.Buffer;
                var element = Words.of(map.body().params().get(i).type());
                scope.bind(
                        map.body().params().get(i),
                        isBuffer
                                ? memory.load(
                                        scope.buffer(from), List.of(index), element, Optional.empty(), Optional.empty())
                                : scope.operand(from));
            }
            memory.store(scope.buffer(map.to()), List.of(index), emit(map.body()).getFirst(), Optional.empty());
        });
    }

    private void fetch(TileOp.Fetch fetch) {
        var from = scope.buffer(fetch.from());
        var element = Words.of(Type.scalar(fetch.from().type().elementType()));
        flow.count("i", Operand.index(fetch.count()), Operand.index(1), index -> {
            var inside = inside(index, fetch.first(), fetch.limit());
            var value = memory.load(
                    from, beyond(operands(fetch.indices()), index), element, inside, fetch.other().map(scope::operand));
            var own = Words.of(Type.scalar(fetch.to().type().elementType()));
            memory.store(
                    scope.buffer(fetch.to()),
                    List.of(index),
                    value.type().equals(own) ? value : builder.convert("zext", value, own),
                    Optional.empty());
        });
    }

    private void put(TileOp.Put put) {
        var own = Words.of(Type.scalar(put.from().type().elementType()));
        var element = Words.of(Type.scalar(put.to().type().elementType()));
        flow.count("i", Operand.index(put.count()), Operand.index(1), index -> {
            var value = memory.load(scope.buffer(put.from()), List.of(index), own, Optional.empty(), Optional.empty());
            memory.store(
                    scope.buffer(put.to()),
                    beyond(operands(put.indices()), index),
                    own.equals(element) ? value : builder.compare("ne", value, Operand.integer(own, 0)),
                    inside(index, put.first(), put.limit()));
        });
    }

    /// The indices of the element so many places further on: along the last axis, which is where memory goes on.
    private List<Operand> beyond(List<Operand> indices, Operand distance) {
        var moved = new ArrayList<>(indices);
        if (!moved.isEmpty()) {
            moved.add(builder.add(moved.removeLast(), distance));
        }
        return moved;
    }

    private Optional<Operand> inside(Operand index, Optional<Value> first, Optional<Value> limit) {
        var above = first.map(value -> builder.compare("sge", index, scope.operand(value)));
        var below = limit.map(value -> builder.compare("slt", index, scope.operand(value)));
        return above.isPresent() && below.isPresent()
                ? Optional.of(builder.binary("and", above.get(), below.get()))
                : above.or(() -> below);
    }

    private void repeat(TileOp.While loop) {
        var results = flow.repeat(
                operands(loop.initial()),
                carried -> {
                    bind(loop.condition().params(), carried);
                    return emit(loop.condition()).getFirst();
                },
                carried -> {
                    bind(loop.body().params(), carried);
                    return emit(loop.body());
                });
        bind(loop.results(), results);
    }

    private Operand exchange(Operand value, long distance) {
        if (team == null) {
            throw new EmitException("threads that run one after the other cannot exchange what they have");
        }
        return team.exchange(value, distance);
    }

    /// Other threads hide what a thread waits for, where there are others.
    private void prefetch(BufferPlace place, List<Operand> indices) {
        if (team == null) {
            builder.callVoid(
                    "llvm.prefetch.p0",
                    addressing.address(place, indices),
                    Operand.integer(LlvmType.INT, 0),
                    Operand.integer(LlvmType.INT, 3),
                    Operand.integer(LlvmType.INT, 1));
        }
    }

    /// Where one thread runs a whole block, there is nobody to wait for, unless the threads are a loop around this.
    private void barrier(Bind bound) {
        if (team != null) {
            team.barrier(bound);
            return;
        }
        if (blockLoops > 0) {
            throw new EmitException("a barrier of scope " + bound + " inside a loop over the threads of a block needs"
                    + " threads that run side by side; this target runs them one after the other");
        }
    }

    private void assume(Operand condition) {
        if (!condition.type().isVector()) {
            builder.callVoid("llvm.assume", condition);
        }
    }

    /// The first failure of a run is kept: the code in the upper half of the word, in the lower one which failure of
    /// the kernel it was, counted from 1. This call of the kernel then ends, so that nothing is accessed after it.
    private void fail(Operand condition, long code) {
        failures++;
        var failed = builder.fresh("fail");
        var fine = builder.fresh("fine");
        builder.branch(lanes.any(condition), failed, fine);
        builder.startBlock(failed);
        builder.line("%" + builder.fresh("first") + " = cmpxchg ptr %error, i64 0, i64 " + (code << 32 | failures)
                + " monotonic monotonic");
        builder.line("ret void");
        builder.startBlock(fine);
    }

    private List<Operand> operands(List<Value> values) {
        var operands = new ArrayList<Operand>(values.size());
        for (var value : values) {
            operands.add(scope.operand(value));
        }
        return operands;
    }

    private void bind(List<Value> values, List<Operand> operands) {
        for (int i = 0; i < values.size(); i++) {
            scope.bind(values.get(i), operands.get(i));
        }
    }

    /// Binds a result; the instructions are named after it.
    private void bind(Value value, Supplier<Operand> emission) {
        scope.bind(value, builder.named(value.hint(), emission));
    }
}
