package org.portolan.ir.interpreter;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.ArithOp;
import org.portolan.ir.GraphOp;
import org.portolan.ir.IrException;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.interpreter.TileProgram.Block;
import org.portolan.ir.interpreter.TileProgram.Node;
import org.portolan.runtime.PortolanException;
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
    private TileOperations operations;
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
        var symbols = new Symbols(List.of());
        for (int i = 0; i < extents.length; i++) {
            symbols.bind(kernel.symbols().get(i), extents[i], "kernel " + kernel.name());
        }
        operations = new TileOperations(kernel.name(), intrinsics, symbols, TileProducts.areAwaited(kernel.body()));
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
                case TileOp.Assemble(_, var result) -> meeting.assemble(node, result, threads);
                case TileOp tile -> {
                    for (var thread : TileMeeting.running(tile, threads)) {
                        operations.execute(tile, node, thread);
                    }
                    TileMeeting.share(tile, node, threads);
                }
                case ArithOp arith -> {
                    for (var thread : threads) {
                        operations.execute(arith, node, thread);
                    }
                }
                case GraphOp _, NestOp _, PlanOp _, MachineOp _ -> throw TileOperations.misplaced(node);
            }
        }
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
        long step = Math.max(1, thread.scalar(node.operands()[2]));
        long trips = Math.ceilDiv(thread.scalar(node.operands()[1]) - thread.scalar(node.operands()[0]), step);
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
            next[t] = thread.scalar(node.operands()[0]);
            if (thread.scalar(node.operands()[2]) <= 0) {
                throw new TileException("a loop of " + kernel.name() + " needs a positive step, found "
                        + thread.scalar(node.operands()[2]));
            }
            thread.move(node.operands(), 3, body.params(), 1, carried);
        }
        while (true) {
            var running = new ArrayList<TileThread>(threads.size());
            for (int t = 0; t < next.length; t++) {
                var thread = threads.get(t);
                if (next[t] < thread.scalar(node.operands()[1])) {
                    thread.values[body.params()[0]] = Elements.of(ElementType.INDEX, next[t]);
                    next[t] += thread.scalar(node.operands()[2]);
                    running.add(thread);
                }
            }
            if (running.isEmpty()) {
                break;
            }
            checkInterrupt();
            execute(body, running, depth);
            for (var thread : running) {
                thread.move(body.yields(), 0, body.params(), 1, carried);
            }
        }
        for (var thread : threads) {
            thread.move(body.params(), 1, node.results(), 0, carried);
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
            long step = Math.max(1, thread.scalar(node.operands()[2]));
            long upper = thread.scalar(node.operands()[1]);
            for (long index = thread.scalar(node.operands()[0]); index < upper; index += step) {
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
            thread.move(node.operands(), 0, node.results(), 0, carried);
        }
        var running = threads;
        while (!running.isEmpty()) {
            checkInterrupt();
            for (var thread : running) {
                thread.move(node.results(), 0, condition.params(), 0, carried);
                thread.move(node.results(), 0, body.params(), 0, carried);
            }
            execute(condition, running, depth);
            running = running.stream().filter(thread -> thread.scalar(condition.yields()[0]) != 0).toList();
            if (!running.isEmpty()) {
                execute(body, running, depth);
            }
            for (var thread : running) {
                thread.move(body.yields(), 0, node.results(), 0, carried);
            }
        }
    }

    private void choose(Node node, List<TileThread> threads, int depth) {
        for (boolean branch : new boolean[] {true, false}) {
            var body = node.bodies().get(branch ? 0 : 1);
            var chosen = threads.stream()
                    .filter(thread -> thread.scalar(node.operands()[0]) != 0 == branch)
                    .toList();
            if (!chosen.isEmpty()) {
                execute(body, chosen, depth);
            }
            for (var thread : chosen) {
                thread.move(body.yields(), 0, node.results(), 0, node.results().length);
            }
        }
    }

    private void checkInterrupt() {
        if (Thread.currentThread().isInterrupted()) {
            throw new PortolanException.Cancelled("the interpreter was interrupted in kernel " + kernel.name());
        }
    }
}
