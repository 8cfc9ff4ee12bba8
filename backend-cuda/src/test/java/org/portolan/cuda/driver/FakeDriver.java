package org.portolan.cuda.driver;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.portolan.llvm.LlvmTools;

/// The library `fake_cuda.c`, compiled once: a driver without a device that does what a test tells it.
final class FakeDriver {
    private static final Path LIBRARY = build();
    private static final SymbolLookup SYMBOLS = SymbolLookup.libraryLookup(LIBRARY, Arena.global());

    private static final Map<String, MethodHandle> HANDLES = new ConcurrentHashMap<>();

    private FakeDriver() {}

    private static Path build() {
        try {
            var folder = Files.createTempDirectory("portolan-fake");
            var source = folder.resolve("fake_cuda.c");
            try (var stream = FakeDriver.class.getResourceAsStream("fake_cuda.c")) {
                Files.write(source, stream.readAllBytes());
            }
            var object = folder.resolve("fake_cuda.o");
            run(List.of(
                    LlvmTools.clang().toString(), "-c", "-O1", "-fPIC", "-ffreestanding", "-fno-builtin", "-w",
                    "-o", object.toString(), source.toString()));
            var library = folder.resolve("libcuda-fake.so");
            // What it needs of the C library is in every process that runs Java.
            run(List.of(
                    LlvmTools.program("lld").toString(), "-flavor", "gnu", "-shared", "-o", library.toString(),
                    object.toString()));
            for (var file : List.of(source, object, library, folder)) {
                file.toFile().deleteOnExit();
            }
            return library;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void run(List<String> command) throws IOException {
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var said = new String(process.getInputStream().readAllBytes());
        try {
            if (process.waitFor() != 0) {
                throw new IllegalStateException(command.getFirst() + " failed: " + said);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    static String library() {
        return LIBRARY.toString();
    }

    /// The library as one that is too old to have a function.
    static DriverLibrary without(String function) {
        return DriverLibrary.of(
                new DriverCalls(name -> name.equals(function) ? Optional.empty() : SYMBOLS.find(name)), "an old library");
    }

    static void reset() {
        call("fake_reset", FunctionDescriptor.ofVoid());
    }

    /// The n-th call of a function from now on, or of any function if the name is empty, gives a status; for good or once.
    static void fail(String function, int n, int status, boolean forGood) {
        try (var arena = Arena.ofConfined()) {
            call(
                    "fake_fail",
                    FunctionDescriptor.ofVoid(
                            ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT),
                    arena.allocateFrom(function),
                    n,
                    status,
                    forGood ? 1 : 0);
        }
    }

    static void devices(int count, int major, int minor) {
        call(
                "fake_device",
                FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT),
                count,
                major,
                minor);
    }

    /// What a kernel does that accesses an address which is not its own: nothing tells of it until the device is used.
    static void crash(int ordinal) {
        call("fake_crash", FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT), ordinal);
    }

    /// A driver before CUDA 11.2, which does not know what a pool is.
    static void withoutPools() {
        call("fake_without_pools", FunctionDescriptor.ofVoid());
    }

    /// How much the last pool keeps that nobody uses.
    static long kept() {
        return (long) call("fake_kept", FunctionDescriptor.of(ValueLayout.JAVA_LONG));
    }

    /// Whether the driver as a whole gives nothing but errors.
    static boolean broken() {
        return (int) call("fake_broken", FunctionDescriptor.of(ValueLayout.JAVA_INT)) != 0;
    }

    static boolean isCrashed(int ordinal) {
        return (int) call("fake_crashed", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT), ordinal) != 0;
    }

    static void peers(boolean connected) {
        call("fake_peers", FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT), connected ? 1 : 0);
    }

    /// How many things were taken and not given back.
    static long live() {
        return (long) call("fake_live", FunctionDescriptor.of(ValueLayout.JAVA_LONG));
    }

    /// How often a function was called.
    static long calls(String function) {
        try (var arena = Arena.ofConfined()) {
            return (long) call(
                    "fake_count",
                    FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.ADDRESS),
                    arena.allocateFrom(function));
        }
    }

    static long calls() {
        return (long) call("fake_calls", FunctionDescriptor.of(ValueLayout.JAVA_LONG));
    }

    private static Object call(String function, FunctionDescriptor descriptor, Object... arguments) {
        try {
            return HANDLES.computeIfAbsent(
                            function,
                            name -> Linker.nativeLinker().downcallHandle(SYMBOLS.find(name).orElseThrow(), descriptor))
                    .invokeWithArguments(arguments);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
