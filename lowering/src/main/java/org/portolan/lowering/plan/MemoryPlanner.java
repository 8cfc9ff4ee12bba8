package org.portolan.lowering.plan;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.SymbolRange;
import org.portolan.ir.Value;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.type.Dim;

/// Gives every buffer whose size follows from the inputs' shapes a place in one arena. Buffers that do not live at the
/// same time share places where their sizes are multiples of one expression: numbers of {@code batch * seq} are packed
/// among each other, as are plain numbers. Outputs, and what is sized by data, keep memory of their own.
final class MemoryPlanner {
    /// A buffer of {@code units} times the unit of its group in bytes.
    private record Placed(Value buffer, long units) {}

    private final Lifetimes lifetimes;
    private final Map<Value, Dim> offsets = new IdentityHashMap<>();
    private final Map<Dim, List<Placed>> groups = new LinkedHashMap<>();

    private MemoryPlanner(PlanOp.Program program) {
        lifetimes = new Lifetimes(program.body());
    }

    /// The program with every allocation that can lie in the arena there.
    static PlanOp.Program place(PlanOp.Program program) {
        return new MemoryPlanner(program).run(program);
    }

    private PlanOp.Program run(PlanOp.Program program) {
        var known = new HashSet<String>();
        program.symbols().stream().map(SymbolRange::name).forEach(known::add);
        collect(program.body(), known, returned(program.body()));
        Dim arena = Dim.ZERO;
        for (var group : groups.entrySet()) {
            arena = arena.plus(pack(group.getKey(), group.getValue(), arena));
        }
        return new PlanOp.Program(program.name(), program.symbols(), arena, rewrite(program.body()));
    }

    private Set<Value> returned(Body body) {
        Set<Value> values = Collections.newSetFromMap(new IdentityHashMap<>());
        ((PlanOp.Return) body.terminator()).values().forEach(value -> values.add(lifetimes.base(value)));
        return values;
    }

    private void collect(Body body, Set<String> known, Set<Value> returned) {
        for (var op : body.ops()) {
            if (op instanceof PlanOp.AllocateLate(var buffer) && !returned.contains(buffer)) {
                var bytes = BufferTypes.bytes(buffer.buffer());
                if (known.containsAll(bytes.symbols())) {
                    group(buffer, bytes);
                }
            }
            OpSchema.bodies(op).forEach(inner -> collect(inner, known, returned));
        }
    }

    /// Splits the size into a number of bytes that keeps the alignment, and an expression.
    private void group(Value buffer, Dim bytes) {
        var group = switch (bytes) {
            case Dim.Constant(long number) -> new Group(Dim.ONE, align(number));
            case Dim.Product(long number, var factors) when number > 0 && number % Plan.ALIGNMENT == 0 ->
                new Group(Dim.product(factors), number);
            case Dim.Product _, Dim.Symbol _, Dim.Sum _, Dim.Binary _ ->
                new Group(bytes.ceilDivide(Plan.ALIGNMENT), Plan.ALIGNMENT);
        };
        groups.computeIfAbsent(group.unit(), _ -> new ArrayList<>()).add(new Placed(buffer, group.number()));
    }

    private record Group(Dim unit, long number) {}

    private static long align(long bytes) {
        return Math.ceilDiv(bytes, Plan.ALIGNMENT) * Plan.ALIGNMENT;
    }

    /// Places a group behind {@code start}, the largest buffers first, each in the smallest gap that holds it; gives the
    /// bytes that all take.
    private Dim pack(Dim unit, List<Placed> group, Dim start) {
        var packing = new ArenaPacking();
        group.stream()
                .sorted((left, right) -> Long.compare(right.units(), left.units()))
                .forEach(placed -> {
                    long offset = packing.place(
                            placed.units(), lifetimes.first(placed.buffer()), lifetimes.last(placed.buffer()));
                    offsets.put(placed.buffer(), start.plus(unit.times(offset)));
                });
        return unit.times(packing.end());
    }

    private Body rewrite(Body body) {
        var ops = new ArrayList<Op>(body.ops().size());
        for (var op : body.ops()) {
            var offset = op instanceof PlanOp.AllocateLate(var buffer) ? offsets.get(buffer) : null;
            ops.add(
                    offset != null
                            ? new PlanOp.Allocate(offset, ((PlanOp.AllocateLate) op).result())
                            : OpSchema.rebuild(op, value -> value, value -> value, this::rewrite));
        }
        return new Body(body.params(), ops);
    }
}
