package org.portolan.ir.text;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.portolan.ir.IrException;

/// Where a reader finds the bytes of an external {@link org.portolan.ir.Resource}.
@FunctionalInterface
public interface ResourceStore {

    /// The {@code bytes} bytes at an offset of what has that name.
    ///
    /// @throws IrException if it is not there or too short
    MemorySegment find(String name, long offset, long bytes);

    /// A store without content, for texts that need none.
    ResourceStore NONE = (name, _, _) -> {
        throw new IrException(
                "resource \"" + name + "\" was not found: this text is read without a folder of resources");
    };

    /// Resources by name.
    static ResourceStore of(Map<String, MemorySegment> segments) {
        var copy = Map.copyOf(segments);
        return (name, offset, bytes) -> {
            var segment = copy.get(name);
            if (segment == null) {
                throw new IrException("resource \"" + name + "\" was not found among " + copy.size() + " resources");
            }
            return slice(name, segment, offset, bytes);
        };
    }

    /// The files of a folder, mapped as long as the process lives. A name that leads out of the folder is refused.
    static ResourceStore folder(Path folder) {
        var root = folder.toAbsolutePath().normalize();
        var mapped = new ConcurrentHashMap<String, MemorySegment>();
        return (name, offset, bytes) -> {
            var known = mapped.get(name);
            if (known != null) {
                return slice(name, known, offset, bytes);
            }
            var file = root.resolve(name).normalize();
            if (!file.startsWith(root) || file.equals(root)) {
                throw new IrException("resource \"" + name + "\" lies outside the folder " + folder);
            }
            try (var channel = FileChannel.open(file)) {
                var segment = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
                mapped.put(name, segment);
                return slice(name, segment, offset, bytes);
            } catch (IOException e) {
                throw new IrException("resource \"" + name + "\" cannot be read from " + folder + ": " + e, e);
            }
        };
    }

    private static MemorySegment slice(String name, MemorySegment segment, long offset, long bytes) {
        if (offset < 0 || bytes < 0 || offset > segment.byteSize() - bytes) {
            throw new IrException("resource \"" + name + "\" has " + segment.byteSize() + " bytes; asked for " + bytes
                    + " at " + offset);
        }
        return segment.asSlice(offset, bytes);
    }
}
