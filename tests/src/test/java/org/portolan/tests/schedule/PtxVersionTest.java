package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.GraphOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;

/// Kernels ask for the lowest version of PTX that their instructions need: the vendor's assembler takes them with it, and refuses
/// them with the one before.
class PtxVersionTest {
    private static final List<String> VERSIONS =
            List.of("6.2", "6.3", "6.4", "6.5", "7.0", "7.1", "7.7", "7.8", "8.0", "8.3", "8.4", "8.5", "8.6");
    private static final Pattern VERSION = Pattern.compile("(?m)^\\.version (.*)$");
    private static final Pattern TARGET = Pattern.compile("(?m)^\\.target (\\w+)$");

    private static final String PLAIN =
            """
            graph.function <name = plain> { (%x: f32[64]) ->
              %y = nest.compute [%x] <axes = [i:64]> {
                %v = nest.read %x <at = [i]> : f32
                %e = arith.exp %v : f32
                nest.yield [%e] <to = [[i]]>
              } : f32[64]
              graph.return [%y]
            }
            """;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "sm_75, plain, 6.3", "sm_75, f16, 6.5", "sm_80, plain, 7.0", "sm_80, bf16, 7.0", "sm_80, i8, 7.0", "sm_89, plain, 7.8",
        "sm_89, f16, 7.8", "sm_90, bf16, 7.8", "sm_90a, plain, 8.0", "sm_90a, bf16, 8.0", "sm_100, plain, 8.6", "sm_100, f16, 8.6"
    })
    void theVersionBeforeIsRefused(String machine, String what, String version) throws IOException {
        var text = what.equals("plain")
                ? PLAIN
                : FragmentKernelTest.sized(product(what), 256, 256, 256, false);
        var function = (GraphOp.Function) IrParser.parse(text, "version").getFirst();
        var target = Targets.resolve("cuda:" + machine + "+processors_count=1");
        var ptx = new Compiler().emit(function, "ptx", target).strip();
        boolean plain = what.equals("plain");
        var first = Arrays.stream(ptx.split("(?m)^(?=// kernel )"))
                .filter(kernel -> !kernel.isBlank() && (plain || kernel.contains("mma")))
                .findFirst()
                .orElseThrow();
        var said = VERSION.matcher(first);
        assertTrue(said.find());
        assertEquals(version, said.group(1));
        Assumptions.assumeTrue(isInstalled(), "skipped: there is no ptxas on the PATH");
        assertEquals("", said(first));
        var before = VERSIONS.get(VERSIONS.indexOf(version) - 1);
        var refusal = said(VERSION.matcher(first).replaceFirst(".version " + before));
        assertTrue(refusal.contains("error"), "taken as " + before);
    }

    /// A program's kernels need different versions, and the assembler says something of each.
    @Test
    void kernelsOfSeveralVersionsAreExamined() {
        Assumptions.assumeTrue(isInstalled(), "skipped: there is no ptxas on the PATH");
        var target = Targets.resolve("cuda:sm_75");
        var kernels = new ArrayList<TileOp.Kernel>();
        for (var text : List.of(PLAIN, FragmentKernelTest.sized(product("f16"), 1024, 1024, 1024, false))) {
            var function = (GraphOp.Function) IrParser.parse(text, "version").getFirst();
            for (var kernel : new Compiler().lower(function, target).kernels()) {
                kernels.add(new TileOp.Kernel(
                        function.name(), kernel.symbols(), kernel.grid(), kernel.origin(), kernel.body()));
            }
        }
        assertEquals(2, kernels.size());
        var image = target.codegen().compile(kernels, target.machine());
        for (var finding : target.codegen().examine(image.bytes())) {
            assertTrue(finding.isAssembled(), finding::toString);
        }
    }

    private static String product(String element) {
        return FragmentKernelTest.product(element, element.equals("i8") ? "i32" : "f32", false, FragmentKernelTest.PLAIN);
    }

    /// What the assembler says; nothing if it takes the text.
    private String said(String ptx) throws IOException {
        var target = TARGET.matcher(ptx);
        assertTrue(target.find());
        Files.writeString(folder.resolve("kernel.ptx"), ptx);
        var process = new ProcessBuilder("ptxas", "-arch=" + target.group(1), "-o", "kernel.cubin", "kernel.ptx")
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().close();
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    private static boolean isInstalled() {
        return Arrays.stream(Optional.ofNullable(System.getenv("PATH")).orElse("").split(File.pathSeparator))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, "ptxas")));
    }
}
