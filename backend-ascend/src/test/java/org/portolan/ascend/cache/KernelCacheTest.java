package org.portolan.ascend.cache;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What stays in a folder of compiled kernels, and what goes.
class KernelCacheTest {
    @TempDir
    Path folder;

    @Test
    void whatIsNotUsedGoes() throws IOException {
        var cache = Files.createDirectories(folder.resolve("cache"));
        for (int i = 0; i < 4; i++) {
            var file = Files.write(cache.resolve("k" + i + ".o"), new byte[100]);
            Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(1000L * i)));
        }
        KernelCache.prune(cache, 1000, Instant.now().minusSeconds(2500));
        assertFalse(Files.exists(cache.resolve("k3.o")), "too long unused");
        KernelCache.used(cache.resolve("k2.o"));
        KernelCache.prune(cache, 200, Instant.now().minusSeconds(2500));
        assertFalse(Files.exists(cache.resolve("k1.o")), "the longest unused");
        assertTrue(Files.exists(cache.resolve("k0.o")) && Files.exists(cache.resolve("k2.o")));
    }

    @Test
    void whatABuildLeftBehindGoesToo() throws IOException {
        var cache = Files.createDirectories(folder.resolve("cache"));
        var longAgo = FileTime.from(Instant.now().minusSeconds(5000));
        var file = Files.write(cache.resolve("build17.o"), new byte[100]);
        var left = Files.createDirectories(cache.resolve("build18"));
        Files.write(left.resolve("kernel.cce"), new byte[100]);
        var running = Files.createDirectories(cache.resolve("build19"));
        Files.setLastModifiedTime(file, longAgo);
        Files.setLastModifiedTime(left, longAgo);
        // A link to nothing has no size and no time, as a file that another process deletes meanwhile.
        Files.createSymbolicLink(cache.resolve("gone.o"), folder.resolve("nowhere"));
        KernelCache.prune(cache, 1000, Instant.now().minusSeconds(2500));
        assertFalse(Files.exists(file) || Files.exists(left), "what was left behind");
        assertTrue(Files.exists(running), "a build that may be running");
        // A folder that is gone fails no build.
        KernelCache.prune(folder.resolve("nowhere"), 1000, Instant.now());
    }

    @Test
    void foldersOfOtherVersionsGoWhenNobodyUsesThem() throws IOException {
        var longAgo = FileTime.from(Instant.now().minusSeconds(5000));
        for (var name : new String[] {"own", "old", "used"}) {
            var kernels = Files.createDirectories(folder.resolve(name + "/kernels"));
            var file = Files.write(kernels.resolve("k.so"), new byte[100]);
            for (var path : new Path[] {file, kernels, kernels.getParent()}) Files.setLastModifiedTime(path, longAgo);
        }
        KernelCache.used(folder.resolve("used/kernels/k.so"));
        Files.setLastModifiedTime(Files.createFile(folder.resolve("other")), longAgo);
        KernelCache.pruneBeside(folder.resolve("own"), Instant.now().minusSeconds(2500));
        assertTrue(Files.exists(folder.resolve("own/kernels/k.so")) && Files.exists(folder.resolve("used/kernels/k.so")));
        assertFalse(Files.exists(folder.resolve("old")));
        assertTrue(Files.exists(folder.resolve("other")), "it is no folder");
    }
}
