package org.portolan.tests.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.lowering.CompileException;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Target;
import org.portolan.lowering.Targets;
import org.portolan.onnx.UnsupportedOperators;
import org.portolan.onnx.UnsupportedType;
import org.portolan.onnx.conformance.OnnxCase;
import org.portolan.onnx.importer.OnnxImporter;

/// The vendor's own assembler, where it is installed, takes what is compiled for every machine of the family, and finds
/// registers for all of it. Each machine gets a case of each kind of kernel and some of ONNX's other node cases; with
/// `-Dassemble.all=true` all of them. Those of large products are `tests.schedule.LargeKernelsTest` and `EveryMachineTest`.
class AssembledKernelsTest {
    private static final boolean ALL = Boolean.getBoolean("assemble.all");

    /// A case for each way to schedule, for each kernel of the library, and for types that few kernels have.
    private static final List<String> KINDS = List.of(
            "test_exp", "test_softmax_large_number", "test_layer_normalization_4d_axis1", "test_argmax_keepdims_random",
            "test_conv_with_strides_padding", "test_convtranspose", "test_maxpool_2d_default", "test_attention_4d_gqa_causal",
            "test_matmulinteger", "test_qlinearmatmul_2D_uint8_float32", "test_einsum_batch_matmul", "test_lstm_defaults",
            "test_gru_defaults", "test_top_k", "test_nonmaxsuppression_suppress_by_IOU", "test_cumsum_2d_axis_1",
            "test_resize_downsample_scales_cubic", "test_gridsample_bicubic", "test_scatternd_max",
            "test_nonzero_example", "test_unique_sorted_without_axis", "test_cast_FLOAT_to_FLOAT8E4M3FN", "test_div_uint8");

    @ParameterizedTest
    @ValueSource(strings = {"cuda:sm_75", "cuda:sm_80", "cuda:sm_89", "cuda:sm_90", "cuda:sm_90a", "cuda:sm_100"})
    void eachKindOfKernelForEachMachine(String name) throws IOException {
        Assumptions.assumeTrue(isInstalled(), "skipped: there is no ptxas on the PATH");
        Assumptions.assumeFalse(ALL, "all cases are assembled by the other test");
        var wanted = cases().stream()
                .filter(folder -> KINDS.contains(folder.getFileName().toString()))
                .toList();
        assertEquals(KINDS.size(), wanted.size(), "cases have other names than in ONNX 1.20");
        var problems = new ArrayList<String>();
        for (var folder : wanted) {
            int kernels = examine(folder, Targets.resolve(name), problems);
            assertTrue(kernels > 0, () -> folder + " has no kernel");
        }
        assertEquals(List.of(), problems);
    }

    @ParameterizedTest
    @CsvSource({
        "cuda:sm_75, 61", "cuda:sm_80, 23", "cuda:sm_89, 67", "cuda:sm_90, 71", "cuda:sm_90a, 59", "cuda:sm_100, 73"
    })
    void theVendorsAssemblerTakesTheKernels(String name, int every) throws IOException {
        Assumptions.assumeTrue(isInstalled(), "skipped: there is no ptxas on the PATH");
        var target = Targets.resolve(name);
        var cases = cases();
        var problems = new ArrayList<String>();
        int kernels = 0;
        for (int i = 0; i < cases.size(); i += ALL ? 1 : every) {
            kernels += examine(cases.get(i), target, problems);
        }
        assertEquals(List.of(), problems);
        int assembled = kernels;
        int least = cases.size() / (ALL ? 1 : every) / 2;
        assertTrue(assembled >= least, () -> "only " + assembled + " kernels were assembled");
    }

    private static int examine(Path folder, Target target, List<String> problems) {
        try {
            var function = new OnnxImporter().function(OnnxCase.read(folder).model());
            var compiler = new Compiler();
            var program = compiler.lower(compiler.lowerGraph(function), target);
            var image = target.codegen().compile(program.kernels(), target.machine());
            var findings = target.codegen().examine(image.bytes());
            assertEquals(program.kernels().size(), findings.size(), folder.toString());
            for (var finding : findings) {
                if (finding.spilledBytes() != 0) {
                    problems.add(folder.getFileName() + ", " + finding);
                }
            }
            return findings.size();
        } catch (UnsupportedOperators | UnsupportedType _) {
            return 0;
        } catch (CompileException e) {
            problems.add(folder.getFileName() + ": " + e.getMessage());
            return 0;
        }
    }

    private static boolean isInstalled() {
        return Arrays.stream(Optional.ofNullable(System.getenv("PATH")).orElse("").split(File.pathSeparator))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, "ptxas")));
    }

    private static List<Path> cases() throws IOException {
        var root = Arrays.stream(Optional.ofNullable(System.getenv("PORTOLAN_ONNX_TESTDATA"))
                        .orElse("")
                        .split(File.pathSeparator))
                .filter(folder -> !folder.isBlank())
                .map(folder -> Path.of(folder, "node"))
                .filter(Files::isDirectory)
                .findFirst();
        Assumptions.assumeTrue(root.isPresent(), "skipped: PORTOLAN_ONNX_TESTDATA names no folder with node cases");
        try (var folders = Files.list(root.get())) {
            return folders.filter(folder -> Files.isRegularFile(folder.resolve("model.onnx"))).sorted().toList();
        }
    }
}
