package org.portolan.ascend.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.ascend.emulator.AscendEmulator;
import org.portolan.llvm.LlvmTools;
import org.portolan.runtime.PortolanException.DeviceFailed;

/// How compilation in the process is called, with a library in CANN's place that answers with what it was given, and refuses
/// sources that begin with a question mark.
class RuntimeCompilerTest {
    private static final Chips CHIP = Chips.find("Ascend910B1").orElseThrow();
    private static final String LIBRARY =
            """
            typedef unsigned long size_t;
            struct Program { const char *source, *name, *option; int alive; };
            static struct Program one;
            static char log[] = "line 1: what is this?";
            static size_t length(const char *text) { size_t n = 0; while (text[n]) n++; return n; }
            static size_t join(char *to) {
                const char *parts[] = {one.name, " ", one.option, "\\n", one.source};
                size_t n = 0;
                for (int i = 0; i < 5; i++) for (const char *c = parts[i]; *c; c++, n++) if (to) to[n] = *c;
                return n;
            }
            int aclrtcCreateProg(void **made, const char *source, const char *name, int headers, const char **texts, const char **names) {
                if (headers != 0 || texts || names) return 100000;
                one.source = source, one.name = name, one.alive = 1;
                *made = &one;
                return 0;
            }
            int aclrtcCompileProg(struct Program *program, int count, const char **options) {
                if (program != &one || count != 1) return 100000;
                one.option = options[0];
                return one.source[0] == '?' ? 100100 : 0;
            }
            int aclrtcGetCompileLogSize(struct Program *program, size_t *size) { *size = sizeof log; return 0; }
            int aclrtcGetCompileLog(struct Program *program, char *to) { for (size_t i = 0; i < sizeof log; i++) to[i] = log[i]; return 0; }
            int aclrtcGetBinDataSize(struct Program *program, size_t *size) { *size = join(0); return 0; }
            int aclrtcGetBinData(struct Program *program, char *to) { join(to); return 0; }
            int aclrtcDestroyProg(struct Program **program) { (*program)->alive = 0; return 0; }
            int alive(void) { return one.alive; }
            """;

    @TempDir
    private Path folder;

    private void run(String... command) throws IOException, InterruptedException {
        var process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
        var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), said);
    }

    @Test
    void sourcesGoInAndBinariesComeOut() throws IOException, InterruptedException {
        assumeTrue(AscendEmulator.missing().isEmpty(), () -> "skipped: " + AscendEmulator.missing().orElseThrow());
        Files.writeString(folder.resolve("rtc.c"), LIBRARY);
        run(LlvmTools.clang().toString(), "-ffreestanding", "-fno-builtin", "-O0", "-fPIC", "-w", "-c", "rtc.c", "-o", "rtc.o");
        run(LlvmTools.program("lld").toString(), "-flavor", "gnu", "-shared", "-nostdlib", "-o", "librtc.so", "rtc.o");
        var library = AclLibrary.open(folder.resolve("librtc.so"));
        var compiler = new RuntimeCompiler(library, folder.resolve("cache"));
        var binary = compiler.build("void k() {}", CHIP, Cores.VECTOR);
        assertEquals(List.of("kernels.asc --npu-arch=dav-2201", "void k() {}"), Files.readAllLines(binary));
        assertEquals(0, library.call("alive"), "the program was not given back");
        assertEquals(binary, compiler.build("void k() {}", CHIP, Cores.VECTOR));
        var words = assertThrows(DeviceFailed.class, () -> compiler.build("?", CHIP, Cores.CUBE)).getMessage();
        assertTrue(words.contains("line 1: what is this?"), words);
        assertEquals(0, library.call("alive"), "the program was not given back");
    }
}
