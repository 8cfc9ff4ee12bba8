package org.portolan.ir.interpreter;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.IrException;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.KernelError;

/// Executes a {@link GraphOp.Function}, whose operations may be of `graph` and of `nest`. An instance keeps the decoded
/// constants from run to run; it serves one thread at a time.
public final class GraphInterpreter {
    private final GraphOp.Function function;
    private final InterpreterOptions options;
    private final Lifetimes lifetimes;
    private final Memory memory;
    private final Map<Op, NdArray> constants = new IdentityHashMap<>();
    private final Map<Value, NdArray> arrays = new IdentityHashMap<>();
    private Symbols symbols;

    public GraphInterpreter(GraphOp.Function function) {
        this(function, InterpreterOptions.defaults());
    }

    public GraphInterpreter(GraphOp.Function function, InterpreterOptions options) {
        this.function = function;
        this.options = options;
        this.lifetimes = new Lifetimes(function);
        this.memory = new Memory(options.byteLimit());
    }

    /// Runs the function on inputs by name; the outputs come in order, by name.
    ///
    /// @throws PortolanException.InvalidInput if an input is missing, unknown or does not fit
    /// @throws PortolanException.RunFailed if the data is refused, for example an index out of range
    /// @throws PortolanException.LimitExceeded if more memory would be needed than the options allow
    public Map<String, Tensor> run(Map<String, Tensor> inputs) {
        var names = new TreeSet<String>();
        var arguments = new ArrayList<NdArray>();
        for (var param : function.body().params()) {
            names.add(param.hint());
            var tensor = inputs.get(param.hint());
            if (tensor == null) {
                throw new PortolanException.InvalidInput(
                        "input " + param.hint() + " is missing; given are " + new TreeSet<>(inputs.keySet()));
            }
            arguments.add(NdArray.of(tensor));
        }
        for (var name : inputs.keySet()) {
            if (!names.contains(name)) {
                throw new PortolanException.InvalidInput("there is no input " + name + "; expected " + names);
            }
        }
        var results = runArrays(arguments);
        var outputs = new LinkedHashMap<String, Tensor>();
        var terminator = (GraphOp.Return) function.body().terminator();
        for (int i = 0; i < results.size(); i++) {
            var hint = terminator.values().get(i).hint();
            outputs.put(hint.isEmpty() || outputs.containsKey(hint) ? hint + "#" + i : hint, results.get(i).toTensor());
        }
        return outputs;
    }

    /// Runs the function on inputs in order of its parameters; see {@link #run}.
    public List<NdArray> runArrays(List<NdArray> inputs) {
        var params = function.body().params();
        if (inputs.size() != params.size()) {
            throw new PortolanException.InvalidInput(
                    function.name() + " takes " + params.size() + " inputs and was given " + inputs.size());
        }
        symbols = new Symbols(function.symbols());
        try {
            // An extent may be an expression of symbols that only a later input binds.
            for (int i = 0; i < inputs.size(); i++) {
                bindSymbols(params.get(i), inputs.get(i));
            }
            for (int i = 0; i < inputs.size(); i++) {
                bindInput(params.get(i), inputs.get(i));
            }
            return execute(function.body());
        } finally {
            arrays.values().forEach(array -> memory.release(array.elements()));
            arrays.clear();
        }
    }

    private void bindSymbols(Value param, NdArray array) {
        var type = param.tensor();
        if (type.element() != array.type() || type.rank() != array.rank()) {
            throw new PortolanException.InvalidInput("input " + param + " was given " + array);
        }
        try {
            for (var definition : lifetimes.definitions(param)) {
                symbols.bind(definition.symbol(), array.shape()[definition.axis()], param.toString());
            }
        } catch (PortolanException.RunFailed e) {
            throw new PortolanException.InvalidInput("input " + param + " was given " + array + ": " + e.getMessage());
        }
    }

    private void bindInput(Value param, NdArray array) {
        try {
            define(param, array);
        } catch (PortolanException.RunFailed e) {
            throw new PortolanException.InvalidInput("input " + param + " was given " + array + ": " + e.getMessage());
        }
    }

    /// Gives a value that binds symbols, or whose extents may differ from what its type says, its array.
    private void define(Value value, NdArray array) {
        for (var definition : lifetimes.definitions(value)) {
            symbols.bind(definition.symbol(), array.shape()[definition.axis()], value.toString());
        }
        if (value.type() instanceof Type.Tensor type) {
            boolean fits = type.element() == array.type() && type.rank() == array.rank();
            for (int axis = 0; fits && axis < array.rank(); axis++) {
                fits = symbols.evaluate(type.dim(axis)) == array.shape()[axis];
            }
            if (!fits) {
                throw new PortolanException.RunFailed(
                        value + " was computed as " + array + (type.rank() == array.rank()
                                ? ", and its type stands for " + Arrays.toString(symbols.shape(value))
                                : ""),
                        KernelError.INVALID_SIZE,
                        -1);
            }
        }
        put(value, array);
    }

    private void put(Value value, NdArray array) {
        memory.retain(array.elements());
        var old = arrays.put(value, array);
        if (old != null) {
            memory.release(old.elements());
        }
    }

    private NdArray get(Value value) {
        var array = arrays.get(value);
        if (array == null) {
            throw new IrException(value + " is used and not defined before");
        }
        return array;
    }

    private List<NdArray> get(List<Value> values) {
        return values.stream().map(this::get).toList();
    }

    /// Executes a body whose parameters are defined, and gives what its terminator hands on.
    private List<NdArray> execute(Body body) {
        for (int i = 0; i < body.ops().size(); i++) {
            var op = body.ops().get(i);
            if (Thread.currentThread().isInterrupted()) {
                throw new PortolanException.Cancelled("the interpreter was interrupted at " + name(op));
            }
            if (op instanceof Op.Terminator) {
                var results = get(OpSchema.operands(op));
                drop(lifetimes.deadAfter(body, i));
                return results;
            }
            execute(op);
            for (var result : OpSchema.results(op)) {
                options.listener().computed(op, result, get(result));
            }
            drop(lifetimes.deadAfter(body, i));
        }
        throw new IrException("a body of " + function.name() + " does not end with a terminator");
    }

    private void drop(List<Value> values) {
        for (var value : values) {
            var array = arrays.remove(value);
            if (array != null) {
                memory.release(array.elements());
            }
        }
    }

    private void execute(Op op) {
        switch (op) {
            case GraphOp graph -> graph(graph);
            case NestOp.Compute compute -> nest(compute);
            case NestOp _, TileOp _, ArithOp _, PlanOp _, MachineOp _ ->
                throw new IrException(name(op) + " does not stand in a function of tensors");
        }
    }

    private void nest(NestOp.Compute compute) {
        var results = new NestInterpreter(symbols, memory)
                .run(compute, get(compute.inputs()), get(compute.into()));
        for (int i = 0; i < results.size(); i++) {
            put(compute.results().get(i), results.get(i));
        }
    }

    private NdArray allocate(Value result) {
        var array = memory.allocate(result.tensor().element(), symbols.shape(result), result.toString());
        put(result, array);
        return array;
    }

    private void graph(GraphOp op) {
        switch (op) {
            case GraphOp.Function _, GraphOp.Return _, GraphOp.Yield _ ->
                throw new IrException(name(op) + " does not stand within a body");
            case GraphOp.Constant(var data, var result) ->
                put(
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
                put(result, new NdArray(Strided.ints(symbols.shape(result)), converted));
            }
            case GraphOp.ArgReduce(var input, boolean largest, long axis, boolean last, var result) -> {
                expectShape(op, without(shape(input), List.of(axis)), result);
                Reductions.argReduce(get(input), largest, (int) axis, last, allocate(result), describe(op));
            }
            case GraphOp.Scan(var input, var combine, long axis, boolean exclusive, boolean reverse, var result) ->
                Reductions.scan(get(input), combine, (int) axis, exclusive, reverse, allocate(result));
            case GraphOp.If(var condition, var yes, var no, var results) ->
                define(results, execute(get(condition).scalar() != 0 ? yes : no));
            case GraphOp.Loop loop -> loop(loop);
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
                if (!IntegerArithmetic.holds(relation, Long.compare(a, b))) {
                    throw new PortolanException.RunFailed(message + " (" + left + " is " + a + ", " + right + " is " + b
                            + ")", 0, -1);
                }
            }
            case GraphOp.Call call -> define(call.results(), options.kernels().call(call, get(call.arguments())));
        }
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
        put(result, new NdArray(Strided.ints(shape), input.elements()));
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

    private void loop(GraphOp.Loop op) {
        long limit = op.tripCount().map(count -> get(count).scalar()).orElse(Long.MAX_VALUE);
        boolean running = op.condition().map(condition -> get(condition).scalar() != 0).orElse(true);
        var carried = get(op.initial());
        int scans = op.results().size() - carried.size();
        var scanned = new ArrayList<List<NdArray>>();
        for (int i = 0; i < scans; i++) {
            scanned.add(new ArrayList<>());
        }
        var params = op.body().params();
        long trip = 0;
        for (; running && trip < limit; trip++) {
            define(params.get(0), scalar(params.get(0), trip));
            define(params.get(1), scalar(params.get(1), 1));
            define(params.subList(2, params.size()), carried);
            var yielded = execute(op.body());
            running = yielded.getFirst().scalar() != 0;
            carried = yielded.subList(1, 1 + op.initial().size());
            for (int i = 0; i < scans; i++) {
                var item = yielded.get(1 + carried.size() + i);
                memory.retain(item.elements());
                scanned.get(i).add(item);
            }
        }
        symbols.bind(op.trips(), trip, describe(op));
        define(op.results().subList(0, carried.size()), carried);
        for (int i = 0; i < scans; i++) {
            var result = op.results().get(carried.size() + i);
            define(result, stack(scanned.get(i), result, trip));
            scanned.get(i).forEach(item -> memory.release(item.elements()));
        }
    }

    private static NdArray scalar(Value param, long value) {
        var elements = Elements.allocate(param.tensor().element(), 1);
        elements.setLong(0, value);
        var shape = new int[param.tensor().rank()];
        Arrays.fill(shape, 1);
        return new NdArray(shape, elements);
    }

    private NdArray stack(List<NdArray> items, Value result, long trips) {
        var shape = new long[result.tensor().rank()];
        shape[0] = trips;
        for (int axis = 1; axis < shape.length && !items.isEmpty(); axis++) {
            shape[axis] = items.getFirst().shape()[axis - 1];
        }
        for (int axis = 1; axis < shape.length && items.isEmpty(); axis++) {
            // Nothing was computed that could say the extent of an axis whose symbol only the body binds.
            var extent = result.tensor().dim(axis);
            shape[axis] = extent.symbols().stream().allMatch(symbols::isBound) ? symbols.evaluate(extent) : 0;
        }
        var array = memory.allocate(result.tensor().element(), shape, result.toString());
        int to = 0;
        for (var item : items) {
            if (to + item.size() > array.size() || item.type() != array.type()) {
                throw new PortolanException.RunFailed(
                        "graph.loop: the parts of " + result + " have different extents", KernelError.INVALID_SIZE, -1);
            }
            item.elements().copyTo(0, array.elements(), to, item.size());
            to += item.size();
        }
        return array;
    }

    private void define(List<Value> values, List<NdArray> results) {
        if (values.size() != results.size()) {
            throw new IrException("expected " + values.size() + " results, found " + results.size());
        }
        for (int i = 0; i < values.size(); i++) {
            define(values.get(i), results.get(i));
        }
    }

    private List<Integer> shape(Value value) {
        return ints(get(value).shape());
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

    private long extent(Value value, int axis) {
        return symbols.evaluate(value.tensor().dim(axis));
    }

    private static String name(Op op) {
        return OpSchema.of(op).name();
    }

    /// The operation as an error names it: with the model's name of its first result.
    private static String describe(Op op) {
        var hint = OpSchema.results(op).stream().findFirst().map(Value::hint).filter(text -> !text.isEmpty());
        return name(op) + hint.map(text -> " (" + text + ")").orElse("");
    }
}
