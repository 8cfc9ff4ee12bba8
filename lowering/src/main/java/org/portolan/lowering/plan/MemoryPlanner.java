package org.portolan.lowering.plan;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToLongFunction;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.SymbolRange;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.DimBounds;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.type.Dim;

/// Gives every buffer whose size follows from the inputs' shapes a place in one arena, shared with others that do not live
/// at the same time. Buffers whose sizes are multiples of one expression, {@code batch * seq} or simply 1, form a group
/// and are packed among each other by those numbers. Then groups that do not live at the same time share a slot, which is
/// as large as the largest of them; which groups those are is chosen for a shape of middling extents. Outputs, and what is
/// sized by data, keep memory of their own.
final class MemoryPlanner {
    /// An extent of unknown size, where one has to be thought of.
    private static final long MIDDLING = 64;

    /// A buffer of {@code units} times the unit of its group in bytes.
    private record Placed(Value buffer, long units) {}

    /// A group after packing: what it takes, and from when to when.
    private record Packed(Dim unit, Map<Value, Long> offsets, Dim bytes, int first, int last) {
        boolean meets(Packed other) {
            return first <= other.last && other.first <= last;
        }
    }

    /// Groups that share a place.
    private record Slot(List<Packed> groups) {}

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
        var bounds = DimBounds.of(program.symbols());
        Dim arena = Dim.ZERO;
        for (var slot : slots(nominal(program.symbols()))) {
            for (var group : slot.groups()) {
                for (var placed : group.offsets().entrySet()) {
                    offsets.put(placed.getKey(), arena.plus(group.unit().times(placed.getValue())));
                }
            }
            arena = arena.plus(size(slot, bounds));
        }
        return new PlanOp.Program(program.name(), program.symbols(), arena, rewrite(program.body()));
    }

    /// Sizes for a shape of middling extents.
    private static ToLongFunction<Packed> nominal(List<SymbolRange> symbols) {
        var numbers = new HashMap<String, Long>();
        symbols.forEach(symbol ->
                numbers.put(symbol.name(), Math.clamp(MIDDLING, symbol.minimum(), symbol.maximum())));
        return group -> group.bytes().evaluate(numbers::get);
    }

    /// Each group, the largest first, takes the first slot in which nothing lives at the same time.
    private List<Slot> slots(ToLongFunction<Packed> nominal) {
        var slots = new ArrayList<Slot>();
        groups.entrySet().stream()
                .map(group -> pack(group.getKey(), group.getValue()))
                .sorted(Comparator.comparingLong(nominal).reversed())
                .forEach(group -> slots.stream()
                        .filter(slot -> slot.groups().stream().noneMatch(group::meets))
                        .findFirst()
                        .orElseGet(() -> {
                            slots.add(new Slot(new ArrayList<>()));
                            return slots.getLast();
                        })
                        .groups()
                        .add(group));
        return slots;
    }

    /// The largest of the groups' sizes, but for those that are known never to be it.
    private static Dim size(Slot slot, DimBounds bounds) {
        Dim size = Dim.ZERO;
        for (var group : slot.groups()) {
            if (!bounds.isAtMost(group.bytes(), size)) {
                size = bounds.isAtMost(size, group.bytes()) ? group.bytes() : size.maximum(group.bytes());
            }
        }
        return size;
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

    /// Splits the size into a number of bytes that keeps the alignment, rounded up if that wastes little, and an
    /// expression.
    private void group(Value buffer, Dim bytes) {
        var group = switch (bytes) {
            case Dim.Constant(long number) -> new Group(Dim.ONE, align(number));
            case Dim.Product(long number, var factors) when number > 0 && align(number) - number <= number / 4 ->
                new Group(Dim.product(factors), align(number));
            case Dim.Product _, Dim.Symbol _, Dim.Sum _, Dim.Binary _ ->
                new Group(bytes.ceilDivide(Plan.ALIGNMENT), Plan.ALIGNMENT);
        };
        groups.computeIfAbsent(group.unit(), _ -> new ArrayList<>()).add(new Placed(buffer, group.number()));
    }

    private record Group(Dim unit, long number) {}

    private static long align(long bytes) {
        return Math.ceilDiv(bytes, Plan.ALIGNMENT) * Plan.ALIGNMENT;
    }

    /// Places a group's buffers, the largest first, each in the smallest gap that holds it.
    private Packed pack(Dim unit, List<Placed> group) {
        var packing = new ArenaPacking();
        Map<Value, Long> places = new IdentityHashMap<>();
        int first = Integer.MAX_VALUE;
        int last = 0;
        for (var placed : group.stream()
                .sorted(Comparator.comparingLong(Placed::units).reversed())
                .toList()) {
            int from = lifetimes.first(placed.buffer());
            int to = lifetimes.last(placed.buffer());
            places.put(placed.buffer(), packing.place(placed.units(), from, to));
            first = Math.min(first, from);
            last = Math.max(last, to);
        }
        return new Packed(unit, places, unit.times(packing.end()), first, last);
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
