package org.portolan.tests.compile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.ir.GraphOp;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.CompileException;
import org.portolan.lowering.CompileOptions;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.runtime.Model;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Devices;

/// Functions in the textual IR, compiled for this processor into a program file, loaded from it and run.
class CompiledFunctionTest {
    private static final String ADD_RELU = """
            graph.function <name = "add_relu", symbols = [n:1..1000]> { (%x: f32[n,3], %y: f32[n,3]) ->
              %sum = graph.map [%x, %y] { (%a: f32, %b: f32) ->
                %c = arith.add %a, %b : f32
                graph.yield [%c]
              } : f32[n,3]
              %z = graph.map [%sum] { (%a: f32) ->
                %zero = arith.const <value = 0.0> : f32
                %c = arith.max %a, %zero : f32
                graph.yield [%c]
              } : f32[n,3]
              graph.return [%z]
            }
            """;

    @TempDir
    private Path folder;

    private Path compile(String text, CompileOptions options, String... targets) throws IOException {
        var function = (GraphOp.Function) IrParser.parse(text, "test.ir").getFirst();
        var file = folder.resolve("test.portolan");
        new Compiler(options).compile(function, Targets.resolve(List.of(targets)), file);
        return file;
    }

    private Model load(String text) throws IOException {
        return Portolan.load(compile(text, CompileOptions.defaults(), "cpu"), Devices.best());
    }

    @Test
    void addAndReluRunForSeveralSizesFromOneFile() throws IOException {
        try (var model = load(ADD_RELU)) {
            for (int n : new int[] {1, 5, 1000}) {
                var x = new float[n * 3];
                var y = new float[n * 3];
                var expected = new float[n * 3];
                for (int i = 0; i < x.length; i++) {
                    x[i] = i % 7 - 3;
                    y[i] = 0.25f * (i % 5) - 1;
                    expected[i] = Math.max(x[i] + y[i], 0);
                }
                try (var outputs = model.run(Map.of("x", Tensor.of(x, n, 3), "y", Tensor.of(y, n, 3)))) {
                    assertArrayEquals(expected, outputs.get("z").toFloatArray());
                }
            }
        }
    }

    @Test
    void theSameModelGivesTheSameBytes() throws IOException {
        var first = Files.readAllBytes(compile(ADD_RELU, CompileOptions.defaults(), "cpu", "cpu:x86-64-v3"));
        var second = Files.readAllBytes(compile(ADD_RELU, CompileOptions.defaults(), "cpu", "cpu:x86-64-v3"));
        assertArrayEquals(first, second);
    }

    @Test
    void fixedShapesAreWhatTheModelThenTakes() throws IOException {
        var options = CompileOptions.defaults().withShapes(Map.of("x", List.of(2L, 3L)));
        try (var model = Portolan.load(compile(ADD_RELU, options, "cpu"), Devices.best())) {
            assertEquals("[2, 3]", model.inputs().getLast().dims().toString());
            assertTrue(model.outputs().getFirst().dims().stream().allMatch(extent -> extent.isConstant()));
        }
        for (var wrong : List.of(Map.of("x", List.of(2L, 4L)), Map.of("q", List.of(1L)), Map.of("x", List.of(2000L, 3L)))) {
            var bad = CompileOptions.defaults().withShapes(wrong);
            assertThrows(CompileException.class, () -> compile(ADD_RELU, bad, "cpu"));
        }
    }

    @Test
    void everyLevelIsAText() throws IOException {
        compile(ADD_RELU, CompileOptions.defaults().withDumpFolder(folder.resolve("dump")), "cpu");
        try (var files = Files.list(folder.resolve("dump/cpu"))) {
            var names = files.map(file -> file.getFileName().toString()).sorted().toList();
            assertEquals("00-input.ir", names.getFirst());
            for (var pass : List.of("nest-to-tile", "plan-memory")) {
                assertTrue(names.stream().anyMatch(name -> name.endsWith("-" + pass + ".ir")), () -> pass + " among " + names);
            }
            assertTrue(names.containsAll(List.of("kernels.asm", "kernels.llvm")), names::toString);
        }
        try (var files = Files.list(folder.resolve("dump/nests"))) {
            var fused = files.filter(file -> file.getFileName().toString().endsWith("-fuse.ir")).toList();
            assertEquals(1, fused.size(), fused::toString);
            assertTrue(Files.readString(fused.getFirst()).contains("nest.compute"));
        }
        var function = (GraphOp.Function) IrParser.parse(ADD_RELU, "test.ir").getFirst();
        var target = Targets.resolve("cpu:x86-64-v3");
        for (var level : Compiler.LEVELS) {
            var text = new Compiler().emit(function, level, target);
            assertTrue(!IrParser.parse(text, level).isEmpty(), text);
        }
        assertThrows(CompileException.class, () -> new Compiler().emit(function, "poem", target));
    }

    /// What a plan does beside launches: copies, branches, loops, sizes and checks.
    @Test
    void branchesLoopsAndSizesRun() throws IOException {
        var text = """
                graph.function <name = "steps", symbols = [n:1..100]> { (%x: f32[n], %big: bool[], %rounds: i64[]) ->
                  %shape = graph.dims <values = [n, 2*n]> : i64[2]
                  %start = graph.if %big {
                    %hundred = graph.map [%x] { (%a: f32) ->
                      %c = arith.const <value = 100.0> : f32
                      %r = arith.add %a, %c : f32
                      graph.yield [%r]
                    } : f32[n]
                    graph.yield [%hundred]
                  } {
                    graph.yield [%x]
                  } : f32[n]
                  %end, %all = graph.loop %rounds, _, [%start] <trips = "t"> { (%i: i64[], %go: bool[], %state: f32[n]) ->
                    %twice = graph.map [%state] { (%a: f32) ->
                      %r = arith.add %a, %a : f32
                      graph.yield [%r]
                    } : f32[n]
                    graph.yield [%go, %twice, %state]
                  } : f32[n], f32[t,n]
                  %one = graph.constant <data = dense([1.0, 2.0])> : f32[2]
                  graph.return [%end, %all, %shape, %one, %big]
                }
                """;
        try (var model = load(text)) {
            for (boolean big : new boolean[] {false, true}) {
                for (long rounds : new long[] {0, 1, 3}) {
                    var inputs = Map.of(
                            "x", Tensor.of(new float[] {1, -2}, 2),
                            "big", Tensor.of(new boolean[] {big}),
                            "rounds", Tensor.of(new long[] {rounds}));
                    try (var outputs = model.run(inputs)) {
                        float first = big ? 101 : 1;
                        float second = big ? 98 : -2;
                        var states = new float[(int) rounds * 2];
                        for (int i = 0; i < rounds; i++) {
                            states[2 * i] = first;
                            states[2 * i + 1] = second;
                            first *= 2;
                            second *= 2;
                        }
                        assertArrayEquals(new float[] {first, second}, outputs.get("end").toFloatArray());
                        assertArrayEquals(new long[] {rounds, 2}, outputs.get("all").shape());
                        assertArrayEquals(states, outputs.get("all").toFloatArray());
                        assertArrayEquals(new long[] {2, 4}, outputs.get("shape").toLongArray());
                        assertArrayEquals(new float[] {1, 2}, outputs.get("one").toFloatArray());
                    }
                }
            }
        }
    }

    @Test
    void libraryKernelsAreCalledByName() throws IOException {
        var text = """
                graph.function <name = "running", symbols = [n:1..100]> { (%x: f32[2,n,3]) ->
                  %y = graph.call [%x] <kernel = "scan_sum_f32", options = []> : f32[2,n,3]
                  graph.return [%y]
                }
                """;
        try (var model = load(text)) {
            var x = new float[2 * 5 * 3];
            var expected = new float[x.length];
            for (int i = 0; i < x.length; i++) {
                x[i] = i % 7;
                expected[i] = x[i] + (i / 3 % 5 > 0 ? expected[i - 3] : 0);
            }
            try (var outputs = model.run(Map.of("x", Tensor.of(x, 2, 5, 3)))) {
                assertArrayEquals(expected, outputs.get("y").toFloatArray());
            }
        }
        var unknown = text.replace("scan_sum_f32", "nobody");
        assertThrows(CompileException.class, () -> compile(unknown, CompileOptions.defaults(), "cpu"));
    }
}
