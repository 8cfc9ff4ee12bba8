package org.portolan.ir.analysis;

import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.Axis;
import org.portolan.ir.GraphOp;
import org.portolan.ir.GraphOp.Check;
import org.portolan.ir.GraphOp.PadMode;
import org.portolan.ir.IrException;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// What must hold between the extents of an operation's operands and results so that it neither reads nor writes beyond
/// the end of any. An operation's constructor refuses extents that can never fit; symbols can still turn out not to. The
/// switch is exhaustive: a new operation cannot be forgotten.
///
/// Not in here is what an operation looks after by itself: indices that are data, and elements outside that it replaces.
public final class ExtentRules {
    private final GraphOp op;
    private final DimBounds bounds;
    private final List<Check> rules = new ArrayList<>();

    private ExtentRules(GraphOp op, DimBounds bounds) {
        this.op = op;
        this.bounds = bounds;
    }

    /// The rules of an operation, but for those that hold whatever the symbols are.
    public static List<Check> of(GraphOp op, DimBounds bounds) {
        var rules = new ExtentRules(op, bounds);
        rules.collect();
        return rules.rules;
    }

    /// The rules of what a body of an operation hands back to it; they hold where the body ends.
    public static List<Check> ofYield(GraphOp op, GraphOp.Yield yield, DimBounds bounds) {
        var rules = new ExtentRules(op, bounds);
        if (op instanceof GraphOp.If branch) {
            for (int i = 0; i < branch.results().size(); i++) {
                rules.equal(dims(yield.values().get(i)), dims(branch.results().get(i)), "what a branch yields");
            }
        } else if (op instanceof GraphOp.Loop loop) {
            int carried = loop.initial().size();
            for (int i = 0; i < loop.results().size(); i++) {
                var result = dims(loop.results().get(i));
                var expected = i < carried ? result : result.subList(1, result.size());
                rules.equal(dims(yield.values().get(i + 1)), expected, "what a round yields");
            }
        }
        return rules.rules;
    }

    /// The rules of what is known only when an operation is done.
    public static List<Check> after(GraphOp op, DimBounds bounds) {
        var rules = new ExtentRules(op, bounds);
        if (op instanceof GraphOp.Loop loop) {
            for (var scanned : loop.results().subList(loop.initial().size(), loop.results().size())) {
                rules.equal(Dim.symbol(loop.trips()), dim(scanned, 0), "the number of rounds");
            }
        }
        return rules.rules;
    }

    private void collect() {
        switch (op) {
            case GraphOp.Function _,
                    GraphOp.If _,
                    GraphOp.Return _,
                    GraphOp.Yield _,
                    GraphOp.Constant _,
                    GraphOp.Empty _,
                    GraphOp.Iota _,
                    GraphOp.Dims _,
                    GraphOp.Bind _,
                    GraphOp.Check _,
                    GraphOp.Call _ -> {}
            case GraphOp.Loop loop -> {
                for (int i = 0; i < loop.initial().size(); i++) {
                    var carried = dims(loop.results().get(i));
                    equal(dims(loop.initial().get(i)), carried, "the first of what is carried");
                    equal(dims(loop.body().params().get(i + 2)), carried, "what the body is given");
                }
            }
            case GraphOp.Map(var inputs, var _, var result) ->
                inputs.forEach(input -> equal(dims(input), dims(result), "an input"));
            case GraphOp.Reshape(var input, var result) ->
                equal(input.tensor().elements(), result.tensor().elements(), "the number of elements");
            case GraphOp.Transpose(var input, var permutation, var result) ->
                equal(
                        permutation.stream().map(axis -> dim(input, axis)).toList(),
                        dims(result),
                        "the input");
            case GraphOp.Broadcast(var input, var result) -> broadcast(dims(input), dims(result));
            case GraphOp.Slice slice -> slice(slice);
            case GraphOp.Concat(var inputs, long axis, var result) -> concat(inputs, (int) axis, result);
            case GraphOp.Pad(var input, var _, var _, var mode, var result) -> pad(dims(input), mode, dims(result));
            case GraphOp.Gather(var data, var indices, long axis, var result) -> {
                var expected = new ArrayList<>(dims(data).subList(0, (int) axis));
                expected.addAll(dims(indices));
                expected.addAll(dims(data).subList((int) axis + 1, dims(data).size()));
                equal(expected, dims(result), "the slices");
            }
            case GraphOp.GatherElements(var _, var indices, long _, var result) ->
                equal(dims(indices), dims(result), "the indices");
            case GraphOp.GatherNd(var data, var indices, long batch, var result) -> {
                int tuples = dims(indices).size() - 1;
                var expected = new ArrayList<>(dims(indices).subList(0, tuples));
                int rest = dims(result).size() - tuples;
                if (rest >= 0 && rest <= dims(data).size()) {
                    expected.addAll(dims(data).subList(dims(data).size() - rest, dims(data).size()));
                }
                equal(expected, dims(result), "the indices and slices");
                equal(dims(indices).subList(0, (int) batch), dims(data).subList(0, (int) batch), "the batch");
            }
            case GraphOp.ScatterElements(var data, var indices, var updates, long axis, var _, var result) -> {
                equal(dims(data), dims(result), "the data");
                equal(dims(indices), dims(updates), "the updates");
                for (int other = 0; other < dims(data).size(); other++) {
                    if (other != axis) {
                        atMost(dim(updates, other), dim(data, other), "axis " + other + " of the updates");
                    }
                }
            }
            case GraphOp.ScatterNd(var data, var indices, var updates, var _, var result) -> {
                equal(dims(data), dims(result), "the data");
                int tuples = dims(indices).size() - 1;
                var expected = new ArrayList<>(dims(indices).subList(0, tuples));
                int rest = dims(updates).size() - tuples;
                if (rest >= 0 && rest <= dims(data).size()) {
                    expected.addAll(dims(data).subList(dims(data).size() - rest, dims(data).size()));
                }
                equal(expected, dims(updates), "the updates");
            }
            case GraphOp.MatMul(var left, var right, var _, var result) -> {
                int rank = dims(left).size();
                equal(dim(left, rank - 1), dim(right, rank - 2), "the terms of a product");
                equal(dims(left).subList(0, rank - 1), dims(result).subList(0, rank - 1), "the left matrices");
                equal(dims(right).subList(0, rank - 2), dims(result).subList(0, rank - 2), "the right matrices");
                equal(dim(right, rank - 1), dim(result, rank - 1), "the columns");
            }
            case GraphOp.Convolution convolution -> {
                equal(dim(convolution.input(), 0), dim(convolution.result(), 0), "the batch");
                equal(dim(convolution.weights(), 0), dim(convolution.result(), 1), "the output channels");
                var channels = dim(convolution.weights(), 1).times(convolution.groups());
                equal(dim(convolution.input(), 1), channels, "the input channels");
                equal(dim(convolution.weights(), 0).modulo(convolution.groups()), Dim.ZERO, "output channels of a group");
            }
            case GraphOp.ConvolutionTranspose convolution -> {
                equal(dim(convolution.input(), 0), dim(convolution.result(), 0), "the batch");
                equal(dim(convolution.input(), 1), dim(convolution.weights(), 0), "the input channels");
                var channels = dim(convolution.weights(), 1).times(convolution.groups());
                equal(dim(convolution.result(), 1), channels, "the output channels");
                equal(dim(convolution.weights(), 0).modulo(convolution.groups()), Dim.ZERO, "input channels of a group");
            }
            case GraphOp.Pool pool ->
                equal(dims(pool.input()).subList(0, 2), dims(pool.result()).subList(0, 2), "the planes");
            case GraphOp.PoolPosition pool ->
                equal(dims(pool.input()).subList(0, 2), dims(pool.result()).subList(0, 2), "the planes");
            case GraphOp.Reduce(var input, var _, var axes, var _, var result) ->
                equal(without(input, axes), dims(result), "what is left");
            case GraphOp.ArgReduce(var input, boolean _, long axis, boolean _, var result) ->
                equal(without(input, List.of(axis)), dims(result), "what is left");
            case GraphOp.Scan(var input, var _, long _, boolean _, boolean _, var result) ->
                equal(dims(input), dims(result), "the input");
        }
    }

    private static List<Dim> dims(Value value) {
        return value.tensor().dims();
    }

    private static Dim dim(Value value, long axis) {
        return value.tensor().dim((int) axis);
    }

    private static List<Dim> without(Value value, List<Long> axes) {
        var kept = new ArrayList<Dim>();
        for (int axis = 0; axis < dims(value).size(); axis++) {
            if (!axes.contains((long) axis)) {
                kept.add(dim(value, axis));
            }
        }
        return kept;
    }

    private void broadcast(List<Dim> from, List<Dim> to) {
        int lead = to.size() - from.size();
        for (int axis = 0; axis < from.size(); axis++) {
            var own = from.get(axis);
            var other = to.get(axis + lead);
            if (own.isConstant(1)) {
                continue;
            }
            if (own.isConstant()) {
                equal(own, other, "axis " + axis);
            } else if (!bounds.areEqual(own, other)) {
                rule(own.minus(1).times(own.minus(other)), Relation.EQUAL, Dim.ZERO, "axis %d must be 1 or %s, and is %s".formatted(axis, other, own));
            }
        }
    }

    /// Where there are elements at all, the first and the last of each axis lie inside.
    private void slice(GraphOp.Slice slice) {
        for (int axis = 0; axis < dims(slice.input()).size(); axis++) {
            var extent = dim(slice.result(), axis);
            var start = slice.starts().get(axis);
            var step = slice.steps().get(axis);
            var whole = dim(slice.input(), axis);
            // No model can name a symbol like this, which an axis would hide.
            var along = new Axis("#" + axis, extent);
            var place = Dim.symbol(along.name());
            var index = place.times(step).plus(start);
            var inner = bounds.withAxes(List.of(along));
            if (extent.isConstant(0) || inner.isWithin(index, whole)) {
                continue;
            }
            var last = start.plus(extent.minus(1).times(step));
            var some = extent.minimum(Dim.ONE);
            var what = "axis %d from %s in steps of %s".formatted(axis, start, step);
            rule(some.times(start.minimum(last)), Relation.GREATER_OR_EQUAL, Dim.ZERO, what + " must begin inside");
            rule(some.times(start.maximum(last).plus(1).minus(whole)), Relation.LESS_OR_EQUAL, Dim.ZERO, what + " must end inside");
        }
    }

    private void concat(List<Value> inputs, int axis, Value result) {
        Dim total = Dim.ZERO;
        for (var input : inputs) {
            for (int other = 0; other < dims(result).size(); other++) {
                if (other != axis) {
                    equal(dim(input, other), dim(result, other), "axis " + other);
                }
            }
            total = total.plus(dim(input, axis));
        }
        equal(total, dim(result, axis), "the sum along axis " + axis);
    }

    /// What takes its elements from the input needs one.
    private void pad(List<Dim> from, PadMode mode, List<Dim> to) {
        if (mode == PadMode.CONSTANT) {
            return;
        }
        for (int axis = 0; axis < from.size(); axis++) {
            atMost(to.get(axis).minimum(Dim.ONE), from.get(axis), "axis %d of what is repeated".formatted(axis));
        }
    }

    private void equal(List<Dim> left, List<Dim> right, String what) {
        if (left.size() != right.size()) {
            throw new IrException(describe() + ": " + what + " has extents " + left + ", and " + right + " are needed");
        }
        for (int axis = 0; axis < left.size(); axis++) {
            equal(left.get(axis), right.get(axis), what + ", axis " + axis);
        }
    }

    private void equal(Dim left, Dim right, String what) {
        if (!bounds.areEqual(left, right)) {
            rule(left, Relation.EQUAL, right, what + " must be equal");
        }
    }

    private void atMost(Dim left, Dim right, String what) {
        if (!bounds.isAtMost(left, right)) {
            rule(left, Relation.LESS_OR_EQUAL, right, what + " must not be greater");
        }
    }

    private void rule(Dim left, Relation relation, Dim right, String what) {
        rules.add(new Check(left, relation, right, describe() + ": " + what));
    }

    private String describe() {
        var hint = OpSchema.results(op).stream().findFirst().map(Value::hint).filter(text -> !text.isEmpty());
        return OpSchema.of(op).name() + hint.map(text -> " (" + text + ")").orElse("");
    }
}
