package org.portolan.ascend.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
    void whatIsMissingIsSaid() throws IOException {
        var words = assertThrows(DeviceFailed.class, () -> BishengBuilder.build("a", CHIP, Cores.VECTOR, "", folder)).getMessage();
        assertTrue(words.contains("ASCEND_HOME_PATH"), words);
        var empty = Files.createDirectories(folder.resolve("empty"));
        words = assertThrows(DeviceFailed.class, () -> build("a", Cores.VECTOR, empty)).getMessage();
        assertTrue(words.contains("has no bisheng"), words);
    }
}
