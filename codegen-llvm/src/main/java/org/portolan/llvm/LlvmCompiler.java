package org.portolan.llvm;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/// LLVM IR text to an object file or to assembly text. All methods may be called by many threads at once: each
/// compilation has a context of its own.
///
/// Two habits of LLVM would end a Java process, and are dealt with here. Its default diagnostic handler calls `exit`:
/// every context gets another one, which collects. And on errors that it calls fatal (an instruction that cannot be
/// selected) it ends the process when its handler returns: ours does not return. Each compilation therefore runs on a
/// thread of its own, which a fatal error leaves parked for good while the caller gets a typed exception. That thread
/// also has the deep stack that LLVM's recursions over long straight-line code need.
public final class LlvmCompiler {
    private static final long STACK_BYTES = 256L << 20;

    private LlvmCompiler() {}

    /// What a compilation gives.
    public enum Output {
        /// A relocatable object file.
        OBJECT,
        /// Assembly text, UTF-8.
        ASSEMBLY,
        /// LLVM IR text after the passes, UTF-8.
        IR
    }

    /// Compiles one module.
    ///
    /// @param ir the module's text; its own triple and data layout, if it has any, are replaced
    /// @throws LlvmException.InvalidIr if the text is not valid IR
    /// @throws LlvmException.CodegenFailed if LLVM cannot make code of it for this target
    public static byte[] compile(String ir, LlvmTarget target, LlvmOptions options, Output output) {
        return onDeepStack(() -> {
            LlvmLibrary.initialize(target.triple());
            try (var compilation = new LlvmCompilation()) {
                return compilation.run(ir, target, options, output);
            }
        });
    }

    /// The processor of this machine, as LLVM sees it.
    static LlvmTarget host() {
        return onDeepStack(() -> {
            try {
                return new LlvmTarget(
                        owned((MemorySegment) LlvmLibrary.DEFAULT_TRIPLE.invokeExact()),
                        owned((MemorySegment) LlvmLibrary.HOST_CPU_NAME.invokeExact()),
                        owned((MemorySegment) LlvmLibrary.HOST_CPU_FEATURES.invokeExact()));
            } catch (Throwable failure) {
                throw LlvmLibrary.unexpected(failure);
            }
        });
    }

    /// Reads a C string that the caller owns, and frees it.
    static String owned(MemorySegment message) throws Throwable {
        if (message.equals(MemorySegment.NULL)) {
            return "";
        }
        var text = message.reinterpret(Long.MAX_VALUE).getString(0);
        LlvmLibrary.MESSAGE_DISPOSE.invokeExact(message);
        return text;
    }

    private interface Task<T> {
        T call();
    }

    private static <T> T onDeepStack(Task<T> task) {
        var future = new CompletableFuture<T>();
        Runnable body = () -> {
            try {
                Diagnostics.begin(future);
                future.complete(task.call());
            } catch (Throwable failure) {
                future.completeExceptionally(failure);
            }
        };
        var thread = new Thread(null, body, "portolan-llvm", STACK_BYTES, false);
        thread.setDaemon(true);
        thread.start();
        try {
            return future.join();
        } catch (CompletionException failure) {
            throw LlvmLibrary.unexpected(failure.getCause());
        }
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
