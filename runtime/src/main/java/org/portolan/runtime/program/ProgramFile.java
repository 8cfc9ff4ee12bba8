package org.portolan.runtime.program;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.PublicKey;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.plan.PlanFormatException;

/// A program file, mapped and verified: every byte of it has been compared with what its hashes say. A file in use must
/// be replaced by renaming another onto its name, never overwritten in place.
public final class ProgramFile implements AutoCloseable {
    private final Path path;
    private final Arena arena;
    private final Manifest manifest;
    private final Map<String, MemorySegment> entries;

    private ProgramFile(Path path, Arena arena, Manifest manifest, Map<String, MemorySegment> entries) {
        this.path = path;
        this.arena = arena;
        this.manifest = manifest;
        this.entries = entries;
    }

    /// Maps a file and verifies it.
    ///
    /// @throws BadProgramFile if it is no program file, if it is of another format, or if any byte has changed
    /// @throws IOException if it cannot be read
    public static ProgramFile open(Path path) throws IOException {
        return open(path, List.of(), ZipLayout.STANDARD);
    }

    /// Like {@link #open(Path)}, and refuses a file that the owner of the key has not signed.
    public static ProgramFile open(Path path, PublicKey signer) throws IOException {
        return open(path, List.of(signer), ZipLayout.STANDARD);
    }

    /// Like {@link #open(Path)}, and refuses a file that none of the keys' owners has signed; without keys any file will do.
    public static ProgramFile open(Path path, Collection<PublicKey> signers) throws IOException {
        return open(path, signers, ZipLayout.STANDARD);
    }

    static ProgramFile open(Path path, Collection<PublicKey> signers, ZipLayout layout) throws IOException {
        var arena = Arena.ofShared();
        try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
            var bytes = channel.map(MapMode.READ_ONLY, 0, channel.size(), arena);
            var verified = new ProgramFileVerifier(bytes, layout).verify(signers);
            return new ProgramFile(path, arena, verified.manifest(), verified.entries());
        } catch (BadProgramFile e) {
            arena.close();
            throw new BadProgramFile(path + ": " + e.getMessage(), e);
        } catch (IOException | RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    public Path path() {
        return path;
    }

    public Manifest manifest() {
        return manifest;
    }

    /// The bytes of an entry, valid until this is closed.
    ///
    /// @throws BadProgramFile if there is none of that name
    public MemorySegment entry(String name) {
        var entry = entries.get(name);
        if (entry == null) {
            throw new BadProgramFile(path + ": there is no entry '" + name + "'");
        }
        return entry;
    }

    /// Reads the plan of a target.
    public Plan plan(Manifest.Target target) {
        var text = new String(
                entry(target.plan()).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        try {
            return Plan.parse(text);
        } catch (PlanFormatException e) {
            throw new BadProgramFile(path + ": target " + target.name() + ": " + e.getMessage(), e);
        }
    }

    /// The target that suits these devices: for each of its images, in order, the device of the same position has that
    /// driver and those features. Of several, the one that requires the most features, then the first.
    public Optional<Manifest.Target> select(List<DeviceDescription> devices) {
        return manifest.targets().stream()
                .filter(target -> suits(target, devices))
                .max(Comparator.comparingInt(ProgramFile::requirements)
                        .thenComparing(target -> -manifest.targets().indexOf(target)));
    }

    private static int requirements(Manifest.Target target) {
        return target.images().stream().mapToInt(image -> image.requires().size()).sum();
    }

    private static boolean suits(Manifest.Target target, List<DeviceDescription> devices) {
        var images = target.images();
        if (images.size() > devices.size()) {
            return false;
        }
        for (int number = 0; number < images.size(); number++) {
            var device = devices.get(number);
            if (!images.get(number).driver().equals(device.driver())
                    || !device.features().containsAll(images.get(number).requires())) {
                return false;
            }
        }
        return true;
    }

    /// Unmaps the file; nothing taken from it may be in use. A second call does nothing.
    @Override
    public synchronized void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    /// What a verified file holds.
    record Verified(Manifest manifest, Map<String, MemorySegment> entries) {
        Verified {
            entries = Map.copyOf(entries);
        }
    }
}
