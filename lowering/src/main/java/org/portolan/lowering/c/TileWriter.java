package org.portolan.lowering.c;

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
import org.portolan.ir.TileOp;
import org.portolan.ir.TileOp.Bind;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// The operations of a kernel's body.
final class TileWriter {
    private final Builder builder;
    private final Code code;
    private final DimWriter dims;
    private final Values values;
    private final Parts parts;
    private final Arithmetic arithmetic;
    private final Addressing addressing;
    private final LocalMemory local;
    private final Lanes lanes;
    private final ThreadLoops threads;
    private final Map<String, String> intrinsics;
    private final Optional<NearWriter> near;
    private final Failures failures;
    private final Accesses accesses;
    private final ControlFlow flow;

    /// @param near present where vectors live in memory
    /// @param points the index of this thread, or block, along each axis of the grid
    /// @param waits whether the kernel has barriers
    TileWriter(
            Builder builder,
            DimWriter dims,
            Values values,
            ThreadLoops threads,
            Code beginning,
            Map<String, String> intrinsics,
            Optional<NearWriter> near,
            List<Term> points,
            boolean waits) {
        this.builder = builder;
        this.code = builder.code;
        this.dims = dims;
        this.values = values;
        this.threads = threads;
        this.intrinsics = intrinsics;
        this.near = near;
        parts = new Parts(builder);
        arithmetic = new Arithmetic(builder);
        addressing = new Addressing(builder, dims);
        var memory = new Memory(builder);
        local = new LocalMemory(builder, dims, addressing, memory, beginning, threads.block());
        lanes = new Lanes(builder, parts, arithmetic);
        failures = new Failures(builder, near, waits);
        accesses = new Accesses(builder, values, parts, arithmetic, addressing, memory, failures);
        flow = new ControlFlow(builder, values, parts, threads, near, points, this::emit);
    }

    long sharedBytes() {
        return local.sharedBytes();
    }

    /// Writes a body's operations and gives what it yields.
    List<List<Term>> emit(Body body) {
        List<List<Term>> yielded = List.of();
        for (var op : body.ops()) {
            if (op instanceof TileOp.Yield(List<Value> own)) {
                yielded = own.stream().map(values::parts).toList();
            } else {
                emit(op);
            }
        }
        return yielded;
    }

    private void emit(Op op) {
        switch (op) {
            case ArithOp arith -> arith(arith);
            case TileOp tile -> emit(tile);
            case GraphOp _, NestOp _, PlanOp _, MachineOp _ ->
                throw new EmitException("a kernel holds operations of the dialects tile and arith, found " + op);
        }
    }

    private void arith(ArithOp op) {
        var operands = OpSchema.operands(op).stream().map(values::parts).toList();
        values.bind(op.result(), (first, width) -> arithmetic.emit(
                op, width, operands.stream().map(operand -> Parts.at(operand, first)).toList()));
    }

    private void emit(TileOp op) {
        if (near.isPresent() && near.get().emit(op)) {
            return;
        }
        switch (op) {
            case TileOp.Kernel kernel ->
                throw new EmitException("the kernel " + kernel.name() + " stands inside another kernel");
            case TileOp.For loop -> flow.loop(loop);
            case TileOp.While loop -> flow.repeat(loop);
            case TileOp.If choice -> flow.choose(choice);
            case TileOp.Yield _ -> throw new EmitException("a yield stands at the end of a body");
            case TileOp.Alloc(Value result) -> values.bind(result, local.allocate(result));
            case TileOp.View(Value buffer, List<Value> offsets, Value result) -> values.bind(
                    result, addressing.view(values.place(buffer), values.scalars(offsets), result.buffer(), result.hint()));
            case TileOp.Load(
                    Value buffer, List<Value> indices, Optional<Value> mask, Optional<Value> other, Value result) ->
                accesses.load(buffer, indices, mask, other, result);
            case TileOp.Store(Value value, Value buffer, List<Value> indices, Optional<Value> mask) ->
                accesses.store(value, buffer, indices, mask);
            case TileOp.Copy copy -> local.copy(
                    values.place(copy.from()),
                    values.place(copy.to()),
                    values.scalars(copy.offsets()),
                    copy,
                    failures.alive());
            case TileOp.Ring(_, _, Value result) -> values.bind(result, local.ring(result));
            case TileOp.Acquire(Value ring, Value result) ->
                values.bind(result, local.acquire(values.ring(ring), result.hint()));
            case TileOp.Publish(Value ring) -> local.publish(values.ring(ring));
            case TileOp.Consume(Value ring, Value result) ->
                values.bind(result, local.consume(values.ring(ring), result.hint()));
            case TileOp.Release(Value ring) -> local.release(values.ring(ring));
            case TileOp.Barrier(Bind scope) -> barrier(scope);
            case TileOp.Exchange(Value value, long distance, Value result) ->
                values.bindAll(result, List.of(Exchanges.exchange(builder, values.scalar(value), distance)));
            case TileOp.Broadcast(Value value, Value result) -> {
                var scalar = values.scalar(value);
                values.bind(result, (_, width) -> builder.splat(scalar, width));
            }
            case TileOp.Lanes(Value result) -> {
                var base = CType.of(result.type().elementType()).base();
                values.bind(result, (first, width) -> builder.ascending(new CType(base, width), first));
            }
            case TileOp.Extract(Value vector, long lane, Value result) ->
                values.bind(result, (_, _) -> parts.lane(values.parts(vector), lane));
            case TileOp.Part _, TileOp.Assemble _ ->
                throw new IllegalArgumentException(OpSchema.of(op).name() + " needs fragments, which this language has not");
            case TileOp.Shuffle(List<Value> vectors, List<Long> from, Value result) -> values.bindAll(
                    result,
                    lanes.shuffle(
                            vectors.stream().map(values::parts).toList(),
                            from,
                            CType.of(result.type().elementType()).base()));
            case TileOp.Reduce(Value vector, Combine combine, Value result) -> values.bindAll(
                    result, List.of(lanes.reduce(values.parts(vector), combine, result.type().elementType())));
            case TileOp.Mask(Value lower, Value upper, Value result) -> values.bindAll(
                    result, lanes.mask(values.scalar(lower), values.scalar(upper), result.type().laneCount()));
            case TileOp.Atomic(Value value, Value buffer, List<Value> indices, Combine combine, Value result) ->
                accesses.atomic(value, buffer, indices, combine, result);
            case TileOp.Map map -> accesses.map(map, this::emit);
            case TileOp.Fetch fetch -> accesses.fetch(fetch);
            case TileOp.Put put -> accesses.put(put);
            case TileOp.Rows _, TileOp.Take _ ->
                throw new EmitException(OpSchema.of(op).name() + " is for machines whose vectors live in memory");
            // Without units that run on their own everything happens in the order in which it stands.
            case TileOp.Order _ -> {}
            case TileOp.Prefetch(Value buffer, List<Value> indices) -> {
                var place = values.place(buffer);
                var statement = builder.words.prefetch(
                        Addressing.at(place.pointer(), addressing.element(place, values.scalars(indices))));
                if (!statement.isEmpty()) {
                    code.line(statement);
                }
            }
            case TileOp.Call(List<Value> arguments, String name, List<Value> results) -> call(arguments, name, results);
            case TileOp.Await _ -> throw new EmitException("no product goes on by itself here");
            case TileOp.Expression(List<Value> operands, Dim expression, Value result) ->
                values.bind(result, (first, width) -> builder.splat(
                        dims.write(
                                expression,
                                operands.stream()
                                        .map(operand -> Parts.at(values.parts(operand), first))
                                        .toList()),
                        width));
            case TileOp.Assume _ -> {}
            case TileOp.Fail(Value condition, long failure) -> failures.fail(lanes.any(values.parts(condition)), failure);
        }
    }

    private void barrier(Bind scope) {
        if (threads.block() > 0 && (scope == Bind.BLOCK || scope == Bind.WARP)) {
            code.line(builder.words.barrier());
        }
    }

    private void call(List<Value> arguments, String name, List<Value> results) {
        var spelling = intrinsics.get(name);
        if (spelling == null || results.size() != 1) {
            throw new EmitException(spelling == null
                    ? "the machine has no intrinsic " + name + "; it has " + intrinsics.keySet()
                    : "an intrinsic that is a function has one result, and " + name + " has " + results.size());
        }
        var result = results.getFirst();
        Values.requireLanes(result);
        var type = CType.of(result.type().elementType()).withLanes(Math.toIntExact(result.type().laneCount()));
        if (parts.of(type.lanes()).size() != 1) {
            throw new EmitException("this language has no vector for the result of " + name + ", " + result);
        }
        var texts = arguments.stream().map(argument -> values.scalar(argument).bare()).toList();
        values.bindAll(result, List.of(Term.of(type, builder.words.call(spelling, texts))));
    }
}
