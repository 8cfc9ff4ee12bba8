package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.since;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// From many elements to one. Everything that is more than a sum, a product or an extreme is said in those and
/// formulas.
final class ReductionOperators {
    static final List<Operator> ROWS = List.of(
            reduce("ReduceSum", 13, (call, x) -> x.sum()),
            reduce("ReduceMean", 18, (call, x) -> x.mean()),
            reduce("ReduceMax", 18, (call, x) -> x.combine(Combine.MAXIMUM)),
            reduce("ReduceMin", 18, (call, x) -> x.combine(Combine.MINIMUM)),
            reduce("ReduceProd", 18, (call, x) -> x.combine(Combine.PRODUCT)),
            reduce("ReduceL1", 18, (call, x) -> x.map(Scalars::abs).sum()),
            reduce(
                    "ReduceL2",
                    18,
                    (call, x) -> x.map((s, v) -> s.mul(v, v)).sum().map(ReductionOperators::root)),
            reduce(
                    "ReduceSumSquare",
                    18,
                    (call, x) -> x.map((s, v) -> s.mul(v, v)).sum()),
            reduce("ReduceLogSum", 18, (call, x) -> x.sum().map(Scalars::log)),
            reduce("ReduceLogSumExp", 18, (call, x) -> x.logSumExp()),
            since(1, "ArgMax", call -> extremeIndex(call, true)),
            since(1, "ArgMin", call -> extremeIndex(call, false)),
            since(1, "Softmax", call -> overAxis(call, ReductionOperators::softmax)),
            since(1, "LogSoftmax", call -> overAxis(call, ReductionOperators::logSoftmax)),
            since(1, "Hardmax", call -> overAxis(call, ReductionOperators::hardmax)),
            since(11, "CumSum", call -> running(call, Combine.SUM)),
            since(26, "CumProd", call -> running(call, Combine.PRODUCT)));

    private ReductionOperators() {}

    /// A tensor on its way through a reduction: with all its axes until one of the combining methods was called.
    private record Reduced(GraphWriter writer, Operand tensor, List<Integer> axes, Dim count) {
        Reduced with(Operand other) {
            return new Reduced(writer, other, axes, count);
        }

        Reduced map(Scalars.Unary formula) {
            return with(writer.map(tensor, formula));
        }

        /// Combines along the axes, which stay with an extent of 1.
        Reduced combine(Combine combine) {
            var element = tensor.element();
            if (element == ElementType.BOOL) {
                var other = combine == Combine.MAXIMUM ? Combine.OR : Combine.AND;
                return with(writer.reduceKeeping(tensor, other, axes, element, element));
            }
            var accumulate = GraphWriter.accumulator(element);
            return with(writer.reduceKeeping(tensor, combine, axes, accumulate, element));
        }

        Reduced sum() {
            return combine(Combine.SUM);
        }

        Reduced mean() {
            var total = sum();
            var number = writer.cast(writer.extent(count), tensor.element());
            return with(writer.mapTo(
                    total.tensor.dims(),
                    tensor.element(),
                    List.of(total.tensor, number),
                    (s, v) -> s.div(v.get(0), v.get(1))));
        }

        /// Less the largest element, so that nothing overflows; that is 0 where the largest is infinite.
        Reduced logSumExp() {
            var largest = combine(Combine.MAXIMUM)
                    .map((s, x) -> {
                        var finite = s.less(s.abs(x), s.number(x, Double.POSITIVE_INFINITY));
                        return s.select(finite, x, s.number(x, 0));
                    })
                    .tensor;
            var less = writer.map(tensor.element(), tensor, largest, (s, x, y) -> s.exp(s.sub(x, y)));
            var total = with(less).sum().tensor;
            return with(writer.map(tensor.element(), total, largest, (s, x, y) -> s.add(s.log(x), y)));
        }
    }

    private interface Meaning {
        Reduced apply(Call call, Reduced x);
    }

    private static Value root(Scalars s, Value x) {
        var element = x.type().elementType();
        return element.isFloat() ? s.sqrt(x) : s.cast(s.sqrt(s.cast(x, ElementType.F64)), element);
    }

    /// Axes are attributes before a version and an input since.
    private static Operator reduce(String name, long inputSince, Meaning meaning) {
        return since(1, name, call -> reduce(call, inputSince, meaning));
    }

    private static Operand reduce(Call call, long inputSince, Meaning meaning) {
        var x = call.input(0);
        boolean keep = call.flag("keepdims", true);
        var given = ShapeOperators.axes(call, inputSince, 1);
        boolean none = given.isEmpty() || given.get().isEmpty();
        var all = IntStream.range(0, x.rank()).boxed().toList();
        if (none) {
            boolean untouched = call.flag("noop_with_empty_axes", false);
            return finish(call, meaning, x, untouched ? List.of() : all, keep);
        }
        if (given.get().stream().allMatch(Dim::isConstant)) {
            var axes = given.get().stream()
                    .map(axis -> axis.constant().orElseThrow())
                    .toList();
            return finish(call, meaning, x, call.axes(axes, x.rank()), keep);
        }
        return overBoundAxes(call, meaning, x, given.get(), keep);
    }

    private static Operand finish(Call call, Meaning meaning, Operand x, List<Integer> axes, boolean keep) {
        var count = Dim.product(axes.stream().map(x::dim).toList());
        var result =
                meaning.apply(call, new Reduced(call.writer(), x, axes, count)).tensor();
        if (keep) {
            return result;
        }
        var dims = new ArrayList<Dim>();
        for (int axis = 0; axis < x.rank(); axis++) {
            if (!axes.contains(axis)) {
                dims.add(x.dim(axis));
            }
        }
        return call.writer().reshape(result, dims);
    }

    /// Which axes are reduced is known only at run time: each axis becomes two, one that stays and one that is reduced,
    /// and one of the two has the extent 1.
    private static Operand overBoundAxes(Call call, Meaning meaning, Operand x, List<Dim> given, boolean keep) {
        var writer = call.writer();
        var reduced = writer.named(given, x.rank());
        var pairs = new ArrayList<Dim>();
        var kept = new ArrayList<Dim>();
        var axes = new ArrayList<Integer>();
        Dim count = Dim.ONE;
        for (int axis = 0; axis < x.rank(); axis++) {
            var stays = writer.settled(DimLogic.select(reduced.get(axis), Dim.ONE, x.dim(axis)));
            var goes = writer.settled(DimLogic.select(reduced.get(axis), x.dim(axis), Dim.ONE));
            kept.add(stays);
            pairs.add(stays);
            pairs.add(goes);
            axes.add(2 * axis + 1);
            count = count.times(goes);
        }
        var apart = writer.reshape(x, pairs);
        var result =
                meaning.apply(call, new Reduced(writer, apart, axes, count)).tensor();
        if (keep) {
            return writer.reshape(result, kept);
        }
        var stay = reduced.stream().map(DimLogic::not).toList();
        return writer.reshape(result, DimLogic.filtered(x.dims(), stay, x.rank() - given.size()));
    }

    private static Operand extremeIndex(Call call, boolean largest) {
        var x = call.input(0);
        int axis = call.axis(call.integer("axis", 0), x.rank());
        boolean last = call.flag("select_last_index", false);
        var dims = new ArrayList<>(x.dims());
        dims.remove(axis);
        var writer = call.writer();
        var index = writer.add(
                new GraphOp.ArgReduce(x.value(), largest, axis, last, writer.fresh(ElementType.I64, dims)),
                GraphOp.ArgReduce::result);
        return call.flag("keepdims", true)
                ? writer.reshape(index, GraphWriter.withOnes(x.dims(), List.of(axis)))
                : index;
    }

    private interface AxisMeaning {
        Operand apply(GraphWriter writer, Operand x, int axis);
    }

    /// Before opset 13 the input was seen as a matrix, whose rows begin at the axis.
    private static Operand overAxis(Call call, AxisMeaning meaning) {
        var x = call.input(0);
        var writer = call.writer();
        if (call.opset() >= 13) {
            return meaning.apply(writer, x, call.axis(call.integer("axis", -1), x.rank()));
        }
        int axis = call.axis(call.integer("axis", 1), x.rank());
        if (axis == x.rank() - 1) {
            return meaning.apply(writer, x, axis);
        }
        var matrix = writer.reshape(
                x,
                List.of(
                        Dim.product(x.dims().subList(0, axis)),
                        Dim.product(x.dims().subList(axis, x.rank()))));
        return writer.reshape(meaning.apply(writer, matrix, 1), x.dims());
    }

    /// exp(x - max) / sum exp(x - max).
    static Operand softmax(GraphWriter writer, Operand x, int axis) {
        var element = x.element();
        var powers = shiftedPowers(writer, x, axis);
        var total = writer.reduceKeeping(powers, Combine.SUM, List.of(axis), GraphWriter.accumulator(element), element);
        return writer.map(element, powers, total, Scalars::div);
    }

    private static Operand shifted(GraphWriter writer, Operand x, int axis) {
        var largest = writer.reduceKeeping(x, Combine.MAXIMUM, List.of(axis), x.element(), x.element());
        return writer.map(x.element(), x, largest, Scalars::sub);
    }

    private static Operand shiftedPowers(GraphWriter writer, Operand x, int axis) {
        return writer.map(shifted(writer, x, axis), Scalars::exp);
    }

    /// x - max - log(sum exp(x - max)).
    static Operand logSoftmax(GraphWriter writer, Operand x, int axis) {
        var element = x.element();
        var less = shifted(writer, x, axis);
        var total = writer.reduceKeeping(
                writer.map(less, Scalars::exp), Combine.SUM, List.of(axis), GraphWriter.accumulator(element), element);
        return writer.map(element, less, total, (s, a, b) -> s.sub(a, s.log(b)));
    }

    /// 1 at the first largest element, else 0.
    private static Operand hardmax(GraphWriter writer, Operand x, int axis) {
        var dims = new ArrayList<>(x.dims());
        dims.remove(axis);
        var best = writer.add(
                new GraphOp.ArgReduce(x.value(), true, axis, false, writer.fresh(ElementType.I64, dims)),
                GraphOp.ArgReduce::result);
        var place = writer.reshape(best, GraphWriter.withOnes(x.dims(), List.of(axis)));
        var places = writer.iota(ElementType.I64, x.dims(), axis);
        return writer.map(
                x.element(), places, place, (s, a, b) -> s.cast(s.compare(a, Relation.EQUAL, b), x.element()));
    }

    private static Operand running(Call call, Combine combine) {
        var x = call.input(0);
        var writer = call.writer();
        boolean exclusive = call.flag("exclusive", false);
        boolean reverse = call.flag("reverse", false);
        var bound = writer.bindScalar(call.input(1));
        Optional<Integer> known =
                bound.isConstant() ? Optional.of(call.axis(bound.constant().getAsLong(), x.rank())) : Optional.empty();
        if (known.isPresent()) {
            return writer.add(
                    new GraphOp.Scan(
                            x.value(), combine, known.get(), exclusive, reverse, writer.fresh(x.element(), x.dims())),
                    GraphOp.Scan::result);
        }
        // Along an axis that only the run knows: as the middle one of three.
        var named = writer.named(List.of(bound), x.rank());
        Dim before = Dim.ONE;
        Dim middle = Dim.ONE;
        Dim after = Dim.ONE;
        Dim passed = Dim.ZERO;
        for (int axis = 0; axis < x.rank(); axis++) {
            var dim = x.dim(axis);
            middle = middle.times(DimLogic.select(named.get(axis), dim, Dim.ONE));
            after = after.times(DimLogic.select(passed, dim, Dim.ONE));
            passed = passed.plus(named.get(axis));
            before = before.times(DimLogic.select(passed, Dim.ONE, dim));
        }
        var three = writer.reshape(x, List.of(before, middle, after));
        var scanned = writer.add(
                new GraphOp.Scan(
                        three.value(), combine, 1, exclusive, reverse, writer.fresh(x.element(), three.dims())),
                GraphOp.Scan::result);
        return writer.reshape(scanned, x.dims());
    }
}
