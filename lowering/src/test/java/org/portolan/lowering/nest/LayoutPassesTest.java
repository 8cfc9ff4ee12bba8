package org.portolan.lowering.nest;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.pass.Pipeline;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;
import org.portolan.ir.verify.Verifier;
import org.portolan.runtime.Tensor;

/// Layouts change where elements lie and nothing else.
class LayoutPassesTest {
    /// A fire module of two branches, a depthwise convolution and a pool, with an image of unknown size.
    private static final String IMAGES =
            """
            graph.function <name = main, symbols = [h: 1..64, w: 1..64]> { (%x: f32[1,3,h,w]) ->
              %k1 = graph.constant <data = random(1)> : f32[20,3,3,3]
              %k2 = graph.constant <data = random(2)> : f32[18,20,1,1]
              %k3 = graph.constant <data = random(3)> : f32[17,20,3,3]
              %kd = graph.constant <data = random(4)> : f32[35,1,3,3]
              %a = graph.convolution %x, %k1 <strides = [1, 1], dilations = [1, 1], low = [1, 1], groups = 1, accumulate = f32> : f32[1,20,h,w]
              %b = graph.convolution %a, %k2 <strides = [1, 1], dilations = [1, 1], low = [0, 0], groups = 1, accumulate = f32> : f32[1,18,h,w]
              %c = graph.convolution %a, %k3 <strides = [1, 1], dilations = [1, 1], low = [1, 1], groups = 1, accumulate = f32> : f32[1,17,h,w]
              %d = graph.concat [%b, %c] <axis = 1> : f32[1,35,h,w]
              %e = graph.convolution %d, %kd <strides = [1, 1], dilations = [1, 1], low = [1, 1], groups = 35, accumulate = f32> : f32[1,35,h,w]
              %f = graph.pool %e <window = [3, 3], strides = [1, 1], dilations = [1, 1], low = [1, 1], combine = maximum> : f32[1,35,h,w]
              graph.return [%f, %d]
            }
            """;

    private static final String FUSED = "graph-to-nest, fuse";

    private static GraphOp.Function function(String text, String passes) {
        List<Op> module = IrParser.parse(text, "images");
        var lowered = Pipeline.parse(passes).run(module);
        Verifier.verify(lowered);
        return (GraphOp.Function) lowered.getFirst();
    }

    private static Map<String, Tensor> image(int height, int width) {
        var random = new Random(height * 31L + width);
        var numbers = new float[3 * height * width];
        for (int i = 0; i < numbers.length; i++) numbers[i] = random.nextFloat() - 0.5f;
        return Map.of("x", Tensor.of(numbers, 1, 3, height, width));
    }

    private static void assertSame(GraphOp.Function expected, GraphOp.Function actual) {
        for (var size : new int[][] {{1, 1}, {2, 5}, {7, 6}}) {
            var inputs = image(size[0], size[1]);
            var wanted = new GraphInterpreter(expected).run(inputs);
            var given = new GraphInterpreter(actual).run(inputs);
            assertEquals(wanted.keySet(), given.keySet());
            wanted.forEach((name, tensor) -> assertClose(tensor.toFloatArray(), given.get(name).toFloatArray(), name));
        }
    }

    /// Sums run in another order: they may differ by roundings of the largest number.
    private static void assertClose(float[] expected, float[] actual, String name) {
        float largest = 0;
        for (var number : expected) largest = Math.max(largest, Math.abs(number));
        assertArrayEquals(expected, actual, 4e-6f * largest, name);
    }

    @Test
    void imagesLieWithTheirChannelsLast() {
        var before = function(IMAGES, FUSED);
        var after = function(IMAGES, FUSED + ", channels-last");
        var text = IrPrinter.print(after);
        assertTrue(text.contains("f32[1,h,w,20]"), text);
        assertFalse(text.contains("f32[1,20,h,w]"), text);
        assertSame(before, after);
    }

    @Test
    void resultsOfTheModelKeepTheirLayout() {
        var after = function(IMAGES, FUSED + ", channels-last");
        var returned = (GraphOp.Return) after.body().terminator();
        returned.values().forEach(value -> assertEquals("f32[1,35,h,w]", value.type().toString()));
    }

    @Test
    void joinedResultsAreStoredInPlace() {
        var before = function(IMAGES, FUSED);
        var after = function(IMAGES, FUSED + ", channels-last, join-in-place");
        var text = IrPrinter.print(after);
        assertTrue(text.contains("graph.empty"), text);
        assertFalse(text.contains("arith.select"), text);
        assertSame(before, after);
    }

    /// The nest of a join names what it reads once, also where it stands in two parts.
    @Test
    void aPartThatIsJoinedTwiceStaysWhereItIs() {
        var twice = IMAGES.replace("graph.concat [%b, %c]", "graph.concat [%b, %b]").replace("f32[1,35,h,w]", "f32[1,36,h,w]")
                .replace("f32[35,1,3,3]", "f32[36,1,3,3]")
                .replace("groups = 35", "groups = 36");
        var before = function(twice, FUSED);
        assertSame(before, function(twice, FUSED + ", join-in-place"));
        assertSame(before, function(twice, FUSED + ", channels-last, join-in-place, padded-reads"));
    }

    @Test
    void contractionsReadNothingBeyondTheBorder() {
        var before = function(IMAGES, FUSED);
        var after = function(IMAGES, FUSED + ", channels-last, join-in-place, padded-reads");
        var text = IrPrinter.print(after);
        assertTrue(text.contains("f32[1,h+2,w+2,20]"), text);
        assertSame(before, after);
    }

    /// Products of rows have no channels: their tensors stay as they are.
    @Test
    void matricesAreLeftAlone() {
        var matrices =
                """
                graph.function <name = main, symbols = [b: 1..8]> { (%x: f32[b,5,16]) ->
                  %w = graph.constant <data = random(1)> : f32[16,24]
                  %v = graph.constant <data = random(2)> : f32[24,8]
                  %r = graph.reshape %x : f32[5*b,16]
                  %y = graph.mat-mul %r, %w <accumulate = f32> : f32[5*b,24]
                  %z = graph.mat-mul %y, %v <accumulate = f32> : f32[5*b,8]
                  %s = graph.reshape %z : f32[b,5,8]
                  graph.return [%s]
                }
                """;
        assertEquals(
                IrPrinter.print(function(matrices, FUSED)), IrPrinter.print(function(matrices, FUSED + ", channels-last")));
    }
}
