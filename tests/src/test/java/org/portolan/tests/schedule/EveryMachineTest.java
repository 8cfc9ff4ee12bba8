package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.GraphOp;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;

/// The ways to multiply, for each machine: tiles without and with matrix instructions, few rows, long sums. The vendor's assembler,
/// where it is installed, takes them all and spills nothing.
class EveryMachineTest {
    @ParameterizedTest
    @CsvSource({"sm_75", "sm_80", "sm_89", "sm_90", "sm_90a", "sm_100"})
    void products(String machine) {
        Assumptions.assumeTrue(isInstalled(), "skipped: there is no ptxas on the PATH");
        var target = Targets.resolve("cuda:" + machine);
        var problems = new ArrayList<String>();
        for (var text : List.of(
                product("f16", 1024, 1024, 512), product("i8", 1024, 1024, 512), product("f16", 4, 1024, 4096),
                product("f16", 64, 64, 16384))) {
            var function = (GraphOp.Function) IrParser.parse(text, "product").getFirst();
            var image = target.codegen().compile(new Compiler().lower(function, target).kernels(), target.machine());
            var findings = target.codegen().examine(image.bytes());
            assertTrue(findings.stream().allMatch(finding -> finding.isAssembled()), findings.toString());
            findings.stream().filter(finding -> finding.spilledBytes() != 0).forEach(finding -> problems.add(finding.toString()));
        }
        assertEquals(List.of(), problems);
    }

    private static String product(String element, long rows, long columns, long sum) {
        var text = FragmentKernelTest.product(element, element.equals("i8") ? "i32" : "f32", false, FragmentKernelTest.PLAIN);
        return FragmentKernelTest.sized(text, rows, columns, sum, false);
    }

    private static boolean isInstalled() {
        return Arrays.stream(Optional.ofNullable(System.getenv("PATH")).orElse("").split(File.pathSeparator))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, "ptxas")));
    }
}
