package org.portolan.tests.compile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.ir.GraphOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.pass.CheckExtents;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;
import org.portolan.lowering.CompileOptions;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Devices;

/// Functions that no importer has checked, whose symbols turn out not to fit: compiled or interpreted, the run is refused,
/// and one on inputs that fit goes on afterwards.
class CheckedExtentsTest {
    @TempDir
    private Path folder;

    /// @param good shapes of the inputs a, b, c that fit
    /// @param bad shapes that do not; some of them large, so that a read beyond the end would be seen
    private record Misfit(String name, String parameters, String body, List<int[]> good, List<int[]> bad) {
        GraphOp.Function function() {
            var text = "graph.function <name = \"f\", symbols = [k:0..9000000, l:0..9000000, m:0..9000000, n:0..9000000, "
                    + "slice_0:0..9000000]> { ("
                    + parameters + ") ->\n" + body + "\ngraph.return [%r]\n}";
            return (GraphOp.Function) IrParser.parse(text, name).getFirst();
        }
    }

    private static int[] shape(int... dims) {
        return dims;
    }

    private static final String SUM = "{ (%x: f32, %y: f32) -> %s = arith.add %x, %y : f32\n graph.yield [%s] }";

    private static List<Misfit> misfits() {
        return List.of(
                new Misfit(
                        "two extents of a map", "%a: f32[m], %b: f32[n]", "%r = graph.map [%a, %b] " + SUM + " : f32[m]",
                        List.of(shape(5), shape(5)), List.of(shape(4_000_000), shape(1))),
                new Misfit(
                        "a broadcast", "%a: f32[m], %b: f32[n]",
                        "%w = graph.broadcast %a : f32[n]\n%r = graph.map [%w, %b] " + SUM + " : f32[n]",
                        List.of(shape(1), shape(5)), List.of(shape(3), shape(4_000_000))),
                new Misfit(
                        "a broadcast of nothing", "%a: f32[m], %b: f32[n]",
                        "%w = graph.broadcast %a : f32[n]\n%r = graph.map [%w, %b] " + SUM + " : f32[n]",
                        List.of(shape(0), shape(0)), List.of(shape(0), shape(7))),
                new Misfit(
                        "a reshape", "%a: f32[m], %b: f32[n]",
                        "%w = graph.reshape %a : f32[n]\n%r = graph.map [%w, %b] " + SUM + " : f32[n]",
                        List.of(shape(6), shape(6)), List.of(shape(1), shape(4_000_000))),
                new Misfit(
                        "a slice beyond the end", "%a: f32[m], %b: f32[n]",
                        "%w = graph.slice %a <starts = [2], steps = [3]> : f32[n]\n%r = graph.map [%w, %b] " + SUM + " : f32[n]",
                        List.of(shape(6), shape(2)), List.of(shape(6), shape(3))),
                new Misfit(
                        "a slice of what a symbol with the name of an axis says",
                        "%a: f32[slice_0 + 5], %b: f32[n], %c: f32[slice_0]",
                        "%w = graph.slice %a <starts = [0], steps = [1]> : f32[n]\n%r = graph.map [%w, %b] " + SUM + " : f32[n]",
                        List.of(shape(6), shape(6), shape(1)), List.of(shape(5), shape(4_000_000), shape(0))),
                new Misfit(
                        "a slice backwards before the beginning", "%a: f32[m], %b: f32[n]",
                        "%w = graph.slice %a <starts = [m - 1], steps = [-2]> : f32[n]\n%r = graph.map [%w, %b] " + SUM
                                + " : f32[n]",
                        List.of(shape(6), shape(3)), List.of(shape(6), shape(4))),
                new Misfit(
                        "a concatenation", "%a: f32[m,2], %b: f32[n,2]",
                        "%r = graph.concat [%a, %b] <axis = 1> : f32[m,4]",
                        List.of(shape(3, 2), shape(3, 2)), List.of(shape(4_000_000, 2), shape(1, 2))),
                new Misfit(
                        "an edge of nothing", "%a: f32[m], %b: f32[n]",
                        "%w = graph.pad %a, _ <low = [1], mode = edge> : f32[n]\n%r = graph.map [%w, %b] " + SUM + " : f32[n]",
                        List.of(shape(1), shape(3)), List.of(shape(0), shape(3))),
                new Misfit(
                        "a matrix product", "%a: f32[m,k], %b: f32[l,n]",
                        "%r = graph.mat-mul %a, %b <accumulate = f32> : f32[m,n]",
                        List.of(shape(2, 3), shape(3, 2)), List.of(shape(2, 4_000_000), shape(3, 2))),
                new Misfit(
                        "the channels of a convolution", "%a: f32[1,m,4], %b: f32[4,n,1]",
                        "%r = graph.convolution %a, %b <strides = [1], dilations = [1], low = [0], groups = 2, accumulate = f32>"
                                + " : f32[1,4,4]",
                        List.of(shape(1, 2, 4), shape(4, 1, 1)), List.of(shape(1, 2, 4), shape(4, 1000, 1))),
                new Misfit(
                        "a reduction", "%a: f32[m,3], %b: f32[n]",
                        "%w = graph.reduce %a <combine = sum, axes = [1], accumulate = f32> : f32[n]\n%r = graph.map [%w, %b] "
                                + SUM + " : f32[n]",
                        List.of(shape(2, 3), shape(2)), List.of(shape(2, 3), shape(4_000_000))));
    }

    @TestFactory
    Stream<DynamicTest> theRunIsRefused() {
        return misfits().stream().map(misfit -> DynamicTest.dynamicTest(misfit.name(), () -> {
            var file = folder.resolve("f.portolan");
            new Compiler(CompileOptions.defaults()).compile(misfit.function(), Targets.resolve(List.of("cpu")), file);
            var interpreter = new GraphInterpreter(misfit.function());
            try (var model = Portolan.load(file, Devices.best())) {
                for (int round = 0; round < 2; round++) {
                    assertThrows(PortolanException.class, () -> model.run(inputs(misfit.bad())).close());
                    var expected = interpreter.run(inputs(misfit.good())).values().iterator().next();
                    try (var outputs = model.run(inputs(misfit.good()))) {
                        var name = model.outputs().getFirst().name();
                        assertArrayEquals(expected.toFloatArray(), outputs.get(name).toFloatArray());
                    }
                }
            }
            assertThrows(PortolanException.class, () -> interpreter.run(inputs(misfit.bad())));
        }));
    }

    @Test
    void whatIsProvenOrSaidAlreadyIsNotCheckedAgain() {
        var twice = new Misfit(
                "twice", "%a: f32[m], %b: f32[n]",
                "%w = graph.map [%a, %b] " + SUM + " : f32[m]\n%r = graph.map [%w, %b] " + SUM + " : f32[n]",
                List.of(), List.of());
        var checked = IrPrinter.print(new CheckExtents().run(List.of(twice.function())));
        assertEquals(2, checked.split("graph\\.check", -1).length, checked);
        assertTrue(checked.indexOf("graph.check") < checked.indexOf("graph.map"), checked);
    }

    private static Map<String, Tensor> inputs(List<int[]> shapes) {
        var inputs = new LinkedHashMap<String, Tensor>();
        for (int i = 0; i < shapes.size(); i++) {
            int size = 1;
            for (int extent : shapes.get(i)) size *= extent;
            var values = new float[size];
            for (int j = 0; j < size; j++) values[j] = j % 5 - 2;
            long[] dims = Arrays.stream(shapes.get(i)).asLongStream().toArray();
            inputs.put(String.valueOf((char) ('a' + i)), Tensor.of(values, dims));
        }
        return inputs;
    }
}
