package org.portolan.onnx.reader;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.portolan.onnx.OnnxException;
import org.portolan.onnx.OnnxLimits;

/// Weights in files beside the model. A model may come from anywhere, so what it names is opened only if it is a
/// regular file, with one name, below the model's own folder, reached without any symbolic link: each folder on the way
/// is opened relative to the one before, so that nobody can exchange it between check and use.
final class ExternalData {
    private static final Set<String> KEYS = Set.of("location", "offset", "length", "checksum");

    private final Path folder;
    private final Arena arena;
    private final OnnxLimits limits;
    private final Map<String, MemorySegment> mapped = new HashMap<>();

    /// @param folder the model's folder; null where there is none, so that all external data is refused
    ExternalData(Path folder, Arena arena, OnnxLimits limits) {
        this.folder = folder;
        this.arena = arena;
        this.limits = limits;
    }

    OnnxLimits limits() {
        return limits;
    }

    /// The bytes of one tensor.
    MemorySegment slice(String tensor, Map<String, String> entries, long bytes) {
        for (var key : entries.keySet()) {
            if (!KEYS.contains(key)) {
                throw bad(tensor, "unknown key '%s' in external_data".formatted(key));
            }
        }
        var location = entries.get("location");
        if (location == null) {
            throw bad(tensor, "external_data without a location");
        }
        long offset = number(tensor, "offset", entries.getOrDefault("offset", "0"));
        long length = number(tensor, "length", entries.getOrDefault("length", Long.toString(bytes)));
        if (length != bytes) {
            throw bad(tensor, "external_data has length %d, but its elements take %d bytes".formatted(length, bytes));
        }
        var file = mapped.get(location);
        if (file == null) {
            OnnxLimits.check("externalFiles", limits.externalFiles(), mapped.size() + 1L, "The model");
            file = open(tensor, location);
            mapped.put(location, file);
        }
        if (offset > file.byteSize() || length > file.byteSize() - offset) {
            throw bad(
                    tensor,
                    "bytes %d to %d of '%s' were asked for, which has %d"
                            .formatted(offset, Math.addExact(offset, length), location, file.byteSize()));
        }
        return file.asSlice(offset, length);
    }

    private static long number(String tensor, String key, String text) {
        try {
            long value = Long.parseLong(text);
            if (value >= 0 && value <= Long.MAX_VALUE / 2) {
                return value;
            }
        } catch (NumberFormatException e) {
            // said below, as for a number out of range
        }
        throw bad(tensor, "external_data has %s '%s', expected a number of bytes".formatted(key, text));
    }

    private MemorySegment open(String tensor, String location) {
        if (folder == null) {
            throw bad(tensor, "its elements stand in another file, which is not allowed here");
        }
        Path relative;
        try {
            relative = Path.of(location);
        } catch (InvalidPathException e) {
            throw bad(tensor, "external data in '%s', which is no path".formatted(location));
        }
        boolean plain = !relative.isAbsolute() && !location.isEmpty() && location.indexOf('\\') < 0;
        for (var part : relative) {
            plain &= !part.toString().equals("..") && !part.toString().equals(".");
        }
        if (!plain) {
            throw bad(tensor, "external data in '%s': expected a path below the model's folder".formatted(location));
        }
        try (var root = Files.newDirectoryStream(folder.toRealPath())) {
            return descend(tensor, location, relative, root);
        } catch (IOException e) {
            throw new OnnxException(
                    "Tensor '%s': external data in '%s' cannot be read: %s".formatted(tensor, location, e), e);
        }
    }

    private MemorySegment descend(String tensor, String location, Path relative, DirectoryStream<Path> root)
            throws IOException {
        if (!(root instanceof SecureDirectoryStream<Path> directory)) {
            throw bad(tensor, "external data needs a file system with secure folder access");
        }
        var name = relative.getName(0);
        if (relative.getNameCount() > 1) {
            try (var inner = directory.newDirectoryStream(name, LinkOption.NOFOLLOW_LINKS)) {
                return descend(tensor, location, relative.subpath(1, relative.getNameCount()), inner);
            }
        }
        // Before opening: to open a pipe would wait for a writer that may never come.
        var attributes = directory
                .getFileAttributeView(name, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                .readAttributes();
        if (!attributes.isRegularFile()) {
            throw bad(
                    tensor,
                    "external data in '%s', which is %s: expected a regular file"
                            .formatted(location, attributes.isSymbolicLink() ? "a symbolic link" : "none"));
        }
        if (links(folder.toRealPath().resolve(location)) != 1) {
            throw bad(tensor, "external data in '%s', which has other names too (hard links)".formatted(location));
        }
        try (var channel = directory.newByteChannel(name, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS))) {
            if (!(channel instanceof FileChannel opened)) {
                throw bad(tensor, "external data in '%s', which cannot be mapped".formatted(location));
            }
            return opened.map(FileChannel.MapMode.READ_ONLY, 0, opened.size(), arena);
        }
    }

    private static int links(Path file) throws IOException {
        if (!file.getFileSystem().supportedFileAttributeViews().contains("unix")) {
            return 1;
        }
        return Files.getAttribute(file, "unix:nlink", LinkOption.NOFOLLOW_LINKS) instanceof Integer count ? count : 1;
    }

    private static OnnxException bad(String tensor, String problem) {
        return new OnnxException("Tensor '%s': %s".formatted(tensor, problem));
    }
}
