package org.portolan.ir.interpreter;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.GraphOp;
import org.portolan.ir.IrException;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.interpreter.TileProgram.Block;
import org.portolan.ir.interpreter.TileProgram.Node;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Executes a {@link TileOp.Kernel} on buffers. The grid's rounds run one after the other; the threads of a block run
/// in lockstep, operation by operation, so that whatever stands before a barrier has happened in all of them when it is
/// reached. What they would have done in another order is found by {@link TileRaces}. A fragment is a matrix that every
/// thread of its warp sees as a whole.
public final class TileInterpreter {
    private final TileOp.Kernel kernel;
    private final TileProgram program;
    private final TileMeeting meeting;
    private final Map<String, MachineOp.Intrinsic> intrinsics = new HashMap<>();
    private final Memory memory = new Memory(InterpreterOptions.defaults().byteLimit());
    private final Map<Node, DimFunction> expressions = new IdentityHashMap<>();
    private Symbols symbols;
    private long[] grid;

    /// @param intrinsics those of the machine that the kernel was made for
    public TileInterpreter(TileOp.Kernel kernel, Collection<MachineOp.Intrinsic> intrinsics) {
        this.kernel = kernel;
        this.program = new TileProgram(kernel);
        this.meeting = new TileMeeting(kernel.name());
        intrinsics.forEach(intrinsic -> this.intrinsics.put(intrinsic.name(), intrinsic));
    }

    /// Runs the kernel; what it stores is in the buffers then.
    ///
    /// @param buffers for each parameter its memory: as many elements as the type's storage has, in row-major order
    /// @param extents the numbers of the kernel's symbols, in order
    /// @throws TileException if the code accesses what it must not
    /// @throws PortolanException.RunFailed if the kernel fails; the number is that of the failing {@code tile.fail} in
    ///     the kernel, from 1
    public void run(List<NdArray> buffers, long... extents) {
        var params = kernel.body().params();
        if (buffers.size() != params.size() || extents.length != kernel.symbols().size()) {
            throw new PortolanException.InvalidInput("kernel " + kernel.name() + " takes " + params.size()
                    + " buffers and " + kernel.symbols().size() + " symbols, and was given " + buffers.size() + " and "
                    + extents.length);
        }
        symbols = new Symbols(List.of());
        for (int i = 0; i < extents.length; i++) {
            symbols.bind(kernel.symbols().get(i), extents[i], "kernel " + kernel.name());
        }
        expressions.clear();
        grid = symbols.evaluate(kernel.grid());
        var root = TileThread.root(program.values());
        for (int i = 0; i < params.size(); i++) {
            var type = params.get(i).buffer();
            var storage = symbols.evaluate(type.storage());
            long elements = Arrays.stream(storage).reduce(1, Math::multiplyExact);
            if (buffers.get(i).type() != type.element() || buffers.get(i).size() != elements) {
                throw new PortolanException.InvalidInput("kernel " + kernel.name() + " takes for " + params.get(i)
                        + " memory of extents " + Arrays.toString(storage) + ", and was given " + buffers.get(i));
            }
            var place = TileMemory.given(params.get(i).toString(), buffers.get(i).elements());
            root.values[program.body.params()[i]] = TileBuffer.of(place, type, symbols);
        }
        execute(program.body, List.of(root), 0);
    }

    /// Elements in the order of their indices, put where a buffer's layout has them; padding is 0.
    public static NdArray pack(NdArray array, Type.Buffer type) {
        var symbols = new Symbols(List.of());
        var storage = symbols.evaluate(type.storage());
        var packed = new Memory(Long.MAX_VALUE).allocate(type.element(), storage, "a buffer of type " + type);
        var buffer = TileBuffer.of(TileMemory.given("a buffer", packed.elements()), type, symbols);
        if (buffer.size() != array.size() || type.element() != array.type()) {
            throw new IrException("a buffer of type " + type + " cannot hold " + array);
        }
        TileAccess.replace(buffer, array.elements());
        return packed;
    }

    /// The opposite of {@link #pack}.
    public static NdArray unpack(NdArray packed, Type.Buffer type) {
        var place = TileMemory.given("a buffer", packed.elements());
        return TileAccess.contents(TileBuffer.of(place, type, new Symbols(List.of())), true);
    }

    /// @param depth how many loops over the grid stand around
    private void execute(Block block, List<TileThread> threads, int depth) {
        for (var node : block.nodes()) {
            switch (node.op()) {
                case TileOp.For loop -> loop(loop, node, threads, depth);
                case TileOp.While _ -> repeat(node, threads, depth);
                case TileOp.If _ -> choose(node, threads, depth);
                case TileOp.Barrier(TileOp.Bind scope) -> meeting.barrier(scope, threads);
                case TileOp.Exchange(_, long distance, _) -> meeting.exchange(node, distance, threads);
                case TileOp tile -> {
                    for (var thread : TileMeeting.running(tile, threads)) {
                        execute(tile, node, thread);
                    }
                    TileMeeting.share(tile, node, threads);
                }
                case ArithOp arith -> {
                    for (var thread : threads) {
                        arith(arith, node, thread);
                    }
                }
                case GraphOp _, NestOp _, PlanOp _, MachineOp _ -> throw misplaced(node);
            }
        }
    }

    private static IrException misplaced(Node node) {
        return new IrException(OpSchema.of(node.op()).name() + " does not stand in the body of a kernel");
    }

    // --------------------------------------------------------------------------------------------------- control flow

    private void loop(TileOp.For loop, Node node, List<TileThread> threads, int depth) {
        switch (loop.bind()) {
            case SERIAL, UNROLL -> serial(node, threads, depth);
            case GRID -> {
                checkGrid(node, threads, depth);
                serial(node, threads, depth + 1);
            }
            case BLOCK, WARP, LANE -> parallel(loop, node, threads, depth);
        }
    }

    private void checkGrid(Node node, List<TileThread> threads, int depth) {
        var thread = threads.getFirst();
        long step = Math.max(1, number(thread, node.operands()[2]));
        long trips = Math.ceilDiv(number(thread, node.operands()[1]) - number(thread, node.operands()[0]), step);
        if (depth >= grid.length || Math.max(0, trips) != Math.max(0, grid[depth])) {
            throw new TileException("loop " + depth + " over the grid of " + kernel.name() + " runs " + trips
                    + " rounds, and the kernel says grid = " + Arrays.toString(grid));
        }
    }

    private void serial(Node node, List<TileThread> threads, int depth) {
        var body = node.bodies().getFirst();
        int carried = node.results().length;
        var next = new long[threads.size()];
        for (int t = 0; t < next.length; t++) {
            var thread = threads.get(t);
            next[t] = number(thread, node.operands()[0]);
            if (number(thread, node.operands()[2]) <= 0) {
                throw new TileException("a loop of " + kernel.name() + " needs a positive step, found "
                        + number(thread, node.operands()[2]));
            }
            move(thread, node.operands(), 3, body.params(), 1, carried);
        }
        while (true) {
            var running = new ArrayList<TileThread>(threads.size());
            for (int t = 0; t < next.length; t++) {
                var thread = threads.get(t);
                if (next[t] < number(thread, node.operands()[1])) {
                    thread.values[body.params()[0]] = Elements.of(ElementType.INDEX, next[t]);
                    next[t] += number(thread, node.operands()[2]);
                    running.add(thread);
                }
            }
            if (running.isEmpty()) {
                break;
            }
            checkInterrupt();
            execute(body, running, depth);
            for (var thread : running) {
                move(thread, body.yields(), 0, body.params(), 1, carried);
            }
        }
        for (var thread : threads) {
            move(thread, body.params(), 1, node.results(), 0, carried);
        }
    }

    private void parallel(TileOp.For loop, Node node, List<TileThread> threads, int depth) {
        if (node.results().length > 0) {
            throw new TileException("a loop over threads carries nothing from one to the next");
        }
        var body = node.bodies().getFirst();
        var children = new ArrayList<TileThread>();
        var firsts = new ArrayList<Integer>();
        for (var thread : threads) {
            firsts.add(children.size());
            long step = Math.max(1, number(thread, node.operands()[2]));
            long upper = number(thread, node.operands()[1]);
            for (long index = number(thread, node.operands()[0]); index < upper; index += step) {
                var child = thread.child(loop.bind(), children.size() - firsts.getLast());
                child.values[body.params()[0]] = Elements.of(ElementType.INDEX, index);
                children.add(child);
            }
            thread.split(children.size() - firsts.getLast());
            children.subList(firsts.getLast(), children.size()).forEach(thread::adopt);
        }
        if (!children.isEmpty()) {
            execute(body, children, depth);
        }
        for (int t = 0; t < threads.size(); t++) {
            threads.get(t).split(1);
            int end = t + 1 < threads.size() ? firsts.get(t + 1) : children.size();
            for (int i = firsts.get(t); i < end; i++) {
                threads.get(t).join(children.get(i));
            }
        }
    }

    private void repeat(Node node, List<TileThread> threads, int depth) {
        var condition = node.bodies().get(0);
        var body = node.bodies().get(1);
        int carried = node.results().length;
        for (var thread : threads) {
            move(thread, node.operands(), 0, node.results(), 0, carried);
        }
        var running = threads;
        while (!running.isEmpty()) {
            checkInterrupt();
            for (var thread : running) {
                move(thread, node.results(), 0, condition.params(), 0, carried);
                move(thread, node.results(), 0, body.params(), 0, carried);
            }
            execute(condition, running, depth);
            running = running.stream().filter(thread -> number(thread, condition.yields()[0]) != 0).toList();
            if (!running.isEmpty()) {
                execute(body, running, depth);
            }
            for (var thread : running) {
                move(thread, body.yields(), 0, node.results(), 0, carried);
            }
        }
    }

    private void choose(Node node, List<TileThread> threads, int depth) {
        for (boolean branch : new boolean[] {true, false}) {
            var body = node.bodies().get(branch ? 0 : 1);
            var chosen = threads.stream()
                    .filter(thread -> number(thread, node.operands()[0]) != 0 == branch)
                    .toList();
            if (!chosen.isEmpty()) {
                execute(body, chosen, depth);
            }
            for (var thread : chosen) {
                move(thread, body.yields(), 0, node.results(), 0, node.results().length);
            }
        }
    }

    private void checkInterrupt() {
        if (Thread.currentThread().isInterrupted()) {
            throw new PortolanException.Cancelled("the interpreter was interrupted in kernel " + kernel.name());
        }
    }

    /// Hands values on; all are read before any is overwritten.
    private static void move(TileThread thread, int[] from, int fromStart, int[] to, int toStart, int count) {
        var held = new Object[count];
        for (int i = 0; i < count; i++) {
            held[i] = thread.values[from[fromStart + i]];
        }
        for (int i = 0; i < count; i++) {
            thread.values[to[toStart + i]] = held[i];
        }
    }

    // ------------------------------------------------------------------------------------------------------ operations

    static long number(TileThread thread, int value) {
        return ((Elements) thread.values[value]).getLong(0);
    }

    static Elements[] elements(TileThread thread, int[] values, int from, int to) {
        var elements = new Elements[to - from];
        for (int i = from; i < to; i++) {
            elements[i - from] = (Elements) thread.values[values[i]];
        }
        return elements;
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

    private static void arith(ArithOp op, Node node, TileThread thread) {
        var operands = new ArithInterpreter.Lanes[node.operands().length];
        for (int i = 0; i < operands.length; i++) {
            operands[i] = new ArithInterpreter.Lanes((Elements) thread.values[node.operands()[i]], 0);
        }
        var result = allocate(op.result());
        ArithInterpreter.apply(op, operands, result, 0, result.size());
        thread.values[node.results()[0]] = result;
    }

    private void execute(TileOp op, Node node, TileThread thread) {
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
                    TileOp.Exchange _ ->
                throw misplaced(node);
            case TileOp.Alloc(Value result) -> allocateBuffer(result.buffer(), result.toString(), false);
            case TileOp.View(_, _, Value result) ->
                buffer(thread, in[0]).view(numbers(thread, in, 1, in.length), result.buffer(), symbols);
            case TileOp.Load(_, var indices, var mask, var other, Value result) -> {
                var lanes = allocate(result);
                int next = 1 + indices.size();
                var on = optional(thread, mask, in, next);
                var off = optional(thread, other, in, next + (mask.isPresent() ? 1 : 0));
                TileAccess.load(
                        thread,
                        buffer(thread, in[0]),
                        elements(thread, in, 1, next),
                        on,
                        off,
                        lanes,
                        fragment(result.type()));
                yield lanes;
            }
            case TileOp.Store(Value value, _, var indices, var mask) -> {
                int next = 2 + indices.size();
                TileAccess.store(
                        thread,
                        (Elements) thread.values[in[0]],
                        buffer(thread, in[1]),
                        elements(thread, in, 2, next),
                        optional(thread, mask, in, next),
                        fragment(value.type()));
                yield null;
            }
            case TileOp.Copy copy -> {
                TileAccess.copy(
                        buffer(thread, in[0]), buffer(thread, in[1]), numbers(thread, in, 2, in.length), copy);
                yield null;
            }
            case TileOp.Ring(long depth, Value result) -> {
                var slots = new ArrayList<TileBuffer>();
                for (int i = 0; i < depth; i++) {
                    slots.add(allocateBuffer(((Type.Ring) result.type()).slot(), "slot " + i + " of " + result, true));
                }
                yield new TileRing(result.toString(), slots);
            }
            case TileOp.Acquire _ -> ring(thread, in).acquire(thread.progress(ring(thread, in)));
            case TileOp.Publish _ -> {
                ring(thread, in).publish(thread.progress(ring(thread, in)));
                yield null;
            }
            case TileOp.Consume _ -> ring(thread, in).consume(thread.progress(ring(thread, in)));
            case TileOp.Release _ -> {
                ring(thread, in).release(thread.progress(ring(thread, in)));
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
            case TileOp.Shuffle(_, var from, Value result) -> shuffle(elements(thread, in, 0, in.length), from, result);
            case TileOp.Reduce(_, var combine, Value result) -> {
                var vector = (Elements) thread.values[in[0]];
                var lanes = Elements.allocate(vector.type(), vector.size());
                vector.copyTo(0, lanes, 0, lanes.size());
                yield TileReduction.halves(lanes, new Combiner(combine, vector.type()), allocate(result));
            }
            case TileOp.Mask(_, _, Value result) -> {
                var lanes = allocate(result);
                long lower = number(thread, in[0]);
                long upper = number(thread, in[1]);
                for (int i = 0; i < lanes.size(); i++) {
                    lanes.setLong(i, lower + i < upper ? 1 : 0);
                }
                yield lanes;
            }
            case TileOp.Atomic(_, _, _, var combine, Value result) -> {
                var lanes = allocate(result);
                TileAccess.atomic(
                        (Elements) thread.values[in[0]],
                        buffer(thread, in[1]),
                        elements(thread, in, 2, in.length),
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
            case TileOp.Expression(_, var expression, Value result) -> {
                var operands = elements(thread, in, 0, in.length);
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
                    throw new TileException("kernel " + kernel.name() + " assumes what does not hold");
                }
                yield null;
            }
            case TileOp.Fail(_, long code) -> {
                if (!holds(thread, in[0], false)) {
                    yield null;
                }
                var reason = new KernelError((int) code, node.failure()).reason();
                throw new PortolanException.RunFailed(
                        "kernel " + kernel.name() + " fails: " + reason + " (failure " + node.failure()
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

    static TileBuffer buffer(TileThread thread, int value) {
        return (TileBuffer) thread.values[value];
    }

    private static TileRing ring(TileThread thread, int[] in) {
        return (TileRing) thread.values[in[0]];
    }

    private static long[] numbers(TileThread thread, int[] values, int from, int to) {
        var numbers = new long[to - from];
        for (int i = from; i < to; i++) {
            numbers[i - from] = number(thread, values[i]);
        }
        return numbers;
    }

    // ------------------------------------------------------------------------------------------------------ intrinsics

    private void call(TileOp.Call call, Node node, TileThread thread) {
        var intrinsic = intrinsics.get(call.intrinsic());
        if (intrinsic == null) {
            throw new IrException("kernel " + kernel.name() + " calls " + call.intrinsic()
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
    }
}
