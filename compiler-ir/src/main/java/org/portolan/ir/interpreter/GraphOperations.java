package org.portolan.ir.interpreter;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.portolan.ir.GraphOp;
import org.portolan.ir.IrException;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.device.KernelError;

/// What the operations of `graph` do with arrays, apart from control flow.
final class GraphOperations {
    private final GraphArrays arrays;
    private final Symbols symbols;
    private final Memory memory;
    private final KernelCalls kernels;
    private final Map<Op, NdArray> constants;

    /// @param constants those that were decoded in earlier runs; new ones are added
    GraphOperations(GraphArrays arrays, KernelCalls kernels, Map<Op, NdArray> constants) {
        this.arrays = arrays;
        symbols = arrays.symbols();
        memory = arrays.memory();
        this.kernels = kernels;
        this.constants = constants;
    }

    void execute(GraphOp op) {
        switch (op) {
            case GraphOp.Function _, GraphOp.Return _, GraphOp.Yield _, GraphOp.If _, GraphOp.Loop _ ->
                throw new IrException(name(op) + " is no operation on arrays");
            case GraphOp.Constant(var data, var result) ->
                arrays.put(
                        result,
                        constants.computeIfAbsent(op, _ -> {
                            var array = Constants.decode(data, result, symbols.shape(result), memory);
                            memory.retain(array.elements());
                            return array;
                        }));
            case GraphOp.Map map -> map(map);
            case GraphOp.Empty(var result) -> allocate(result);
            case GraphOp.Iota(long axis, var result) -> Movement.iota((int) axis, allocate(result));
            case GraphOp.Reshape(var input, var result) -> reshape(get(input), result);
            case GraphOp.Transpose(var input, var permutation, var result) ->
                Movement.transpose(get(input), permutation, allocate(result));
            case GraphOp.Broadcast(var input, var result) ->
                Movement.broadcast(get(input), allocate(result), describe(op));
            case GraphOp.Slice(var input, var starts, var steps, var result) ->
                Movement.slice(
                        get(input), symbols.evaluate(starts), symbols.evaluate(steps), allocate(result), describe(op));
            case GraphOp.Concat(var inputs, long axis, var result) -> concat(op, get(inputs), (int) axis, result);
            case GraphOp.Pad(var input, var value, var low, var mode, var result) ->
                Movement.pad(
                        get(input), value.map(this::get), symbols.evaluate(low), mode, allocate(result), describe(op));
            case GraphOp.Gather(var data, var indices, long axis, var result) -> {
                var shape = new ArrayList<>(shape(data).subList(0, (int) axis));
                shape.addAll(shape(indices));
                shape.addAll(shape(data).subList((int) axis + 1, get(data).rank()));
                expectShape(op, shape, result);
                Gathering.gather(get(data), get(indices), (int) axis, allocate(result), describe(op));
            }
            case GraphOp.GatherElements(var data, var indices, long axis, var result) -> {
                expectShape(op, shape(indices), result);
                Gathering.gatherElements(get(data), get(indices), (int) axis, allocate(result), describe(op));
            }
            case GraphOp.GatherNd(var data, var indices, long batch, var result) ->
                Gathering.gatherNd(get(data), get(indices), (int) batch, allocate(result), describe(op));
            case GraphOp.ScatterElements(var data, var indices, var updates, long axis, var combine, var result) -> {
                expectShape(op, shape(data), result);
                Gathering.scatterElements(
                        get(data), get(indices), get(updates), (int) axis, combine, allocate(result), describe(op));
            }
            case GraphOp.ScatterNd(var data, var indices, var updates, var combine, var result) -> {
                expectShape(op, shape(data), result);
                Gathering.scatterNd(get(data), get(indices), get(updates), combine, allocate(result), describe(op));
            }
            case GraphOp.MatMul(var left, var right, var accumulate, var result) -> {
                int rank = get(left).rank();
                var shape = new ArrayList<>(shape(left).subList(0, rank - 1));
                shape.add(get(right).shape()[rank - 1]);
                expectShape(op, shape, result);
                var expected = new ArrayList<>(shape(left).subList(0, rank - 2));
                expected.add(get(left).shape()[rank - 1]);
                expect(op, expected.equals(shape(right).subList(0, rank - 1)));
                Contractions.matMul(get(left), get(right), accumulate, allocate(result));
            }
            case GraphOp.Convolution convolution -> {
                expect(op, shape(convolution.input()).getFirst() == extent(convolution.result(), 0));
                expect(op, shape(convolution.weights()).getFirst() == extent(convolution.result(), 1));
                Contractions.convolution(
                        convolution,
                        get(convolution.input()),
                        get(convolution.weights()),
                        symbols.evaluate(convolution.low()),
                        allocate(convolution.result()));
            }
            case GraphOp.ConvolutionTranspose convolution -> {
                expect(op, shape(convolution.input()).getFirst() == extent(convolution.result(), 0));
                expect(op, shape(convolution.input()).get(1).equals(shape(convolution.weights()).getFirst()));
                Contractions.convolutionTranspose(
                        convolution,
                        get(convolution.input()),
                        get(convolution.weights()),
                        symbols.evaluate(convolution.low()),
                        allocate(convolution.result()));
            }
            case GraphOp.Pool pool -> {
                expectPlanes(op, pool.input(), pool.result());
                Pooling.pool(pool, get(pool.input()), symbols.evaluate(pool.low()), allocate(pool.result()));
            }
            case GraphOp.PoolPosition pool -> {
                expectPlanes(op, pool.input(), pool.result());
                Pooling.position(pool, get(pool.input()), symbols.evaluate(pool.low()), allocate(pool.result()));
            }
            case GraphOp.Reduce(var input, var combine, var axes, var accumulate, var result) -> {
                expectShape(op, without(shape(input), axes), result);
                int size = memory.check(accumulate, symbols.shape(result), result.toString());
                var sums = Reductions.reduce(get(input), combine, axes, accumulate, size);
                var converted = Conversions.convert(sums, result.tensor().element());
                arrays.put(result, new NdArray(Strided.ints(symbols.shape(result)), converted));
            }
            case GraphOp.ArgReduce(var input, boolean largest, long axis, boolean last, var result) -> {
                expectShape(op, without(shape(input), List.of(axis)), result);
                Reductions.argReduce(get(input), largest, (int) axis, last, allocate(result), describe(op));
            }
            case GraphOp.Scan(var input, var combine, long axis, boolean exclusive, boolean reverse, var result) ->
                Reductions.scan(get(input), combine, (int) axis, exclusive, reverse, allocate(result));
            case GraphOp.Dims(var values, var result) -> {
                var array = allocate(result);
                for (int i = 0; i < values.size(); i++) {
                    array.elements().setLong(i, symbols.evaluate(values.get(i)));
                }
            }
            case GraphOp.Bind(var input, var names) -> {
                var array = get(input);
                expect(op, array.size() == names.size());
                for (int i = 0; i < names.size(); i++) {
                    symbols.bind(names.get(i), array.elements().getLong(i), describe(op));
                }
            }
            case GraphOp.Check(var left, var relation, var right, var message) -> {
                long a = symbols.evaluate(left);
                long b = symbols.evaluate(right);
                if (!relation.holds(Long.compare(a, b))) {
                    throw new PortolanException.RunFailed(message + " (" + left + " is " + a + ", " + right + " is " + b
                            + ")", 0, -1);
                }
            }
            case GraphOp.Call call -> arrays.define(call.results(), kernels.call(call, get(call.arguments())));
        }
    }

    private NdArray get(Value value) {
        return arrays.get(value);
    }

    private List<NdArray> get(List<Value> values) {
        return arrays.get(values);
    }

    private NdArray allocate(Value result) {
        return arrays.allocate(result);
    }

    private List<Integer> shape(Value value) {
        return arrays.shape(value);
    }

    private long extent(Value value, int axis) {
        return arrays.extent(value, axis);
    }

    private void map(GraphOp.Map op) {
        var inputs = get(op.inputs());
        for (int i = 0; i < inputs.size(); i++) {
            expectShape(op, shape(op.inputs().get(i)), op.result());
        }
        var result = allocate(op.result());
        var yield = (GraphOp.Yield) op.body().terminator();
        var program = new LaneProgram(op.body().params(), op.body().ops(), yield.values());
        program.run(
                inputs.stream()
                        .map(input -> new ArithInterpreter.Lanes(input.elements(), 0))
                        .toArray(ArithInterpreter.Lanes[]::new),
                new ArithInterpreter.Lanes[] {new ArithInterpreter.Lanes(result.elements(), 0)},
                result.size());
    }

    private void reshape(NdArray input, Value result) {
        var shape = symbols.shape(result);
        int size = new Memory(Long.MAX_VALUE).check(input.type(), shape, result.toString());
        if (size != input.size()) {
            throw new PortolanException.RunFailed(
                    "graph.reshape of " + input + " cannot give " + result + " with extents "
                            + Arrays.toString(shape),
                    KernelError.INVALID_SIZE,
                    -1);
        }
        arrays.put(result, new NdArray(Strided.ints(shape), input.elements()));
    }

    private void concat(GraphOp op, List<NdArray> inputs, int axis, Value result) {
        var shape = new ArrayList<>(ints(inputs.getFirst().shape()));
        int total = 0;
        for (var input : inputs) {
            var other = new ArrayList<>(ints(input.shape()));
            other.set(axis, shape.get(axis));
            expect(op, other.equals(shape));
            total = Math.addExact(total, input.shape()[axis]);
        }
        shape.set(axis, total);
        expectShape(op, shape, result);
        Movement.concat(inputs, axis, allocate(result));
    }

    private static List<Integer> ints(int[] values) {
        return Arrays.stream(values).boxed().toList();
    }

    private static List<Integer> without(List<Integer> shape, List<Long> axes) {
        var kept = new ArrayList<Integer>();
        for (int axis = 0; axis < shape.size(); axis++) {
            if (!axes.contains((long) axis)) {
                kept.add(shape.get(axis));
            }
        }
        return kept;
    }

    /// What symbols hid when the operation was made is checked here.
    private void expectShape(GraphOp op, List<Integer> found, Value result) {
        var expected = symbols.shape(result);
        boolean same = expected.length == found.size();
        for (int axis = 0; same && axis < expected.length; axis++) {
            same = expected[axis] == found.get(axis);
        }
        if (!same) {
            throw new PortolanException.RunFailed(
                    describe(op) + " gives extents " + found + ", and its result's type stands for "
                            + Arrays.toString(expected),
                    KernelError.INVALID_SIZE,
                    -1);
        }
    }

    private void expect(GraphOp op, boolean holds) {
        if (!holds) {
            throw new PortolanException.RunFailed(
                    describe(op) + ": extents do not fit: " + get(OpSchema.operands(op)), KernelError.INVALID_SIZE, -1);
        }
    }

    private void expectPlanes(GraphOp op, Value input, Value result) {
        expect(op, shape(input).get(0) == extent(result, 0) && shape(input).get(1) == extent(result, 1));
    }

    static String name(Op op) {
        return OpSchema.of(op).name();
    }

    /// The operation as an error names it: with the model's name of its first result.
    static String describe(Op op) {
        var hint = OpSchema.results(op).stream().findFirst().map(Value::hint).filter(text -> !text.isEmpty());
        return name(op) + hint.map(text -> " (" + text + ")").orElse("");
    }
}
