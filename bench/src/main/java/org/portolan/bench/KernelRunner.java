package org.portolan.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Value;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Codegen;
import org.portolan.lowering.tile.LoweredKernel;
import org.portolan.lowering.tile.NestToTile;

/// One nest, compiled for this processor and called directly: for benchmarks of kernels without a runtime around them.
public final class KernelRunner implements AutoCloseable {
    private static final MethodHandle CALL = Linker.nativeLinker()
            .downcallHandle(FunctionDescriptor.ofVoid(
                    ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS));

    private final Arena arena = Arena.ofShared();
    private final LoweredKernel lowered;
    private final MemorySegment function;
    private final MemorySegment params;
    private final MemorySegment error;
    private final long grid;
    private final MemorySegment[] buffers;

    private KernelRunner(LoweredKernel lowered, Codegen codegen, Map<String, Long> symbols) {
        this.lowered = lowered;
        var image = codegen.compile(List.of(lowered.kernel()), codegen.defaultMachine());
        try {
            var file = Files.createTempFile("kernel", ".so");
            Files.write(file, image.bytes());
            function = SymbolLookup.libraryLookup(file, arena).findOrThrow(lowered.kernel().name());
            Files.delete(file);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot load the kernel", e);
        }
        var parameters = lowered.kernel().body().params();
        buffers = new MemorySegment[parameters.size()];
        params = arena.allocate(8L * (parameters.size() + lowered.extents().size()), 64);
        error = arena.allocate(8, 8);
        long word = 0;
        for (int i = 0; i < buffers.length; i++) {
            long elements = 1;
            for (var dim : parameters.get(i).buffer().storage()) {
                elements *= dim.evaluate(symbols::get);
            }
            buffers[i] = arena.allocate(Math.max(64, parameters.get(i).buffer().element().bytes(elements)), 4096);
            params.setAtIndex(ValueLayout.JAVA_LONG, word++, buffers[i].address());
        }
        for (var extent : lowered.extents()) {
            params.setAtIndex(ValueLayout.JAVA_LONG, word++, extent.evaluate(symbols::get));
        }
        long points = 1;
        for (var count : lowered.grid()) {
            points *= count.evaluate(symbols::get);
        }
        grid = points;
    }

    /// Compiles the first nest of a function in text form.
    public static KernelRunner compile(String text, Map<String, Long> symbols) {
        var codegen = ServiceLoader.load(Codegen.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(candidate -> candidate.family().equals("cpu"))
                .findFirst()
                .orElseThrow();
        var constants = new IdentityHashMap<Value, Boolean>();
        for (var op : IrParser.parse(text, "benchmark")) {
            for (var inner : ((GraphOp.Function) op).body().ops()) {
                if (inner instanceof GraphOp.Constant constant) {
                    constants.put(constant.result(), true);
                } else if (inner instanceof NestOp.Compute nest) {
                    var lowered = new NestToTile(codegen.defaultMachine()).lower(nest, "kernel", constants::containsKey);
                    return new KernelRunner(lowered, codegen, symbols);
                }
            }
        }
        throw new IllegalArgumentException("no nest in the text");
    }

    /// The memory of the kernel's parameters, in the layouts that it asks for.
    public MemorySegment buffer(int index) {
        return buffers[index];
    }

    public LoweredKernel lowered() {
        return lowered;
    }

    public void run() {
        try {
            CALL.invokeExact(function, params.address(), 0L, grid, error);
        } catch (Throwable e) {
            throw new LinkageError("the kernel could not be called", e);
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
