package org.portolan.ascend.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.runtime.PortolanException.DeviceFailed;

/// How the compiler of an installation is called and what is kept of it, with two programs of the shell in its place: they
/// write down how they were called.
class BishengBuilderTest {
    private static final Chips CHIP = Chips.find("Ascend910B1").orElseThrow();

    @TempDir
    private Path folder;

    private Path installation(String version) throws IOException {
        var home = folder.resolve("cann");
        var tools = Files.createDirectories(home.resolve("compiler/ccec_compiler/bin"));
        for (var name : new String[] {"bisheng", "ld.lld"}) {
            var program = tools.resolve(name);
            Files.writeString(
                    program,
                    """
                    #!/bin/sh
                    echo "%s $*" >> %s
                    while [ $# -gt 0 ]; do [ "$1" = -o ] && echo made > "$2"; shift; done
                    """
                            .formatted(name, folder.resolve("calls")));
            assertTrue(program.toFile().setExecutable(true));
        }
        Files.writeString(home.resolve("version.cfg"), version);
        return home;
    }

    private Path build(String source, Cores cores, Path home) {
        return BishengBuilder.build(source, CHIP, cores, home.toString(), folder.resolve("cache"));
    }

    private String calls() throws IOException {
        return Files.readString(folder.resolve("calls"));
    }

    @Test
    void eachKindOfCoreHasItsArchitecture() throws IOException {
        var home = installation("8.1.RC1");
        var vector = build("a", Cores.VECTOR, home);
        assertTrue(calls().contains("--cce-aicore-arch=dav-c220-vec"), calls());
        var cube = build("a", Cores.CUBE, home);
        assertTrue(calls().contains("--cce-aicore-arch=dav-c220-cube"), calls());
        assertNotEquals(vector, cube);
        assertTrue(calls().contains("ld.lld -m aicorelinux"), calls());
        assertEquals("dav-m200", BishengBuilder.architecture(Chips.find("Ascend310P3").orElseThrow(), Cores.VECTOR));
    }

    @Test
    void aKernelIsCompiledOnceForEachVersion() throws IOException {
        var first = build("a", Cores.VECTOR, installation("8.1.RC1"));
        long calls = calls().lines().count();
        assertEquals(first, build("a", Cores.VECTOR, folder.resolve("cann")));
        assertEquals(calls, calls().lines().count(), "it was compiled again");
        Files.writeString(folder.resolve("cann/version.cfg"), "8.2");
        assertNotEquals(first, build("a", Cores.VECTOR, folder.resolve("cann")));
    }

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
    void whatIsMissingIsSaid() throws IOException {
        var words = assertThrows(DeviceFailed.class, () -> BishengBuilder.build("a", CHIP, Cores.VECTOR, "", folder)).getMessage();
        assertTrue(words.contains("ASCEND_HOME_PATH"), words);
        var empty = Files.createDirectories(folder.resolve("empty"));
        words = assertThrows(DeviceFailed.class, () -> build("a", Cores.VECTOR, empty)).getMessage();
        assertTrue(words.contains("has no bisheng"), words);
    }
}
