package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.since;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.GraphOp;
import org.portolan.onnx.OnnxException;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Convolutions of any rank.
final class ConvolutionOperators {
    private static final long LARGEST_PAD = 1L << 31;

    static final List<Operator> ROWS = List.of(
            since(1, "Conv", call -> {
                var x = call.input(0);
                var element = x.element();
                var sum = convolution(call, x, call.input(1), GraphWriter.accumulator(element), element);
                return biased(call, sum, call.optional(2));
            }),
            since(1, "ConvTranspose", ConvolutionOperators::transposed),
            since(10, "ConvInteger", ConvolutionOperators::integers));

    private ConvolutionOperators() {}

    static Operand convolution(Call call, Operand x, Operand weights, ElementType accumulate, ElementType result) {
        checkRank(call, x, weights);
        long groups = groups(call);
        var spatial = x.dims().subList(2, x.rank());
        var kernel = kernel(call, weights);
        var windows = Windows.of(call, spatial, kernel);
        var writer = call.writer();
        writer.equal(x.dim(1), weights.dim(1).times(groups), "input channels");
        writer.equal(
                weights.dim(0).floorDivide(groups).times(groups),
                weights.dim(0),
                "output channels, whole groups of them");
        var dims = new ArrayList<>(List.of(x.dim(0), weights.dim(0)));
        dims.addAll(windows.output());
        return writer.add(
                new GraphOp.Convolution(
                        x.value(),
                        weights.value(),
                        windows.strides(),
                        windows.dilations(),
                        windows.low(),
                        groups,
                        accumulate,
                        writer.fresh(result, dims)),
                GraphOp.Convolution::result);
    }

    private static void checkRank(Call call, Operand x, Operand weights) {
        if (x.rank() < 2 || weights.rank() != x.rank()) {
            throw call.error("expected an input [n, c, ..] and weights of the same rank, found %s and %s"
                    .formatted(x.type(), weights.type()));
        }
    }

    private static long groups(Call call) {
        long groups = call.integer("group", 1);
        if (groups < 1) {
            throw call.error("group must be at least 1, found %d".formatted(groups));
        }
        return groups;
    }

    private static List<Dim> kernel(Call call, Operand weights) {
        var kernel = weights.dims().subList(2, weights.rank());
        var said = call.integers("kernel_shape");
        if (said.isPresent()) {
            if (said.get().size() != kernel.size()) {
                throw call.error("kernel_shape %s does not fit weights %s".formatted(said.get(), weights.type()));
            }
            for (int axis = 0; axis < kernel.size(); axis++) {
                call.writer().equal(Dim.of(said.get().get(axis)), kernel.get(axis), "kernel_shape and weights");
            }
        }
        return kernel;
    }

    /// Adds one number a channel.
    static Operand biased(Call call, Operand x, Optional<Operand> bias) {
        return bias.map(values -> call.writer()
                        .mapTo(
                                x.dims(),
                                x.element(),
                                List.of(x, perChannel(call.writer(), values, x.rank())),
                                (s, v) -> s.add(v.get(0), v.get(1))))
                .orElse(x);
    }

    /// A tensor of one number a channel so that it broadcasts over [n, c, ..].
    static Operand perChannel(GraphWriter writer, Operand values, int rank) {
        if (rank < 2) throw new OnnxException("expected an input [n, c, ..] of at least two axes");
        var dims = new ArrayList<>(Collections.nCopies(rank - 1, Dim.ONE));
        dims.set(0, values.rank() == 0 ? Dim.ONE : values.dim(0));
        return writer.reshape(values, dims);
    }

    private static Operand integers(Call call) {
        var x = MatrixOperators.centred(call.writer(), call.input(0), call.optional(2));
        var zero = call.optional(3)
                .map(points -> points.rank() == 1
                        ? firstAxis(call.writer(), points, call.input(1).rank())
                        : points);
        var weights = MatrixOperators.centred(call.writer(), call.input(1), zero);
        return convolution(call, x, weights, ElementType.I32, ElementType.I32);
    }

    /// A tensor of one number a slice of the first axis so that it broadcasts.
    static Operand firstAxis(GraphWriter writer, Operand values, int rank) {
        var dims = new ArrayList<>(Collections.nCopies(rank, Dim.ONE));
        dims.set(0, values.dim(0));
        return writer.reshape(values, dims);
    }

    private static Operand transposed(Call call) {
        var x = call.input(0);
        var weights = call.input(1);
        checkRank(call, x, weights);
        int axes = x.rank() - 2;
        long groups = groups(call);
        var kernel = kernel(call, weights);
        var strides = Windows.positive(call, "strides", axes);
        var dilations = Windows.positive(call, "dilations", axes);
        var more = call.integers("output_padding", Collections.nCopies(axes, 0L));
        var pads = call.integers("pads", Collections.nCopies(2 * axes, 0L));
        var wanted = call.integers("output_shape");
        var mode = call.text("auto_pad", "NOTSET");
        if (more.size() != axes
                || pads.size() != 2 * axes
                || wanted.map(shape -> shape.size() != axes && shape.size() != axes + 2)
                        .orElse(false)
                || pads.stream().anyMatch(pad -> Math.abs(pad) > LARGEST_PAD)) {
            throw call.error("pads %s, output_padding %s or output_shape %s do not fit %d spatial axes"
                    .formatted(pads, more, wanted.orElse(List.of()), axes));
        }
        var low = new ArrayList<Dim>();
        var dims = new ArrayList<>(List.of(x.dim(0), weights.dim(1).times(groups)));
        for (int axis = 0; axis < axes; axis++) {
            var extent = x.dim(axis + 2);
            long stride = strides.get(axis);
            var span = kernel.get(axis).minus(1).times(dilations.get(axis)).plus(1);
            var full = extent.minus(1).times(stride).plus(more.get(axis)).plus(span);
            boolean same = mode.startsWith("SAME");
            if (wanted.isPresent() || same) {
                var size = wanted.isPresent()
                        ? Dim.of(wanted.get().get(wanted.get().size() - axes + axis))
                        : extent.times(stride);
                var total = DimLogic.maximum(full.minus(size), Dim.ZERO);
                var half = total.floorDivide(2);
                low.add(mode.equals("SAME_UPPER") ? half : total.minus(half));
                dims.add(size);
            } else {
                boolean padded = mode.equals("NOTSET");
                low.add(padded ? Dim.of(pads.get(axis)) : Dim.ZERO);
                dims.add(padded ? full.minus(pads.get(axis)).minus(pads.get(axis + axes)) : full);
            }
        }
        var writer = call.writer();
        writer.equal(x.dim(1), weights.dim(0), "input channels");
        var sum = writer.add(
                new GraphOp.ConvolutionTranspose(
                        x.value(),
                        weights.value(),
                        strides,
                        dilations,
                        low,
                        groups,
                        GraphWriter.accumulator(x.element()),
                        writer.fresh(x.element(), dims)),
                GraphOp.ConvolutionTranspose::result);
        return biased(call, sum, call.optional(2));
    }
}
