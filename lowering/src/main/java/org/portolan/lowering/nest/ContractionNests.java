package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.NestOp.Otherwise;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Sums of products: the two factors are read, converted, multiplied and summed; no shape of its own beyond its
/// reads.
final class ContractionNests {
    private ContractionNests() {}

    static NestOp.Compute matMul(NestBuilder nest, GraphOp.MatMul op) {
        var left = op.lhs().tensor();
        int rank = left.rank();
        var to = nest.axes("b", op.result().tensor().dims().subList(0, rank - 2));
        var batch = List.copyOf(to);
        var m = nest.axis("m", op.result().tensor().dim(rank - 2));
        var n = nest.axis("n", op.result().tensor().dim(rank - 1));
        var k = nest.axis("k", left.dim(rank - 1));
        to.add(m);
        to.add(n);
        var a = nest.read(op.lhs(), with(batch, m, k));
        var b = nest.read(op.rhs(), with(batch, k, n));
        return sumOfProducts(nest, a, b, op.accumulate(), NestBuilder.over(k), to, op.result());
    }

    static NestOp.Compute convolution(NestBuilder nest, GraphOp.Convolution op) {
        var result = op.result().tensor();
        var weights = op.weights().tensor();
        int spatial = op.strides().size();
        var n = nest.axis("n", result.dim(0));
        var o = nest.axis("o", result.dim(1));
        var y = nest.axes("y", result.dims().subList(2, spatial + 2));
        var c = nest.axis("c", weights.dim(1));
        var k = nest.axes("k", weights.dims().subList(2, spatial + 2));
        var at = new ArrayList<Dim>();
        at.add(n);
        at.add(inGroup(nest, o, weights.dim(0), op.groups(), weights.dim(1)).plus(c));
        for (int axis = 0; axis < spatial; axis++) {
            at.add(y.get(axis)
                    .times(op.strides().get(axis))
                    .plus(k.get(axis).times(op.dilations().get(axis)))
                    .minus(op.low().get(axis)));
        }
        var a = nest.read(op.input(), List.of(), Optional.empty(), at, otherwiseZero(nest, op.input(), at));
        var b = nest.read(op.weights(), with(List.of(o, c), k));
        var over = new ArrayList<>(List.of(c));
        over.addAll(k);
        return sumOfProducts(nest, a, b, op.accumulate(), NestBuilder.over(over), with(List.of(n, o), y), op.result());
    }

    /// Batch and channel are inside by the meaning of the operation: only a spatial axis can need a guard.
    private static Otherwise otherwiseZero(NestBuilder nest, Value input, List<Dim> at) {
        int rank = at.size();
        return nest.inside(at.subList(2, rank), input.tensor().dims().subList(2, rank))
                ? Otherwise.PROVEN
                : Otherwise.ZERO;
    }

    /// The first input channel of the group that an output channel is in.
    private static Dim inGroup(NestBuilder nest, Dim output, Dim outputs, long groups, Dim inputsOfGroup) {
        if (groups == 1) {
            return Dim.ZERO;
        }
        return nest.simplify(output.floorDivide(outputs.floorDivide(groups))).times(inputsOfGroup);
    }

    static NestOp.Compute convolutionTranspose(NestBuilder nest, GraphOp.ConvolutionTranspose op) {
        var result = op.result().tensor();
        var weights = op.weights().tensor();
        int spatial = op.strides().size();
        var n = nest.axis("n", result.dim(0));
        var o = nest.axis("o", result.dim(1));
        var inputsOfGroup = weights.dim(0).floorDivide(op.groups());
        var c = nest.axis("c", inputsOfGroup);
        if (fallsIntoPhases(op)) {
            return phases(nest, op, n, o, c);
        }
        var y = nest.axes("y", result.dims().subList(2, spatial + 2));
        var k = nest.axes("k", weights.dims().subList(2, spatial + 2));
        var outputsOfGroup = weights.dim(1);
        var channel =
                inGroup(nest, o, result.dim(1), op.groups(), inputsOfGroup).plus(c);
        var at = new ArrayList<Dim>(List.of(n, channel));
        Value meets = null;
        for (int axis = 0; axis < spatial; axis++) {
            long stride = op.strides().get(axis);
            var position = y.get(axis)
                    .plus(op.low().get(axis))
                    .minus(k.get(axis).times(op.dilations().get(axis)));
            at.add(position.floorDivide(stride));
            var rest = position.modulo(stride);
            if (!rest.isConstant(0)) {
                var falls = nest.compare(nest.index(rest), Relation.EQUAL, nest.index(Dim.ZERO));
                meets = meets == null ? falls : nest.binary(ArithOp.And::new, meets, falls);
            }
        }
        var a = nest.read(op.input(), List.of(), Optional.empty(), at, otherwiseZero(nest, op.input(), at));
        if (meets != null) {
            a = nest.select(meets, a, nest.zero(a.type().elementType()));
        }
        var inner = nest.simplify(op.groups() == 1 ? o : o.modulo(outputsOfGroup));
        var b = nest.read(op.weights(), with(List.of(channel, inner), k));
        var over = new ArrayList<>(List.of(c));
        over.addAll(k);
        return sumOfProducts(nest, a, b, op.accumulate(), NestBuilder.over(over), with(List.of(n, o), y), op.result());
    }

    /// Whether each output position belongs to one of {@code stride} phases, all with as many positions: then the taps that
    /// meet it are known, and no zeros are multiplied.
    private static boolean fallsIntoPhases(GraphOp.ConvolutionTranspose op) {
        boolean strided = false;
        for (int axis = 0; axis < op.strides().size(); axis++) {
            long stride = op.strides().get(axis);
            strided |= stride > 1;
            if (op.dilations().get(axis) != 1
                    || !op.low().get(axis).isConstant()
                    || !op.weights().tensor().dim(axis + 2).isConstant()
                    || !op.result().tensor().dim(axis + 2).modulo(stride).isConstant(0)) {
                return false;
            }
        }
        return strided;
    }

    /// Output {@code y = stride * q + r} is met by the taps {@code k = (r + low) % stride + stride * j}, at the input
    /// {@code q + (r + low) / stride - j}.
    private static NestOp.Compute phases(
            NestBuilder nest, GraphOp.ConvolutionTranspose op, Dim n, Dim o, Dim c) {
        var weights = op.weights().tensor();
        int spatial = op.strides().size();
        var channel = inGroup(nest, o, op.result().tensor().dim(1), op.groups(), weights.dim(0).floorDivide(op.groups()))
                .plus(c);
        var inner = nest.simplify(op.groups() == 1 ? o : o.modulo(weights.dim(1)));
        var over = new ArrayList<>(List.of(c));
        var at = new ArrayList<Dim>(List.of(n, channel));
        var taps = new ArrayList<Dim>(List.of(channel, inner));
        var to = new ArrayList<Dim>(List.of(n, o));
        for (int axis = 0; axis < spatial; axis++) {
            long stride = op.strides().get(axis);
            var q = nest.axis("q" + axis, op.result().tensor().dim(axis + 2).floorDivide(stride));
            var r = nest.axis("r" + axis, Dim.of(stride));
            var j = nest.axis("j" + axis, weights.dim(axis + 2).ceilDivide(stride));
            var start = r.plus(op.low().get(axis));
            at.add(nest.simplify(q.plus(start.floorDivide(stride)).minus(j)));
            taps.add(nest.simplify(start.modulo(stride).plus(j.times(stride))));
            to.add(q.times(stride).plus(r));
            over.add(j);
        }
        var a = nest.read(op.input(), List.of(), Optional.empty(), at, otherwiseZero(nest, op.input(), at));
        var b = nest.read(op.weights(), List.of(), Optional.empty(), taps, otherwiseZero(nest, op.weights(), taps));
        return sumOfProducts(nest, a, b, op.accumulate(), NestBuilder.over(over), to, op.result());
    }

    private static NestOp.Compute sumOfProducts(
            NestBuilder nest, Value a, Value b, ElementType accumulate, List<String> over, List<Dim> to, Value result) {
        var product = nest.binary(ArithOp.Mul::new, nest.cast(a, accumulate), nest.cast(b, accumulate));
        var sum = nest.sum(product, over);
        return nest.store(nest.cast(sum, result.tensor().element()), to, result);
    }

    private static List<Dim> with(List<Dim> first, Dim... rest) {
        return with(first, List.of(rest));
    }

    private static List<Dim> with(List<Dim> first, List<Dim> rest) {
        var all = new ArrayList<>(first);
        all.addAll(rest);
        return all;
    }
}
