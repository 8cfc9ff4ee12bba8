package org.portolan.cli.selftest;

import org.portolan.ir.GraphOp;

/// Models of pictures with the structure of real ones and random weights, scaled so that the numbers keep their size.
final class VisionModels extends FunctionText {
    /// What a rectifier takes away from the size of the numbers.
    private static final double GAIN = 1.4;

    private int values;
    /// The extents of the last value, whose first one is 1.
    private int channels;
    private int height;
    private int width;

    private VisionModels(String name, int height, int width) {
        channels = 3;
        this.height = height;
        this.width = width;
        line("graph.function <name = \"%s\", symbols = []> { (%%v0: %s) ->", name, type());
    }

    /// SqueezeNet 1.1 (Iandola et al., arXiv 1602.07360): a picture of 224 x 224, and 1000 classes. A side may be smaller.
    static GraphOp.Function squeezenet(int side) {
        var model = new VisionModels("squeezenet", side, side);
        var x = model.relu(model.convolution("v0", 64, 3, 2, 2, 0, 1));
        x = model.maximum(x);
        for (int[] fire : new int[][] {{16, 64}, {16, 64}, {0}, {32, 128}, {32, 128}, {0}, {48, 192}, {48, 192}, {64, 256}, {64, 256}}) {
            x = fire[0] == 0 ? model.maximum(x) : model.fire(x, fire[0], fire[1]);
        }
        return model.classes(model.mean(model.relu(model.convolution(x, 1000, 1, 1, 1, 0, 1))));
    }

    /// What tells whether a line of text stands on its head, of PP-OCR (Du et al., arXiv 2009.09941): MobileNetV3-small (Howard
    /// et al., arXiv 1905.02244) of 0.35 times the channels on a picture of 48 x 192, and 2 classes.
    static GraphOp.Function textDirection() {
        var model = new VisionModels("direction of text", 48, 192);
        var x = model.hardSwish(model.convolution("v0", 8, 3, 2, 2, 1, 1));
        // The window, the channels within and after, whether channels are weighed, whether rectifiers are plain, the stride.
        for (int[] block : new int[][] {
            {3, 8, 8, 1, 1, 2}, {3, 24, 8, 0, 1, 2}, {3, 32, 8, 0, 1, 1}, {5, 32, 16, 1, 0, 2}, {5, 88, 16, 1, 0, 1},
            {5, 88, 16, 1, 0, 1}, {5, 40, 16, 1, 0, 1}, {5, 48, 16, 1, 0, 1}, {5, 104, 32, 1, 0, 2}, {5, 200, 32, 1, 0, 1},
            {5, 200, 32, 1, 0, 1}
        }) {
            x = model.bottleneck(x, block[0], block[1], block[2], block[3] == 1, block[4] == 1, block[5]);
        }
        x = model.hardSwish(model.convolution(x, 200, 1, 1, 1, 0, 1));
        return model.classes(model.dense(model.mean(model.pool(x, 2, 2)), 200, 2));
    }

    private GraphOp.Function classes(String scores) {
        int classes = channels;
        var row = "f32[1," + classes + "]";
        line("%%top = graph.reduce %%%s <combine = maximum, axes = [1], accumulate = f32> : f32[1]", scores);
        line("%%top1 = graph.reshape %%top : f32[1,1]\n%%topb = graph.broadcast %%top1 : %s", row);
        map2("raised", scores, "topb", row, "%d = arith.sub %v, %w : f32\n%r = arith.exp %d : f32\n");
        line("%%all = graph.reduce %%raised <combine = sum, axes = [1], accumulate = f32> : f32[1]");
        line("%%all1 = graph.reshape %%all : f32[1,1]\n%%allb = graph.broadcast %%all1 : %s", row);
        map2("y", "raised", "allb", row, "%r = arith.div %v, %w : f32\n");
        line("graph.return [%%y]\n}");
        return parse();
    }

    private String fire(String x, int squeezed, int expanded) {
        var narrow = relu(convolution(x, squeezed, 1, 1, 1, 0, 1));
        var near = relu(convolution(narrow, expanded, 1, 1, 1, 0, 1));
        channels = squeezed;
        var wide = relu(convolution(narrow, expanded, 3, 1, 1, 1, 1));
        channels = 2 * expanded;
        var out = next();
        line("%%%s = graph.concat [%%%s, %%%s] <axis = 1> : %s", out, near, wide, type());
        return out;
    }

    private String bottleneck(String x, int window, int within, int after, boolean weighed, boolean plain, int stride) {
        int before = channels;
        var wide = convolution(x, within, 1, 1, 1, 0, 1);
        var there = plain ? relu(wide) : hardSwish(wide);
        var deep = convolution(there, within, window, stride, 1, window / 2, within);
        var out = plain ? relu(deep) : hardSwish(deep);
        if (weighed) {
            out = weigh(out);
        }
        out = convolution(out, after, 1, 1, 1, 0, 1);
        if (stride == 1 && before == after) {
            var sum = next();
            map2(sum, out, x, type(), "%r = arith.add %v, %w : f32\n");
            return sum;
        }
        return out;
    }

    /// Each channel times a number from 0 to 1, which all channels' means decide.
    private String weigh(String x) {
        int all = channels;
        int few = Math.max(1, all / 4);
        var means = mean(x);
        var hidden = next();
        map(hidden, dense(means, all, few), "f32[1," + few + "]", """
                %z = arith.const <value = 0.0> : f32
                %r = arith.max %v, %z : f32
                """);
        var gates = next();
        map(gates, dense(hidden, few, all), "f32[1," + all + "]", """
                %k = arith.const <value = 0.2> : f32
                %h = arith.const <value = 0.5> : f32
                %z = arith.const <value = 0.0> : f32
                %one = arith.const <value = 1.0> : f32
                %s = arith.mul %v, %k : f32
                %t = arith.add %s, %h : f32
                %u = arith.max %t, %z : f32
                %r = arith.min %u, %one : f32
                """);
        channels = all;
        var out = next();
        line("%%%s1 = graph.reshape %%%s : f32[1,%d,1,1]\n%%%s2 = graph.broadcast %%%s1 : %s", out, gates, all, out, out, type());
        map2(out, x, out + "2", type(), "%r = arith.mul %v, %w : f32\n");
        return out;
    }

    /// With a bias for each channel.
    private String convolution(String x, int filters, int window, int down, int along, int low, int groups) {
        int read = channels / groups * window * window;
        channels = filters;
        height = (height + 2 * low - window) / down + 1;
        width = (width + 2 * low - window) / along + 1;
        var out = next();
        weight(out + "w", "%d,%d,%d,%d".formatted(filters, read / window / window, window, window));
        weight(out + "b", "" + filters);
        line("%%%sc = graph.convolution %%%s, %%%sw <strides = [%d, %d], dilations = [1, 1], low = [%d, %d], groups = %d, "
                + "accumulate = f32> : %s", out, x, out, down, along, low, low, groups, type());
        line("%%%s1 = graph.reshape %%%sb : f32[%d,1,1]\n%%%s2 = graph.broadcast %%%s1 : %s", out, out, filters, out, out, type());
        scaled(out, out + "c", out + "2", type(), read);
        return out;
    }

    private String dense(String x, int from, int to) {
        channels = to;
        var out = next();
        weight(out + "w", from + "," + to);
        weight(out + "b", "" + to);
        line("%%%sc = graph.mat-mul %%%s, %%%sw <accumulate = f32> : f32[1,%d]", out, x, out, to);
        line("%%%s2 = graph.broadcast %%%sb : f32[1,%d]", out, out, to);
        scaled(out, out + "c", out + "2", "f32[1," + to + "]", from);
        return out;
    }

    /// The sum of so many products of numbers from -1 to 1, within that size, and a tenth of the bias.
    private void scaled(String out, String sum, String bias, String type, int terms) {
        map2(out, sum, bias, type, """
                %%c = arith.const <value = %s> : f32
                %%t = arith.const <value = 0.1> : f32
                %%s = arith.mul %%v, %%c : f32
                %%u = arith.mul %%w, %%t : f32
                %%r = arith.add %%s, %%u : f32
                """.formatted(GAIN * Math.sqrt(3.0 / terms)));
    }

    private String relu(String x) {
        var out = next();
        map(out, x, type(), """
                %z = arith.const <value = 0.0> : f32
                %r = arith.max %v, %z : f32
                """);
        return out;
    }

    private String hardSwish(String x) {
        var out = next();
        map(out, x, type(), """
                %three = arith.const <value = 3.0> : f32
                %z = arith.const <value = 0.0> : f32
                %six = arith.const <value = 6.0> : f32
                %a = arith.add %v, %three : f32
                %b = arith.max %a, %z : f32
                %c = arith.min %b, %six : f32
                %d = arith.mul %v, %c : f32
                %r = arith.div %d, %six : f32
                """);
        return out;
    }

    private String maximum(String x) {
        return pool(x, 3, 2);
    }

    private String pool(String x, int window, int stride) {
        height = (height - window) / stride + 1;
        width = (width - window) / stride + 1;
        var out = next();
        line("%%%s = graph.pool %%%s <combine = maximum, window = [%d, %d], strides = [%d, %d], dilations = [1, 1], low = [0, 0]> : %s",
                out, x, window, window, stride, stride, type());
        return out;
    }

    /// Of each channel.
    private String mean(String x) {
        var row = "f32[1," + channels + "]";
        var out = next();
        line("%%%ss = graph.reduce %%%s <combine = sum, axes = [2, 3], accumulate = f32> : %s", out, x, row);
        map(out, out + "s", row, """
                %%c = arith.const <value = %s> : f32
                %%r = arith.mul %%v, %%c : f32
                """.formatted(1.0 / height / width));
        return out;
    }

    private String next() {
        return "v" + ++values + "_";
    }

    private String type() {
        return "f32[1,%d,%d,%d]".formatted(channels, height, width);
    }
}
