package org.portolan.cpu.driver;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/// A file that is in memory only and has no name but that of its descriptor.
///
/// @param descriptor of the open file
record MemoryFile(int descriptor) {
    private static final int CLOSE_ON_EXEC = 1;

    /// Absent where the C library is too old.
    private static final MethodHandle CREATE = handle("memfd_create", FunctionDescriptor.of(
            ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    private static final MethodHandle CLOSE =
            handle("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    private static MethodHandle handle(String function, FunctionDescriptor descriptor) {
        var linker = Linker.nativeLinker();
        return linker.defaultLookup()
                .find(function)
                .map(address -> linker.downcallHandle(address, descriptor))
                .orElse(null);
    }

    /// A file with these bytes, if the system can.
    static Optional<MemoryFile> create(MemorySegment content) {
        if (CREATE == null || CLOSE == null) {
            return Optional.empty();
        }
        int descriptor;
        try (var arena = Arena.ofConfined()) {
            descriptor = (int) CREATE.invokeExact(arena.allocateFrom("portolan-kernels"), CLOSE_ON_EXEC);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
        if (descriptor < 0) {
            return Optional.empty();
        }
        var file = new MemoryFile(descriptor);
        try (var channel = FileChannel.open(file.path(), StandardOpenOption.WRITE)) {
            write(channel, content);
            return Optional.of(file);
        } catch (IOException e) {
            file.close();
            return Optional.empty();
        }
    }

    static void write(WritableByteChannel channel, MemorySegment content) throws IOException {
        var bytes = content.asByteBuffer();
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    Path path() {
        return Path.of("/proc/self/fd/" + descriptor);
    }

    void close() {
        try {
            int _ = (int) CLOSE.invokeExact(descriptor);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
