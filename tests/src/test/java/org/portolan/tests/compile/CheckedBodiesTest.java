package org.portolan.tests.compile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.ir.GraphOp;
import org.portolan.ir.IrException;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.verify.Verifier;
import org.portolan.lowering.CompileOptions;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Devices;

/// What loops, branches and kernels of a library are given and give, in functions that no importer has checked: where the
/// extents turn out not to fit, the run is refused, and one on inputs that fit goes on afterwards.
class CheckedBodiesTest {
    private static final int MANY = 4_000_000;
    private static final String TWICE =
            " { (%v: f32) -> %u = arith.add %v, %v : f32\n graph.yield [%u] }";

    @TempDir
    private Path folder;

    /// From the inputs {@code a: f32[m], b: f32[n], t: i64[], c: bool[]} to the result r.
    ///
    /// @param good m, n and t that fit, with which r is expected
    /// @param bad m, n and t that do not
    private record Misfit(String name, String body, int[] good, float[] expected, int[] bad) {
        GraphOp.Function function() {
            return parse(body);
        }
    }

    private static GraphOp.Function parse(String body) {
        var text = "graph.function <name = \"f\", symbols = [m:0..9000000, n:0..9000000]> {"
                + " (%a: f32[m], %b: f32[n], %t: i64[], %c: bool[]) ->\n" + body + "\ngraph.return [%r]\n}";
        return (GraphOp.Function) IrParser.parse(text, "text").getFirst();
    }

    /// A loop over t with the given types of what it carries.
    private static String loop(String initial, String param, String steps, String yielded, String results, String types) {
        return results + " = graph.loop %t, _, [" + initial + "] <trips = k> { (%i: i64[], %g: bool[], %s: " + param + ") ->\n"
                + steps + "\ngraph.yield [%g, " + yielded + "]\n} : " + types;
    }

    private static int[] sizes(int m, int n, int rounds) {
        return new int[] {m, n, rounds};
    }

    private static List<Misfit> misfits() {
        var twiceOfA = "%w = graph.map [%a]" + TWICE + " : f32[m]";
        return List.of(
                new Misfit(
                        "a kernel of a library",
                        "%x = graph.reshape %a : f32[1,m,1]\n"
                                + "%y = graph.call [%x] <kernel = \"scan_sum_f32\", options = []> : f32[1,n,1]\n"
                                + "%r = graph.reshape %y : f32[n]",
                        sizes(3, 3, 0), new float[] {1, 3, 6}, sizes(MANY, 1, 0)),
                new Misfit(
                        "what a branch yields",
                        "%r = graph.if %c {\n" + twiceOfA + "\ngraph.yield [%w]\n} {\ngraph.yield [%b]\n} : f32[n]",
                        sizes(3, 3, 0), new float[] {2, 4, 6}, sizes(3, 5, 0)),
                new Misfit(
                        "what the body of a loop is given",
                        loop("%a", "f32[n]", "%w = graph.reduce %s <combine = sum, axes = [0], accumulate = f32> : f32[]",
                                "%a, %w", "%q, %r", "f32[m], f32[k]"),
                        sizes(3, 3, 2), new float[] {6, 6}, sizes(1, MANY, 2)),
                new Misfit(
                        "the first of what a loop carries",
                        loop("%b", "f32[m]", "", "%a", "%r", "f32[m]"),
                        sizes(2, 2, 1), new float[] {1, 2}, sizes(5, 3, 1)),
                new Misfit(
                        "what a round carries on",
                        loop("%a", "f32[m]", "%w = graph.map [%b]" + TWICE + " : f32[n]", "%w", "%r", "f32[m]"),
                        sizes(2, 2, 1), new float[] {2, 4}, sizes(5, 3, 1)),
                new Misfit(
                        "what rounds stack",
                        loop("%a", "f32[m]", "%w = graph.map [%b]" + TWICE + " : f32[n]", "%s, %w", "%q, %r", "f32[m], f32[k,m]"),
                        sizes(2, 2, 2), new float[] {2, 4, 2, 4}, sizes(5, 3, 2)),
                new Misfit(
                        "how many rounds stack",
                        loop("%a", "f32[m]", "%w = graph.reduce %b <combine = sum, axes = [0], accumulate = f32> : f32[]",
                                "%s, %w", "%q, %r", "f32[m], f32[2]"),
                        sizes(2, 2, 2), new float[] {3, 3}, sizes(2, 2, 1)));
    }

    @TestFactory
    Stream<DynamicTest> theRunIsRefused() {
        return misfits().stream().map(misfit -> DynamicTest.dynamicTest(misfit.name(), () -> {
            var file = folder.resolve("f.portolan");
            new Compiler(CompileOptions.defaults()).compile(misfit.function(), Targets.resolve(List.of("cpu")), file);
            try (var model = Portolan.load(file, Devices.best())) {
                for (int round = 0; round < 2; round++) {
                    assertThrows(PortolanException.class, () -> model.run(inputs(misfit.bad())).close());
                    try (var outputs = model.run(inputs(misfit.good()))) {
                        var name = model.outputs().getFirst().name();
                        assertArrayEquals(misfit.expected(), outputs.get(name).toFloatArray());
                    }
                }
            }
        }));
    }

    @Test
    void elementsAndRanksAreFixed() {
        var wide = "%w = graph.constant <data = splat(1.0)> : f64[2]\n";
        for (var body : List.of(
                wide + "%r = graph.if %c {\ngraph.yield [%w]\n} {\ngraph.yield [%b]\n} : f32[n]",
                "%r = graph.if %c {\ngraph.yield [%a]\n} {\ngraph.yield [%b]\n} : f32[n,1]",
                wide + loop("%a", "f32[m]", "", "%w", "%r", "f32[m]"),
                wide + loop("%w", "f32[m]", "", "%a", "%r", "f32[m]"),
                loop("%a", "i8[m]", "", "%a", "%r", "f32[m]"),
                loop("%a", "f32[m]", "", "%a, %b", "%q, %r", "f32[m], f32[n]"))) {
            var error = assertThrows(IrException.class, () -> Verifier.verify(List.of(parse(body))), body);
            assertTrue(error.getMessage().contains("cannot become the result"), error.getMessage());
        }
    }

    private static Map<String, Tensor> inputs(int[] sizes) {
        return Map.of(
                "a", counting(sizes[0]),
                "b", counting(sizes[1]),
                "t", Tensor.of(new long[] {sizes[2]}),
                "c", Tensor.of(new boolean[] {true}));
    }

    private static Tensor counting(int count) {
        var values = new float[count];
        for (int i = 0; i < count; i++) values[i] = i + 1;
        return Tensor.of(values, count);
    }
}
