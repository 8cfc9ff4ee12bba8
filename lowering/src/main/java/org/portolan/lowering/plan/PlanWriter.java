package org.portolan.lowering.plan;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.Relation;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.CompileException;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.plan.Port;
import org.portolan.runtime.plan.Slot;
import org.portolan.runtime.plan.Step;
import org.portolan.runtime.plan.SymbolBound;
import org.portolan.runtime.type.Dim;

/// Turns a {@code plan.program} into the runtime's flat records.
public final class PlanWriter {
    private static final int TARGET_DEVICE = 0;
    private static final int HOST_DEVICE = 1;

    private final Function<PlanOp.Constant, Slot.Weight> weights;
    private final List<Slot> slots = new ArrayList<>();
    private final Map<Value, Integer> slotNumbers = new IdentityHashMap<>();
    private final Map<String, Integer> kernels = new LinkedHashMap<>();
    private final Map<String, SymbolBound> symbols = new LinkedHashMap<>();

    private PlanWriter(Function<PlanOp.Constant, Slot.Weight> weights) {
        this.weights = weights;
    }

    /// The plan that the runtime walks.
    ///
    /// @param weights where the bytes of a constant stand in the program file
    /// @throws CompileException if a symbol has no number before it is used
    public static Plan write(PlanOp.Program program, Function<PlanOp.Constant, Slot.Weight> weights) {
        return new PlanWriter(weights).plan(program);
    }

    private Plan plan(PlanOp.Program program) {
        program.symbols().forEach(symbol -> symbols.put(
                symbol.name(), new SymbolBound(symbol.name(), symbol.minimum(), symbol.maximum())));
        var inputs = new ArrayList<Port>();
        for (var param : program.body().params()) {
            int slot = define(param, new Slot.Input(inputs.size()));
            inputs.add(port(param, slot));
        }
        var outputs = new ArrayList<Port>();
        var bases = new Lifetimes(program.body());
        for (var value : ((PlanOp.Return) program.body().terminator()).values()) {
            int slot = define(bases.base(value), new Slot.Output(outputs.size()));
            outputs.add(port(value, slot));
        }
        var steps = steps(program.body());
        checkSymbols(program);
        return new Plan(
                inputs,
                outputs,
                List.copyOf(symbols.values()),
                slots,
                List.copyOf(kernels.keySet()),
                steps,
                program.arena());
    }

    private static Port port(Value value, int slot) {
        var buffer = value.buffer();
        return new Port(value.hint(), buffer.element(), buffer.dims(), slot);
    }

    private int define(Value value, Slot slot) {
        var old = slotNumbers.putIfAbsent(value, slots.size());
        if (old != null) {
            return old;
        }
        slots.add(slot);
        return slots.size() - 1;
    }

    private int slot(Value value) {
        return slotNumbers.get(value);
    }

    private List<Step> steps(Body body) {
        var steps = new ArrayList<Step>();
        for (var op : body.ops()) {
            if (op instanceof PlanOp plan) {
                step(plan).ifPresent(steps::add);
            } else {
                switch (op) {
                    case GraphOp _, NestOp _, TileOp _, ArithOp _, MachineOp _, PlanOp _ ->
                        throw new IllegalArgumentException("a plan cannot hold " + OpSchema.of(op).name());
                }
            }
        }
        return steps;
    }

    private Optional<Step> step(PlanOp op) {
        return switch (op) {
            case PlanOp.Constant constant -> {
                define(constant.result(), weights.apply(constant));
                yield Optional.empty();
            }
            case PlanOp.Allocate(var offset, var result) -> {
                define(result, new Slot.Temporary(offset, BufferTypes.bytes(result.buffer())));
                yield Optional.empty();
            }
            case PlanOp.AllocateLate(var result) -> {
                define(result, new Slot.Late(BufferTypes.bytes(result.buffer())));
                yield Optional.empty();
            }
            case PlanOp.View(var buffer, var result) -> {
                slotNumbers.put(result, slot(buffer));
                yield Optional.empty();
            }
            case PlanOp.Launch launch -> Optional.of(launch(launch));
            case PlanOp.Copy(var from, var to, var offset) ->
                Optional.of(new Step.Copy(
                        slot(from), Dim.ZERO, slot(to), offset, BufferTypes.bytes(from.buffer())));
            case PlanOp.Bind(var buffer, var names) -> {
                names.forEach(this::bind);
                yield Optional.of(new Step.ReadSymbols(slot(buffer), buffer.buffer().element(), names));
            }
            case PlanOp.Dims(var values, var buffer) ->
                Optional.of(new Step.WriteDims(slot(buffer), buffer.buffer().element(), values));
            case PlanOp.Check(var left, var relation, var right, var message) ->
                Optional.of(new Step.Check(left, relation(relation), right, message));
            case PlanOp.If(var condition, var yes, var no) ->
                Optional.of(new Step.If(slot(condition), steps(yes), steps(no)));
            case PlanOp.Loop loop -> {
                bind(loop.iteration());
                bind(loop.trips());
                yield Optional.of(new Step.Loop(
                        Optional.of(loop.limit()).filter(limit -> !limit.equals(PlanOp.Loop.UNLIMITED)),
                        slot(loop.condition()),
                        loop.iteration(),
                        loop.trips(),
                        List.of(),
                        steps(loop.body())));
            }
            case PlanOp.Return _, PlanOp.Yield _ -> Optional.empty();
            case PlanOp.Program _ -> throw new IllegalArgumentException("a plan cannot hold another one");
        };
    }

    private Step launch(PlanOp.Launch launch) {
        int kernel = kernels.computeIfAbsent(launch.kernel(), _ -> kernels.size());
        var grid = launch.grid().isEmpty() ? List.of(Dim.ONE) : launch.grid();
        return new Step.Launch(
                kernel,
                launch.arguments().stream().map(this::slot).toList(),
                launch.extents(),
                grid,
                launch.costOfPoint().times(Dim.product(grid)),
                device(launch.place()),
                Optional.of(launch.writes().stream().map(Math::toIntExact).toList()),
                String.join(", ", launch.origin()));
    }

    private static int device(PlanOp.Place place) {
        return switch (place) {
            case DEVICE -> TARGET_DEVICE;
            case HOST -> HOST_DEVICE;
        };
    }

    /// A symbol that the run binds on its way: any number, unless the program has bounds for it.
    private void bind(String name) {
        symbols.putIfAbsent(name, new SymbolBound(name, Long.MIN_VALUE, Long.MAX_VALUE));
    }

    private static Step.Relation relation(Relation relation) {
        return switch (relation) {
            case EQUAL -> Step.Relation.EQUAL;
            case NOT_EQUAL -> Step.Relation.NOT_EQUAL;
            case LESS -> Step.Relation.LESS;
            case LESS_OR_EQUAL -> Step.Relation.LESS_OR_EQUAL;
            case GREATER -> Step.Relation.GREATER;
            case GREATER_OR_EQUAL -> Step.Relation.GREATER_OR_EQUAL;
        };
    }

    /// Every symbol is an axis of an input or bound by a step; what is declared and not used vanishes.
    private void checkSymbols(PlanOp.Program program) {
        Set<String> bound = new HashSet<>();
        Set<String> used = new HashSet<>(program.arena().symbols());
        for (var param : program.body().params()) {
            param.buffer().dims().forEach(extent -> extent.symbolName().ifPresent(bound::add));
            param.buffer().dims().forEach(extent -> used.addAll(extent.symbols()));
        }
        collect(program.body(), bound, used);
        for (var name : List.copyOf(symbols.keySet())) {
            if (!used.contains(name)) {
                symbols.remove(name);
            } else if (!bound.contains(name)) {
                throw new CompileException("symbol '" + name + "' is an axis of no input and nothing else binds it; "
                        + "give the inputs' extents (--shape)");
            }
        }
    }

    private static void collect(Body body, Set<String> bound, Set<String> used) {
        for (var op : body.ops()) {
            if (op instanceof PlanOp.Bind bind) {
                bound.addAll(bind.symbols());
            } else if (op instanceof PlanOp.Loop loop) {
                bound.addAll(List.of(loop.iteration(), loop.trips()));
            }
            OpSchema.results(op).forEach(result -> used(result.buffer().dims(), used));
            for (var component : OpSchema.of(op).components()) {
                if (component.role() == OpSchema.Role.ATTRIBUTE) {
                    used(OpSchema.get(component, op), used);
                }
            }
            OpSchema.bodies(op).forEach(inner -> collect(inner, bound, used));
        }
        used.addAll(bound);
    }

    private static void used(Object attribute, Set<String> used) {
        if (attribute instanceof Dim expression) {
            used.addAll(expression.symbols());
        } else if (attribute instanceof List<?> list) {
            list.forEach(element -> used(element, used));
        }
    }
}
