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
import java.util.List;

/// oneDNN's {@code matmul} primitive with weights in the layout that it likes best, as its developer guide recommends for
/// inference: the other side of the GEMM comparison. Called through its C interface.
final class DnnlMatmul implements AutoCloseable {
    private static final int F32 = 3;
    private static final int TAG_ANY = 1;
    private static final int TAG_AB = 3;
    private static final int CPU = 1;
    private static final int IN_ORDER = 1;
    private static final int QUERY_WEIGHTS = 131;
    private static final int ARGUMENT_SOURCE = 1;
    private static final int ARGUMENT_DESTINATION = 17;
    private static final int ARGUMENT_WEIGHTS = 33;

    private static final SymbolLookup LIBRARY = load();
    private static final MethodHandle EXECUTE = handle("dnnl_primitive_execute", "ppip");

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment primitive;
    private final MemorySegment stream;
    private final MemorySegment arguments;

    /// {@code destination [m, n] = source [m, k] * weights [k, n]}, row-major floats; the weights are packed here.
    DnnlMatmul(long m, long n, long k, MemorySegment source, MemorySegment weights, MemorySegment destination) {
        var engine = out("dnnl_engine_create", "pil", CPU, 0L);
        stream = out("dnnl_stream_create", "ppi", engine, IN_ORDER);
        var sourceType = type(m, k, TAG_AB);
        var plainType = type(k, n, TAG_AB);
        var anyType = type(k, n, TAG_ANY);
        var destinationType = type(m, n, TAG_AB);
        var description = out(
                "dnnl_matmul_primitive_desc_create", "ppppppp", engine, sourceType, anyType, MemorySegment.NULL,
                destinationType, MemorySegment.NULL);
        primitive = out("dnnl_primitive_create", "pp", description);
        var packedType = pointer("dnnl_primitive_desc_query_md", "pil", description, QUERY_WEIGHTS, 0);
        var packed = arena.allocate(size(packedType), 64);
        var plainMemory = out("dnnl_memory_create", "pppp", plainType, engine, weights);
        var packedMemory = out("dnnl_memory_create", "pppp", packedType, engine, packed);
        var reorder = out(
                "dnnl_primitive_create",
                "pp",
                out("dnnl_reorder_primitive_desc_create", "pppppp", plainType, engine, packedType, engine,
                        MemorySegment.NULL));
        execute(reorder, arguments(List.of(ARGUMENT_SOURCE, ARGUMENT_DESTINATION), List.of(plainMemory, packedMemory)), 2);
        arguments = arguments(
                List.of(ARGUMENT_SOURCE, ARGUMENT_WEIGHTS, ARGUMENT_DESTINATION),
                List.of(
                        out("dnnl_memory_create", "pppp", sourceType, engine, source),
                        packedMemory,
                        out("dnnl_memory_create", "pppp", destinationType, engine, destination)));
    }

    void run() {
        execute(primitive, arguments, 3);
    }

    @Override
    public void close() {
        arena.close();
    }

    private void execute(MemorySegment what, MemorySegment with, int count) {
        try {
            check((int) EXECUTE.invokeExact(what, stream, count, with), "dnnl_primitive_execute");
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new LinkageError("dnnl_primitive_execute", e);
        }
    }

    private MemorySegment arguments(List<Integer> indices, List<MemorySegment> memories) {
        var list = arena.allocate(16L * indices.size(), 8);
        for (int i = 0; i < indices.size(); i++) {
            list.set(ValueLayout.JAVA_INT, 16L * i, indices.get(i));
            list.set(ValueLayout.ADDRESS, 16L * i + 8, memories.get(i));
        }
        return list;
    }

    private MemorySegment type(long rows, long columns, int tag) {
        var dims = arena.allocateFrom(ValueLayout.JAVA_LONG, rows, columns);
        return out("dnnl_memory_desc_create_with_tag", "pipii", 2, dims, F32, tag);
    }

    private static long size(MemorySegment type) {
        try {
            var handle = Linker.nativeLinker()
                    .downcallHandle(
                            LIBRARY.findOrThrow("dnnl_memory_desc_get_size"),
                            FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.ADDRESS));
            return (long) handle.invokeExact(type);
        } catch (Throwable e) {
            throw new LinkageError("dnnl_memory_desc_get_size", e);
        }
    }

    /// Calls a function that writes a handle to its first argument.
    private MemorySegment out(String function, String signature, Object... rest) {
        var result = arena.allocate(ValueLayout.ADDRESS);
        var all = new Object[rest.length + 1];
        all[0] = result;
        System.arraycopy(rest, 0, all, 1, rest.length);
        try {
            check((int) handle(function, signature).invokeWithArguments(all), function);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new LinkageError(function, e);
        }
        return result.get(ValueLayout.ADDRESS, 0);
    }

    private static MemorySegment pointer(String function, String signature, Object... all) {
        try {
            var handle = Linker.nativeLinker()
                    .downcallHandle(
                            LIBRARY.findOrThrow(function),
                            FunctionDescriptor.of(
                                    ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
            return (MemorySegment) handle.invokeWithArguments(all);
        } catch (Throwable e) {
            throw new LinkageError(function, e);
        }
    }

    private static MethodHandle handle(String function, String signature) {
        var types = signature.chars()
                .mapToObj(letter -> switch (letter) {
                    case 'p' -> ValueLayout.ADDRESS;
                    case 'i' -> ValueLayout.JAVA_INT;
                    default -> ValueLayout.JAVA_LONG;
                })
                .toArray(ValueLayout[]::new);
        return Linker.nativeLinker()
                .downcallHandle(LIBRARY.findOrThrow(function), FunctionDescriptor.of(ValueLayout.JAVA_INT, types));
    }

    private static void check(int status, String function) {
        if (status != 0) {
            throw new IllegalStateException(function + " failed with status " + status);
        }
    }

    /// Takes the library and its OpenMP out of the jar.
    private static SymbolLookup load() {
        try {
            var folder = Files.createTempDirectory("dnnl");
            SymbolLookup library = null;
            for (var name : List.of("libgomp.so.1", "libdnnl.so.3")) {
                var file = folder.resolve(name);
                try (var stream = DnnlMatmul.class.getResourceAsStream("/org/bytedeco/dnnl/linux-x86_64/" + name)) {
                    if (stream == null) {
                        throw new IOException("the jar of oneDNN holds no " + name);
                    }
                    Files.copy(stream, file);
                }
                library = SymbolLookup.libraryLookup(file, Arena.global());
                file.toFile().deleteOnExit();
            }
            folder.toFile().deleteOnExit();
            return library;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot unpack oneDNN", e);
        }
    }
}
