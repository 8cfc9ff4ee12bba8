package org.portolan.lowering.plan;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.PlanOp.Place;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.CompileException;
import org.portolan.lowering.tile.LoweredKernel;
import org.portolan.runtime.type.Dim;

/// Writes a function of nests as what the host does: a launch for each nest, buffers for what they hand on. Every
/// buffer has memory of its own here; {@link PlanMemory} makes them share places.
public final class PlanBuilder {
    private final KernelTable kernels = new KernelTable("kernel_");
    private final KernelTable hostKernels = new KernelTable(HostProgram.HOST_KERNEL);
    private final Placement placement;
    private final PlanConstants constants = new PlanConstants();
    private final Map<Value, Value> buffers = new IdentityHashMap<>();
    /// Where a value that is about to be computed belongs, if it is not simply allocated.
    private final Map<Value, Value> destinations = new IdentityHashMap<>();
    /// The buffers that views look at.
    private final Map<Value, Value> bases = new IdentityHashMap<>();
    /// Buffers that nothing but what was computed into them uses: outputs may be handed out in them.
    private final Set<Value> owned = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Map<NestOp.Compute, LoweredKernel> lowered;
    private final LastUses lastUses;
    private final SymbolNames symbolNames;
    private List<Op> ops = new ArrayList<>();
    /// The copies in other layouts that these steps have made.
    private final Map<List<Op>, Map<Value, Map<Type.Buffer, Value>>> packed = new IdentityHashMap<>();

    private PlanBuilder(
            GraphOp.Function function, Placement placement, Map<NestOp.Compute, LoweredKernel> lowered) {
        this.placement = placement;
        this.lowered = lowered;
        lastUses = new LastUses(function.body());
        symbolNames = new SymbolNames(function);
    }

    /// The host program of a function whose operations are nests, constants and those of the host ({@code graph.dims},
    /// {@code bind}, {@code check}, {@code if}, {@code loop}, {@code reshape}).
    ///
    /// @throws CompileException if another operation is in it, or a nest cannot be lowered
    public static HostProgram build(GraphOp.Function function, NestLowering lowering) {
        return build(function, Placement.on(lowering));
    }

    /// The host program of a function of nests, whose kernels run where the placement says.
    static HostProgram build(GraphOp.Function function, Placement placement) {
        var builder = new PlanBuilder(function, placement, LoweredNests.of(function.body(), placement));
        var params = new ArrayList<Value>();
        for (var param : function.body().params()) {
            var buffer = Value.of(BufferTypes.of(param), param.hint());
            builder.buffers.put(param, buffer);
            params.add(buffer);
        }
        builder.emit(function.body());
        var ops = new ArrayList<Op>(builder.constants.ops());
        ops.addAll(builder.ops);
        var plan = new PlanOp.Program(function.name(), function.symbols(), Dim.ZERO, new Body(params, ops));
        return new HostProgram(plan, builder.kernels.kernels(), builder.hostKernels.kernels());
    }

    private void emit(Body body) {
        body.ops().forEach(this::emit);
    }

    private void emit(Op op) {
        switch (op) {
            case NestOp.Compute nest -> launch(nest);
            case GraphOp graph -> emit(graph);
            case NestOp _, TileOp _, ArithOp _, PlanOp _, MachineOp _ -> throw unexpected(op);
        }
    }

    private void emit(GraphOp op) {
        switch (op) {
            case GraphOp.Constant constant -> constants.declare(constant);
            case GraphOp.Dims(var values, var result) -> ops.add(new PlanOp.Dims(values, allocate(result)));
            case GraphOp.Bind(var input, var symbols) -> ops.add(new PlanOp.Bind(buffer(input), symbols));
            case GraphOp.Check(var left, var relation, var right, var message) ->
                ops.add(new PlanOp.Check(left, relation, right, message));
            case GraphOp.Empty(var result) -> allocate(result);
            case GraphOp.Reshape reshape -> view(reshape);
            case GraphOp.Call call -> call(call);
            case GraphOp.If branch -> branch(branch);
            case GraphOp.Loop loop -> loop(loop);
            case GraphOp.Return(var values) -> ops.add(new PlanOp.Return(outputs(values)));
            case GraphOp.Yield _ -> ops.add(new PlanOp.Yield());
            case GraphOp.Map _, GraphOp.Iota _, GraphOp.Transpose _, GraphOp.Broadcast _, GraphOp.Slice _ ->
                throw unexpected(op);
            case GraphOp.Concat _, GraphOp.Pad _, GraphOp.Gather _, GraphOp.GatherElements _, GraphOp.GatherNd _ ->
                throw unexpected(op);
            case GraphOp.ScatterElements _, GraphOp.ScatterNd _, GraphOp.MatMul _, GraphOp.Convolution _ ->
                throw unexpected(op);
            case GraphOp.ConvolutionTranspose _, GraphOp.Pool _, GraphOp.PoolPosition _, GraphOp.Reduce _ ->
                throw unexpected(op);
            case GraphOp.ArgReduce _, GraphOp.Scan _, GraphOp.Function _ -> throw unexpected(op);
        }
    }

    private static CompileException unexpected(Op op) {
        var results = OpSchema.results(op).stream().map(Value::hint).toList();
        return new CompileException(OpSchema.of(op).name() + ", which computes " + results
                + ", cannot be run by a plan; lower it to a nest before (pass graph-to-nest)");
    }

    private void launch(NestOp.Compute nest) {
        Map<Value, Value> updated = new IdentityHashMap<>();
        for (int i = 0; i < nest.results().size(); i++) {
            var result = nest.results().get(i);
            if (nest.into().isEmpty()) {
                allocate(result);
            } else {
                update(nest, nest.into().get(i), result);
                updated.put(nest.into().get(i), result);
            }
        }
        launch(lowered.get(nest), placement.of(nest), updated, nest.results(), nest.origin());
    }

    private void call(GraphOp.Call call) {
        ops.addAll(LibraryKernels.checks(call));
        call.results().forEach(this::allocate);
        var origin = call.results().stream().map(Value::hint).toList();
        var place = placement.of(call);
        var kernel = placement.lowering(place).library(LibraryKernels.lower(call));
        launch(kernel, place, Map.of(), call.results(), origin);
    }

    /// @param updated for what is updated in place, what it is afterwards
    private void launch(
            LoweredKernel kernel, Place place, Map<Value, Value> updated, List<Value> results, List<String> origin) {
        var params = kernel.kernel().body().params();
        var arguments = new ArrayList<Value>();
        var writes = new ArrayList<Long>();
        for (int i = 0; i < params.size(); i++) {
            var argument = updated.getOrDefault(
                    kernel.arguments().get(i), kernel.arguments().get(i));
            if (results.contains(argument)) {
                writes.add((long) i);
            }
            var type = params.get(i).buffer();
            boolean known = constants.isDeclared(argument);
            boolean laidOut = !known && type.layout().isPresent() && !results.contains(argument);
            arguments.add(
                    known ? constants.buffer(argument, type) : laidOut ? packed(argument, type, place, origin) : buffer(argument));
        }
        launch(kernel, place, arguments, writes, origin);
    }

    private void launch(LoweredKernel kernel, Place place, List<Value> arguments, List<Long> writes, List<String> origin) {
        var table = switch (place) {
            case DEVICE -> kernels;
            case HOST -> hostKernels;
        };
        ops.add(new PlanOp.Launch(
                arguments,
                table.add(kernel.kernel()),
                place,
                kernel.extents(),
                kernel.grid(),
                kernel.cost(),
                writes,
                origin));
    }

    /// A copy of what a run computes or is given in the layout that a kernel asks for, one for all kernels of these steps.
    private Value packed(Value tensor, Type.Buffer type, Place place, List<String> origin) {
        var copies = packed.computeIfAbsent(ops, _ -> new IdentityHashMap<>()).computeIfAbsent(tensor, _ -> new HashMap<>());
        return copies.computeIfAbsent(type, wanted -> {
            var result = Value.of(Type.tensor(wanted.element(), wanted.dims()), tensor.hint() + "_packed");
            var kernel = placement.lowering(place).pack(tensor, wanted, result, "pack");
            var copy = Value.of(
                    new Type.Buffer(wanted.element(), wanted.dims(), Type.Space.GLOBAL, wanted.layout(), wanted.physical()),
                    result.hint());
            ops.add(new PlanOp.AllocateLate(copy));
            var arguments = new ArrayList<Value>();
            var writes = new ArrayList<Long>();
            for (var argument : kernel.arguments()) {
                if (argument == result) writes.add((long) arguments.size());
                arguments.add(argument == result ? copy : buffer(argument));
            }
            launch(kernel, place, arguments, writes, origin);
            return copy;
        });
    }

    /// Makes the result of an update in place lie where the old value is, or in a copy if that is needed later.
    private void update(NestOp.Compute nest, Value old, Value result) {
        var buffer = constants.isDeclared(old) ? null : buffer(old);
        boolean free = buffer != null
                && owned.contains(buffer)
                && lastUses.endsAt(old, nest)
                && !destinations.containsKey(result);
        if (free) {
            buffers.put(result, buffer);
        } else {
            ops.add(new PlanOp.Copy(buffer(old), allocate(result)));
        }
    }

    private void view(GraphOp.Reshape reshape) {
        var buffer = buffer(reshape.input());
        var view = Value.of(BufferTypes.of(reshape.result()), reshape.result().hint());
        if (owned.remove(buffer) && lastUses.endsAt(reshape.input(), reshape)) {
            owned.add(view);
        }
        bases.put(view, base(buffer));
        ops.add(new PlanOp.View(buffer, view));
        buffers.put(reshape.result(), view);
    }

    private Value base(Value buffer) {
        return bases.getOrDefault(buffer, buffer);
    }

    /// The buffers of the outputs. Inputs, constants, what is returned twice and what is seen through a view as well are
    /// copied.
    private List<Value> outputs(List<Value> values) {
        var returned = new ArrayList<Value>();
        for (var value : values) {
            var buffer = buffer(value);
            if (!owned.remove(buffer)) {
                var copy = Value.of(BufferTypes.of(value), value.hint());
                ops.add(new PlanOp.AllocateLate(copy));
                ops.add(new PlanOp.Copy(buffer, copy));
                buffer = copy;
            }
            returned.add(buffer);
        }
        return returned;
    }

    private void branch(GraphOp.If branch) {
        branch.results().forEach(this::allocate);
        ops.add(new PlanOp.If(
                buffer(branch.condition()),
                branchBody(branch.yes(), branch.results()),
                branchBody(branch.no(), branch.results())));
    }

    private Body branchBody(Body body, List<Value> results) {
        var yielded = ((GraphOp.Yield) body.terminator()).values();
        for (int i = 0; i < yielded.size(); i++) {
            var result = results.get(i);
            if (yielded.get(i).type().equals(result.type())) {
                destinations.putIfAbsent(yielded.get(i), buffers.get(result));
            }
        }
        return nested(body, () -> {
            for (int i = 0; i < yielded.size(); i++) {
                copyUnlessSame(buffer(yielded.get(i)), buffers.get(results.get(i)));
            }
        });
    }

    private void loop(GraphOp.Loop loop) {
        int carried = loop.initial().size();
        Dim limit = PlanOp.Loop.UNLIMITED;
        if (loop.tripCount().isPresent()) {
            var symbol = symbolNames.fresh("limit");
            ops.add(new PlanOp.Bind(buffer(loop.tripCount().get()), List.of(symbol)));
            limit = Dim.symbol(symbol);
        }
        var iterationParam = loop.body().params().get(0);
        var conditionParam = loop.body().params().get(1);
        var condition = allocate(conditionParam);
        ops.add(
                loop.condition().isPresent()
                        ? new PlanOp.Copy(buffer(loop.condition().get()), condition)
                        : new PlanOp.Dims(List.of(Dim.ONE), condition));
        for (int i = 0; i < carried; i++) {
            var state = allocate(loop.results().get(i));
            ops.add(new PlanOp.Copy(buffer(loop.initial().get(i)), state));
            buffers.put(loop.body().params().get(i + 2), state);
        }
        for (var scanned : loop.results().subList(carried, loop.results().size())) {
            owned.remove(allocate(scanned));
        }
        var iteration = symbolNames.fresh("iteration");
        var iterationBuffer = allocate(iterationParam);
        var yielded = ((GraphOp.Yield) loop.body().terminator()).values();
        var body = nested(
                loop.body(),
                () -> ops.add(new PlanOp.Dims(List.of(Dim.symbol(iteration)), iterationBuffer)),
                () -> {
                    for (int i = 0; i < loop.results().size() - carried; i++) {
                        stack(yielded.get(carried + 1 + i), loop.results().get(carried + i), Dim.symbol(iteration));
                    }
                    var targets = new ArrayList<Value>(List.of(condition));
                    loop.results().subList(0, carried).forEach(result -> targets.add(buffers.get(result)));
                    handOn(yielded.subList(0, carried + 1), targets);
                });
        ops.add(new PlanOp.Loop(limit, condition, iteration, loop.trips(), body));
    }

    /// Puts what one round yields behind what the rounds before it did.
    private void stack(Value value, Value result, Dim iteration) {
        var buffer = buffer(value);
        if (buffer.buffer().element().bits() % 8 != 0) {
            throw new CompileException("a loop cannot stack '" + value.hint() + "', whose elements of type "
                    + buffer.buffer().element() + " do not end at whole bytes");
        }
        ops.add(new PlanOp.Copy(
                buffer, buffers.get(result), iteration.times(BufferTypes.bytes(buffer.buffer()))));
    }

    /// Copies what a round yields to the state, by way of temporaries where the state itself is yielded elsewhere.
    private void handOn(List<Value> yielded, List<Value> state) {
        var sources = new ArrayList<Value>();
        for (int i = 0; i < yielded.size(); i++) {
            var source = buffer(yielded.get(i));
            if (source != state.get(i) && state.contains(base(source))) {
                var copy = Value.of(source.type(), source.hint());
                ops.add(new PlanOp.AllocateLate(copy));
                ops.add(new PlanOp.Copy(source, copy));
                source = copy;
            }
            sources.add(source);
        }
        for (int i = 0; i < sources.size(); i++) {
            copyUnlessSame(sources.get(i), state.get(i));
        }
    }

    private Body nested(Body body, Runnable end) {
        return nested(body, () -> {}, end);
    }

    /// A body of steps; what begins and ends it is written in place, before the terminator.
    private Body nested(Body body, Runnable begin, Runnable end) {
        var outer = ops;
        ops = new ArrayList<>();
        begin.run();
        for (var op : body.ops().subList(0, body.ops().size() - 1)) {
            emit(op);
        }
        end.run();
        ops.add(new PlanOp.Yield());
        var steps = new Body(List.of(), ops);
        ops = outer;
        return steps;
    }

    private void copyUnlessSame(Value from, Value to) {
        if (from != to) {
            ops.add(new PlanOp.Copy(from, to));
        }
    }

    private Value allocate(Value value) {
        var destination = destinations.get(value);
        if (destination != null) {
            buffers.put(value, destination);
            return destination;
        }
        var buffer = Value.of(BufferTypes.of(value), value.hint());
        ops.add(new PlanOp.AllocateLate(buffer));
        owned.add(buffer);
        buffers.put(value, buffer);
        return buffer;
    }

    private Value buffer(Value value) {
        if (constants.isDeclared(value)) {
            return constants.buffer(value, BufferTypes.of(value));
        }
        var buffer = buffers.get(value);
        if (buffer == null) {
            throw new IllegalStateException("nothing has computed " + value + " before it is used");
        }
        return buffer;
    }
}
