package org.portolan.cli.selftest;

import org.portolan.ir.GraphOp;
import org.portolan.runtime.type.ElementType;

/// Functions whose time is measured: chains of equal operations, and a model with the structure of MiniLM.
final class SpeedModels extends FunctionText {
    private static final int HIDDEN = 384;
    private static final int HEADS = 12;
    private static final int INNER = 1536;
    private static final int LAYERS = 6;
    private static final int WORDS = 30_522;
    private static final int POSITIONS = 512;

    private static final String ROWS = "b*n";
    private static final String ROWS_TYPE = "f32[" + ROWS + "," + HIDDEN + "]";

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

    /// What gives means of so many values about the size of the values.
    static double attentionScale(int length) {
        return Math.sqrt(length);
    }

    /// Each link is attention with the result of the one before as queries; sums and the softmax are f32.
    static GraphOp.Function attention(ElementType type, int heads, int length, int size, int links) {
        var models = new SpeedModels();
        var tensor = type + "[%d,%d,%d]".formatted(heads, length, size);
        models.line("graph.function <name = \"attention\", symbols = []> { (%%q0: %s, %%keys: %s, %%values: %s) ->", tensor, tensor, tensor);
        models.line("%%kt = graph.transpose %%keys <permutation = [0, 2, 1]> : %s[%d,%d,%d]", type, heads, size, length);
        for (int link = 0; link < links; link++) {
            var lead = heads + "," + length;
            models.attention("q" + link, "kt", "values", "r" + link, "a" + link, type, lead, "" + length, size);
            models.map("q" + (link + 1), "r" + link, tensor, """
                    %%c = arith.const <value = %s> : f32
                    %%s = arith.mul %%v, %%c : f32
                    %%r = arith.cast %%s : %s
                    """.formatted(attentionScale(length), type));
        }
        models.line("graph.return [%%q%d]\n}", links);
        return models.parse();
    }

    /// Six layers of an encoder with random weights, as in sentence-transformers/all-MiniLM-L6-v2, for b sentences of n tokens.
    static GraphOp.Function encoder() {
        var models = new SpeedModels();
        var whole = "f32[b,n," + HIDDEN + "]";
        models.line("graph.function <name = \"encoder\", symbols = [b:1..64, n:1..512]> { (%%ids: i64[b,n]) ->");
        models.weight("words", WORDS + "," + HIDDEN);
        models.weight("positions", POSITIONS + "," + HIDDEN);
        models.line("%%word = graph.gather %%words, %%ids <axis = 0> : %s", whole);
        models.line("%%place = graph.slice %%positions <starts = [0, 0], steps = [1, 1]> : f32[n,%d]", HIDDEN);
        models.line("%%places = graph.broadcast %%place : %s", whole);
        models.add("sum", "word", "places", whole);
        models.line("%%embedded = graph.reshape %%sum : %s", ROWS_TYPE);
        models.normalize("x0", "embedded");
        for (int layer = 0; layer < LAYERS; layer++) {
            models.layer("x" + layer, "x" + (layer + 1), "l" + layer);
        }
        models.line("%%y = graph.reshape %%x%d : %s", LAYERS, whole);
        models.line("graph.return [%%y]\n}");
        return models.parse();
    }

    private void layer(String in, String out, String name) {
        int size = HIDDEN / HEADS;
        for (var part : new String[] {"q", "k", "v"}) {
            dense(name + part, in, HIDDEN, HIDDEN);
            line("%%%s = graph.reshape %%%s : f32[b,n,%d,%d]", name + part + "s", name + part, HEADS, size);
        }
        var split = "f32[b,%d,n,%d]".formatted(HEADS, size);
        line("%%%s = graph.transpose %%%s <permutation = [0, 2, 1, 3]> : %s", name + "qt", name + "qs", split);
        line("%%%s = graph.transpose %%%s <permutation = [0, 2, 3, 1]> : f32[b,%d,%d,n]", name + "kt", name + "ks", HEADS, size);
        line("%%%s = graph.transpose %%%s <permutation = [0, 2, 1, 3]> : %s", name + "vt", name + "vs", split);
        attention(name + "qt", name + "kt", name + "vt", name + "heads", name + "a", ElementType.F32, "b," + HEADS + ",n", "n", size);
        line("%%%s = graph.transpose %%%s <permutation = [0, 2, 1, 3]> : f32[b,n,%d,%d]", name + "back", name + "heads", HEADS, size);
        line("%%%s = graph.reshape %%%s : %s", name + "joined", name + "back", ROWS_TYPE);
        dense(name + "o", name + "joined", HIDDEN, HIDDEN);
        add(name + "sum", name + "o", in, ROWS_TYPE);
        normalize(name + "mid", name + "sum");
        dense(name + "up", name + "mid", HIDDEN, INNER);
        map(name + "gelu", name + "up", "f32[" + ROWS + "," + INNER + "]", """
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
        add(name + "end", name + "down", name + "mid", ROWS_TYPE);
        normalize(out, name + "end");
    }

    /// {@code (x - mean) / sqrt(variance + 1e-12)}, row by row.
    private void normalize(String out, String in) {
        var type = ROWS_TYPE;
        line("%%%s = graph.reduce %%%s <combine = sum, axes = [1], accumulate = f32> : f32[" + ROWS + "]", out + "t", in);
        line("%%%s = graph.reshape %%%s : f32[" + ROWS + ",1]", out + "t1", out + "t");
        line("%%%s = graph.broadcast %%%s : %s", out + "tb", out + "t1", type);
        map2(out + "c", in, out + "tb", type, """
                %%k = arith.const <value = %s> : f32
                %%m = arith.mul %%w, %%k : f32
                %%r = arith.sub %%v, %%m : f32
                """.formatted(1.0 / HIDDEN));
        map(out + "s", out + "c", type, "%r = arith.mul %v, %v : f32\n");
        line("%%%s = graph.reduce %%%s <combine = sum, axes = [1], accumulate = f32> : f32[" + ROWS + "]", out + "u", out + "s");
        line("%%%s = graph.reshape %%%s : f32[" + ROWS + ",1]", out + "u1", out + "u");
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

    /// Softmax of the scaled scores, times the values; the result is f32.
    ///
    /// @param lead the extents of the queries before the last one
    private void attention(
            String q, String kt, String v, String out, String name, ElementType type, String lead, String length, int size) {
        var scores = "f32[%s,%s]".formatted(lead, length);
        var row = "f32[%s]".formatted(lead);
        var column = "f32[%s,1]".formatted(lead);
        int axis = lead.split(",").length;
        line("%%%s = graph.mat-mul %%%s, %%%s <accumulate = f32> : %s", name + "p", q, kt, scores);
        map(name + "s", name + "p", scores, "%%c = arith.const <value = %s> : f32\n%%r = arith.mul %%v, %%c : f32\n".formatted(1 / Math.sqrt(size)));
        line("%%%s = graph.reduce %%%s <combine = maximum, axes = [%d], accumulate = f32> : %s", name + "m", name + "s", axis, row);
        line("%%%s = graph.reshape %%%s : %s", name + "m1", name + "m", column);
        line("%%%s = graph.broadcast %%%s : %s", name + "mb", name + "m1", scores);
        map2(name + "e", name + "s", name + "mb", scores, "%d = arith.sub %v, %w : f32\n%r = arith.exp %d : f32\n");
        line("%%%s = graph.reduce %%%s <combine = sum, axes = [%d], accumulate = f32> : %s", name + "t", name + "e", axis, row);
        line("%%%s = graph.reshape %%%s : %s", name + "t1", name + "t", column);
        line("%%%s = graph.broadcast %%%s : %s", name + "tb", name + "t1", scores);
        var result = "[%s,%d]".formatted(lead, size);
        if (type == ElementType.F32) {
            map2(name + "w", name + "e", name + "tb", scores, "%r = arith.div %v, %w : f32\n");
        } else {
            var narrow = "%%d = arith.div %%v, %%w : f32\n%%r = arith.cast %%d : %s\n".formatted(type);
            map2(name + "w", name + "e", name + "tb", type + scores.substring(3), narrow);
        }
        line("%%%s = graph.mat-mul %%%s, %%%s <accumulate = f32> : f32%s", out, name + "w", v, result);
    }

    /// A product with weights, scaled so that the numbers keep their size, and a bias.
    private void dense(String out, String in, int from, int to) {
        weight(out + "_weight", from + "," + to);
        weight(out + "_bias", "" + to);
        line("%%%s = graph.mat-mul %%%s, %%%s <accumulate = f32> : f32[" + ROWS + ",%d]", out + "_p", in, out + "_weight", to);
        line("%%%s = graph.broadcast %%%s : f32[" + ROWS + ",%d]", out + "_bb", out + "_bias", to);
        map2(out, out + "_p", out + "_bb", "f32[" + ROWS + "," + to + "]", """
                %%c = arith.const <value = %s> : f32
                %%s = arith.mul %%v, %%c : f32
                %%r = arith.add %%s, %%w : f32
                """.formatted(scale(from)));
    }
}
