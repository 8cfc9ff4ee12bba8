package org.portolan.ascend.emulator;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The C interface, as directly as it can be called: each call returns its code.
final class Acl {
    static final int TO_DEVICE = 1;
    static final int TO_HOST = 2;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final AddressLayout POINTER = ValueLayout.ADDRESS;

    private final SymbolLookup library;
    private final Map<String, MethodHandle> bound = new HashMap<>();
    final Arena arena = Arena.ofShared();

    Acl(Path path) {
        library = SymbolLookup.libraryLookup(path, Arena.global());
    }

    /// Calls a function that takes int, long and pointer arguments and returns a code.
    synchronized int call(String name, Object... arguments) {
        try {
            return (int) handle(name, INT, arguments).invokeWithArguments(arguments);
        } catch (Throwable failure) {
            throw new AssertionError(name, failure);
        }
    }

    /// Calls a function that returns nothing: one of the emulator's own.
    synchronized void callVoid(String name, Object... arguments) {
        try {
            handle(name, null, arguments).invokeWithArguments(arguments);
        } catch (Throwable failure) {
            throw new AssertionError(name, failure);
        }
    }

    synchronized String text(String name) {
        try {
            var result = (MemorySegment) handle(name, POINTER).invokeWithArguments();
            return result.address() == 0 ? "" : result.reinterpret(4096).getString(0);
        } catch (Throwable failure) {
            throw new AssertionError(name, failure);
        }
    }

    String said() {
        return text("aclGetRecentErrMsg");
    }

    /// Calls and wants success.
    void must(String name, Object... arguments) {
        int code = call(name, arguments);
        if (code != 0) {
            throw new AssertionError(name + " returned " + code + ": " + said());
        }
    }

    /// Calls a function whose result goes through a pointer at `position`.
    long handleFrom(String name, int position, Object... others) {
        try (var frame = Arena.ofConfined()) {
            var place = frame.allocate(POINTER);
            var arguments = new ArrayList<Object>(List.of(others));
            arguments.add(position, place);
            must(name, arguments.toArray());
            return place.get(LONG, 0);
        }
    }

    static MemorySegment pointer(long address) {
        return MemorySegment.ofAddress(address);
    }

    void open() {
        int code = call("aclInit", MemorySegment.NULL);
        if (code != 0 && code != 100002) {
            throw new AssertionError("aclInit returned " + code);
        }
        must("aclrtSetDevice", 0);
    }

    long allocate(long bytes) {
        return handleFrom("aclrtMalloc", 0, bytes, 0);
    }

    long upload(MemorySegment host) {
        long device = allocate(host.byteSize());
        must("aclrtMemcpy", pointer(device), host.byteSize(), host, host.byteSize(), TO_DEVICE);
        return device;
    }

    MemorySegment download(long device, long bytes) {
        var host = arena.allocate(bytes, 64);
        must("aclrtMemcpy", host, bytes, pointer(device), bytes, TO_HOST);
        return host;
    }

    void free(long device) {
        must("aclrtFree", pointer(device));
    }

    long stream() {
        return handleFrom("aclrtCreateStream", 0);
    }

    long binary(Path file) {
        return handleFrom("aclrtBinaryLoadFromFile", 2, arena.allocateFrom(file.toString()), MemorySegment.NULL);
    }

    long function(long binary, String kernel) {
        return handleFrom("aclrtBinaryGetFunction", 2, pointer(binary), arena.allocateFrom(kernel));
    }

    /// Launches with buffers and, last, what `tiling` holds; the code of the launch itself.
    int launch(long function, int blocks, long stream, long[] buffers, MemorySegment tiling) {
        long arguments = handleFrom("aclrtKernelArgsInit", 1, pointer(function));
        try (var frame = Arena.ofConfined()) {
            var value = frame.allocate(LONG);
            var handle = frame.allocate(POINTER);
            for (long buffer : buffers) {
                value.set(LONG, 0, buffer);
                must("aclrtKernelArgsAppend", pointer(arguments), value, 8L, handle);
            }
            if (tiling.byteSize() > 0) {
                must("aclrtKernelArgsAppendPlaceHolder", pointer(arguments), handle);
                var place = frame.allocate(POINTER);
                must("aclrtKernelArgsGetPlaceHolderBuffer", pointer(arguments), handle.get(POINTER, 0), tiling.byteSize(), place);
                place.get(POINTER, 0).reinterpret(tiling.byteSize()).copyFrom(tiling);
            }
        }
        must("aclrtKernelArgsFinalize", pointer(arguments));
        return call("aclrtLaunchKernelWithConfig", pointer(function), blocks, pointer(stream), MemorySegment.NULL, pointer(arguments), MemorySegment.NULL);
    }

    private MethodHandle handle(String name, MemoryLayout result, Object... arguments) {
        return bound.computeIfAbsent(name, _ -> {
            var layouts = new MemoryLayout[arguments.length];
            for (int i = 0; i < layouts.length; i++) {
                layouts[i] = switch (arguments[i]) {
                    case Integer _ -> INT;
                    case Long _ -> LONG;
                    case MemorySegment _ -> POINTER;
                    default -> throw new IllegalArgumentException(name + " argument " + i);
                };
            }
            var descriptor = result == null ? FunctionDescriptor.ofVoid(layouts) : FunctionDescriptor.of(result, layouts);
            return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), descriptor);
        });
    }
}
