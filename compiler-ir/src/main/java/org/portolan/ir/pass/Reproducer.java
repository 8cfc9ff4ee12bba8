package org.portolan.ir.pass;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import org.portolan.ir.Op;
import org.portolan.ir.Resource;
import org.portolan.ir.ResourceBytes;
import org.portolan.ir.ResourceRewrite;
import org.portolan.ir.text.IrPrinter;

/// Writes what is needed to run a failing pass again: {@code input.ir}, {@code pipeline.txt} and the weights, each in a
/// file of its own beside them. Without the weights, noise stands in their place.
///
/// @param folder is created; files in it are replaced
public record Reproducer(Path folder, boolean stripWeights) {

    /// The folder, written.
    public Path write(List<Op> module, Pipeline pipeline) throws IOException {
        Files.createDirectories(folder);
        var names = new HashMap<Resource, Resource>();
        var kept = ResourceRewrite.replace(module, resource -> names.computeIfAbsent(resource, this::keep));
        Files.writeString(folder.resolve("input.ir"), IrPrinter.print(kept));
        Files.writeString(folder.resolve("pipeline.txt"), pipeline + "\n");
        return folder;
    }

    private Resource keep(Resource resource) {
        if (!(resource instanceof Resource.External external)) {
            return resource;
        }
        // A text may leave the digest out, and name parts of one file: the bytes tell them apart.
        var digest = ResourceBytes.external(external.name(), external.segment()).sha256();
        if (stripWeights) {
            return new Resource.Random(digest.hashCode());
        }
        var name = digest + ".bin";
        try (var channel = FileChannel.open(
                folder.resolve(name),
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE,
                StandardOpenOption.TRUNCATE_EXISTING)) {
            var segment = external.segment();
            // A buffer has at most 2 GiB.
            for (long at = 0; at < segment.byteSize(); ) {
                long length = Math.min(1 << 28, segment.byteSize() - at);
                at += channel.write(segment.asSlice(at, length).asByteBuffer());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Resource.External(name, 0, external.bytes(), external.sha256(), external.segment());
    }
}
