package org.portolan.lowering.nest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;

/// What models say in many operations becomes one nest each.
class FuseTest {
    private static GraphOp.Function fuse(String text) {
        List<Op> module = new Fuse().run(new GraphToNest().run(IrParser.parse(text, "test.ir")));
        return (GraphOp.Function) module.getFirst();
    }

    private static List<NestOp.Compute> nests(GraphOp.Function function) {
        return function.body().ops().stream()
                .filter(NestOp.Compute.class::isInstance)
                .map(NestOp.Compute.class::cast)
                .toList();
    }

    private static NestOp.Compute only(GraphOp.Function function) {
        var nests = nests(function);
        assertEquals(1, nests.size(), () -> IrPrinter.print(function));
        return nests.getFirst();
    }

    private static long count(NestOp.Compute nest, Class<? extends Op> kind) {
        return count(nest.body(), kind);
    }

    private static long count(Body body, Class<? extends Op> kind) {
        long own = body.ops().stream().filter(kind::isInstance).count();
        return own
                + body.ops().stream()
                        .flatMap(op -> OpSchema.bodies(op).stream())
                        .mapToLong(inner -> count(inner, kind))
                        .sum();
    }

    private static String map(String result, String left, String right, String op, String type) {
        return "%" + result + " = graph.map [%" + left + ", %" + right + "] { (%p: f32, %q: f32) ->\n  %z = arith." + op
                + " %p, %q : f32\n  graph.yield [%z]\n} : " + type + "\n";
    }

    private static String map(String result, String operand, String op, String type) {
        return "%" + result + " = graph.map [%" + operand + "] { (%p: f32) ->\n  %z = arith." + op
                + " %p : f32\n  graph.yield [%z]\n} : " + type + "\n";
    }

    private static String softmax(String result, String input, String lead) {
        var full = "f32[" + lead + ",s]";
        return "%mx = graph.reduce %" + input + " <combine = maximum, axes = [2], accumulate = f32> : f32[" + lead
                + "]\n"
                + "%mk = graph.reshape %mx : f32[" + lead + ",1]\n"
                + "%mw = graph.broadcast %mk : " + full + "\n"
                + map("sh", input, "mw", "sub", full)
                + map("ex", "sh", "exp", full)
                + "%sm = graph.reduce %ex <combine = sum, axes = [2], accumulate = f32> : f32[" + lead + "]\n"
                + "%sk = graph.reshape %sm : f32[" + lead + ",1]\n"
                + "%sw = graph.broadcast %sk : " + full + "\n"
                + map(result, "ex", "sw", "div", full);
    }

    private static String layerNorm(String result, String input) {
        var full = "f32[b,s,384]";
        return "%n = graph.constant <data = splat(384.0)> : f32[b,s]\n"
                + "%sum = graph.reduce %" + input + " <combine = sum, axes = [2], accumulate = f32> : f32[b,s]\n"
                + map("mean", "sum", "n", "div", "f32[b,s]")
                + "%mean1 = graph.reshape %mean : f32[b,s,1]\n"
                + "%meanw = graph.broadcast %mean1 : " + full + "\n"
                + map("centred", input, "meanw", "sub", full)
                + "%two = graph.constant <data = splat(2.0)> : " + full + "\n"
                + map("square", "centred", "two", "pow", full)
                + "%sum2 = graph.reduce %square <combine = sum, axes = [2], accumulate = f32> : f32[b,s]\n"
                + map("variance", "sum2", "n", "div", "f32[b,s]")
                + "%epsilon = graph.constant <data = splat(1.0E-5)> : f32[b,s]\n"
                + map("safe", "variance", "epsilon", "add", "f32[b,s]")
                + map("deviation", "safe", "sqrt", "f32[b,s]")
                + "%deviation1 = graph.reshape %deviation : f32[b,s,1]\n"
                + "%deviationw = graph.broadcast %deviation1 : " + full + "\n"
                + map("normal", "centred", "deviationw", "div", full)
                + "%gammaw = graph.broadcast %gamma : " + full + "\n"
                + map("scaled", "normal", "gammaw", "mul", full)
                + "%betaw = graph.broadcast %beta : " + full + "\n"
                + map(result, "scaled", "betaw", "add", full);
    }

    private static String function(String params, String body, String result) {
        return "graph.function <name = main, symbols = [b:1..8, s:1..512]> { (" + params + ") ->\n" + body
                + "graph.return [%" + result + "]\n}\n";
    }

    @Test
    void softmaxIsOneNest() {
        var nest = only(fuse(function("%x: f32[b,12,s]", softmax("y", "x", "b,12"), "y")));
        assertEquals(1, count(nest, NestOp.Reduce.class));
        assertEquals(1, count(nest, NestOp.Sum.class));
        assertEquals(1, nest.inputs().size());
    }

    @Test
    void aMaskAndAScaleBeforeASoftmaxJoinIt() {
        var body = "%c = graph.constant <data = splat(0.125)> : f32[b,12,s]\n"
                + map("scaled", "x", "c", "mul", "f32[b,12,s]")
                + "%wide = graph.broadcast %mask : f32[b,12,s]\n"
                + map("masked", "scaled", "wide", "add", "f32[b,12,s]")
                + softmax("y", "masked", "b,12");
        var nest = only(fuse(function("%x: f32[b,12,s], %mask: f32[b,1,s]", body, "y")));
        assertEquals(2, nest.inputs().size());
    }

    @Test
    void layerNormIsOneNestAndComputesEachSumOnce() {
        var text = function("%x: f32[b,s,384], %gamma: f32[384], %beta: f32[384]", layerNorm("y", "x"), "y");
        var nest = only(fuse(text));
        assertEquals(2, count(nest, NestOp.Sum.class));
        assertEquals(5, nest.axes().size());
    }

    @Test
    void aResidualSumThatIsNeededLaterIsStoredByTheNormalisation() {
        var body = map("h", "x", "r", "add", "f32[b,s,384]") + layerNorm("y", "h");
        var params = "%x: f32[b,s,384], %r: f32[b,s,384], %gamma: f32[384], %beta: f32[384]";
        var nest = only(fuse(function(params, body, "y, %h")));
        assertEquals(List.of("y", "h"), nest.results().stream().map(Value::hint).toList());
    }

    @Test
    void theTailOfAMatrixProductIsInItsNest() {
        var type = "f32[b,s,1536]";
        var body = "%flat = graph.reshape %x : f32[b*s,384]\n"
                + "%mm = graph.mat-mul %flat, %w <accumulate = f32> : f32[b*s,1536]\n"
                + "%m3 = graph.reshape %mm : " + type + "\n"
                + "%bw = graph.broadcast %bias : " + type + "\n"
                + map("h", "m3", "bw", "add", type)
                + "%root = graph.constant <data = splat(1.4142135)> : " + type + "\n"
                + map("part", "h", "root", "div", type)
                + map("erf", "part", "erf", type)
                + "%one = graph.constant <data = splat(1.0)> : " + type + "\n"
                + map("up", "erf", "one", "add", type)
                + map("whole", "h", "up", "mul", type)
                + "%half = graph.constant <data = splat(0.5)> : " + type + "\n"
                + map("y", "whole", "half", "mul", type);
        var nest = only(fuse(function("%x: f32[b,s,384], %w: f32[384,1536], %bias: f32[1536]", body, "y")));
        assertEquals(1, count(nest, NestOp.Sum.class));
        assertEquals(3, nest.inputs().size());
        assertEquals(3, count(nest, NestOp.Read.class));
    }

    @Test
    void headsAreReadWhereTheyLie() {
        var text = function(
                "%x: f32[b,s,384], %v: f32[b,12,s,32]",
                "%h = graph.reshape %x : f32[b,s,12,32]\n"
                        + "%q = graph.transpose %h <permutation = [0, 2, 1, 3]> : f32[b,12,s,32]\n"
                        + "%k = graph.transpose %h <permutation = [0, 2, 3, 1]> : f32[b,12,32,s]\n"
                        + "%scores = graph.mat-mul %q, %k <accumulate = f32> : f32[b,12,s,s]\n"
                        + "%context = graph.mat-mul %scores, %v <accumulate = f32> : f32[b,12,s,32]\n"
                        + "%t = graph.transpose %context <permutation = [0, 2, 1, 3]> : f32[b,s,12,32]\n"
                        + "%y = graph.reshape %t : f32[b,s,384]\n",
                "y");
        var function = fuse(text);
        assertEquals(2, nests(function).size(), () -> IrPrinter.print(function));
        for (var nest : nests(function)) {
            assertTrue(
                    nest.body().ops().stream()
                            .filter(NestOp.Read.class::isInstance)
                            .flatMap(read -> ((NestOp.Read) read).at().stream())
                            .noneMatch(index -> index.toString().matches(".*[/%].*")),
                    () -> IrPrinter.print(nest));
        }
    }

    @Test
    void anotherShapeNeedsNoNest() {
        var text = function("%x: f32[b,s,384]", "%y = graph.reshape %x : f32[b*s,384]\n", "y");
        assertEquals(0, nests(fuse(text)).size());
    }

    @Test
    void aPairOfContractionsStaysApart() {
        var body = "%one = graph.mat-mul %x, %u <accumulate = f32> : f32[s,64]\n"
                + "%two = graph.mat-mul %x, %v <accumulate = f32> : f32[s,64]\n"
                + map("y", "one", "two", "mul", "f32[s,64]");
        var nests = nests(fuse(function("%x: f32[s,32], %u: f32[32,64], %v: f32[32,64]", body, "y")));
        assertEquals(2, nests.size());
        assertEquals(1, count(nests.getLast(), NestOp.Sum.class));
    }

    @Test
    void longChainsAreCutIntoNestsOfBoundedSize() {
        int length = 32_768;
        var body = new StringBuilder();
        var previous = "x";
        for (int i = 0; i < length; i++) {
            body.append(map("c" + i, previous, i % 2 == 0 ? "neg" : "abs", "f32[s]"));
            previous = "c" + i;
        }
        var module =
                new GraphToNest().run(IrParser.parse(function("%x: f32[s]", body.toString(), previous), "test.ir"));
        var function = (GraphOp.Function) new Fuse().run(module).getFirst();
        int nests = nests(function).size();
        assertTrue(nests > 100 && nests < 1000, nests + " nests");
    }
}
