package org.portolan.opencl.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.function.Supplier;

/// Keeps the JVM's signal handlers. A driver that compiles in the process may put its own in their place: PoCL's LLVM does so
/// for SIGSEGV, SIGTERM and others as soon as its devices are listed, with SA_RESETHAND, so that of two faults at nearly the
/// same time, which a JVM takes in its stride, the second ends the process without a word. A handler
/// that has changed during a call is put back after it; a signal that had none keeps what the driver gave it.
final class Signals {
    /// Of Linux: signals are numbered 1 to 31 (signal(7)), and glibc's and musl's struct sigaction has 152 bytes, the first 8 of
    /// which are the handler.
    private static final int LAST = 31;
    private static final long BYTES = 152;
    static final long DEFAULT = 0;
    static final long IGNORED = 1;
    private static final MethodHandle ACTION = Linker.nativeLinker()
            .defaultLookup()
            .find("sigaction")
            .filter(_ -> System.getProperty("os.name").equals("Linux"))
            .map(address -> Linker.nativeLinker()
                    .downcallHandle(
                            address,
                            FunctionDescriptor.of(
                                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS)))
            .orElse(null);

    private Signals() {}

    /// Makes a call of a driver; afterwards every signal that had a handler has the same.
    static <T> T keep(Supplier<T> call) {
        if (ACTION == null) {
            return call.get();
        }
        synchronized (Signals.class) {
            try (var arena = Arena.ofConfined()) {
                var before = read(arena);
                try {
                    return call.get();
                } finally {
                    restore(before, read(arena));
                }
            }
        }
    }

    /// The handler of each signal, by its number; 0 or 1 where there is none (SIG_DFL and SIG_IGN) or it cannot be asked for.
    static long[] handlers() {
        var handlers = new long[LAST + 1];
        if (ACTION != null) {
            try (var arena = Arena.ofConfined()) {
                var actions = read(arena);
                for (int signal = 1; signal <= LAST; signal++) {
                    handlers[signal] = actions.get(ValueLayout.JAVA_LONG, signal * BYTES);
                }
            }
        }
        return handlers;
    }

    private static MemorySegment read(Arena arena) {
        var actions = arena.allocate((LAST + 1) * BYTES, 8);
        for (int signal = 1; signal <= LAST; signal++) {
            action(signal, MemorySegment.NULL, actions.asSlice(signal * BYTES, BYTES));
        }
        return actions;
    }

    private static void restore(MemorySegment before, MemorySegment after) {
        for (int signal = 1; signal <= LAST; signal++) {
            long at = signal * BYTES;
            long handler = before.get(ValueLayout.JAVA_LONG, at);
            if (handler != DEFAULT && handler != IGNORED && handler != after.get(ValueLayout.JAVA_LONG, at)) {
                action(signal, before.asSlice(at, BYTES), MemorySegment.NULL);
            }
        }
    }

    /// Fails for the two signals that nobody may handle, which changes nothing.
    private static void action(int signal, MemorySegment given, MemorySegment found) {
        try {
            int _ = (int) ACTION.invokeExact(signal, given, found);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
