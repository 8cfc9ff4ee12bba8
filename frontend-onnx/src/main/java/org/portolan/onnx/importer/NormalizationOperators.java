package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.several;
import static org.portolan.onnx.importer.Operator.since;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Relation;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Means, variances and norms. All are written in reductions and formulas, and fuse like those.
final class NormalizationOperators {
    private static final double EPSILON = 1e-5f;

    static final List<Operator> ROWS = List.of(
            several(1, "BatchNormalization", NormalizationOperators::batch),
            since(1, "InstanceNormalization", NormalizationOperators::instance),
            several(17, "LayerNormalization", NormalizationOperators::layer),
            since(23, "RMSNormalization", NormalizationOperators::rootMeanSquare),
            since(18, "GroupNormalization", NormalizationOperators::group),
            since(1, "LRN", NormalizationOperators::localResponse),
            since(1, "LpNormalization", NormalizationOperators::power),
            since(9, "MeanVarianceNormalization", NormalizationOperators::meanVariance));

    private NormalizationOperators() {}

    /// The mean over axes, which stay with an extent of 1.
    static Operand mean(GraphWriter writer, Operand x, List<Integer> axes) {
        var element = x.element();
        var total = writer.reduceKeeping(x, Combine.SUM, axes, GraphWriter.accumulator(element), element);
        var count =
                writer.cast(writer.extent(Dim.product(axes.stream().map(x::dim).toList())), element);
        return writer.mapTo(total.dims(), element, List.of(total, count), (s, v) -> s.div(v.get(0), v.get(1)));
    }

    private static Operand square(GraphWriter writer, Operand x) {
        return writer.map(x, (s, v) -> s.mul(v, v));
    }

    /// 1 / sqrt(x + epsilon).
    private static Operand inverseRoot(GraphWriter writer, Operand x, double epsilon) {
        return writer.map(x, (s, v) -> s.div(s.number(v, 1), s.sqrt(s.add(v, epsilon))));
    }

    private static List<Integer> from(int first, int rank) {
        return IntStream.range(first, rank).boxed().toList();
    }

    /// What remains of a deviation from the mean, its mean and the inverse of its standard deviation.
    private record Centred(Operand mean, Operand deviation, Operand scale) {
        static Centred of(GraphWriter writer, Operand x, List<Integer> axes, double epsilon) {
            var mean = NormalizationOperators.mean(writer, x, axes);
            var deviation = writer.map(x.element(), x, mean, Scalars::sub);
            var variance = NormalizationOperators.mean(writer, square(writer, deviation), axes);
            return new Centred(mean, deviation, inverseRoot(writer, variance, epsilon));
        }

        Operand normal(GraphWriter writer) {
            return writer.map(deviation.element(), deviation, scale, Scalars::mul);
        }
    }

    /// x * scale + bias.
    private static Operand affine(GraphWriter writer, Operand x, Operand scale, Optional<Operand> bias) {
        var scaled = writer.mapTo(
                x.dims(), x.element(), List.of(x, scale), (s, v) -> s.mul(v.get(0), s.cast(v.get(1), x.element())));
        return bias.map(shift -> writer.mapTo(
                        x.dims(),
                        x.element(),
                        List.of(scaled, shift),
                        (s, v) -> s.add(v.get(0), s.cast(v.get(1), x.element()))))
                .orElse(scaled);
    }

    private static List<Operand> batch(Call call) {
        var x = call.input(0);
        double epsilon = call.number("epsilon", EPSILON);
        var writer = call.writer();
        int rank = x.rank();
        if (rank < 2) {
            throw call.error("expected [n, c, ..], found %s".formatted(x.type()));
        }
        boolean training = call.opset() >= 14
                ? call.flag("training_mode", false)
                : call.opset() < 7 && call.has("is_test") && !call.flag("is_test", false);
        if (!call.flag("spatial", true)) {
            throw new Unsupported("batch normalization with spatial = 0");
        }
        for (int input = 1; input < 5; input++) {
            writer.equal(call.input(input).dim(0), x.dim(1), "channels");
        }
        var scale = ConvolutionOperators.perChannel(writer, call.input(1), rank);
        var bias = ConvolutionOperators.perChannel(writer, call.input(2), rank);
        if (training) {
            return training(call, x, scale, bias, epsilon);
        }
        var mean = ConvolutionOperators.perChannel(writer, call.input(3), rank);
        var variance = ConvolutionOperators.perChannel(writer, call.input(4), rank);
        var element = x.element();
        // One factor and one summand a channel, which are constants wherever the parameters are.
        var wide = GraphWriter.accumulator(element);
        var factor = writer.map(
                wide,
                List.of(scale, variance),
                (s, v) -> s.div(s.cast(v.get(0), wide), s.sqrt(s.add(s.cast(v.get(1), wide), epsilon))),
                "batch normalization");
        var summand = writer.map(
                wide,
                List.of(bias, mean, factor),
                (s, v) -> s.sub(s.cast(v.get(0), wide), s.mul(s.cast(v.get(1), wide), v.get(2))),
                "batch normalization");
        return List.of(writer.mapTo(
                x.dims(),
                element,
                List.of(x, factor, summand),
                (s, v) -> s.cast(s.add(s.mul(s.cast(v.get(0), wide), v.get(1)), v.get(2)), element)));
    }

    private static List<Operand> training(Call call, Operand x, Operand scale, Operand bias, double epsilon) {
        var writer = call.writer();
        double momentum = call.number("momentum", 0.9f);
        var axes = new ArrayList<>(List.of(0));
        axes.addAll(from(2, x.rank()));
        var mean = mean(writer, x, axes);
        var deviation = writer.map(x.element(), x, mean, Scalars::sub);
        var variance = mean(writer, square(writer, deviation), axes);
        var normal = writer.map(x.element(), deviation, inverseRoot(writer, variance, epsilon), Scalars::mul);
        var results = new ArrayList<>(List.of(affine(writer, normal, scale, Optional.of(bias))));
        for (int output = 1; output <= 2; output++) {
            var running = call.input(output + 2);
            var current = writer.reshape(output == 1 ? mean : variance, running.dims());
            results.add(writer.map(
                    running.element(),
                    running,
                    current,
                    (s, old, now) -> s.add(s.mul(old, momentum), s.mul(s.cast(now, running.element()), 1 - momentum))));
        }
        return results;
    }

    private static Operand instance(Call call) {
        var x = call.input(0);
        var writer = call.writer();
        var centred = Centred.of(writer, x, from(2, x.rank()), call.number("epsilon", EPSILON));
        return affine(
                writer,
                centred.normal(writer),
                ConvolutionOperators.perChannel(writer, call.input(1), x.rank()),
                Optional.of(ConvolutionOperators.perChannel(writer, call.input(2), x.rank())));
    }

    /// Computed in at least f32, as `stash_type` asks; mean and inverse deviation are of that type.
    private static List<Operand> layer(Call call) {
        var x = call.input(0);
        var writer = call.writer();
        var stash = stash(call, x);
        int axis = call.axis(call.integer("axis", -1), x.rank());
        var wide = writer.cast(x, stash);
        var centred = Centred.of(writer, wide, from(axis, x.rank()), call.number("epsilon", EPSILON));
        var normal = writer.cast(centred.normal(writer), x.element());
        var results = new ArrayList<>(List.of(affine(writer, normal, call.input(1), call.optional(2))));
        results.add(centred.mean);
        results.add(centred.scale);
        return results.subList(0, Math.max(1, Math.min(3, call.outputCount())));
    }

    private static ElementType stash(Call call, Operand x) {
        var stash = call.elementType("stash_type").orElse(ElementType.F32);
        return x.element().bits() > stash.bits() ? x.element() : stash;
    }

    private static Operand rootMeanSquare(Call call) {
        var x = call.input(0);
        var writer = call.writer();
        int axis = call.axis(call.integer("axis", -1), x.rank());
        var wide = writer.cast(x, stash(call, x));
        var mean = mean(writer, square(writer, wide), from(axis, x.rank()));
        var inverse = inverseRoot(writer, mean, call.number("epsilon", EPSILON));
        var normal = writer.cast(writer.map(wide.element(), wide, inverse, Scalars::mul), x.element());
        return affine(writer, normal, call.input(1), Optional.empty());
    }

    private static Operand group(Call call) {
        var x = call.input(0);
        var writer = call.writer();
        long groups = call.integer("num_groups", 0);
        if (groups < 1) {
            throw call.error("num_groups must be at least 1, found %d".formatted(groups));
        }
        var each = x.dim(1).floorDivide(groups);
        var apart = new ArrayList<>(List.of(x.dim(0), Dim.of(groups), each));
        apart.addAll(x.dims().subList(2, x.rank()));
        var stash = stash(call, x);
        var grouped = writer.cast(writer.reshape(x, apart), stash);
        var centred = Centred.of(writer, grouped, from(2, grouped.rank()), call.number("epsilon", EPSILON));
        var normal = writer.cast(centred.normal(writer), x.element());
        if (call.opset() < 21) {
            // One scale and bias a group.
            var scaled = affine(
                    writer,
                    normal,
                    ConvolutionOperators.perChannel(writer, call.input(1), grouped.rank()),
                    Optional.of(ConvolutionOperators.perChannel(writer, call.input(2), grouped.rank())));
            return writer.reshape(scaled, x.dims());
        }
        return affine(
                writer,
                writer.reshape(normal, x.dims()),
                ConvolutionOperators.perChannel(writer, call.input(1), x.rank()),
                Optional.of(ConvolutionOperators.perChannel(writer, call.input(2), x.rank())));
    }

    /// x / (bias + alpha / size * sum of squares of neighbouring channels) ^ beta.
    private static Operand localResponse(Call call) {
        var x = call.input(0);
        var writer = call.writer();
        long size = call.integer("size", 0);
        if (size < 1 || size > 1 << 20) {
            throw call.error("size %d: expected a positive number".formatted(size));
        }
        double alpha = call.number("alpha", 0.0001f);
        double beta = call.number("beta", 0.75f);
        double bias = call.number("bias", 1);
        // Channels become the axis of a window of one.
        var flat = writer.reshape(
                square(writer, x),
                List.of(x.dim(0), Dim.ONE, x.dim(1), Dim.product(x.dims().subList(2, x.rank()))));
        var low = Dim.list((size - 1) / 2, 0);
        var sums = writer.add(
                new GraphOp.Pool(
                        flat.value(),
                        Combine.SUM,
                        List.of(size, 1L),
                        List.of(1L, 1L),
                        List.of(1L, 1L),
                        low,
                        writer.fresh(x.element(), flat.dims())),
                GraphOp.Pool::result);
        return writer.map(
                x.element(),
                x,
                writer.reshape(sums, x.dims()),
                (s, a, b) -> s.div(a, s.pow(s.add(s.mul(b, alpha / size), bias), s.number(a, beta))));
    }

    private static Operand power(Call call) {
        var x = call.input(0);
        var writer = call.writer();
        long p = call.integer("p", 2);
        int axis = call.axis(call.integer("axis", -1), x.rank());
        var element = x.element();
        var powers = writer.map(x, (s, v) -> p == 1 ? s.abs(v) : s.mul(v, v));
        var total = writer.reduceKeeping(powers, Combine.SUM, List.of(axis), GraphWriter.accumulator(element), element);
        var norm = p == 1 ? total : writer.map(total, Scalars::sqrt);
        return writer.map(element, x, norm, (s, a, b) -> {
            var zero = s.compare(b, Relation.EQUAL, s.number(b, 0));
            return s.select(zero, s.number(a, 0), s.div(a, b));
        });
    }

    private static Operand meanVariance(Call call) {
        var x = call.input(0);
        var writer = call.writer();
        var axes = call.axes(call.integers("axes", List.of(0L, 2L, 3L)), x.rank());
        var mean = mean(writer, x, axes);
        var meanOfSquares = mean(writer, square(writer, x), axes);
        var deviation = writer.map(x.element(), meanOfSquares, mean, (s, a, b) -> s.sqrt(s.sub(a, s.mul(b, b))));
        return writer.map(
                x.element(),
                List.of(x, mean, deviation),
                (s, v) -> s.div(s.sub(v.get(0), v.get(1)), s.add(v.get(2), 1e-9)),
                "mean and variance");
    }
}
