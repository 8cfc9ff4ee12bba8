package org.portolan.tests.schedule;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;

/// A product or a convolution of quantised numbers as it is imported: differences of bytes and zero points in 32 bits, or
/// multiplied by scales in single precision. Scales are powers of two and sums have less than 24 bits, so that all is exact.
///
/// @param left the type of what comes with the run
/// @param right that of the weights
/// @param leftZero the zero point: `none`, a number, `run` for one that comes with the run, `rows` for one a row
/// @param rightZero `none`, a number, `run`, or `columns` for one a column or output channel
/// @param known whether the weights are known when the model is compiled
/// @param low the padding of a convolution
/// @param sizes of a product its rows, columns and terms; of a convolution images, channels, height, width, outputs, window
record QuantisedCase(
        String left,
        String right,
        String leftZero,
        String rightZero,
        boolean known,
        boolean convolution,
        List<Integer> sizes,
        int stride,
        int dilation,
        int low,
        int groups,
        boolean scaled) {

    static QuantisedCase product(String left, String right, String leftZero, String rightZero, boolean known, int... sizes) {
        var list = Arrays.stream(sizes).boxed().toList();
        return new QuantisedCase(left, right, leftZero, rightZero, known, false, list, 1, 1, 0, 1, false);
    }

    static QuantisedCase random(long seed) {
        var random = new Random(seed);
        boolean convolution = random.nextInt(3) == 0;
        var zeros = List.of("none", "3", "run", "run", "rows");
        var weightZeros = List.of("none", "none", "5", "120", "run", "columns");
        var left = random.nextInt(3) > 0 ? "u8" : "i8";
        var right = random.nextInt(3) > 0 ? "i8" : "u8";
        var leftZero = zeros.get(random.nextInt(convolution ? 4 : 5));
        var rightZero = weightZeros.get(random.nextInt(6));
        boolean known = random.nextInt(3) > 0;
        int groups = convolution && random.nextInt(3) == 0 ? 2 : 1;
        var sizes = convolution
                ? List.of(
                        1 + random.nextInt(2),
                        groups * (1 + random.nextInt(10)),
                        4 + random.nextInt(6),
                        4 + random.nextInt(6),
                        groups * (1 + random.nextInt(20)),
                        1 + random.nextInt(3))
                : List.of(1 + random.nextInt(50), 1 + random.nextInt(70), 1 + random.nextInt(100));
        int dilation = convolution ? 1 + random.nextInt(2) : 1;
        int stride = convolution ? 1 + random.nextInt(2) : 1;
        int low = convolution ? random.nextInt(sizes.getLast() + 1) : 0;
        return new QuantisedCase(
                left, right, leftZero, rightZero, known, convolution, sizes, stride, dilation, low, groups, random.nextBoolean());
    }

    QuantisedCase asScaled() {
        return new QuantisedCase(
                left, right, leftZero, rightZero, known, convolution, sizes, stride, dilation, low, groups, true);
    }

    /// Whether the weights less their zero point are known, to be laid out for lanes, and all that is multiplied by them has one
    /// zero point.
    boolean suitsPanels() {
        return known && !comes(rightZero) && !leftZero.equals("rows");
    }

    private List<Integer> leftShape() {
        return convolution ? sizes.subList(0, 4) : List.of(sizes.get(0), sizes.get(2));
    }

    private List<Integer> rightShape() {
        return convolution
                ? List.of(sizes.get(4), sizes.get(1) / groups, sizes.get(5), sizes.get(5))
                : List.of(sizes.get(2), sizes.get(1));
    }

    private List<Integer> resultShape() {
        if (!convolution) return List.of(sizes.get(0), sizes.get(1));
        int span = (sizes.get(5) - 1) * dilation + 1;
        return List.of(sizes.get(0), sizes.get(4), moves(sizes.get(2), span), moves(sizes.get(3), span));
    }

    private int moves(int extent, int span) {
        return (extent + 2 * low - span) / stride + 1;
    }

    /// The extents of a zero point that broadcasts over a factor.
    private List<Integer> zeroShape(String zero) {
        return switch (zero) {
            case "rows" -> List.of(sizes.get(0), 1);
            case "columns" -> convolution ? List.of(sizes.get(4), 1, 1, 1) : List.of(1, sizes.get(1));
            default -> List.of();
        };
    }

    String text() {
        var text = new StringBuilder("graph.function <name = quantised> { (%x: " + left + leftShape());
        if (!known) text.append(", %w: ").append(right).append(rightShape());
        if (comes(leftZero)) text.append(", %xz: ").append(left).append(zeroShape(leftZero));
        if (comes(rightZero)) text.append(", %wz: ").append(right).append(zeroShape(rightZero));
        if (scaled) text.append(", %xs: f32[], %ws: f32").append(zeroShape("columns"));
        text.append(") ->\n");
        if (known) text.append("%w = graph.constant <data = random(7)> : ").append(right).append(rightShape()).append('\n');
        number(text, "xz", left, leftZero);
        number(text, "wz", right, rightZero);
        difference(text, "x", left, leftShape(), leftZero);
        difference(text, "w", right, rightShape(), rightZero);
        if (convolution) {
            text.append("%%y = graph.convolution %%xd, %%wd <strides = [%1$d, %1$d], dilations = [%2$d, %2$d], low = [%3$d, %3$d], groups = %4$d, accumulate = %6$s> : %6$s%5$s\n"
                    .formatted(stride, dilation, low, groups, resultShape(), summed()));
        } else {
            text.append("%%y = graph.mat-mul %%xd, %%wd <accumulate = %1$s> : %1$s%2$s\n".formatted(summed(), resultShape()));
        }
        return text.append("graph.return [%y]\n}\n").toString();
    }

    private String summed() {
        return scaled ? "f32" : "i32";
    }

    private static boolean comes(String zero) {
        return zero.equals("run") || zero.equals("rows") || zero.equals("columns");
    }

    private static void number(StringBuilder text, String name, String type, String zero) {
        if (zero.equals("none") || comes(zero)) return;
        text.append("%%%s = graph.constant <data = splat(%s)> : %s[]\n".formatted(name, zero, type));
    }

    private void difference(StringBuilder text, String name, String type, List<Integer> shape, String zero) {
        boolean subtracts = !zero.equals("none");
        var operands = new ArrayList<>(List.of("%" + name));
        var parameters = new ArrayList<>(List.of("%a" + name + ": " + type));
        var body = new ArrayList<>(List.of("%c# = arith.cast %a# : i32"));
        if (subtracts) {
            text.append("%%%1$szb = graph.broadcast %%%1$sz : %2$s%3$s\n".formatted(name, type, shape));
            operands.add("%" + name + "zb");
            parameters.add("%b" + name + ": " + type);
            body.addAll(List.of("%d# = arith.cast %b# : i32", "%e# = arith.sub %c#, %d# : i32"));
        }
        if (scaled) {
            text.append("%%%1$ssb = graph.broadcast %%%1$ss : f32%2$s\n".formatted(name, shape));
            operands.add("%" + name + "sb");
            parameters.add("%s" + name + ": f32");
            body.addAll(List.of("%f# = arith.cast LAST : f32", "%g# = arith.mul %f#, %s# : f32"));
        }
        var last = subtracts ? "%e#" : "%c#";
        body.add("graph.yield [" + (scaled ? "%g#" : last) + "]");
        text.append("%%%sd = graph.map %s { (%s) ->\n".formatted(name, operands, String.join(", ", parameters)))
                .append(String.join("\n", body).replace("LAST", last).replace("#", name))
                .append("\n} : ").append(summed()).append(shape).append('\n');
    }

    Map<String, Tensor> inputs() {
        var random = new Random(sizes.hashCode());
        var inputs = new LinkedHashMap<String, Tensor>();
        inputs.put("x", bytes(left, random, leftShape()));
        if (!known) inputs.put("w", bytes(right, random, rightShape()));
        if (comes(leftZero)) inputs.put("xz", bytes(left, random, zeroShape(leftZero)));
        if (comes(rightZero)) inputs.put("wz", bytes(right, random, zeroShape(rightZero)));
        if (scaled) {
            inputs.put("xs", Tensor.of(new float[] {0.25f}));
            var shape = zeroShape("columns").stream().mapToLong(Integer::longValue).toArray();
            var scales = new float[Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact))];
            for (int i = 0; i < scales.length; i++) scales[i] = Math.scalb(1f, random.nextInt(7) - 3);
            inputs.put("ws", Tensor.of(scales, shape));
        }
        return inputs;
    }

    private static Tensor bytes(String type, Random random, List<Integer> shape) {
        var numbers = new byte[shape.stream().reduce(1, Math::multiplyExact)];
        random.nextBytes(numbers);
        return Tensor.of(
                ElementType.parse(type),
                ByteBuffer.wrap(numbers),
                shape.stream().mapToLong(Integer::longValue).toArray());
    }
}
