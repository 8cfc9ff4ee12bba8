package org.portolan.ir;

import java.util.List;
import java.util.Optional;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// What is computed: tensor operations with one meaning each. The extents of results stand in their types; an operation
/// says only what the types do not. Broadcasts, padding and conversions are never implicit.
public sealed interface GraphOp extends Op {

    /// A function over tensors. Symbols are the extents that are bound when a run binds its inputs: a parameter axis
    /// that is nothing but a symbol gives it its number.
    record Function(String name, List<SymbolRange> symbols, Body body) implements GraphOp {
        public Function {
            symbols = List.copyOf(symbols);
        }
    }

    /// Ends a {@link Function}; hints of the values are the output names.
    record Return(List<Value> values) implements GraphOp, Terminator {
        public Return {
            values = List.copyOf(values);
        }
    }

    /// Ends the body of {@link Map} (scalars), {@link If} and {@link Loop} (tensors).
    record Yield(List<Value> values) implements GraphOp, Terminator {
        public Yield {
            values = List.copyOf(values);
        }
    }

    /// Elements that are known when the model is compiled.
    record Constant(Resource data, @Out Value result) implements GraphOp, Pure {
        public Constant {
            result.tensor();
        }
    }

    /// Elementwise: the body takes one scalar of each input and yields one of the result. All have the same extents.
    record Map(List<Value> inputs, Body body, @Out Value result) implements GraphOp, Pure {
        public Map {
            inputs = List.copyOf(inputs);
            Rules.check(
                    inputs.size() == body.params().size(), "graph.map needs one parameter for each of its inputs");
            for (int i = 0; i < inputs.size(); i++) {
                Rules.mayEqual(inputs.get(i).tensor().dims(), result.tensor().dims(), "graph.map");
                Rules.sameElement(inputs.get(i), body.params().get(i), "graph.map");
            }
        }
    }

    /// A tensor whose elements mean nothing until they are written, part by part, by operations that update it in place.
    record Empty(@Out Value result) implements GraphOp {}

    /// Each element is its own index along one axis.
    record Iota(long axis, @Out Value result) implements GraphOp, Pure {
        public Iota {
            Rules.axis(axis, result.tensor().rank(), "graph.iota");
        }
    }

    /// The same elements in row-major order under other extents.
    record Reshape(Value input, @Out Value result) implements GraphOp, Pure {
        public Reshape {
            Rules.sameElement(input, result, "graph.reshape");
            Rules.mayEqual(input.tensor().elements(), result.tensor().elements(), "graph.reshape");
        }
    }

    /// Result axis {@code i} is input axis {@code permutation[i]}.
    record Transpose(Value input, List<Long> permutation, @Out Value result) implements GraphOp, Pure {
        public Transpose {
            permutation = List.copyOf(permutation);
            Rules.sameElement(input, result, "graph.transpose");
            Rules.permutation(permutation, input.tensor().rank(), "graph.transpose");
            var inputDims = input.tensor().dims();
            Rules.mayEqual(
                    permutation.stream().map(axis -> inputDims.get(Math.toIntExact(axis))).toList(),
                    result.tensor().dims(),
                    "graph.transpose");
        }
    }

    /// Repeats: axes are aligned at the end; an input extent is the result's or 1 (for symbols, either at run time).
    record Broadcast(Value input, @Out Value result) implements GraphOp, Pure {
        public Broadcast {
            Rules.sameElement(input, result, "graph.broadcast");
            int lead = result.tensor().rank() - input.tensor().rank();
            Rules.check(lead >= 0, "graph.broadcast cannot lower the rank of " + input);
            for (int axis = 0; axis < input.tensor().rank(); axis++) {
                var extent = input.tensor().dim(axis);
                if (!extent.isConstant(1)) {
                    var other = result.tensor().dim(axis + lead);
                    Rules.check(
                            !(extent.isConstant() && other.isConstant()) || extent.equals(other),
                            "graph.broadcast: axis " + axis + " of " + input + " is neither 1 nor " + other);
                }
            }
        }
    }

    /// Element {@code i} of an axis is the input's {@code start + i * step}; steps may be negative or 0.
    record Slice(Value input, List<Dim> starts, List<Dim> steps, @Out Value result) implements GraphOp, Pure {
        public Slice {
            starts = List.copyOf(starts);
            steps = List.copyOf(steps);
            Rules.sameElement(input, result, "graph.slice");
            int rank = input.tensor().rank();
            Rules.check(
                    starts.size() == rank && steps.size() == rank && result.tensor().rank() == rank,
                    "graph.slice needs a start, a step and a result extent for each axis of " + input);
        }
    }

    /// One after the other along an axis.
    record Concat(List<Value> inputs, long axis, @Out Value result) implements GraphOp, Pure {
        public Concat {
            inputs = List.copyOf(inputs);
            Rules.check(!inputs.isEmpty(), "graph.concat needs an input");
            Rules.axis(axis, result.tensor().rank(), "graph.concat");
            Dim total = Dim.ZERO;
            for (var input : inputs) {
                Rules.sameElement(input, result, "graph.concat");
                Rules.mayEqual(
                        Rules.without(input.tensor().dims(), List.of(axis)),
                        Rules.without(result.tensor().dims(), List.of(axis)),
                        "graph.concat");
                total = total.plus(input.tensor().dim(Math.toIntExact(axis)));
            }
            Rules.mayEqual(total, result.tensor().dim(Math.toIntExact(axis)), "graph.concat along its axis");
        }
    }

    /// Element {@code i} is the input's {@code i - low}; outside the input the mode decides. A negative {@code low}
    /// crops. The value, a scalar tensor, is there for {@link PadMode#CONSTANT} only and 0 if absent.
    record Pad(Value input, Optional<Value> value, List<Dim> low, PadMode mode, @Out Value result)
            implements GraphOp, Pure {
        public Pad {
            low = List.copyOf(low);
            Rules.sameElement(input, result, "graph.pad");
            Rules.check(
                    low.size() == input.tensor().rank() && result.tensor().rank() == low.size(),
                    "graph.pad needs one low padding and one result extent for each axis of " + input);
        }
    }

    /// What stands outside the input of a {@link Pad}.
    enum PadMode {
        CONSTANT,
        /// Mirrored without repeating the edge.
        REFLECT,
        EDGE,
        WRAP
    }

    /// Takes slices along an axis: {@code result[a.., i.., b..] = data[a.., indices[i..], b..]}. A negative index counts
    /// from the end; one outside fails the run.
    record Gather(Value data, Value indices, long axis, @Out Value result) implements GraphOp {
        public Gather {
            Rules.sameElement(data, result, "graph.gather");
            Rules.isInteger(indices, "graph.gather");
            Rules.axis(axis, data.tensor().rank(), "graph.gather");
            Rules.check(
                    result.tensor().rank() == data.tensor().rank() - 1 + indices.tensor().rank(),
                    "graph.gather: the rank of " + result + " does not fit");
        }
    }

    /// {@code result[i..] = data[i.. with i[axis] = indices[i..]]}. Negative indices count from the end; one outside
    /// fails the run.
    record GatherElements(Value data, Value indices, long axis, @Out Value result) implements GraphOp {
        public GatherElements {
            Rules.sameElement(data, result, "graph.gather-elements");
            Rules.isInteger(indices, "graph.gather-elements");
            Rules.axis(axis, data.tensor().rank(), "graph.gather-elements");
            Rules.mayEqual(indices.tensor().dims(), result.tensor().dims(), "graph.gather-elements");
        }
    }

    /// The last axis of the indices holds index tuples into the axes of data after {@code batch} shared leading axes.
    record GatherNd(Value data, Value indices, long batch, @Out Value result) implements GraphOp {
        public GatherNd {
            Rules.sameElement(data, result, "graph.gather-nd");
            Rules.isInteger(indices, "graph.gather-nd");
        }
    }

    /// A copy of data in which {@code result[i.. with i[axis] = indices[i..]]} is replaced by the update, or combined
    /// with it in index order.
    record ScatterElements(
            Value data, Value indices, Value updates, long axis, Optional<Combine> combine, @Out Value result)
            implements GraphOp {
        public ScatterElements {
            Rules.sameElement(data, result, "graph.scatter-elements");
            Rules.sameElement(data, updates, "graph.scatter-elements");
            Rules.isInteger(indices, "graph.scatter-elements");
            Rules.axis(axis, data.tensor().rank(), "graph.scatter-elements");
        }
    }

    /// A copy of data in which the slices that the index tuples name are replaced by, or combined with, the updates.
    record ScatterNd(Value data, Value indices, Value updates, Optional<Combine> combine, @Out Value result)
            implements GraphOp {
        public ScatterNd {
            Rules.sameElement(data, result, "graph.scatter-nd");
            Rules.sameElement(data, updates, "graph.scatter-nd");
            Rules.isInteger(indices, "graph.scatter-nd");
        }
    }

    /// Contracts the last axis of {@code lhs} with the last but one of {@code rhs}: {@code [b.., m, k] x [b.., k, n] ->
    /// [b.., m, n]}, equal batch axes. Both sides are converted to {@code accumulate}, summed in it over ascending k, and
    /// the sum is converted to the result's element type.
    record MatMul(Value lhs, Value rhs, ElementType accumulate, @Out Value result) implements GraphOp, Pure {
        public MatMul {
            var left = lhs.tensor();
            var right = rhs.tensor();
            int rank = left.rank();
            Rules.check(
                    rank >= 2 && right.rank() == rank && result.tensor().rank() == rank,
                    "graph.mat-mul needs two matrices, or equal stacks of them; found " + lhs + " and " + rhs);
            Rules.mayEqual(left.dim(rank - 1), right.dim(rank - 2), "graph.mat-mul, contracted axis");
            Rules.mayEqual(left.dims().subList(0, rank - 1), result.tensor().dims().subList(0, rank - 1), "graph.mat-mul");
            Rules.mayEqual(right.dims().subList(0, rank - 2), left.dims().subList(0, rank - 2), "graph.mat-mul, batch");
            Rules.mayEqual(right.dim(rank - 1), result.tensor().dim(rank - 1), "graph.mat-mul");
        }
    }

    /// {@code input [n, c, x..]}, {@code weights [o, c / groups, k..]}, {@code result [n, o, y..]}:
    /// {@code result[n, o, y] = sum over c, k of input[n, c, y * stride + k * dilation - low] * weights[o, c, k]}, zero
    /// outside the input. Converted and summed as in {@link MatMul}.
    record Convolution(
            Value input,
            Value weights,
            List<Long> strides,
            List<Long> dilations,
            List<Dim> low,
            long groups,
            ElementType accumulate,
            @Out Value result)
            implements GraphOp, Pure {
        public Convolution {
            strides = List.copyOf(strides);
            dilations = List.copyOf(dilations);
            low = List.copyOf(low);
            spatial(input, result, strides, dilations, low, "graph.convolution");
            Rules.check(weights.tensor().rank() == input.tensor().rank(), "graph.convolution: rank of " + weights);
            Rules.check(groups > 0, "graph.convolution needs at least one group, found " + groups);
            Rules.mayEqual(
                    input.tensor().dim(1), weights.tensor().dim(1).times(groups), "graph.convolution, input channels");
            Rules.mayEqual(weights.tensor().dim(0), result.tensor().dim(1), "graph.convolution, output channels");
        }
    }

    /// The transpose of {@link Convolution} in its input: {@code input [n, c, x..]}, {@code weights [c, o / groups,
    /// k..]}; {@code result[n, o, y]} sums {@code input[n, c, x] * weights[c, o, k]} where
    /// {@code y = x * stride + k * dilation - low}.
    record ConvolutionTranspose(
            Value input,
            Value weights,
            List<Long> strides,
            List<Long> dilations,
            List<Dim> low,
            long groups,
            ElementType accumulate,
            @Out Value result)
            implements GraphOp, Pure {
        public ConvolutionTranspose {
            strides = List.copyOf(strides);
            dilations = List.copyOf(dilations);
            low = List.copyOf(low);
            spatial(input, result, strides, dilations, low, "graph.convolution-transpose");
            Rules.check(groups > 0, "graph.convolution-transpose needs at least one group, found " + groups);
            Rules.mayEqual(
                    input.tensor().dim(1), weights.tensor().dim(0), "graph.convolution-transpose, input channels");
        }
    }

    /// Combines the window {@code input[n, c, y * stride + k * dilation - low]}, k below {@code window}; what lies outside
    /// the input does not take part.
    record Pool(
            Value input,
            Combine combine,
            List<Long> window,
            List<Long> strides,
            List<Long> dilations,
            List<Dim> low,
            @Out Value result)
            implements GraphOp, Pure {
        public Pool {
            window = List.copyOf(window);
            strides = List.copyOf(strides);
            dilations = List.copyOf(dilations);
            low = List.copyOf(low);
            spatial(input, result, strides, dilations, low, "graph.pool");
            Rules.sameElement(input, result, "graph.pool");
            Rules.check(
                    window.size() == strides.size() && window.stream().allMatch(extent -> extent > 0),
                    "graph.pool needs one positive window extent for each spatial axis, found " + window);
        }
    }

    /// The place of the (first) largest element in each window of {@link Pool}, as a row-major position in the whole
    /// input; with {@code column_major} the spatial axes count in the opposite order.
    record PoolPosition(
            Value input,
            List<Long> window,
            List<Long> strides,
            List<Long> dilations,
            List<Dim> low,
            boolean columnMajor,
            @Out Value result)
            implements GraphOp, Pure {
        public PoolPosition {
            window = List.copyOf(window);
            strides = List.copyOf(strides);
            dilations = List.copyOf(dilations);
            low = List.copyOf(low);
            spatial(input, result, strides, dilations, low, "graph.pool-position");
            Rules.isInteger(result, "graph.pool-position");
        }
    }

    /// Combines along axes, which vanish. Converted to {@code accumulate}, combined in it in row-major order, converted
    /// to the result's element type. Nothing combined gives the operation's neutral element (infinities for minimum and
    /// maximum of floats, the type's limits for integers).
    record Reduce(Value input, Combine combine, List<Long> axes, ElementType accumulate, @Out Value result)
            implements GraphOp, Pure {
        public Reduce {
            axes = List.copyOf(axes);
            for (long axis : axes) {
                Rules.axis(axis, input.tensor().rank(), "graph.reduce");
            }
            Rules.mayEqual(Rules.without(input.tensor().dims(), axes), result.tensor().dims(), "graph.reduce");
        }
    }

    /// The index of the smallest or largest element along an axis, which vanishes: the first one, or with {@code last}
    /// the last one. A NaN counts as the extreme.
    record ArgReduce(Value input, boolean largest, long axis, boolean last, @Out Value result)
            implements GraphOp, Pure {
        public ArgReduce {
            Rules.axis(axis, input.tensor().rank(), "graph.arg-reduce");
            Rules.isInteger(result, "graph.arg-reduce");
            Rules.mayEqual(
                    Rules.without(input.tensor().dims(), List.of(axis)), result.tensor().dims(), "graph.arg-reduce");
        }
    }

    /// Running combination along an axis; {@code exclusive} leaves the element itself out, {@code reverse} runs from the
    /// end.
    record Scan(Value input, Combine combine, long axis, boolean exclusive, boolean reverse, @Out Value result)
            implements GraphOp, Pure {
        public Scan {
            Rules.sameType(input, result, "graph.scan");
            Rules.axis(axis, input.tensor().rank(), "graph.scan");
        }
    }

    /// One of two bodies, chosen by a scalar truth value; both yield the results.
    record If(Value condition, Body yes, Body no, @Out List<Value> results) implements GraphOp {
        public If {
            results = List.copyOf(results);
            Rules.isBoolean(condition, "graph.if");
        }
    }

    /// Repeats its body {@code (iteration: i64[], condition: bool[], carried..) -> yield [condition, carried..,
    /// scanned..]} while the condition holds and the trip count, if there is one, is not reached. Scanned values are
    /// stacked along a new first axis, whose extent is the symbol {@code trips}, bound when the loop ends.
    record Loop(
            Optional<Value> tripCount,
            Optional<Value> condition,
            List<Value> initial,
            String trips,
            Body body,
            @Out List<Value> results)
            implements GraphOp {
        public Loop {
            initial = List.copyOf(initial);
            results = List.copyOf(results);
            Rules.check(
                    body.params().size() == initial.size() + 2,
                    "graph.loop: the body takes the iteration, the condition and " + initial.size() + " carried values");
        }
    }

    /// Numbers known when a run binds its symbols, as a tensor of integers with that many elements.
    record Dims(List<Dim> values, @Out Value result) implements GraphOp, Pure {
        public Dims {
            values = List.copyOf(values);
            Rules.isInteger(result, "graph.dims");
            Rules.mayEqual(result.tensor().elements(), Dim.of(values.size()), "graph.dims");
        }
    }

    /// Binds fresh symbols to the elements of a small integer tensor when the run comes to it. They can be used in
    /// types, Dims and checks after this operation.
    record Bind(Value input, List<String> symbols) implements GraphOp {
        public Bind {
            symbols = List.copyOf(symbols);
            Rules.isInteger(input, "graph.bind");
            Rules.mayEqual(input.tensor().elements(), Dim.of(symbols.size()), "graph.bind");
        }
    }

    /// Fails the run with the message unless the relation holds.
    record Check(Dim left, Relation relation, Dim right, String message) implements GraphOp {}

    /// Calls a kernel of the library by name.
    record Call(String kernel, List<Value> arguments, List<Long> options, @Out List<Value> results)
            implements GraphOp {
        public Call {
            arguments = List.copyOf(arguments);
            options = List.copyOf(options);
            results = List.copyOf(results);
        }
    }

    private static void spatial(
            Value input, Value result, List<Long> strides, List<Long> dilations, List<Dim> low, String what) {
        int axes = input.tensor().rank() - 2;
        Rules.check(
                axes >= 0
                        && result.tensor().rank() == axes + 2
                        && strides.size() == axes
                        && dilations.size() == axes
                        && low.size() == axes,
                what + " needs a stride, a dilation and a low padding for each spatial axis of " + input);
        Rules.check(
                strides.stream().allMatch(stride -> stride > 0) && dilations.stream().allMatch(step -> step > 0),
                what + " needs positive strides and dilations, found " + strides + " and " + dilations);
        Rules.mayEqual(input.tensor().dim(0), result.tensor().dim(0), what + ", batch");
    }
}
