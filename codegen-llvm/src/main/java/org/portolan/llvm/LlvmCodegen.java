package org.portolan.llvm;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Op;
import org.portolan.ir.TileOp;
import org.portolan.ir.text.IrPrinter;
import org.portolan.llvm.emit.EmitException;
import org.portolan.llvm.emit.KernelEmitter;
import org.portolan.llvm.emit.Target;
import org.portolan.llvm.emit.ThreadKernel;
import org.portolan.llvm.emit.ThreadKernelEmitter;
import org.portolan.llvm.emit.Traits;
import org.portolan.lowering.CompileException;
import org.portolan.lowering.math.ExpandElementary;

/// Tile kernels to LLVM IR text, assembly text, or one shared object that needs nothing. The engine behind every
/// {@link org.portolan.lowering.Codegen} whose chips LLVM knows.
///
/// Each kernel is a module of its own, and several are compiled at once; the order of the kernels does not depend on
/// it, so the same kernels give the same bytes.
public final class LlvmCodegen {
    private final LlvmOptions options;
    private final int threads;

    /// @param threads how many kernels are compiled at once, at least 1
    public LlvmCodegen(LlvmOptions options, int threads) {
        this.options = options;
        this.threads = Math.max(1, threads);
    }

    public LlvmCodegen() {
        this(LlvmOptions.KERNELS, Runtime.getRuntime().availableProcessors());
    }

    /// The kernels as LLVM IR, before LLVM's passes.
    ///
    /// @throws CompileException if a kernel cannot be said; the message names the kernel and its origin
    public String llvm(List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        var text = new StringBuilder();
        for (var kernel : kernels) {
            text.append("; kernel ").append(kernel.name()).append(" of ").append(origin(kernel)).append('\n');
            text.append(module(kernel, machine)).append('\n');
        }
        return text.toString();
    }

    /// The kernels as the chip's assembly.
    ///
    /// @throws CompileException if a kernel cannot be compiled; the message names the kernel and its origin
    public String assembly(List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        var text = new StringBuilder();
        for (var bytes : compileAll(kernels, machine, LlvmCompiler.Output.ASSEMBLY)) {
            text.append(new String(bytes, StandardCharsets.UTF_8)).append('\n');
        }
        return text.toString();
    }

    /// The kernels as one ELF shared object; each is a symbol of its name.
    ///
    /// @throws CompileException if a kernel cannot be compiled; the message names the kernel and its origin
    public byte[] sharedObject(List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        var objects = compileAll(kernels, machine, LlvmCompiler.Output.OBJECT);
        try {
            if (objects.isEmpty()) {
                // The linker wants something to link, even where there are no kernels.
                objects.add(LlvmCompiler.compile("", target(machine), options, LlvmCompiler.Output.OBJECT));
            }
            return LlvmTools.link(objects, machine.sourceLines());
        } catch (LlvmException failure) {
            throw new CompileException("cannot link the kernels: " + failure.getMessage(), failure);
        }
    }

    /// The kernels for a machine whose lanes are threads, each as assembly of its own, in order.
    ///
    /// @throws CompileException if a kernel cannot be compiled; the message names the kernel and its origin
    public List<ThreadCode> threads(List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        return forAll(kernels, kernel -> {
            var module = threadModule(kernel, machine);
            var assembly = KernelCache.get(module.text(), target(machine), () -> new String(
                    compile(kernel, module.text(), machine, LlvmOptions.THREADS, LlvmCompiler.Output.ASSEMBLY),
                    StandardCharsets.UTF_8));
            return new ThreadCode(kernel.name(), module.threads(), module.blocks(), module.sharedBytes(), boxes(module), assembly);
        });
    }

    private static List<ThreadCode.Box> boxes(ThreadKernel module) {
        return module.boxes().stream()
                .map(box -> new ThreadCode.Box(box.parameter(), box.element(), box.sizes(), box.box(), box.swizzle()))
                .toList();
    }

    private List<byte[]> compileAll(
            List<TileOp.Kernel> kernels, MachineOp.Chip machine, LlvmCompiler.Output output) {
        return forAll(kernels, kernel -> compile(kernel, module(kernel, machine), machine, options, output));
    }

    private <T> List<T> forAll(List<TileOp.Kernel> kernels, Function<TileOp.Kernel, T> compiling) {
        var results = new ArrayList<T>();
        try (var executor = Executors.newFixedThreadPool(Math.min(threads, Math.max(1, kernels.size())))) {
            var running = new ArrayList<Future<T>>();
            for (var kernel : kernels) {
                running.add(executor.submit(() -> compiling.apply(kernel)));
            }
            for (var future : running) {
                results.add(future.get());
            }
            return results;
        } catch (ExecutionException failure) {
            throw failure.getCause() instanceof RuntimeException cause
                    ? cause
                    : new IllegalStateException(failure.getCause());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new CompileException("compiling was interrupted", interrupted);
        }
    }

    private static byte[] compile(
            TileOp.Kernel kernel,
            String text,
            MachineOp.Chip machine,
            LlvmOptions options,
            LlvmCompiler.Output output) {
        try {
            return LlvmCompiler.compile(text, target(machine), options, output);
        } catch (LlvmException failure) {
            throw new CompileException(
                    "kernel " + kernel.name() + " of " + origin(kernel) + " does not compile for " + machine.name() + ": "
                            + failure.getMessage(),
                    failure);
        }
    }

    private static String module(TileOp.Kernel kernel, MachineOp.Chip machine) {
        if (machine.vectors() == MachineOp.Vectors.THREAD) {
            return threadModule(kernel, machine).text();
        }
        try {
            var target = emitTarget(machine);
            var expanded = new Expanded(kernel, target.traits(), machine.sourceLines());
            return KernelEmitter.emit(List.of(expanded.kernel), expanded.lines, target);
        } catch (EmitException | LlvmException failure) {
            throw new CompileException(failure.getMessage(), failure);
        }
    }

    private static ThreadKernel threadModule(TileOp.Kernel kernel, MachineOp.Chip machine) {
        try {
            var target = emitTarget(machine);
            var expanded = new Expanded(kernel, target.traits(), machine.sourceLines());
            return ThreadKernelEmitter.emit(
                    expanded.kernel, expanded.lines, target, machine.warp(), machine.alignment());
        } catch (EmitException | LlvmException failure) {
            throw new CompileException(failure.getMessage(), failure);
        }
    }

    private static Target emitTarget(MachineOp.Chip machine) {
        return new Target(TargetTraits.of(target(machine)), machine.vectorBytes(), intrinsics(machine));
    }

    /// A kernel without elementary functions, and for each of its operations the line where what it stands for is in the text of
    /// the kernel as it was given.
    private static final class Expanded {
        private final TileOp.Kernel kernel;
        private final Map<Op, Integer> lines = new IdentityHashMap<>();

        private Expanded(TileOp.Kernel given, Traits traits, boolean wantsLines) {
            var origins = new IdentityHashMap<Op, Op>();
            kernel = new TileOp.Kernel(
                    given.name(),
                    given.symbols(),
                    given.grid(),
                    given.origin(),
                    ExpandElementary.expand(given.body(), traits.fma32() && traits.fma64(), origins));
            if (wantsLines) {
                var listed = IrPrinter.listing(given).lines();
                origins.forEach((written, origin) -> lines.put(written, listed.get(origin)));
            }
        }
    }

    /// What LLVM is told of a chip.
    public static LlvmTarget target(MachineOp.Chip machine) {
        return new LlvmTarget(machine.triple(), machine.processor(), String.join(",", machine.features()));
    }

    private static Map<String, String> intrinsics(MachineOp.Chip machine) {
        var spellings = new LinkedHashMap<String, String>();
        for (var op : machine.intrinsics().ops()) {
            if (op instanceof MachineOp.Intrinsic intrinsic) {
                spellings.put(intrinsic.name(), intrinsic.spelling());
            }
        }
        return spellings;
    }

    private static String origin(TileOp.Kernel kernel) {
        return kernel.origin().isEmpty() ? "no node" : String.join(", ", kernel.origin());
    }
}
