package org.portolan.runtime.program;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.PrivateKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.plan.Slot;

/// Writes a program file. Weights go to the disk as they are added, equal ones once; the file appears under its name
/// when it is complete. The same calls give the same bytes.
public final class ProgramFileWriter implements AutoCloseable {
    /// The entry that holds all weights.
    public static final String WEIGHTS = "weights.bin";

    static final int ALIGNMENT = 64;
    /// Weights begin on a page, so that where their data begin does not depend on their size.
    static final int WEIGHTS_ALIGNMENT = 4096;

    private final Path file;
    private final Path temporary;
    private final ZipLayout layout;
    private final FileChannel channel;
    private final CRC32 weightsCrc = new CRC32();
    private final Map<Fingerprint, List<Slot.Weight>> weights = new HashMap<>();
    private final Map<String, byte[]> contents = new TreeMap<>();
    private final List<Manifest.Target> targets = new ArrayList<>();
    private final Map<String, String> properties = new TreeMap<>();
    private Plan firstPlan;
    private long weightBytes;
    private Optional<PrivateKey> signingKey = Optional.empty();
    private boolean finished;

    private record Fingerprint(long size, long checksum) {}

    /// Kernels for one device number of a plan.
    ///
    /// @param driver whose devices take them
    /// @param requires features that the device must have
    public record KernelBytes(String driver, List<String> requires, byte[] image) {
        public KernelBytes {
            requires = List.copyOf(requires);
        }
    }

    /// Starts a file; it replaces one that is there when it is finished.
    public ProgramFileWriter(Path file) throws IOException {
        this(file, ZipLayout.STANDARD);
    }

    ProgramFileWriter(Path file, ZipLayout layout) throws IOException {
        this.file = file.toAbsolutePath();
        this.layout = layout;
        temporary = this.file.resolveSibling("." + this.file.getFileName() + "." + UUID.randomUUID() + ".tmp");
        channel = FileChannel.open(
                temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    /// Adds constant data, aligned to 64 bytes; data that is there already is found and not written again.
    ///
    /// @param data not needed after the call
    /// @return the slot with which a plan names it
    public Slot.Weight addWeight(MemorySegment data) throws IOException {
        if (data.isNative() || data.heapBase().orElse(null) instanceof byte[]) {
            return addBytes(data);
        }
        // Only native memory and byte arrays can be seen as byte buffers, as channels and check sums want them.
        try (var arena = Arena.ofConfined()) {
            return addBytes(arena.allocate(data.byteSize()).copyFrom(data));
        }
    }

    private Slot.Weight addBytes(MemorySegment data) throws IOException {
        var checksum = new CRC32C();
        long part = 1 << 30;
        for (long begin = 0; begin < data.byteSize(); begin += part) {
            checksum.update(data.asSlice(begin, Math.min(part, data.byteSize() - begin)).asByteBuffer());
        }
        var same = weights.computeIfAbsent(
                new Fingerprint(data.byteSize(), checksum.getValue()), _ -> new ArrayList<>());
        for (var weight : same) {
            if (holds(weight, data)) {
                return weight;
            }
        }
        long offset = Math.ceilDiv(weightBytes, ALIGNMENT) * ALIGNMENT;
        appendWeight(MemorySegment.ofArray(new byte[(int) (offset - weightBytes)]));
        appendWeight(data);
        var weight = new Slot.Weight(WEIGHTS, offset, data.byteSize());
        same.add(weight);
        return weight;
    }

    private boolean holds(Slot.Weight weight, MemorySegment data) throws IOException {
        if (weight.bytes() == 0) {
            return true;
        }
        try (var arena = Arena.ofConfined()) {
            var written = channel.map(MapMode.READ_ONLY, WEIGHTS_ALIGNMENT + weight.offset(), weight.bytes(), arena);
            return written.mismatch(data) < 0;
        }
    }

    private void appendWeight(MemorySegment data) throws IOException {
        write(data, WEIGHTS_ALIGNMENT + weightBytes);
        Digests.update(weightsCrc, data);
        weightBytes += data.byteSize();
    }

    private void write(MemorySegment data, long position) throws IOException {
        long part = 1 << 26;
        for (long begin = 0; begin < data.byteSize(); begin += part) {
            var bytes = data.asSlice(begin, Math.min(part, data.byteSize() - begin)).asByteBuffer();
            for (long at = position + begin; bytes.hasRemaining(); ) {
                at += channel.write(bytes, at);
            }
        }
    }

    /// Adds a compiled variant. Where a device fits several, the one that requires the most features is taken, and of
    /// equal ones the first.
    ///
    /// @param name for example {@code cpu:x86-64-v3}; unique in the file
    /// @param plan its weights come from {@link #addWeight}; all targets have the same inputs and outputs
    /// @param images one for each device number of the plan
    public void addTarget(String name, Plan plan, List<KernelBytes> images) {
        var folder = "targets/" + name.replaceAll("[^A-Za-z0-9._-]", "-") + "/";
        if (contents.containsKey(folder + "plan.txt")) {
            throw new IllegalArgumentException("there is a target " + name + " already");
        }
        firstPlan = firstPlan == null ? plan : firstPlan;
        contents.put(folder + "plan.txt", plan.toString().getBytes(StandardCharsets.UTF_8));
        var references = new ArrayList<Manifest.Image>();
        for (var image : images) {
            var entry = folder + "kernels" + references.size() + "." + image.driver();
            contents.put(entry, image.image().clone());
            references.add(new Manifest.Image(image.driver(), entry, image.requires()));
        }
        targets.add(new Manifest.Target(name, folder + "plan.txt", references));
    }

    /// Adds a file for people or tools, for example a report; a session does not read it.
    ///
    /// @param name a path below {@code extra/} in the archive
    public void addExtra(String name, byte[] content) {
        contents.put("extra/" + name, content.clone());
    }

    /// Adds a fact about the model to the manifest, for example where it came from.
    public void property(String name, String value) {
        properties.put(name, value);
    }

    /// Has the manifest, and with it all that it names, signed by an Ed25519 key.
    public void signWith(PrivateKey key) {
        signingKey = Optional.of(key);
    }

    /// Completes the file and gives it its name.
    public void finish() throws IOException {
        if (targets.isEmpty()) {
            throw new IllegalStateException("a program file needs at least one target");
        }
        var items = new ArrayList<ZipLayout.Item>();
        var entries = new ArrayList<Manifest.Entry>();
        if (!weights.isEmpty()) {
            int crc = (int) weightsCrc.getValue();
            items.add(new ZipLayout.Item(WEIGHTS, weightBytes, crc, WEIGHTS_ALIGNMENT));
            try (var arena = Arena.ofShared()) {
                var written = channel.map(MapMode.READ_ONLY, WEIGHTS_ALIGNMENT, weightBytes, arena);
                entries.add(new Manifest.Entry(WEIGHTS, weightBytes, crc, Digests.chunkHashes(written)));
            }
        }
        for (var content : contents.entrySet()) {
            var data = MemorySegment.ofArray(content.getValue());
            int crc = Digests.crc(data);
            items.add(new ZipLayout.Item(content.getKey(), data.byteSize(), crc, ALIGNMENT));
            entries.add(new Manifest.Entry(content.getKey(), data.byteSize(), crc, Digests.chunkHashes(data)));
        }
        var manifest = new Manifest(Manifest.FORMAT, firstPlan.inputs(), firstPlan.outputs(), firstPlan.symbols(),
                targets, properties, entries);
        var manifestBytes = manifest.toJson().getBytes(StandardCharsets.UTF_8);
        contents.put(Manifest.ENTRY_NAME, manifestBytes);
        var manifestData = MemorySegment.ofArray(manifestBytes);
        items.add(new ZipLayout.Item(
                Manifest.ENTRY_NAME, manifestBytes.length, Digests.crc(manifestData), ALIGNMENT));
        var places = layout.places(items);
        for (var place : places) {
            write(MemorySegment.ofArray(layout.localHeader(place)), place.headerOffset());
            if (!place.item().name().equals(WEIGHTS)) {
                write(MemorySegment.ofArray(contents.get(place.item().name())), place.dataOffset());
            }
        }
        var seal = Seal.of(manifestBytes, signingKey);
        write(MemorySegment.ofArray(layout.tail(places, seal.toString())), places.getLast().end());
        channel.close();
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        finished = true;
    }

    /// Drops a file that is not finished.
    @Override
    public void close() throws IOException {
        channel.close();
        if (!finished) {
            Files.deleteIfExists(temporary);
        }
    }
}
