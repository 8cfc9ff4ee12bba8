package org.portolan.tests.compile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import org.portolan.ir.pass.CheckExtents;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;
import org.portolan.ir.verify.Verifier;
import org.portolan.lowering.CompileOptions;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Devices;

/// Numbers that are read from data can be anything, negative ones too, and get no symbol that has a number already.
class CheckedNumbersTest {
    private static final float[] NUMBERS = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

    @TempDir
    private Path folder;

    /// @param good a number with which the function gives the expected elements
    /// @param bad one with which the run must be refused
    private record Read(String name, String body, long good, float[] expected, long bad) {
        GraphOp.Function function() {
            return parse("(%a: f32[n], %b: i64[1]) ->\ngraph.bind %b <symbols = [s]>\n" + body + "\ngraph.return [%r]");
        }
    }

    private static GraphOp.Function parse(String body) {
        var text = "graph.function <name = \"f\", symbols = [n:4..1000]> { " + body + "\n}";
        return (GraphOp.Function) IrParser.parse(text, "text").getFirst();
    }

    private static List<Read> reads() {
        return List.of(
                new Read(
                        "where a slice begins", "%r = graph.slice %a <starts = [min(s, n - 4)], steps = [1]> : f32[4]",
                        2, new float[] {2, 3, 4, 5}, -1_000_000_000_000L),
                new Read(
                        "an extent later on",
                        "%w = graph.slice %a <starts = [max(s, 0)], steps = [1]> : f32[n - max(s, 0)]\n"
                                + "%r = graph.slice %w <starts = [0], steps = [1]> : f32[s]",
                        2, new float[] {2, 3}, -1_000_000_000_000L),
                new Read(
                        "a stride", "%r = graph.slice %a <starts = [0], steps = [s]> : f32[4]",
                        3, new float[] {0, 3, 6, 9}, -100_000_000_000L));
    }

    @TestFactory
    Stream<DynamicTest> whatIsReadMayBeNegative() {
        return reads().stream().map(read -> DynamicTest.dynamicTest(read.name(), () -> {
            var file = folder.resolve("f.portolan");
            new Compiler(CompileOptions.defaults()).compile(read.function(), Targets.resolve(List.of("cpu")), file);
            try (var model = Portolan.load(file, Devices.best())) {
                for (int round = 0; round < 2; round++) {
                    assertThrows(PortolanException.class, () -> model.run(inputs(read.bad())).close());
                    try (var outputs = model.run(inputs(read.good()))) {
                        var name = model.outputs().getFirst().name();
                        assertArrayEquals(read.expected(), outputs.get(name).toFloatArray());
                    }
                }
            }
        }));
    }

    @Test
    void anExtentIsCheckedWhereItIsRead() {
        var function = reads().get(1).function();
        var checked = new CheckExtents().run(List.of(function));
        var text = IrPrinter.print(checked);
        assertTrue(text.matches("(?s).*graph\\.bind[^\\n]*\\n\\s*graph\\.check[^\\n]*s, relation[^\\n]*greater.*"), text);
        assertEquals(text, IrPrinter.print(new CheckExtents().run(checked)));
    }

    @Test
    void whatDimsWriteIsKnown() {
        var written = parse("(%a: f32[n]) ->\n%d = graph.dims <values = [n - 2]> : i64[1]\ngraph.bind %d <symbols = [s]>\n"
                + "%r = graph.slice %a <starts = [0], steps = [1]> : f32[s]\ngraph.return [%r]");
        var text = IrPrinter.print(new CheckExtents().run(List.of(written)));
        assertFalse(text.contains("must not be negative"), text);
    }

    @Test
    void aSymbolGetsOneNumber() {
        var again = parse("(%a: f32[n], %b: i64[1]) ->\ngraph.bind %b <symbols = [n]>\ngraph.return [%a]");
        var error = assertThrows(IrException.class, () -> Verifier.verify(List.of(again)));
        assertTrue(error.getMessage().contains("the symbol n has a number already"), error.getMessage());
        var early = parse("(%a: f32[n], %b: i64[]) ->\n"
                + "%r = graph.loop %b, _, [%a] <trips = t> { (%i: i64[], %c: bool[], %s: f32[n]) ->\n"
                + "%e = graph.slice %s <starts = [0], steps = [1]> : f32[t]\ngraph.yield [%c, %s]\n} : f32[n]\n"
                + "graph.return [%r]");
        error = assertThrows(IrException.class, () -> Verifier.verify(List.of(early)));
        assertTrue(error.getMessage().contains("the symbol t in t is not declared"), error.getMessage());
    }

    private static Map<String, Tensor> inputs(long number) {
        return Map.of("a", Tensor.of(NUMBERS, NUMBERS.length), "b", Tensor.of(new long[] {number}, 1));
    }
}
