package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.GraphOp;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;

/// The schedules of large products and of attention, which no node case is large enough for: the vendor's assembler, where it is
/// installed, finds registers for all of them.
class LargeKernelsTest {
    @ParameterizedTest
    @CsvSource({
        "cuda:sm_75, f32", "cuda:sm_75, f16", "cuda:sm_80, f32", "cuda:sm_80, bf16", "cuda:sm_80, i8",
        "cuda:sm_80+narrow_products=1, f32", "cuda:sm_89, f16", "cuda:sm_90, i8", "cuda:sm_90a, bf16", "cuda:sm_90a, i8",
        "cuda:sm_90a+narrow_products=1, f32", "cuda:sm_100, f16"
    })
    void nothingIsSpilled(String name, String element) {
        Assumptions.assumeTrue(isInstalled(), "skipped: there is no ptxas on the PATH");
        var target = Targets.resolve(name);
        var problems = new ArrayList<String>();
        for (var text : texts(element)) {
            var function = (GraphOp.Function) IrParser.parse(text, "large").getFirst();
            var program = new Compiler().lower(function, target);
            var image = target.codegen().compile(program.kernels(), target.machine());
            assertEquals(1, program.kernels().size());
            for (var finding : target.codegen().examine(image.bytes())) {
                if (finding.spilledBytes() != 0) {
                    problems.add(function.name() + ": " + finding);
                }
            }
        }
        assertEquals(List.of(), problems);
    }

    /// Multiplications of a warpgroup stay under way while others follow only where the assembler finds that nothing touches their
    /// registers; where it does not it waits for each, and says so.
    @ParameterizedTest
    @CsvSource({"bf16", "f16", "i8", "f32"})
    void multiplicationsStayUnderWay(String element, @TempDir Path folder) throws IOException {
        Assumptions.assumeTrue(isInstalled(), "skipped: there is no ptxas on the PATH");
        var target = Targets.resolve("cuda:sm_90a" + (element.equals("f32") ? "+narrow_products=1" : ""));
        int products = 0;
        for (var text : texts(element)) {
            var function = (GraphOp.Function) IrParser.parse(text, "large").getFirst();
            var ptx = new Compiler().emit(function, "ptx", target);
            if (!ptx.contains("wgmma.mma_async")) {
                continue;
            }
            products++;
            var said = said(ptx, folder);
            assertTrue(said.contains("Used "), said);
            // Neither are products done one by one, nor waits put in.
            assertFalse(NOTES_OF_PRODUCTS.matcher(said).find(), function.name() + ": " + said);
            var unfinished = said(ptx.replace("wgmma.wait_group.sync.aligned 0;", ""), folder);
            assertTrue(unfinished.contains("wgmma.mma_async instructions are serialized"), unfinished);
            var early = said(ptx.replace("wgmma.fence.sync.aligned;", ""), folder);
            assertTrue(NOTES_OF_PRODUCTS.matcher(early).find(), early);
        }
        // Elements of other than 16 bits are multiplied so only where both sides lie along the sum.
        assertEquals(element.endsWith("f16") ? 2 : 1, products);
    }

    private static final Pattern NOTES_OF_PRODUCTS = Pattern.compile("\\(C75\\d\\d\\)|serialized|warning");

    private static String said(String ptx, Path folder) throws IOException {
        Files.writeString(folder.resolve("kernel.ptx"), ptx);
        var process = new ProcessBuilder("ptxas", "-v", "-arch=sm_90a", "-o", "kernel.cubin", "kernel.ptx")
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().close();
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    /// Windows that are read with guards come by way of registers, each of which a thread holds while it multiplies.
    @ParameterizedTest
    @CsvSource({
        "cuda:sm_75, f16, 64, 28", "cuda:sm_80, f16, 64, 28", "cuda:sm_80, bf16, 512, 7", "cuda:sm_80, f32, 64, 56",
        "cuda:sm_90a, f16, 128, 56", "cuda:sm_100, bf16, 256, 14"
    })
    void convolutionsSpillNothing(String name, String element, long channels, long width) {
        Assumptions.assumeTrue(isInstalled(), "skipped: there is no ptxas on the PATH");
        var target = Targets.resolve(name);
        var text = CONVOLUTION.replace("T[", element + "[")
                .replace(": T", ": " + element)
                .replace("C", Long.toString(channels))
                .replace("W", Long.toString(width));
        if (element.equals("f32")) {
            text = text.replaceAll("%.w = arith.cast .*\n", "").replace("%pw, %qw", "%p, %q");
        }
        var function = (GraphOp.Function) IrParser.parse(text, "large").getFirst();
        var program = new Compiler().lower(function, target);
        var image = target.codegen().compile(program.kernels(), target.machine());
        var findings = target.codegen().examine(image.bytes());
        assertEquals(program.kernels().size(), findings.size());
        findings.forEach(finding -> assertEquals(0, finding.spilledBytes(), finding::toString));
    }

    private static final String CONVOLUTION =
            """
            graph.function <name = convolution> { (%x: T[1,C,W,W], %w: T[C,C,3,3]) ->
              %c = nest.compute [%x, %w] <axes = [o:C, h:W, v:W, c:C, a:3, b:3]> {
                %p = nest.read %x <at = [0, c, h+a-1, v+b-1], otherwise = zero> : T
                %q = nest.read %w <at = [o, c, a, b]> : T
                %pw = arith.cast %p : f32
                %qw = arith.cast %q : f32
                %r = arith.mul %pw, %qw : f32
                %s = nest.sum %r <over = [c, a, b]> : f32
                nest.yield [%s] <to = [[0, o, h, v]]>
              } : f32[1,C,W,W]
              graph.return [%c]
            }
            """;

    private static List<String> texts(String element) {
        var texts = new ArrayList<String>();
        for (boolean turned : new boolean[] {false, true}) {
            texts.add(FragmentKernelTest.sized(product(element, turned), 4096, 4096, 4096, false));
        }
        if (!element.equals("i8")) {
            texts.add(OnlineKernelTest.attention(element, false, 16, 1024, 1024, 64, 64, false));
            texts.add(OnlineKernelTest.attention(element, false, 16, 1024, 1024, 128, 128, true));
        }
        return texts;
    }

    private static String product(String element, boolean turned) {
        var sum = element.equals("i8") ? "i32" : "f32";
        var text = FragmentKernelTest.product(element, sum, turned, FragmentKernelTest.PLAIN);
        return element.equals("f32")
                ? text.replaceAll("%pw = arith.cast %pl : f32", "")
                        .replaceAll("%qw = arith.cast %q : f32", "")
                        .replace("arith.mul %pw, %qw", "arith.mul %pl, %q")
                : text;
    }

    private static boolean isInstalled() {
        return Arrays.stream(Optional.ofNullable(System.getenv("PATH")).orElse("").split(File.pathSeparator))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, "ptxas")));
    }
}
