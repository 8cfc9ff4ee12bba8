package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;
import org.portolan.lowering.nest.RowChains;
import org.portolan.lowering.tile.NestToTile;
import org.portolan.runtime.data.RandomTensors;
import org.portolan.runtime.type.ElementType;

/// A few rows and many keys: each row is divided into parts, and a second nest combines them. What comes out is what the three nests
/// say, whatever the lengths and the mask, also where parts have no key at all.
class RowSplitTest {
    private static GraphOp.Function divided(String text, MachineOp.Chip chip) {
        var function = (GraphOp.Function) IrParser.parse(text, "attention").getFirst();
        var joined = RowChains.apply(function, nest -> NestToTile.isOnline(nest, chip));
        var ops = joined.body().ops().stream()
                .flatMap(op -> op instanceof NestOp.Compute nest
                        ? NestToTile.parts(nest, chip).stream()
                        : Stream.of(op))
                .toList();
        return new GraphOp.Function(
                joined.name(), joined.symbols(), new Body(joined.body().params(), ops));
    }

    private static void check(
            MachineOp.Chip chip, String element, String form, long heads, long m, long n, boolean dynamic) {
        long d = 16;
        var text = form.equals("mask")
                ? OnlineKernelTest.attention(element, false, heads, m, n, d, 8, dynamic)
                : HiddenKeysTest.attention(element, form, heads, m, n, d, 8, dynamic);
        // The number of rows is known.
        text = text.replace("i:m", "i:" + m).replaceAll("\\[m,", "[" + m + ",").replaceAll(",m,", "," + m + ",").replace("m:0..4096, ", "");
        var divided = divided(text, chip);
        assertEquals(2, divided.body().ops().stream().filter(NestOp.Compute.class::isInstance).count());
        var shapes = Map.of(
                "q", List.of(heads, m, d), "k", List.of(heads, n, d), "v", List.of(heads, n, 8L), "mask", List.of(m, n));
        new KernelCheck(chip).check(
                IrPrinter.print(divided),
                shapes,
                dynamic ? Map.of("n", n) : Map.of(),
                m + n,
                element.equals("f32") ? OnlineKernelTest.FLOAT : OnlineKernelTest.HALF);
        equal(text, divided, heads, m, n, d, element);
    }

    /// Both functions give the same on the interpreter.
    private static void equal(
            String text, GraphOp.Function divided, long heads, long m, long n, long d, String element) {
        var type = ElementType.parse(element);
        var inputs = Map.of(
                "q", RandomTensors.random(type, 1, heads, m, d),
                "k", RandomTensors.random(type, 2, heads, n, d),
                "v", RandomTensors.random(type, 3, heads, n, 8),
                "mask", RandomTensors.random(ElementType.F32, 4, m, n));
        var expected = new GraphInterpreter((GraphOp.Function) IrParser.parse(text, "attention").getFirst())
                .run(inputs)
                .get("o");
        var found = new GraphInterpreter(divided).run(inputs).get("o");
        double tolerance = element.equals("f32") ? OnlineKernelTest.FLOAT : OnlineKernelTest.HALF;
        for (long i = 0; i < expected.elements(); i++) {
            double wanted = expected.getDouble(i);
            if (Double.isNaN(wanted)) {
                assertEquals(wanted, found.getDouble(i), "element " + i);
            } else {
                assertEquals(wanted, found.getDouble(i), tolerance * Math.max(1, Math.abs(wanted)), "element " + i);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "mask, 2, 1, 300, false", "mask, 1, 4, 700, true", "causal, 1, 3, 260, false", "length, 4, 2, 300, true",
        "window, 1, 8, 256, false", "mask, 1, 16, 100, true"
    })
    void rowsAreDivided(String form, long heads, long m, long n, boolean dynamic) {
        check(ThreadMachine.large(), "f32", form, heads, m, n, dynamic);
        check(ThreadMachine.fragments(), "f16", form, heads, m, n, dynamic);
    }

    @Test
    void shortOrManyRowsAreNotDivided() {
        for (var text : List.of(
                OnlineKernelTest.attention("f32", false, 1, 64, 1024, 16, 8, false),
                OnlineKernelTest.attention("f32", false, 1, 4, 200, 16, 8, false),
                OnlineKernelTest.attention("f32", false, 4096, 4, 1024, 16, 8, false))) {
            var divided = divided(text, ThreadMachine.large());
            assertEquals(1, divided.body().ops().stream().filter(NestOp.Compute.class::isInstance).count());
        }
    }
}
