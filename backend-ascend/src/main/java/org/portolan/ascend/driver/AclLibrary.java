package org.portolan.ascend.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.portolan.runtime.PortolanException.DeviceFailed;

/// The C interface of AscendCL: the vendor's library or the emulated one. Functions are looked up when they are first
/// called, since versions differ in what they have.
final class AclLibrary {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final MemoryLayout POINTER = ValueLayout.ADDRESS;
    private static final long LONGEST_TEXT = 1 << 16;

    private final SymbolLookup symbols;
    private final String name;
    private final Map<String, MethodHandle> functions = new ConcurrentHashMap<>();
    /// The card that the calling thread works on: the library keeps one for each thread, not for each device object.
    final ThreadLocal<Integer> chosen = ThreadLocal.withInitial(() -> -1);

    private AclLibrary(SymbolLookup symbols, String name) {
        this.symbols = symbols;
        this.name = name;
    }

    /// @throws IllegalArgumentException if there is no such library, or it cannot be loaded
    static AclLibrary open(Path path) {
        return new AclLibrary(SymbolLookup.libraryLookup(path, Arena.global()), path.toString());
    }

    /// @throws IllegalArgumentException if the dynamic linker finds none of that name
    static AclLibrary open(String name) {
        return new AclLibrary(SymbolLookup.libraryLookup(name, Arena.global()), name);
    }

    String name() {
        return name;
    }

    boolean has(String function) {
        return symbols.find(function).isPresent();
    }

    /// Looks a function up, so that calling it waits for nothing.
    void ready(String function, Object... arguments) {
        handle(function, INT, arguments);
    }

    /// Calls a function that takes whole numbers and pointers and gives a code.
    int call(String function, Object... arguments) {
        try {
            return (int) handle(function, INT, arguments).invokeExact(arguments);
        } catch (RuntimeException | Error failure) {
            throw failure;
        } catch (Throwable failure) {
            throw new IllegalStateException(function, failure);
        }
    }

    /// Calls a function that gives a text, which may be none.
    Optional<String> text(String function) {
        if (!has(function)) {
            return Optional.empty();
        }
        try {
            var text = (MemorySegment) handle(function, POINTER).invokeExact(new Object[0]);
            return text.address() == 0 ? Optional.empty() : Optional.of(text.reinterpret(LONGEST_TEXT).getString(0));
        } catch (RuntimeException | Error failure) {
            throw failure;
        } catch (Throwable failure) {
            throw new IllegalStateException(function, failure);
        }
    }

    private MethodHandle handle(String function, MemoryLayout result, Object... arguments) {
        var known = functions.get(function); // does not wait, as the next call may
        return known != null ? known : functions.computeIfAbsent(function, _ -> {
            var misfit = AclInterface.misfit(function, arguments);
            if (misfit != null) {
                throw new IllegalArgumentException(misfit);
            }
            var layouts = new MemoryLayout[arguments.length];
            for (int i = 0; i < layouts.length; i++) {
                layouts[i] = arguments[i] instanceof Integer ? INT : arguments[i] instanceof Long ? LONG : POINTER;
            }
            var address = symbols.find(function)
                    .orElseThrow(() -> new DeviceFailed(
                            "the library " + name + " has no function " + function
                                    + "; install CANN 8.1 or later, and have its set_env.sh read",
                            null));
            var handle = Linker.nativeLinker().downcallHandle(address, FunctionDescriptor.of(result, layouts));
            var type = result == POINTER ? MemorySegment.class : int.class;
            return handle.asSpreader(Object[].class, layouts.length)
                    .asType(MethodType.methodType(type, Object[].class));
        });
    }
}
