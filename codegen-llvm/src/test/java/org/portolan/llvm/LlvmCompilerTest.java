package org.portolan.llvm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LlvmCompilerTest {
    private static final String TRIPLE = "define i64 @triple(i64 %x) {\n  %y = mul i64 %x, 3\n  ret i64 %y\n}\n";

    private static byte[] object(String ir) {
        return LlvmCompiler.compile(ir, LlvmTarget.host(), LlvmOptions.KERNELS, LlvmCompiler.Output.OBJECT);
    }

    @Test
    void aLinkedFunctionRuns() throws Throwable {
        var library = Files.createTempFile("portolan", ".so");
        try (var arena = Arena.ofConfined()) {
            Files.write(library, LlvmTools.link(List.of(object(TRIPLE))));
            var function = Linker.nativeLinker()
                    .downcallHandle(
                            SymbolLookup.libraryLookup(library, arena).find("triple").orElseThrow(),
                            FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
            assertEquals(42L, (long) function.invokeExact(14L));
        } finally {
            Files.delete(library);
        }
    }

    @Test
    void linkingIsReproducible() {
        var objects = List.of(object(TRIPLE), object(TRIPLE.replace("triple", "thrice")));
        assertArrayEquals(LlvmTools.link(objects), LlvmTools.link(objects));
    }

    @Test
    void aSyntaxErrorNamesItsLine() {
        var failure = assertThrows(LlvmException.InvalidIr.class, () -> object("; a comment\ndefine i64 @f() {\n  ret i32 0\n}\n"));
        assertEquals(3, failure.line().orElseThrow());
        assertTrue(failure.getMessage().contains("ret i32 0"), failure.getMessage());
    }

    @Test
    void aBrokenRuleOfTheIrIsRefused() {
        var failure = assertThrows(
                LlvmException.InvalidIr.class,
                () -> object("define i64 @f(i1 %c) {\n  br i1 %c, label %a, label %b\na:\n  %x = add i64 1, 2\n  br label %b\n"
                        + "b:\n  ret i64 %x\n}\n"));
        assertTrue(failure.getMessage().contains("dominate"), failure.getMessage());
    }

    @Test
    void aCallOutsideIsRefusedByTheLinker() {
        var failure = assertThrows(
                LlvmException.UndefinedSymbols.class,
                () -> LlvmTools.link(List.of(object("define double @f(double %x) {\n  %y = frem double %x, 3.0\n  ret double %y\n}\n"))));
        assertEquals(List.of("fmod"), failure.symbols());
    }

    /// LLVM would end the process here, by `exit` in the first case and by `abort` in the second.
    @Test
    void whatTheBackendCannotSayIsAnException() {
        var nvptx = new LlvmTarget("nvptx64-nvidia-cuda", "sm_80", "");
        var noLibrary = "declare float @llvm.exp.f32(float)\ndefine float @f(float %x) {\n"
                + "  %y = call float @llvm.exp.f32(float %x)\n  ret float %y\n}\n";
        var first = assertThrows(
                LlvmException.CodegenFailed.class,
                () -> LlvmCompiler.compile(noLibrary, nvptx, LlvmOptions.KERNELS, LlvmCompiler.Output.ASSEMBLY));
        assertTrue(first.getMessage().contains("exp"), first.getMessage());
        var unselectable = "declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()\ndefine i32 @f() {\n"
                + "  %y = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n  ret i32 %y\n}\n";
        var second = assertThrows(LlvmException.CodegenFailed.class, () -> object(unselectable));
        assertTrue(second.getMessage().contains("select"), second.getMessage());
        assertTrue(object(TRIPLE).length > 0, "the compiler works on afterwards");
    }

    @Test
    void anUnknownTripleOrPipelineIsRefused() {
        assertThrows(
                LlvmException.CodegenFailed.class,
                () -> LlvmCompiler.compile(
                        TRIPLE, new LlvmTarget("z80-none", "", ""), LlvmOptions.KERNELS, LlvmCompiler.Output.OBJECT));
        var noSuchPass = new LlvmOptions("no-such-pass", 2, false, false);
        assertThrows(
                LlvmException.CodegenFailed.class,
                () -> LlvmCompiler.compile(TRIPLE, LlvmTarget.host(), noSuchPass, LlvmCompiler.Output.OBJECT));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "riscv64-unknown-linux-gnu", "nvptx64-nvidia-cuda",
        "amdgcn-amd-amdhsa", "loongarch64-unknown-linux-gnu", "spirv64v1.2-unknown-unknown", "hexagon-unknown-elf"
    })
    void everyTargetMakesAssembly(String triple) {
        var text = LlvmCompiler.compile(
                TRIPLE, new LlvmTarget(triple, "", ""), LlvmOptions.KERNELS, LlvmCompiler.Output.ASSEMBLY);
        assertTrue(new String(text, StandardCharsets.UTF_8).contains("triple"));
    }

    @Test
    void manyThreadsCompileAtOnce() {
        var expected = object(TRIPLE);
        IntStream.range(0, 16).parallel().forEach(_ -> assertArrayEquals(expected, object(TRIPLE)));
    }
}
