package org.portolan.ir.pass;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.portolan.ir.GraphOp;
import org.portolan.ir.IrException;
import org.portolan.ir.Op;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;
import org.portolan.ir.verify.Verifier;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.data.RandomTensors;
import org.portolan.runtime.type.ElementType;

/// Products in a narrower type: what is converted, what is not, and how far the numbers move.
class NarrowTest {
    private static final String FUNCTION =
            """
            graph.function <name = main> { (%x: f32[6,50], %ids: i64[5], %p: f32[1,3,8,8]) ->
              %w = graph.constant <data = random(3)> : f32[50,7]
              %k = graph.constant <data = random(4)> : f32[4,3,3,3]
              %table = graph.constant <data = random(5)> : f32[11,6]
              %y = graph.mat-mul %x, %w <accumulate = f32> : f32[6,7]
              %g = graph.gather %table, %ids <axis = 0> : f32[5,6]
              %z = graph.mat-mul %g, %y <accumulate = f32> : f32[5,7]
              %c = graph.convolution %p, %k <strides = [1, 1], dilations = [1, 1], low = [0, 0], groups = 1, accumulate = f32> : f32[1,4,6,6]
              graph.return [%z, %c]
            }
            """;

    private static Map<String, Tensor> inputs() {
        return Map.of(
                "x", RandomTensors.random(ElementType.F32, 1, 6, 50),
                "ids", RandomTensors.integers(ElementType.I64, 2, 0, 11, 5),
                "p", RandomTensors.random(ElementType.F32, 3, 1, 3, 8, 8));
    }

    private static List<Op> parse() {
        return IrParser.parse(FUNCTION, "narrow.ir");
    }

    /// Eleven bits of a factor each, fifty terms; eight for bf16.
    @Test
    void productsAreNarrowAndSumsAreNot() {
        var before = parse();
        for (var type : List.of(ElementType.F16, ElementType.BF16)) {
            var after = Pipeline.of(new Narrow(type), new Canonicalize()).run(before);
            Verifier.verify(after);
            var text = IrPrinter.print(after);
            assertTrue(text.contains(type.text() + "[50,7]") && text.contains(type.text() + "[4,3,3,3]"), text);
            assertTrue(text.contains(type.text() + "[11,6]") && !text.contains("random(5)"), text);
            assertEquals(0, count(text, ": " + type.text() + "[5,7]"), text);
            var wanted = run(before);
            var found = run(after);
            double most = type == ElementType.F16 ? 0.01 : 0.1;
            boolean moved = false;
            for (var name : wanted.keySet()) {
                for (long i = 0; i < wanted.get(name).elements(); i++) {
                    double one = wanted.get(name).getDouble(i);
                    assertEquals(one, found.get(name).getDouble(i), most, name + " " + i);
                    moved |= one != found.get(name).getDouble(i);
                }
            }
            assertTrue(moved, "nothing was rounded");
        }
    }

    @Test
    void whatIsListedStaysWide() {
        var text = IrPrinter.print(
                Pipeline.of(new Narrow(ElementType.F16, List.of("convolution", "gather")), new Canonicalize()).run(parse()));
        assertTrue(text.contains("random(4)") && text.contains("random(5)") && text.contains("f16[50,7]"), text);
    }

    @Test
    void numbersBeyondTheTypeBecomeItsLargest() {
        var module = IrParser.parse(
                """
                graph.function <name = main> { (%x: f32[1,2]) ->
                  %w = graph.constant <data = dense([1.0e9, 1.0])> : f32[2,1]
                  %y = graph.mat-mul %x, %w <accumulate = f32> : f32[1,1]
                  graph.return [%y]
                }
                """,
                "large.ir");
        var after = (GraphOp.Function) new Narrow(ElementType.F16).run(module).getFirst();
        var found = new GraphInterpreter(after).run(Map.of("x", Tensor.of(new float[] {1, -1e8f}, 1, 2)));
        assertEquals(0, found.values().iterator().next().getDouble(0), "65504 - 65504");
    }

    @Test
    void itIsWrittenAndRead() {
        var text = "narrow{type=f16, wide=[gather]}";
        assertEquals(text, Pipeline.parse(text).toString());
        assertThrows(IrException.class, () -> new Narrow(ElementType.F64));
        var words = assertThrows(IrException.class, () -> new Narrow(ElementType.F16, List.of("softmax"))).getMessage();
        assertTrue(words.contains("[softmax]") && words.contains("mat-mul"), words);
    }

    private static Map<String, Tensor> run(List<Op> module) {
        return new GraphInterpreter((GraphOp.Function) module.getFirst()).run(inputs());
    }

    private static int count(String text, String part) {
        return text.split(Pattern.quote(part), -1).length - 1;
    }
}
