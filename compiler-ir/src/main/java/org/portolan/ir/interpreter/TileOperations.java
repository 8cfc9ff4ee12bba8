package org.portolan.ir.interpreter;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.IrException;
import org.portolan.ir.MachineOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.interpreter.TileProgram.Node;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.type.Dim;

/// What a single thread of a kernel does: every operation except control flow and what threads do together.
final class TileOperations {
    private final String kernel;
    private final Map<String, MachineOp.Intrinsic> intrinsics;
    private final Symbols symbols;
    private final boolean awaits;
    private final Memory memory = new Memory(InterpreterOptions.defaults().byteLimit());
    private final Map<Node, DimFunction> expressions = new IdentityHashMap<>();

    /// @param symbols those of the kernel, bound
    /// @param awaits whether products that are under way are waited for explicitly
    TileOperations(String kernel, Map<String, MachineOp.Intrinsic> intrinsics, Symbols symbols, boolean awaits) {
        this.awaits = awaits;
        this.kernel = kernel;
        this.intrinsics = intrinsics;
        this.symbols = symbols;
    }

    void execute(ArithOp op, Node node, TileThread thread) {
        var operands = new ArithInterpreter.Lanes[node.operands().length];
        for (int i = 0; i < operands.length; i++) {
            operands[i] = new ArithInterpreter.Lanes((Elements) thread.values[node.operands()[i]], 0);
        }
        var result = allocate(op.result());
        ArithInterpreter.apply(op, operands, result, 0, result.size());
        thread.values[node.results()[0]] = result;
    }

    void execute(TileOp op, Node node, TileThread thread) {
        var result = compute(op, node, thread);
        if (result != null) {
            thread.values[node.results()[0]] = result;
        }
    }

    /// The result of an operation that has one; else null.
    private Object compute(TileOp op, Node node, TileThread thread) {
        int[] in = node.operands();
        return switch (op) {
            case TileOp.Kernel _, TileOp.Yield _, TileOp.For _, TileOp.While _, TileOp.If _, TileOp.Barrier _,
                    TileOp.Exchange _, TileOp.Assemble _ ->
                throw misplaced(node);
            case TileOp.Alloc(Value result) -> allocateBuffer(result.buffer(), result.toString(), false);
            case TileOp.View(_, _, Value result) ->
                thread.buffer(in[0]).view(thread.scalars(in, 1, in.length), result.buffer(), symbols);
            case TileOp.Load(_, var indices, var mask, var other, Value result) -> {
                var lanes = allocate(result);
                int next = 1 + indices.size();
                var on = optional(thread, mask, in, next);
                var off = optional(thread, other, in, next + (mask.isPresent() ? 1 : 0));
                TileAccess.load(
                        thread,
                        thread.buffer(in[0]),
                        thread.elements(in, 1, next),
                        on,
                        off,
                        lanes,
                        fragment(result.type()));
                yield lanes;
            }
            case TileOp.Store(Value value, _, var indices, var mask) -> {
                thread.scope(TileOp.Bind.WARP).products.requireComplete(thread.values[in[0]], value);
                int next = 2 + indices.size();
                TileAccess.store(
                        thread,
                        (Elements) thread.values[in[0]],
                        thread.buffer(in[1]),
                        thread.elements(in, 2, next),
                        optional(thread, mask, in, next),
                        fragment(value.type()));
                yield null;
            }
            case TileOp.Copy copy -> {
                TileAccess.copy(
                        thread.buffer(in[0]), thread.buffer(in[1]), thread.scalars(in, 2, in.length), copy);
                yield null;
            }
            case TileOp.Ring(long depth, boolean signals, Value result) -> {
                var slots = new ArrayList<TileBuffer>();
                for (int i = 0; i < depth; i++) {
                    slots.add(allocateBuffer(((Type.Ring) result.type()).slot(), "slot " + i + " of " + result, true));
                    slots.getLast().memory.boxes = signals;
                }
                yield new TileRing(result.toString(), slots);
            }
            case TileOp.Acquire _ -> thread.ring(in[0]).acquire(thread.progress(thread.ring(in[0])));
            case TileOp.Publish _ -> {
                thread.ring(in[0]).publish(thread.progress(thread.ring(in[0])));
                yield null;
            }
            case TileOp.Consume _ -> thread.ring(in[0]).consume(thread.progress(thread.ring(in[0])));
            case TileOp.Release _ -> {
                thread.ring(in[0]).release(thread.progress(thread.ring(in[0])));
                yield null;
            }
            case TileOp.Broadcast(_, Value result) -> {
                var lanes = allocate(result);
                lanes.fill(0, lanes.size(), (Elements) thread.values[in[0]], 0);
                yield lanes;
            }
            case TileOp.Lanes(Value result) -> {
                var lanes = allocate(result);
                for (int i = 0; i < lanes.size(); i++) {
                    lanes.setLong(i, i);
                }
                yield lanes;
            }
            case TileOp.Extract(_, long lane, Value result) -> {
                var scalar = allocate(result);
                ((Elements) thread.values[in[0]]).copyTo((int) lane, scalar, 0, 1);
                yield scalar;
            }
            case TileOp.Part(Value fragment, long register, Value result) -> {
                var scalar = allocate(result);
                int place = TileMeeting.spread(fragment).element(thread.number(), Math.toIntExact(register));
                ((Elements) thread.values[in[0]]).copyTo(place, scalar, 0, 1);
                yield scalar;
            }
            case TileOp.Shuffle(_, var from, Value result) -> shuffle(thread.elements(in, 0, in.length), from, result);
            case TileOp.Reduce(_, var combine, Value result) -> {
                var vector = (Elements) thread.values[in[0]];
                var lanes = Elements.allocate(vector.type(), vector.size());
                vector.copyTo(0, lanes, 0, lanes.size());
                yield TileReduction.halves(lanes, new Combiner(combine, vector.type()), allocate(result));
            }
            case TileOp.Mask(_, _, Value result) -> {
                var lanes = allocate(result);
                long lower = thread.scalar(in[0]);
                long upper = thread.scalar(in[1]);
                for (int i = 0; i < lanes.size(); i++) {
                    lanes.setLong(i, lower + i < upper ? 1 : 0);
                }
                yield lanes;
            }
            case TileOp.Atomic(_, _, _, var combine, Value result) -> {
                var lanes = allocate(result);
                TileAccess.atomic(
                        (Elements) thread.values[in[0]],
                        thread.buffer(in[1]),
                        thread.elements(in, 2, in.length),
                        combine,
                        lanes);
                yield lanes;
            }
            case TileOp.Prefetch _, TileOp.Order _ -> null;
            case TileOp.Map map -> {
                TileMaps.map(map, node, thread);
                yield null;
            }
            case TileOp.Fetch fetch -> {
                TileMaps.fetch(fetch, node, thread);
                yield null;
            }
            case TileOp.Rows rows -> {
                TileMaps.rows(rows, node, thread);
                yield null;
            }
            case TileOp.Take take -> {
                TileMaps.take(take, node, thread);
                yield null;
            }
            case TileOp.Put put -> {
                TileMaps.put(put, node, thread);
                yield null;
            }
            case TileOp.Call call -> {
                call(call, node, thread);
                yield null;
            }
            case TileOp.Await(var values, long later, _) -> {
                thread.scope(TileOp.Bind.WARP).products.await(later);
                for (int i = 0; i < values.size(); i++) {
                    thread.values[node.results()[i]] = thread.values[in[i]];
                }
                yield null;
            }
            case TileOp.Expression(_, var expression, Value result) -> {
                var operands = thread.elements(in, 0, in.length);
                var lanes = allocate(result);
                var function = expressions.computeIfAbsent(node, _ -> DimFunction.of(
                        expression,
                        name -> name.startsWith("$") ? Integer.parseInt(name.substring(1)) : -1,
                        symbols::get));
                var values = new long[operands.length];
                for (int lane = 0; lane < lanes.size(); lane++) {
                    for (int i = 0; i < values.length; i++) {
                        values[i] = operands[i].getLong(operands[i].size() > 1 ? lane : 0);
                    }
                    lanes.setLong(lane, function.at(values));
                }
                yield lanes;
            }
            case TileOp.Assume _ -> {
                if (!holds(thread, in[0], true)) {
                    throw new TileException("kernel " + kernel + " assumes what does not hold");
                }
                yield null;
            }
            case TileOp.Fail(_, long code) -> {
                if (!holds(thread, in[0], false)) {
                    yield null;
                }
                var reason = new KernelError((int) code, node.failure()).reason();
                throw new PortolanException.RunFailed(
                        "kernel " + kernel + " fails: " + reason + " (failure " + node.failure()
                                + " of the kernel)",
                        (int) code,
                        node.failure());
            }
        };
    }

    /// Whether all lanes, or any lane, of a condition hold.
    private static boolean holds(TileThread thread, int condition, boolean all) {
        var lanes = (Elements) thread.values[condition];
        for (int i = 0; i < lanes.size(); i++) {
            if (lanes.getLong(i) != 0 != all) {
                return !all;
            }
        }
        return all;
    }

    private static Elements shuffle(Elements[] vectors, List<Long> from, Value result) {
        var lanes = allocate(result);
        for (int i = 0; i < lanes.size(); i++) {
            int vector = 0;
            long lane = from.get(i);
            while (vector < vectors.length && lane >= vectors[vector].size()) {
                lane -= vectors[vector++].size();
            }
            if (lane < 0 || vector == vectors.length) {
                throw new TileException("a shuffle takes lane " + from.get(i) + ", which its vectors do not have");
            }
            vectors[vector].copyTo((int) lane, lanes, i, 1);
        }
        return lanes;
    }

    private TileBuffer allocateBuffer(Type.Buffer type, String name, boolean slot) {
        int size = memory.check(
                type.element(),
                new long[] {NdArray.product(Strided.ints(symbols.evaluate(type.storage())), 0, type.storage().size())},
                name);
        var elements = Elements.allocate(type.element(), size);
        return TileBuffer.of(
                slot ? TileMemory.slot(name, elements) : TileMemory.fresh(name, elements, type.space()), type, symbols);
    }

    private static Optional<Elements> optional(TileThread thread, Optional<Value> value, int[] in, int at) {
        return value.map(_ -> (Elements) thread.values[in[at]]);
    }

    /// How many elements a value of registers has.
    private static int lanes(Type type) {
        return type instanceof Type.Fragment fragment
                ? (int) Dim.product(fragment.dims()).constant().orElseThrow()
                : (int) type.laneCount();
    }

    private static long[] fragment(Type type) {
        return type instanceof Type.Fragment fragment
                ? fragment.dims().stream().mapToLong(dim -> dim.constant().orElseThrow()).toArray()
                : new long[0];
    }

    private static Elements allocate(Value result) {
        return Elements.allocate(result.type().elementType(), lanes(result.type()));
    }

    private void call(TileOp.Call call, Node node, TileThread thread) {
        var intrinsic = intrinsics.get(call.intrinsic());
        if (intrinsic == null) {
            throw new IrException("kernel " + kernel + " calls " + call.intrinsic()
                    + ", which is none of the intrinsics " + intrinsics.keySet().stream().sorted().toList());
        }
        var arguments = new ArrayList<Object>();
        for (int operand : node.operands()) {
            arguments.add(thread.values[operand]);
        }
        var results = new TileIntrinsic(intrinsic, memory).run(arguments);
        if (results.size() < node.results().length) {
            throw new IrException("intrinsic " + call.intrinsic() + " yields " + results.size() + " values, expected "
                    + node.results().length);
        }
        for (int i = 0; i < node.results().length; i++) {
            var type = call.results().get(i).type();
            if (results.get(i).type() != type.elementType() || results.get(i).size() != lanes(type)) {
                throw new IrException("intrinsic " + call.intrinsic() + " yields " + results.get(i) + ", expected "
                        + call.results().get(i));
            }
            thread.values[node.results()[i]] = results.get(i).elements();
        }
        if (awaits && TileProducts.readsByItself(call)) {
            thread.scope(TileOp.Bind.WARP).products.begin(arguments, (Elements) thread.values[node.results()[0]]);
        }
    }

    static IrException misplaced(Node node) {
        return new IrException(OpSchema.of(node.op()).name() + " does not stand in the body of a kernel");
    }
}
