package org.portolan.cpu.driver;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.device.KernelImage;

/// A shared object in memory, loaded by the system's loader. It goes through a file that has no name, so that a
/// read-only file system does not matter; where the kernel has none of those, through a folder of the owner's alone.
final class SharedObject implements KernelImage {
    private static final int ELF_MAGIC = 0x464C457F;

    private final Arena arena;
    private final SymbolLookup symbols;
    /// Open as long as the object is loaded: the loader knows it by the descriptor's number, which must not be used
    /// for another object meanwhile.
    private final Optional<MemoryFile> file;

    private SharedObject(Arena arena, SymbolLookup symbols, Optional<MemoryFile> file) {
        this.arena = arena;
        this.symbols = symbols;
        this.file = file;
    }

    static SharedObject load(MemorySegment image) {
        if (image.byteSize() < 64 || image.get(ValueLayout.JAVA_INT_UNALIGNED, 0) != ELF_MAGIC) {
            throw new DeviceFailed(
                    "the kernels are no shared object for this processor; compile the model again", null);
        }
        var memoryFile = MemoryFile.create(image);
        if (memoryFile.isPresent()) {
            try {
                return open(memoryFile.get().path(), memoryFile);
            } catch (DeviceFailed e) {
                // Some systems forbid to execute such files; the folder is the second try, and its failure is told.
                memoryFile.get().close();
            }
        }
        return loadFromFolder(image);
    }

    private static SharedObject loadFromFolder(MemorySegment image) {
        try {
            var folder = Files.createTempDirectory("portolan");
            var path = folder.resolve("kernels.so");
            try {
                try (var channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                    MemoryFile.write(channel, image);
                }
                return open(path, Optional.empty());
            } finally {
                Files.deleteIfExists(path);
                Files.deleteIfExists(folder);
            }
        } catch (IOException e) {
            throw new DeviceFailed("cannot write the kernels to a temporary file: " + e.getMessage(), e);
        }
    }

    private static SharedObject open(Path path, Optional<MemoryFile> file) {
        var arena = Arena.ofShared();
        try {
            return new SharedObject(arena, SymbolLookup.libraryLookup(path, arena), file);
        } catch (IllegalArgumentException e) {
            arena.close();
            throw new DeviceFailed("the system's loader refuses the kernels: " + e.getMessage(), e);
        }
    }

    @Override
    public Kernel kernel(String name) {
        var address = symbols.find(name)
                .orElseThrow(() -> new BadProgramFile("the kernels have no '" + name + "'; compile the model again"));
        // Without the arena in it, the address is cheap to pass; a session closes the image after its last run.
        return new CpuKernel(name, MemorySegment.ofAddress(address.address()));
    }

    @Override
    public void close() {
        arena.close();
        file.ifPresent(MemoryFile::close);
    }
}
