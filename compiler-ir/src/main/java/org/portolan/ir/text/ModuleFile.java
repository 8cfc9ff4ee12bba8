package org.portolan.ir.text;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.portolan.ir.Op;
import org.portolan.ir.Resource;
import org.portolan.ir.ResourceBytes;
import org.portolan.ir.ResourceRewrite;

/// A module as a file of text, and beside it one of the weights that it names: `model.ir` and `model.ir.weights`. Whoever
/// reads the text with the {@link ResourceStore#folder} that it lies in finds them.
public final class ModuleFile {
    private static final int ALIGNMENT = 64;
    /// A buffer has at most 2 GiB.
    private static final long PART = 1 << 28;

    private ModuleFile() {}

    /// Writes both; the second only if there is something for it. Equal bytes lie there once. Beside what is no file, such
    /// as a terminal or a pipe, there is no place for weights: the text then names those that it was read with.
    ///
    /// @throws IOException if one cannot be written
    public static void write(Path file, List<Op> module) throws IOException {
        if (!hasPlaceBeside(file)) {
            Files.writeString(file, IrPrinter.print(module));
            return;
        }
        var weights = file.resolveSibling(file.getFileName() + ".weights");
        var name = weights.getFileName().toString();
        Map<String, Resource.External> placed = new LinkedHashMap<>();
        var end = new long[1];
        var rewritten = ResourceRewrite.replace(module, resource -> {
            if (!(resource instanceof Resource.External external)) {
                return resource;
            }
            // A text may leave the digest out.
            var digest = ResourceBytes.external(name, external.segment()).sha256();
            return placed.computeIfAbsent(digest, _ -> {
                // Nothing lies anywhere; behind the end it would be looked for in vain.
                long offset = external.bytes() == 0 ? 0 : Math.ceilDiv(end[0], ALIGNMENT) * ALIGNMENT;
                end[0] = Math.max(end[0], offset + external.bytes());
                return new Resource.External(name, offset, external.bytes(), digest, external.segment());
            });
        });
        if (!placed.isEmpty()) {
            write(weights, placed.values());
        }
        Files.writeString(file, IrPrinter.print(rewritten));
    }

    private static boolean hasPlaceBeside(Path file) {
        var absolute = file.toAbsolutePath().normalize();
        boolean device = absolute.startsWith("/dev") || absolute.startsWith("/proc");
        return !device && (Files.isRegularFile(file) || Files.notExists(file));
    }

    /// What is read may be the very file that is written, and others may write it, too: it is replaced when all is there.
    private static void write(Path weights, Collection<Resource.External> placed) throws IOException {
        var unfinished = weights.resolveSibling(weights.getFileName() + "." + UUID.randomUUID() + ".part");
        try {
            try (var channel =
                    FileChannel.open(unfinished, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                for (var external : placed) {
                    write(channel, external.offset(), external.segment());
                }
            }
            Files.move(unfinished, weights, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(unfinished);
        }
    }

    private static void write(FileChannel channel, long offset, MemorySegment bytes) throws IOException {
        for (long at = 0; at < bytes.byteSize(); ) {
            ByteBuffer part = bytes.asSlice(at, Math.min(PART, bytes.byteSize() - at)).asByteBuffer();
            at += channel.write(part, offset + at);
        }
    }
}
