package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.Schedule.Split;
import org.portolan.runtime.type.Dim;
/// Writes the loops of a reduction, and what each of its steps combines.
abstract class ReductionEmitter extends InstructionEmitter {
    private final boolean fused;
    /// The reduction whose loops are being written; {@code null} outside of all.
    private Reduction reducing;

    ReductionEmitter(NestAnalysis analysis, Schedule schedule, Map<Value, Value> buffers, MachineOp.Chip machine) {
        super(analysis, schedule, buffers, machine);
        fused = machine.fmaPerCycle() > 0;
    }

    /// Whether the loops of the reduction are being written.
    boolean isReducing(Reduction reduction) {
        return reducing == reduction;
    }

    /// Writes the loops of a reduction for all coordinates at once, so that what does not depend on a coordinate is loaded
    /// once for all of them.
    void reduce(Scope home, Reduction reduction) {
        if (reduceInFragments(home, reduction)) {
            return;
        }
        var free = analysis.free(reduction.results().getFirst());
        var combinations = coordinates(home, free);
        long outerLanes = free.stream()
                .mapToLong(axis -> home.position(axis).lanes())
                .max()
                .orElse(1);
        var splits = schedule.reductions().get(analysis.reductions().indexOf(reduction));
        boolean resident = !splits.isEmpty() && home.position(splits.getLast().axis()) != null;
        // The neighbours that an instruction sums are no lanes of the sum.
        long innerLanes = splits.isEmpty() || isInstruction() ? 1 : splits.getLast().lanes();
        long partials = splits.isEmpty() || resident ? 1 : splits.getLast().unroll();
        long lanes = Math.max(outerLanes, innerLanes);
        var initial = new ArrayList<Value>();
        for (var combination : combinations) {
            for (long partial = 0; partial < partials; partial++) {
                for (int i = 0; i < reduction.results().size(); i++) {
                    initial.add(broadcast(home, neutral(home, reduction, i, combination), lanes));
                }
            }
        }
        var around = reducing;
        reducing = reduction;
        var sums = reductionLoops(home, reduction, splits, 0, initial, combinations, Math.toIntExact(partials));
        reducing = around;
        int width = reduction.results().size();
        var totals = new ArrayList<List<Value>>();
        for (int c = 0; c < combinations.size(); c++) {
            var parts = sums.subList(c * (int) partials * width, (c + 1) * (int) partials * width);
            var total = parts.subList(0, width);
            for (int partial = 1; partial < partials; partial++) {
                total = combine(home, reduction, total, parts.subList(partial * width, (partial + 1) * width));
            }
            if (innerLanes > 1) {
                total = acrossLanes(home, reduction, total);
            }
            totals.add(total);
        }
        if (splits.stream().anyMatch(split -> split.threads() > 1)) {
            totals = new ArrayList<>(acrossTeam(home, reduction, totals));
        }
        for (int c = 0; c < combinations.size(); c++) {
            for (int i = 0; i < width; i++) {
                home.remember(reduction.results().get(i), combinations.get(c), totals.get(c).get(i));
            }
        }
    }

    @Override
    Value neutral(Scope home, Reduction reduction, int index, Map<String, Integer> coordinates) {
        return reduction.isSum()
                ? constant(home, reduction.results().get(index).type().elementType(), 0)
                : evaluate(home, reduction.initial().get(index), coordinates);
    }

    /// Loops over the reduced axes from {@code index} on; gives the accumulators after them.
    private List<Value> reductionLoops(
            Scope scope,
            Reduction reduction,
            List<Split> splits,
            int index,
            List<Value> accumulators,
            List<Map<String, Integer>> combinations,
            int partials) {
        if (index == splits.size()) {
            return accumulate(scope, reduction, accumulators, combinations, partials);
        }
        var split = splits.get(index);
        if (scope.position(split.axis()) != null) {
            return reductionLoops(scope, reduction, splits, index + 1, accumulators, combinations, partials);
        }
        if (threaded && split.block() > 1) {
            return stagedLoop(
                    scope, reduction, split, accumulators, (inner, carried) -> reductionLoops(
                            inner, reduction, splits, index + 1, carried, combinations, partials));
        }
        var extent = analysis.extent(split.axis());
        var zero = number(scope, Dim.ZERO);
        long tile = split.tile();
        var whole = extent.floorDivide(tile).times(tile);
        var current = accumulators;
        if (!whole.isConstant(0)) {
            current = reductionLoop(
                    scope, split, zero, whole, tile, split.unroll(), split.unroll(), reduction, splits, index, current,
                    combinations, partials);
        }
        if (!extent.modulo(tile).isConstant(0)) {
            boolean masked = split.stride() > 1 && !(threaded && extent.modulo(split.stride()).isConstant(0));
            current = reductionLoop(
                    scope, split, number(scope, whole), extent, split.stride(), 1, masked ? 0 : 1, reduction, splits,
                    index, current, combinations, partials);
        }
        return current;
    }

    private List<Value> reductionLoop(
            Scope scope,
            Split split,
            Value from,
            Dim to,
            long step,
            long unroll,
            long whole,
            Reduction reduction,
            List<Split> splits,
            int index,
            List<Value> accumulators,
            List<Map<String, Integer>> combinations,
            int partials) {
        var counter = Value.of(Type.INDEX, split.axis());
        var carried = accumulators.stream().map(Value::copy).toList();
        var results = accumulators.stream().map(Value::copy).toList();
        var inner = new Scope(scope);
        var end = number(scope, to);
        inner.bind(
                split.axis(),
                new Scope.Position(
                        memberBase(inner, split, counter), unroll, split.lanes(), split.stride(), whole, end));
        var next = reductionLoops(inner, reduction, splits, index + 1, carried, combinations, partials);
        var params = new ArrayList<Value>();
        params.add(counter);
        params.addAll(carried);
        scope.ops.add(new TileOp.For(
                from,
                end,
                number(scope, Dim.of(step)),
                accumulators,
                TileOp.Bind.SERIAL,
                new Body(params, terminated(inner.ops, next)),
                results));
        return results;
    }

    /// One step: combines the values at every coordinate into its accumulators.
    @Override
    List<Value> accumulate(
            Scope scope,
            Reduction reduction,
            List<Value> accumulators,
            List<Map<String, Integer>> combinations,
            int partials) {
        if (isInstruction()) {
            return instructions(scope, accumulators, combinations);
        }
        int width = reduction.results().size();
        var next = new ArrayList<>(accumulators);
        var innermost = reduction.over().isEmpty() ? null : innermost(reduction);
        long steps = innermost == null ? 1 : scope.position(innermost).unroll();
        for (int c = 0; c < combinations.size(); c++) {
            for (int step = 0; step < steps; step++) {
                var coordinates = new TreeMap<>(combinations.get(c));
                if (steps > 1) {
                    coordinates.put(innermost, step);
                }
                int slot = (c * partials + (partials > 1 ? step : 0)) * width;
                var before = List.copyOf(next.subList(slot, slot + width));
                var after = step(scope, reduction, before, coordinates);
                var mask = innermost == null ? null : mask(scope, innermost, step);
                for (int i = 0; i < width; i++) {
                    next.set(slot + i, mask == null ? after.get(i) : select(scope, mask, after.get(i), before.get(i)));
                }
            }
        }
        return next;
    }

    List<Value> evaluateAll(Scope scope, List<Value> values, Map<String, Integer> coordinates) {
        return values.stream().map(value -> evaluate(scope, value, coordinates)).toList();
    }

    private String innermost(Reduction reduction) {
        return schedule.reductions().get(analysis.reductions().indexOf(reduction)).getLast().axis();
    }

    private List<Value> step(
            Scope scope, Reduction reduction, List<Value> accumulators, Map<String, Integer> coordinates) {
        if (fused
                && reduction.isSum()
                && analysis.definition(reduction.values().getFirst()) instanceof ArithOp.Mul product
                && product.result().type().elementType().isFloat()) {
            long lanes = accumulators.getFirst().type().laneCount();
            var left = broadcast(scope, evaluate(scope, product.left(), coordinates), lanes);
            var right = broadcast(scope, evaluate(scope, product.right(), coordinates), lanes);
            var sum = accumulators.getFirst().copy();
            scope.ops.add(new ArithOp.Fma(left, right, accumulators.getFirst(), sum));
            return List.of(sum);
        }
        var values = evaluateAll(scope, reduction.values(), coordinates);
        return combine(scope, reduction, accumulators, values);
    }
}
