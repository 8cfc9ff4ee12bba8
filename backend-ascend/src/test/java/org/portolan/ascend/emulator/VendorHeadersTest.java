package org.portolan.ascend.emulator;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Finding headers and reading sources with them, with a header that stands in for the vendor's; and, where
/// `-Dascend.headers` names real ones, the kernels of these tests.
class VendorHeadersTest {
    @TempDir
    Path folder;

    private static void needsCompiler() {
        boolean there = Arrays.stream(System.getenv("PATH").split(":")).anyMatch(path -> Files.isExecutable(Path.of(path, "g++")));
        assumeTrue(there, "skipped: there is no g++");
    }

    @Test
    void aSourceIsReadWithTheHeadersThatAreFound() throws Exception {
        needsCompiler();
        var api = Files.createDirectories(folder.resolve("x86_64-linux/ascendc/include/basic_api"));
        Files.createDirectories(api.resolve("interface"));
        Files.writeString(
                api.resolve("kernel_operator.h"),
                """
                #if !defined(__DAV_C220__) || __CCE_AICORE__ != 220
                #error the chip is not said
                #endif
                void Add(float *to, const float *from);
                """);
        var headers = VendorHeaders.in(folder);
        var source = folder.resolve("kernel.cpp");
        headers.check(Files.writeString(source, "#include \"kernel_operator.h\"\nvoid f(float *a) { Add(a, a); }\n"), 2201);
        Files.writeString(source, "#include \"kernel_operator.h\"\nvoid f(int *a) { Add(a, a); }\n");
        var words = assertThrows(EmulatorException.class, () -> headers.check(source, 2201)).getMessage();
        assertTrue(words.contains("the vendor's headers refuse this source") && words.contains("kernel.cpp:2:"), words);
        assertThrows(EmulatorException.class, () -> headers.check(source, 3510));
    }

    /// With the property each kernel that the emulator compiles is read by the headers first: here by ones that know no kernels, then by
    /// none.
    @Test
    void thePropertyReachesEachKernel() throws Exception {
        needsCompiler();
        Emulated.acl();
        assumeTrue(VendorHeaders.given().isEmpty(), "the property is set already");
        var api = Files.createDirectories(folder.resolve("x86_64-linux/ascendc/include/basic_api"));
        Files.createDirectories(api.resolve("interface"));
        Files.writeString(api.resolve("kernel_operator.h"), "#define GM_ADDR unsigned char *\n#define __global__\n#define __aicore__\n");
        var source = "#include \"kernel_operator.h\"\nextern \"C\" __global__ __aicore__ void nothing(GM_ADDR) {}\n";
        var refused = source + "void f() { AscendC::PipeBarrier<PIPE_V>(); }\n";
        try {
            System.setProperty("ascend.headers", folder.toString());
            assertTrue(Files.isRegularFile(AscendEmulator.compile(source, 2201)));
            var words = assertThrows(EmulatorException.class, () -> AscendEmulator.compile(refused, 2201)).getMessage();
            assertTrue(words.contains("the vendor's headers refuse this source") && words.contains("AscendC"), words);
            System.setProperty("ascend.headers", folder.resolve("nowhere").toString());
            words = assertThrows(EmulatorException.class, () -> AscendEmulator.compile(source, 2201)).getMessage();
            assertTrue(words.contains("-Dascend.headers names"), words);
        } finally {
            System.clearProperty("ascend.headers");
        }
        assertTrue(Files.isRegularFile(AscendEmulator.compile(refused, 2201)));
    }

    @Test
    void aFolderWithoutHeadersIsNamed() {
        var words = assertThrows(EmulatorException.class, () -> VendorHeaders.in(folder)).getMessage();
        assertTrue(words.contains(folder.toString()), words);
        assertThrows(EmulatorException.class, () -> VendorHeaders.in(folder.resolve("nowhere")));
    }

    @Test
    void theKernelsOfTheseTestsAreAccepted() throws Exception {
        var headers = VendorHeaders.given();
        assumeTrue(headers.isPresent(), "skipped: -Dascend.headers names no installation of CANN");
        needsCompiler();
        for (var name : new String[] {"operators.cpp", "products.cpp", "functions.cpp"}) {
            headers.get().check(Files.writeString(folder.resolve(name), Emulated.source(name)), 2201);
        }
    }
}
