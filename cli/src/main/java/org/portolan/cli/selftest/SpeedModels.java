package org.portolan.cli.selftest;

import org.portolan.ir.GraphOp;
import org.portolan.ir.text.IrParser;
import org.portolan.runtime.type.ElementType;

/// Functions whose time is measured: chains of equal operations, and a model with the structure of MiniLM.
final class SpeedModels {
    private static final int HIDDEN = 384;
    private static final int HEADS = 12;
    private static final int INNER = 1536;
    private static final int LAYERS = 6;
    private static final int WORDS = 30_522;
    private static final int POSITIONS = 512;

    private final StringBuilder text = new StringBuilder();
    private int seed;

    private SpeedModels() {}

    /// Each link is {@code scale * a x previous}; the numbers keep their size.
    static GraphOp.Function products(ElementType type, int n, int links) {
        var models = new SpeedModels();
        var matrix = type + "[" + n + "," + n + "]";
        models.line("graph.function <name = \"products\", symbols = []> { (%%a: %s, %%x0: %s) ->", matrix, matrix);
        for (int link = 0; link < links; link++) {
            models.line("%%p%d = graph.mat-mul %%a, %%x%d <accumulate = f32> : f32[%d,%d]", link, link, n, n);
            models.map("x" + (link + 1), "p" + link, matrix, """
                    %%c = arith.const <value = %s> : f32
                    %%s = arith.mul %%v, %%c : f32
                    %%r = arith.cast %%s : %s
                    """.formatted(scale(n), type));
        }
        models.line("graph.return [%%x%d]\n}", links);
        return models.parse();
    }

    /// What keeps sums of products of numbers from -1 to 1 within that size.
    static double scale(int n) {
        return Math.sqrt(3.0 / n);
    }

    /// Each link is attention with the result of the one before as queries.
    static GraphOp.Function attention(int heads, int length, int size, int links) {
        var models = new SpeedModels();
        var tensor = "f32[%d,%d,%d]".formatted(heads, length, size);
        models.line("graph.function <name = \"attention\", symbols = []> { (%%q0: %s, %%keys: %s, %%values: %s) ->", tensor, tensor, tensor);
        models.line("%%kt = graph.transpose %%keys <permutation = [0, 2, 1]> : f32[%d,%d,%d]", heads, size, length);
        for (int link = 0; link < links; link++) {
            models.attention("q" + link, "kt", "values", "q" + (link + 1), "a" + link, "" + heads, "" + length, size);
        }
        models.line("graph.return [%%q%d]\n}", links);
        return models.parse();
    }

    /// Six layers of an encoder with random weights, as in sentence-transformers/all-MiniLM-L6-v2.
    static GraphOp.Function encoder() {
        var models = new SpeedModels();
        models.line("graph.function <name = \"encoder\", symbols = [n:1..512]> { (%%ids: i64[n]) ->");
        models.weight("words", WORDS + "," + HIDDEN);
        models.weight("positions", POSITIONS + "," + HIDDEN);
        models.line("%%word = graph.gather %%words, %%ids <axis = 0> : f32[n,%d]", HIDDEN);
        models.line("%%place = graph.slice %%positions <starts = [0, 0], steps = [1, 1]> : f32[n,%d]", HIDDEN);
        models.add("embedded", "word", "place", "f32[n," + HIDDEN + "]");
        models.normalize("x0", "embedded");
        for (int layer = 0; layer < LAYERS; layer++) {
            models.layer("x" + layer, "x" + (layer + 1), "l" + layer);
        }
        models.line("graph.return [%%x%d]\n}", LAYERS);
        return models.parse();
    }

    private void layer(String in, String out, String name) {
        int size = HIDDEN / HEADS;
        for (var part : new String[] {"q", "k", "v"}) {
            dense(name + part, in, HIDDEN, HIDDEN);
            line("%%%s = graph.reshape %%%s : f32[n,%d,%d]", name + part + "s", name + part, HEADS, size);
        }
        line("%%%s = graph.transpose %%%s <permutation = [1, 0, 2]> : f32[%d,n,%d]", name + "qt", name + "qs", HEADS, size);
        line("%%%s = graph.transpose %%%s <permutation = [1, 2, 0]> : f32[%d,%d,n]", name + "kt", name + "ks", HEADS, size);
        line("%%%s = graph.transpose %%%s <permutation = [1, 0, 2]> : f32[%d,n,%d]", name + "vt", name + "vs", HEADS, size);
        attention(name + "qt", name + "kt", name + "vt", name + "heads", name + "a", "" + HEADS, "n", size);
        line("%%%s = graph.transpose %%%s <permutation = [1, 0, 2]> : f32[n,%d,%d]", name + "back", name + "heads", HEADS, size);
        line("%%%s = graph.reshape %%%s : f32[n,%d]", name + "joined", name + "back", HIDDEN);
        dense(name + "o", name + "joined", HIDDEN, HIDDEN);
        add(name + "sum", name + "o", in, "f32[n," + HIDDEN + "]");
        normalize(name + "mid", name + "sum");
        dense(name + "up", name + "mid", HIDDEN, INNER);
        map(name + "gelu", name + "up", "f32[n," + INNER + "]", """
                %h = arith.const <value = 0.5> : f32
                %q = arith.const <value = 0.7071067811865476> : f32
                %one = arith.const <value = 1.0> : f32
                %d = arith.mul %v, %q : f32
                %e = arith.erf %d : f32
                %f = arith.add %e, %one : f32
                %g = arith.mul %v, %h : f32
                %r = arith.mul %g, %f : f32
                """);
        dense(name + "down", name + "gelu", INNER, HIDDEN);
        add(name + "end", name + "down", name + "mid", "f32[n," + HIDDEN + "]");
        normalize(out, name + "end");
    }

    /// {@code (x - mean) / sqrt(variance + 1e-12)}, row by row.
    private void normalize(String out, String in) {
        var type = "f32[n," + HIDDEN + "]";
        line("%%%s = graph.reduce %%%s <combine = sum, axes = [1], accumulate = f32> : f32[n]", out + "t", in);
        line("%%%s = graph.reshape %%%s : f32[n,1]", out + "t1", out + "t");
        line("%%%s = graph.broadcast %%%s : %s", out + "tb", out + "t1", type);
        map2(out + "c", in, out + "tb", type, """
                %%k = arith.const <value = %s> : f32
                %%m = arith.mul %%w, %%k : f32
                %%r = arith.sub %%v, %%m : f32
                """.formatted(1.0 / HIDDEN));
        map(out + "s", out + "c", type, "%r = arith.mul %v, %v : f32\n");
        line("%%%s = graph.reduce %%%s <combine = sum, axes = [1], accumulate = f32> : f32[n]", out + "u", out + "s");
        line("%%%s = graph.reshape %%%s : f32[n,1]", out + "u1", out + "u");
        line("%%%s = graph.broadcast %%%s : %s", out + "ub", out + "u1", type);
        map2(out, out + "c", out + "ub", type, """
                %%k = arith.const <value = %s> : f32
                %%e = arith.const <value = 1.0e-12> : f32
                %%m = arith.mul %%w, %%k : f32
                %%a = arith.add %%m, %%e : f32
                %%q = arith.sqrt %%a : f32
                %%r = arith.div %%v, %%q : f32
                """.formatted(1.0 / HIDDEN));
    }

    /// Softmax of the scaled scores, times the values.
    private void attention(String q, String kt, String v, String out, String name, String heads, String length, int size) {
        var scores = "f32[%s,%s,%s]".formatted(heads, length, length);
        var row = "f32[%s,%s]".formatted(heads, length);
        var column = "f32[%s,%s,1]".formatted(heads, length);
        line("%%%s = graph.mat-mul %%%s, %%%s <accumulate = f32> : %s", name + "p", q, kt, scores);
        map(name + "s", name + "p", scores, "%%c = arith.const <value = %s> : f32\n%%r = arith.mul %%v, %%c : f32\n".formatted(1 / Math.sqrt(size)));
        line("%%%s = graph.reduce %%%s <combine = maximum, axes = [2], accumulate = f32> : %s", name + "m", name + "s", row);
        line("%%%s = graph.reshape %%%s : %s", name + "m1", name + "m", column);
        line("%%%s = graph.broadcast %%%s : %s", name + "mb", name + "m1", scores);
        map2(name + "e", name + "s", name + "mb", scores, "%d = arith.sub %v, %w : f32\n%r = arith.exp %d : f32\n");
        line("%%%s = graph.reduce %%%s <combine = sum, axes = [2], accumulate = f32> : %s", name + "t", name + "e", row);
        line("%%%s = graph.reshape %%%s : %s", name + "t1", name + "t", column);
        line("%%%s = graph.broadcast %%%s : %s", name + "tb", name + "t1", scores);
        map2(name + "w", name + "e", name + "tb", scores, "%r = arith.div %v, %w : f32\n");
        line("%%%s = graph.mat-mul %%%s, %%%s <accumulate = f32> : f32[%s,%s,%d]", out, name + "w", v, heads, length, size);
    }

    /// A product with weights, scaled so that the numbers keep their size, and a bias.
    private void dense(String out, String in, int from, int to) {
        weight(out + "_weight", from + "," + to);
        weight(out + "_bias", "" + to);
        line("%%%s = graph.mat-mul %%%s, %%%s <accumulate = f32> : f32[n,%d]", out + "_p", in, out + "_weight", to);
        line("%%%s = graph.broadcast %%%s : f32[n,%d]", out + "_bb", out + "_bias", to);
        map2(out, out + "_p", out + "_bb", "f32[n," + to + "]", """
                %%c = arith.const <value = %s> : f32
                %%s = arith.mul %%v, %%c : f32
                %%r = arith.add %%s, %%w : f32
                """.formatted(scale(from)));
    }

    private void weight(String name, String extents) {
        line("%%%s = graph.constant <data = random(%d)> : f32[%s]", name, 100 + seed++, extents);
    }

    private void add(String out, String left, String right, String type) {
        map2(out, left, right, type, "%r = arith.add %v, %w : f32\n");
    }

    /// @param body computes {@code %r} of {@code %v}
    private void map(String out, String in, String type, String body) {
        line("%%%s = graph.map [%%%s] { (%%v: f32) ->\n%sgraph.yield [%%r]\n} : %s", out, in, body, type);
    }

    /// @param body computes {@code %r} of {@code %v} and {@code %w}
    private void map2(String out, String first, String second, String type, String body) {
        line("%%%s = graph.map [%%%s, %%%s] { (%%v: f32, %%w: f32) ->\n%sgraph.yield [%%r]\n} : %s", out, first, second, body, type);
    }

    private void line(String format, Object... values) {
        text.append(format.formatted(values)).append('\n');
    }

    private GraphOp.Function parse() {
        return (GraphOp.Function) IrParser.parse(text.toString(), "selftest").getFirst();
    }
}
