package org.portolan.lowering.nest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.SymbolRange;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

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
        return softmax(result, input, lead, 2);
    }

    private static String softmax(String result, String input, String lead, int axis) {
        var full = "f32[" + lead + ",s]";
        var text = """
                %@max = graph.reduce %@in <combine = maximum, axes = [AXIS], accumulate = f32> : f32[LEAD]
                %@max1 = graph.reshape %@max : f32[LEAD,1]
                %@maxw = graph.broadcast %@max1 : f32[LEAD,s]
                """ + map("@shifted", "@in", "@maxw", "sub", full)
                + map("@exp", "@shifted", "exp", full)
                + """
                %@sum = graph.reduce %@exp <combine = sum, axes = [AXIS], accumulate = f32> : f32[LEAD]
                %@sum1 = graph.reshape %@sum : f32[LEAD,1]
                %@sumw = graph.broadcast %@sum1 : f32[LEAD,s]
                """
                + map(result, "@exp", "@sumw", "div", full);
        return own(text, result, input).replace("AXIS", "" + axis).replace("LEAD", lead);
    }

    private static String layerNorm(String result, String input) {
        var full = "f32[b,s,384]";
        var text = """
                %@n = graph.constant <data = splat(384.0)> : f32[b,s]
                %@sum = graph.reduce %@in <combine = sum, axes = [2], accumulate = f32> : f32[b,s]
                """ + map("@mean", "@sum", "@n", "div", "f32[b,s]")
                + """
                %@mean1 = graph.reshape %@mean : f32[b,s,1]
                %@meanw = graph.broadcast %@mean1 : f32[b,s,384]
                %@two = graph.constant <data = splat(2.0)> : f32[b,s,384]
                """
                + map("@centred", "@in", "@meanw", "sub", full)
                + map("@square", "@centred", "@two", "pow", full)
                + """
                %@squares = graph.reduce %@square <combine = sum, axes = [2], accumulate = f32> : f32[b,s]
                %@epsilon = graph.constant <data = splat(1.0E-5)> : f32[b,s]
                """
                + map("@variance", "@squares", "@n", "div", "f32[b,s]")
                + map("@safe", "@variance", "@epsilon", "add", "f32[b,s]")
                + map("@deviation", "@safe", "sqrt", "f32[b,s]")
                + """
                %@deviation1 = graph.reshape %@deviation : f32[b,s,1]
                %@deviationw = graph.broadcast %@deviation1 : f32[b,s,384]
                %@gammaw = graph.broadcast %gamma : f32[b,s,384]
                %@betaw = graph.broadcast %beta : f32[b,s,384]
                """
                + map("@normal", "@centred", "@deviationw", "div", full)
                + map("@scaled", "@normal", "@gammaw", "mul", full)
                + map(result, "@scaled", "@betaw", "add", full);
        return own(text, result, input);
    }

    /// Names of a part's own values begin with the name of its result.
    private static String own(String text, String result, String input) {
        return text.replace("@in ", input + " ")
                .replace("@in,", input + ",")
                .replace("@in]", input + "]")
                .replace("@", result + "_");
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

    /// Three projections, scores with scale and mask, softmax, context, and each of the two halves' matrix products
    /// with
    /// the residual as their tail and a normalisation; the first product of the second half has the activation.
    @Test
    void anEncoderLayerIsElevenNests() {
        var hidden = "f32[b,s,384]";
        var scores = "f32[b,12,s,s]";
        var body = new StringBuilder();
        for (var name : List.of("q", "k", "v")) {
            body.append(project(name + "p", "x", "w" + name, "384"))
                    .append("%" + name + "h = graph.reshape %" + name + "p : f32[b,s,12,32]\n");
        }
        body.append("%qt = graph.transpose %qh <permutation = [0, 2, 1, 3]> : f32[b,12,s,32]\n")
                .append("%kt = graph.transpose %kh <permutation = [0, 2, 3, 1]> : f32[b,12,32,s]\n")
                .append("%vt = graph.transpose %vh <permutation = [0, 2, 1, 3]> : f32[b,12,s,32]\n")
                .append("%scores = graph.mat-mul %qt, %kt <accumulate = f32> : " + scores + "\n")
                .append("%root = graph.constant <data = splat(5.656854)> : " + scores + "\n")
                .append(map("scaled", "scores", "root", "div", scores))
                .append("%maskw = graph.broadcast %mask : " + scores + "\n")
                .append(map("masked", "scaled", "maskw", "add", scores))
                .append(softmax("weights", "masked", "b,12,s", 3))
                .append("%context = graph.mat-mul %weights, %vt <accumulate = f32> : f32[b,12,s,32]\n")
                .append("%ct = graph.transpose %context <permutation = [0, 2, 1, 3]> : f32[b,s,12,32]\n")
                .append("%c = graph.reshape %ct : " + hidden + "\n")
                .append(project("o", "c", "wo", "384"))
                .append(map("first", "o", "x", "add", hidden))
                .append(layerNorm("y", "first"))
                .append(project("up", "y", "wu", "1536"))
                .append(map("active", "up", "tanh", "f32[b,s,1536]"))
                .append(project("down", "active", "wd", "384"))
                .append(map("second", "down", "y", "add", hidden))
                .append(layerNorm("out", "second"));
        var params = "%x: " + hidden + ", %mask: f32[b,1,1,s], %gamma: f32[384], %beta: f32[384], %bias384: f32[384], "
                + "%bias1536: f32[1536], %wq: f32[384,384], %wk: f32[384,384], %wv: f32[384,384], %wo: f32[384,384], "
                + "%wu: f32[384,1536], %wd: f32[1536,384]";
        var function = fuse(function(params, body.toString(), "out"));
        assertEquals(11, nests(function).size(), () -> IrPrinter.print(function));
    }

    private static String project(String result, String input, String weights, String width) {
        var flat = "f32[b*s," + width + "]";
        var type = "f32[b,s," + width + "]";
        var depth = weights.equals("wd") ? "1536" : "384";
        return "%" + result + "f = graph.reshape %" + input + " : f32[b*s," + depth + "]\n"
                + "%" + result + "m = graph.mat-mul %" + result + "f, %" + weights + " <accumulate = f32> : " + flat
                + "\n"
                + "%" + result + "r = graph.reshape %" + result + "m : " + type + "\n"
                + "%" + result + "b = graph.broadcast %bias" + width + " : " + type + "\n"
                + map(result, result + "r", result + "b", "add", type);
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
        var type = Type.tensor(ElementType.F32, List.of(Dim.symbol("s")));
        var input = Value.of(type, "x");
        var previous = input;
        var ops = new ArrayList<Op>();
        for (int i = 0; i < 32_768; i++) {
            var operand = Value.of(Type.scalar(ElementType.F32));
            var result = Value.of(operand.type());
            var op = i % 2 == 0 ? new ArithOp.Neg(operand, result) : new ArithOp.Abs(operand, result);
            var body = new Body(List.of(operand), List.of(op, new GraphOp.Yield(List.of(result))));
            var next = Value.of(type, "c" + i);
            ops.add(new GraphOp.Map(List.of(previous), body, next));
            previous = next;
        }
        ops.add(new GraphOp.Return(List.of(previous)));
        var symbols = List.of(new SymbolRange("s", 1, 512));
        var chain = new GraphOp.Function("main", symbols, new Body(List.of(input), ops));
        var function = (GraphOp.Function)
                new Fuse().run(new GraphToNest().run(List.of(chain))).getFirst();
        int nests = nests(function).size();
        assertTrue(nests > 100 && nests < 1000, nests + " nests");
    }
}
