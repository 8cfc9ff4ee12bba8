package org.portolan.cli.selftest;

import org.portolan.ir.GraphOp;
import org.portolan.ir.text.IrParser;

/// Writes a function line by line; its weights are random, each with a seed of its own.
class FunctionText {
    private final StringBuilder text = new StringBuilder();
    private int seed;

    final void weight(String name, String extents) {
        line("%%%s = graph.constant <data = random(%d)> : f32[%s]", name, 100 + seed++, extents);
    }

    final void add(String out, String left, String right, String type) {
        map2(out, left, right, type, "%r = arith.add %v, %w : f32\n");
    }

    /// @param body computes {@code %r} of {@code %v}
    final void map(String out, String in, String type, String body) {
        line("%%%s = graph.map [%%%s] { (%%v: f32) ->\n%sgraph.yield [%%r]\n} : %s", out, in, body, type);
    }

    /// @param body computes {@code %r} of {@code %v} and {@code %w}
    final void map2(String out, String first, String second, String type, String body) {
        line("%%%s = graph.map [%%%s, %%%s] { (%%v: f32, %%w: f32) ->\n%sgraph.yield [%%r]\n} : %s", out, first, second, body, type);
    }

    final void line(String format, Object... values) {
        text.append(format.formatted(values)).append('\n');
    }

    final GraphOp.Function parse() {
        return (GraphOp.Function) IrParser.parse(text.toString(), "selftest").getFirst();
    }
}
