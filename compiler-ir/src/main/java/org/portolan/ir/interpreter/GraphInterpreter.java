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
    private GraphArrays arrays;
    private GraphOperations operations;

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
        arrays = new GraphArrays(function, lifetimes, memory);
        operations = new GraphOperations(arrays, options.kernels(), constants);
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
                arrays.symbols().bind(definition.symbol(), array.shape()[definition.axis()], param.toString());
            }
        } catch (PortolanException.RunFailed e) {
            throw new PortolanException.InvalidInput("input " + param + " was given " + array + ": " + e.getMessage());
        }
    }

    private void bindInput(Value param, NdArray array) {
        try {
            arrays.define(param, array);
        } catch (PortolanException.RunFailed e) {
            throw new PortolanException.InvalidInput("input " + param + " was given " + array + ": " + e.getMessage());
        }
    }

    /// Executes a body whose parameters are defined, and gives what its terminator hands on.
    private List<NdArray> execute(Body body) {
        for (int i = 0; i < body.ops().size(); i++) {
            var op = body.ops().get(i);
            if (Thread.currentThread().isInterrupted()) {
                throw new PortolanException.Cancelled("the interpreter was interrupted at " + GraphOperations.name(op));
            }
            if (op instanceof Op.Terminator) {
                var results = arrays.get(OpSchema.operands(op));
                arrays.drop(lifetimes.deadAfter(body, i));
                return results;
            }
            execute(op);
            for (var result : OpSchema.results(op)) {
                options.listener().computed(op, result, arrays.get(result));
            }
            arrays.drop(lifetimes.deadAfter(body, i));
        }
        throw new IrException("a body of " + function.name() + " does not end with a terminator");
    }

    private void execute(Op op) {
        switch (op) {
            case GraphOp graph -> graph(graph);
            case NestOp.Compute compute -> nest(compute);
            case NestOp _, TileOp _, ArithOp _, PlanOp _, MachineOp _ ->
                throw new IrException(GraphOperations.name(op) + " does not stand in a function of tensors");
        }
    }

    private void nest(NestOp.Compute compute) {
        var results = new NestInterpreter(arrays.symbols(), arrays.memory())
                .run(compute, arrays.get(compute.inputs()), arrays.get(compute.into()));
        for (int i = 0; i < results.size(); i++) {
            arrays.put(compute.results().get(i), results.get(i));
        }
    }

    private void graph(GraphOp op) {
        switch (op) {
            case GraphOp.If(var condition, var yes, var no, var results) ->
                arrays.define(results, execute(arrays.get(condition).scalar() != 0 ? yes : no));
            case GraphOp.Loop loop -> loop(loop);
            case GraphOp _ -> operations.execute(op);
        }
    }

    private void loop(GraphOp.Loop op) {
        long limit = op.tripCount().map(count -> arrays.get(count).scalar()).orElse(Long.MAX_VALUE);
        boolean running = op.condition().map(condition -> arrays.get(condition).scalar() != 0).orElse(true);
        var carried = arrays.get(op.initial());
        int scans = op.results().size() - carried.size();
        var scanned = new ArrayList<List<NdArray>>();
        for (int i = 0; i < scans; i++) {
            scanned.add(new ArrayList<>());
        }
        var params = op.body().params();
        long trip = 0;
        for (; running && trip < limit; trip++) {
            arrays.define(params.get(0), scalar(params.get(0), trip));
            arrays.define(params.get(1), scalar(params.get(1), 1));
            arrays.define(params.subList(2, params.size()), carried);
            var yielded = execute(op.body());
            running = yielded.getFirst().scalar() != 0;
            carried = yielded.subList(1, 1 + op.initial().size());
            for (int i = 0; i < scans; i++) {
                var item = yielded.get(1 + carried.size() + i);
                arrays.memory().retain(item.elements());
                scanned.get(i).add(item);
            }
        }
        arrays.symbols().bind(op.trips(), trip, GraphOperations.describe(op));
        arrays.define(op.results().subList(0, carried.size()), carried);
        for (int i = 0; i < scans; i++) {
            var result = op.results().get(carried.size() + i);
            arrays.define(result, stack(scanned.get(i), result, trip));
            scanned.get(i).forEach(item -> arrays.memory().release(item.elements()));
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
            boolean known = extent.symbols().stream().allMatch(arrays.symbols()::isBound);
            shape[axis] = known ? arrays.symbols().evaluate(extent) : 0;
        }
        var array = arrays.memory().allocate(result.tensor().element(), shape, result.toString());
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
}
