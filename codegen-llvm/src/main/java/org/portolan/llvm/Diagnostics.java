package org.portolan.llvm;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

/// What LLVM says while it works, collected for the compilation that runs on the current thread.
final class Diagnostics {
    private static final int ERROR = 0;

    /// The handler that a context gets: `void (LLVMDiagnosticInfoRef, void *)`.
    static final MemorySegment HANDLER = stub("collect", MemorySegment.class, MemorySegment.class);

    private static final MemorySegment FATAL_HANDLER = stub("fatal", MemorySegment.class);
    private static final ThreadLocal<CompletableFuture<?>> RUNNING = new ThreadLocal<>();
    private static final ThreadLocal<List<String>> ERRORS = ThreadLocal.withInitial(ArrayList::new);

    static {
        try {
            LlvmLibrary.INSTALL_FATAL_ERROR_HANDLER.invokeExact(FATAL_HANDLER);
        } catch (Throwable failure) {
            throw LlvmLibrary.unexpected(failure);
        }
    }

    private Diagnostics() {}

    /// Starts a compilation on the current thread; `result` is failed should LLVM meet a fatal error.
    static void begin(CompletableFuture<?> result) {
        RUNNING.set(result);
        ERRORS.get().clear();
    }

    /// The errors so far, oldest first.
    static List<String> errors() {
        return List.copyOf(ERRORS.get());
    }

    /// Called by LLVM. An exception must not leave an upcall: it would end the process.
    @SuppressWarnings("unused")
    private static void collect(MemorySegment information, MemorySegment context) {
        try {
            if ((int) LlvmLibrary.DIAGNOSTIC_SEVERITY.invokeExact(information) == ERROR) {
                ERRORS.get()
                        .add(LlvmCompiler.owned(
                                (MemorySegment) LlvmLibrary.DIAGNOSTIC_DESCRIPTION.invokeExact(information)));
            }
        } catch (Throwable failure) {
            ERRORS.get().add("a diagnostic that could not be read: " + failure);
        }
    }

    /// Called by LLVM before it ends the process. Does not return, so it doesn't.
    @SuppressWarnings("unused")
    private static void fatal(MemorySegment reason) {
        var result = RUNNING.get();
        if (result == null) {
            return; // not a thread of ours: LLVM's own behaviour stands
        }
        result.completeExceptionally(new LlvmException.CodegenFailed(
                "LLVM stopped: " + reason.reinterpret(Long.MAX_VALUE).getString(0)));
        while (true) {
            LockSupport.park(Diagnostics.class);
        }
    }

    private static MemorySegment stub(String method, Class<?>... parameters) {
        try {
            var handle = MethodHandles.lookup()
                    .findStatic(Diagnostics.class, method, MethodType.methodType(void.class, parameters));
            var layouts = new MemoryLayout[parameters.length];
            Arrays.fill(layouts, LlvmLibrary.PTR);
            return Linker.nativeLinker().upcallStub(handle, FunctionDescriptor.ofVoid(layouts), Arena.global());
        } catch (ReflectiveOperationException failure) {
            throw new IllegalStateException(failure);
        }
    }
}
