package org.portolan.llvm;

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
import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.Body;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Op;
import org.portolan.ir.TileOp;
import org.portolan.ir.text.IrParser;

/// A kernel in the text form, compiled and loaded for the processor that runs the tests.
final class HostKernel implements AutoCloseable {
    private static final MethodHandle CALL = Linker.nativeLinker()
            .downcallHandle(FunctionDescriptor.ofVoid(
                    ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS));

    private final Arena arena = Arena.ofConfined();
    private final SymbolLookup symbols;
    private MemorySegment address;

    HostKernel(String text) {
        this(kernel(text), chip(LlvmTarget.host(), 64));
    }

    HostKernel(TileOp.Kernel kernel, MachineOp.Chip chip) {
        this(List.of(kernel), chip);
    }

    HostKernel(List<TileOp.Kernel> kernels, MachineOp.Chip chip) {
        this(kernels, chip, new LlvmCodegen());
    }

    HostKernel(List<TileOp.Kernel> kernels, MachineOp.Chip chip, LlvmCodegen codegen) {
        try {
            var library = Files.createTempFile("portolan-test", ".so");
            Files.write(library, codegen.sharedObject(kernels, chip));
            symbols = SymbolLookup.libraryLookup(library, arena);
            select(kernels.getFirst().name());
            Files.delete(library);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    /// Which kernel the next runs mean.
    HostKernel select(String name) {
        address = symbols.find(name).orElseThrow();
        return this;
    }

    static TileOp.Kernel kernel(String text) {
        return (TileOp.Kernel) IrParser.parse(text, "test").getFirst();
    }

    static MachineOp.Chip chip(LlvmTarget target, long vectorBytes, Op... intrinsics) {
        return new MachineOp.Chip(
                "test", "cpu", target.triple(), target.cpu(), List.of(target.features().split(",")),
                MachineOp.Vectors.REGISTER, vectorBytes, 32, 1, 32 << 10, 1 << 20, 0, 1, 1, 64, List.of(), false, false,
                Body.of(intrinsics));
    }

    /// Runs points of the grid; gives the error word.
    long run(List<MemorySegment> buffers, List<Long> symbols, long begin, long end) {
        var words = new ArrayList<Long>();
        buffers.forEach(buffer -> words.add(buffer.address()));
        words.addAll(symbols);
        try (var local = Arena.ofConfined()) {
            var params = local.allocate(8L * Math.max(1, words.size()), 8);
            for (int i = 0; i < words.size(); i++) {
                params.setAtIndex(ValueLayout.JAVA_LONG, i, words.get(i));
            }
            var error = local.allocate(8, 8);
            CALL.invokeExact(address, params, begin, end, error);
            return error.get(ValueLayout.JAVA_LONG, 0);
        } catch (Throwable failure) {
            throw new IllegalStateException(failure);
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
