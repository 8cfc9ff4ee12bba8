package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;

/// A kernel for a machine whose lanes are threads, as LLVM IR text:
///
/// ```
/// void kernel(ptr addrspace(1) buffer.., i64 symbol.., ptr addrspace(1) error)
/// ```
///
/// The buffers in the order of the kernel's parameters, its symbols, and the word that failures are stored in, as
/// {@link KernelEmitter} says; before all of them the descriptions that the copy engine needs. In a kernel without loops over threads each thread runs one point of the row-major
/// linearised grid, and those beyond the last do nothing; in one with such loops each block runs one point.
public final class ThreadKernelEmitter {
    /// Enough to hide what a thread waits for, few enough for many registers in each.
    private static final int THREADS_OF_POINTS = 128;

    private static final int BOX_BYTES = 128;

    private static final LlvmType GLOBAL = LlvmType.scalar("ptr addrspace(1)");

    private final TileOp.Kernel kernel;
    private final Target target;
    private final ModuleText module = new ModuleText(0);
    private final SourceLines source;
    private final FunctionBuilder builder;
    private final ControlFlow flow;
    private final Scope scope = new Scope();
    private final DimEmitter dims;
    private final List<String> signature = new ArrayList<>();
    private Map<TensorBox, Operand> boxes = Map.of();

    private ThreadKernelEmitter(TileOp.Kernel kernel, Map<Op, Integer> lines, Target target) {
        this.kernel = kernel;
        this.target = target;
        source = SourceLines.of(module, kernel, lines, SourceLines.Detail.DIRECTIVES_ONLY);
        builder = new FunctionBuilder(module, source, "error", "error_word");
        flow = new ControlFlow(builder);
        dims = new DimEmitter(builder);
    }

    /// The kernel as a module of its own.
    ///
    /// @param lines where each operation stands in the kernel's text, counted from 1, by identity; empty: nothing is said
    /// @param warp how many lanes run in step
    /// @param alignment of every buffer, in bytes
    /// @throws EmitException if the target cannot say the kernel; the message names the kernel
    public static ThreadKernel emit(
            TileOp.Kernel kernel, Map<Op, Integer> lines, Target target, long warp, long alignment) {
        try {
            return new ThreadKernelEmitter(kernel, lines, target).emit(warp, alignment);
        } catch (EmitException problem) {
            throw new EmitException("kernel " + kernel.name() + " of " + String.join(", ", kernel.origin()) + ": "
                    + problem.getMessage());
        }
    }

    private ThreadKernel emit(long warp, long alignment) {
        var shape = ThreadShape.of(kernel, warp);
        int threads = shape.hasThreads() ? Math.toIntExact(shape.threads()) : THREADS_OF_POINTS;
        parameters(alignment);
        var extents = kernel.grid().stream().map(dims::invariant).toList();
        var block = register("ctaid.x", "block");
        var thread = register("tid.x", "thread");
        var team = new ThreadBlock(builder, flow, shape, thread);
        long sharedBytes = 0;
        if (shape.hasThreads()) {
            var shared = new SharedMemory(builder, kernel.name(), shape.sharedBytes(), SharedPlan.of(kernel));
            body(new GridPoint(builder, block, extents), team, shared);
            sharedBytes = shared.askedBytes();
        } else {
            var point = builder.add(builder.multiply(block, Operand.index(threads)), thread);
            Operand points = Operand.index(1);
            for (var extent : extents) {
                points = builder.multiply(points, extent);
            }
            flow.choose(
                    builder.compare("slt", point, points),
                    () -> {
                        body(new GridPoint(builder, point, extents), team, null);
                        return List.of();
                    },
                    List::of);
        }
        builder.line("ret void");
        return new ThreadKernel(
                text(threads), threads, shape.hasThreads(), sharedBytes, List.copyOf(boxes.keySet()));
    }

    private void body(Grid grid, ThreadBlock team, SharedMemory shared) {
        var rings = RingOrder.of(kernel.body());
        var tile = new TileEmitter(builder, scope, dims, target, grid, team, shared, rings, kernel.body().params(), RingGroups.of(kernel.body()));
        tile.emit(kernel.body());
        boxes = tile.boxes();
    }

    /// A number of the thread that the machine keeps in a register of its own.
    private Operand register(String name, String hint) {
        return builder.inEntry(() -> {
            var narrow = builder.call("llvm.nvvm.read.ptx.sreg." + name, LlvmType.INT);
            var wide = builder.named(hint, () -> builder.convert("zext", narrow, LlvmType.LONG));
            builder.markNonNegative(wide);
            return wide;
        });
    }

    private void parameters(long alignment) {
        var written = writtenBuffers();
        for (var parameter : kernel.body().params()) {
            if (!(parameter.type() instanceof Type.Buffer type)) {
                throw new EmitException("parameters are buffers, found " + parameter);
            }
            boolean readOnly = !written.contains(parameter);
            var hint = parameter.hint().isEmpty() ? "buffer" : parameter.hint();
            var given = new Operand(GLOBAL, "%" + builder.fresh(hint + "_global"));
            signature.add(given.type() + " noalias " + (readOnly ? "readonly " : "") + "align " + alignment + " "
                    + given.text());
            var pointer = builder.inEntry(
                    () -> builder.assign(hint, LlvmType.POINTER, "addrspacecast " + given + " to ptr"));
            var loads = readOnly ? ", !invariant.load " + module.empty() : "";
            scope.bind(parameter, BufferPlace.parameter(type, pointer, loads));
        }
        for (var symbol : kernel.symbols()) {
            var given = new Operand(LlvmType.LONG, "%" + builder.fresh(symbol));
            signature.add(given.toString());
            dims.define(symbol, given);
        }
        signature.add(GLOBAL + " %error_word");
        builder.inEntry(() -> {
            builder.line("%error = addrspacecast ptr addrspace(1) %error_word to ptr");
            return null;
        });
    }

    /// The parameters that the kernel may write to; the others are the same throughout, which the machine can use.
    private Set<Value> writtenBuffers() {
        var written = Collections.<Value>newSetFromMap(new IdentityHashMap<>());
        findWritten(kernel.body(), new IdentityHashMap<>(), written);
        return written;
    }

    private static void findWritten(Body body, Map<Value, Value> wholes, Set<Value> written) {
        for (var op : body.ops()) {
            switch (op) {
                case TileOp.View view -> wholes.put(view.result(), whole(view.buffer(), wholes));
                case TileOp.Store store -> written.add(whole(store.buffer(), wholes));
                case TileOp.Atomic atomic -> written.add(whole(atomic.buffer(), wholes));
                case TileOp.Copy copy -> written.add(whole(copy.to(), wholes));
                case TileOp.Call call -> call.arguments().forEach(argument -> written.add(whole(argument, wholes)));
                case Op other -> OpSchema.bodies(other).forEach(inner -> findWritten(inner, wholes, written));
            }
        }
    }

    private static Value whole(Value buffer, Map<Value, Value> wholes) {
        return wholes.getOrDefault(buffer, buffer);
    }

    private String text(int threads) {
        var name = "@\"" + kernel.name() + "\"";
        if (!boxes.isEmpty()) {
            signature.addAll(0, boxes.values().stream()
                    .map(box -> "ptr byval([" + BOX_BYTES + " x i8]) align 64 " + box.text())
                    .toList());
            // They stay where the launch put them, instead of being copied to memory of each thread.
            var numbers = IntStream.rangeClosed(1, boxes.size()).mapToObj(i -> "i32 " + i).collect(Collectors.joining(", "));
            var constant = module.metadata("!{" + numbers + "}");
            module.named("nvvm.annotations", "!{ptr " + name + ", !\"grid_constant\", " + constant + "}");
        }
        module.add("define ptx_kernel void " + name + "(" + String.join(", ", signature) + ") #0" + source.ofFunction() + " {\n" + builder.text()
                + "}\n");
        module.named("nvvm.annotations", "!{ptr " + name + ", !\"maxntidx\", i32 " + threads + "}");
        // Without this the vendor's assembler spills registers where a block more would then fit (8 bytes at 80 registers).
        module.named("nvvm.annotations", "!{ptr " + name + ", !\"minctasm\", i32 1}");
        return module.toString();
    }
}
