package org.portolan.ascend.driver;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;

/// A folder of kernels that were compiled before. What was not used for a month goes, and beyond
/// {@value #MOST_BYTES} bytes what was not used for the longest time.
final class KernelCache {
    static final long MOST_BYTES = 512L << 20;
    private static final Duration UNUSED = Duration.ofDays(30);

    private KernelCache() {}

    static Path folder() {
        var base = System.getenv("XDG_CACHE_HOME");
        var root = base == null || base.isBlank() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(base);
        return root.resolve("portolan/ascend-kernels");
    }

    /// Notes that a file is of use still.
    static void used(Path file) throws IOException {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
    }

    static void prune(Path folder) throws IOException {
        prune(folder, MOST_BYTES, Instant.now().minus(UNUSED));
    }

    /// @param oldest what was used before goes
    static void prune(Path folder, long mostBytes, Instant oldest) throws IOException {
        try (var files = Files.list(folder)) {
            var all = files.filter(own("build").negate().and(Files::isRegularFile)).sorted(byUse().reversed()).toList();
            long bytes = 0;
            for (var file : all) {
                bytes += Files.size(file);
                if (bytes > mostBytes || Files.getLastModifiedTime(file).toInstant().isBefore(oldest)) {
                    Files.deleteIfExists(file);
                }
            }
        }
        // What a build left behind that ended early.
        try (var folders = Files.list(folder)) {
            for (var left : folders.filter(own("build").and(Files::isDirectory)).toList()) {
                if (Files.getLastModifiedTime(left).toInstant().isBefore(oldest)) {
                    delete(left);
                }
            }
        }
    }

    private static Predicate<Path> own(String prefix) {
        return path -> path.getFileName().toString().startsWith(prefix);
    }

    private static Comparator<Path> byUse() {
        return Comparator.comparing(file -> {
            try {
                return Files.getLastModifiedTime(file);
            } catch (IOException gone) {
                return FileTime.fromMillis(0);
            }
        });
    }

    static void delete(Path folder) throws IOException {
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
