package org.portolan.ascend.cache;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/// A folder of kernels that were compiled before. What was not used for a month goes, and beyond
/// {@value #MOST_BYTES} bytes what was not used for the longest time.
public final class KernelCache {
    public static final long MOST_BYTES = 512L << 20;
    private static final Duration UNUSED = Duration.ofDays(30);

    private KernelCache() {}

    public static Path folder() {
        var base = System.getenv("XDG_CACHE_HOME");
        var root = base == null || base.isBlank() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(base);
        return root.resolve("portolan/ascend-kernels");
    }

    /// Notes that a file is of use still.
    public static void used(Path file) throws IOException {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
    }

    /// One thing in the folder, as it was when it was looked at: the folder belongs to other processes too, which use, add and
    /// delete at any time.
    private record Entry(Path path, boolean folder, long bytes, FileTime used) {
        static Optional<Entry> of(Path path) {
            try {
                var is = Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
                return Optional.of(new Entry(path, is.isDirectory(), is.size(), is.lastModifiedTime()));
            } catch (IOException gone) {
                return Optional.empty();
            }
        }

        /// Whether a build made it for itself, and deletes it when it ends.
        boolean ofBuild() {
            return path.getFileName().toString().startsWith("build");
        }
    }

    public static void prune(Path folder) {
        prune(folder, MOST_BYTES, Instant.now().minus(UNUSED));
    }

    /// What cannot be deleted stays: the kernels that were just built are good all the same.
    ///
    /// @param oldest what was used before goes
    static void prune(Path folder, long mostBytes, Instant oldest) {
        long bytes = 0;
        for (var entry : entries(folder)) {
            boolean old = entry.used().toInstant().isBefore(oldest);
            boolean kernels = !entry.ofBuild() && !entry.folder();
            if (kernels) {
                bytes += entry.bytes();
            }
            // Of a build that ended early, what it left; no build takes as long as that.
            if (kernels && (old || bytes > mostBytes) || entry.ofBuild() && old) {
                drop(entry);
            }
        }
    }

    /// Deletes the folders beside one that is in use, if nothing in them was used for a month: each holds what was built by another
    /// version.
    public static void pruneBeside(Path own) {
        pruneBeside(own, Instant.now().minus(UNUSED));
    }

    static void pruneBeside(Path own, Instant oldest) {
        for (var entry : entries(own.toAbsolutePath().getParent())) {
            if (entry.folder() && !entry.path().getFileName().equals(own.getFileName()) && lastUse(entry).isBefore(oldest)) {
                drop(entry);
            }
        }
    }

    /// When a folder, or what lies in it or in a folder in it, was used last.
    private static Instant lastUse(Entry folder) {
        var last = folder.used().toInstant();
        for (var entry : entries(folder.path())) {
            var own = entry.folder() ? lastUse(entry) : entry.used().toInstant();
            last = own.isAfter(last) ? own : last;
        }
        return last;
    }

    /// What lies in the folder, what was used last first.
    private static List<Entry> entries(Path folder) {
        try (var paths = Files.list(folder)) {
            return paths.map(Entry::of)
                    .flatMap(Optional::stream)
                    .sorted(Comparator.comparing(Entry::used).reversed())
                    .toList();
        } catch (IOException | UncheckedIOException unreadable) {
            return List.of();
        }
    }

    private static void drop(Entry entry) {
        try {
            if (entry.folder()) {
                delete(entry.path());
            } else {
                Files.deleteIfExists(entry.path());
            }
        } catch (IOException inUse) {
            // Another process deletes it too, or holds it: a later build tries again.
        }
    }

    public static void delete(Path folder) throws IOException {
        List<Path> all;
        try (var paths = Files.walk(folder)) {
            all = paths.sorted(Comparator.reverseOrder()).toList();
        } catch (UncheckedIOException unreadable) {
            throw unreadable.getCause();
        }
        for (var path : all) {
            Files.deleteIfExists(path);
        }
    }
}
