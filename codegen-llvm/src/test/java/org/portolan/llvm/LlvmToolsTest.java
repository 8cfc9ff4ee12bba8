package org.portolan.llvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LlvmToolsTest {
    @TempDir
    Path folder;

    @AfterEach
    void forget() {
        System.clearProperty("portolan.cache.dir");
    }

    @Test
    void theCacheIsTheOwnersAlone() throws Exception {
        System.setProperty("portolan.cache.dir", folder.toString());
        var opened = CacheFolder.open("llvm/abc");
        assertEquals(folder.resolve("llvm/abc"), opened);
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(opened)));
        try (var left = Files.list(opened)) {
            assertEquals(0, left.count());
        }
        Files.setPosixFilePermissions(opened, PosixFilePermissions.fromString("rwxrwxrwx"));
        var failure = assertThrows(LlvmException.Unavailable.class, () -> CacheFolder.open("llvm/abc"));
        assertTrue(failure.getMessage().contains("other users"), failure.getMessage());
    }

    @Test
    void aFileIsUnpackedOnceAndRepaired() throws Exception {
        System.setProperty("portolan.cache.dir", folder.toString());
        var program = NativeFiles.open().program("lld");
        assertTrue(Files.isExecutable(program));
        var size = Files.size(program);
        var stamp = Files.getLastModifiedTime(program);
        assertEquals(program, NativeFiles.open().program("lld"));
        assertEquals(stamp, Files.getLastModifiedTime(program));
        Files.write(program, new byte[] {1});
        NativeFiles.open().program("lld");
        assertEquals(size, Files.size(program));
        assertTrue(Files.isRegularFile(program.resolveSibling("libLLVM.so.20.1")));
    }

    @Test
    void theBundledClangFindsItsHeaders() throws Exception {
        var source = folder.resolve("kernel.c");
        Files.writeString(source, "#include <stdint.h>\n#include <immintrin.h>\nint32_t twice(int32_t x) { return x + x; }\n");
        var process = new ProcessBuilder(
                        LlvmTools.clang().toString(), "-ffreestanding", "-c", source.toString(), "-o", source + ".o")
                .redirectErrorStream(true)
                .start();
        var said = new String(process.getInputStream().readAllBytes());
        assertEquals(0, process.waitFor(), said);
        assertTrue(Files.size(Path.of(source + ".o")) > 0);
    }
}
