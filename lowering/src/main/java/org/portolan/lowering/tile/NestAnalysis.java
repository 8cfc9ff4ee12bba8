package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// What the scheduler and the emitter ask about a nest: who defines what, and in which axes each scalar is free.
final class NestAnalysis {
    /// What a symbolic extent is taken to be where sizes are weighed.
    static final long TYPICAL_EXTENT = 128;

    private final NestOp.Compute nest;
    private final Map<String, Dim> extents = new LinkedHashMap<>();
    private final Map<Value, Op> definitions = new IdentityHashMap<>();
    private final Map<Value, Set<String>> free = new IdentityHashMap<>();
    private final Map<Op, Reduction> reductions = new IdentityHashMap<>();
    private final List<Reduction> reductionList = new ArrayList<>();
    private final List<NestOp.Read> reads = new ArrayList<>();

    NestAnalysis(NestOp.Compute nest) {
        this.nest = nest;
        nest.axes().forEach(axis -> extents.put(axis.name(), axis.extent()));
        for (var op : nest.body().ops()) {
            var axes = new LinkedHashSet<String>();
            OpSchema.operands(op).forEach(operand -> axes.addAll(free(operand)));
            switch (op) {
                case NestOp.Read read -> {
                    read.at().forEach(index -> addAxes(index, axes));
                    reads.add(read);
                }
                case NestOp.Index index -> addAxes(index.value(), axes);
                case NestOp.Sum _, NestOp.Reduce _ -> {
                    var reduction = Reduction.of(op).orElseThrow();
                    reduction.over().forEach(axes::remove);
                    reductions.put(op, reduction);
                    reductionList.add(reduction);
                }
                case NestOp.Compute _, NestOp.Yield _ -> {}
                case ArithOp _, GraphOp _, TileOp _, PlanOp _, MachineOp _ -> {}
            }
            for (var result : OpSchema.results(op)) {
                definitions.put(result, op);
                free.put(result, axes);
            }
        }
    }

    private void addAxes(Dim index, Set<String> axes) {
        for (var symbol : index.symbols()) {
            if (extents.containsKey(symbol)) {
                axes.add(symbol);
            }
        }
    }

    NestOp.Compute nest() {
        return nest;
    }

    NestOp.Yield terminator() {
        return (NestOp.Yield) nest.body().terminator();
    }

    List<NestOp.Read> reads() {
        return reads;
    }

    List<Reduction> reductions() {
        return reductionList;
    }

    Reduction reduction(Op op) {
        return reductions.get(op);
    }

    Op definition(Value value) {
        return definitions.get(value);
    }

    /// The axes that a scalar depends on; none for values from outside the body.
    Set<String> free(Value value) {
        return free.getOrDefault(value, Set.of());
    }

    boolean isAxis(String symbol) {
        return extents.containsKey(symbol);
    }

    Dim extent(String axis) {
        return extents.get(axis);
    }

    OptionalLong constantExtent(String axis) {
        return extents.get(axis).constant();
    }

    /// The extent, or a typical one where it is not known.
    long estimate(String axis) {
        return constantExtent(axis).orElse(TYPICAL_EXTENT);
    }

    /// The axes of the index expressions at which result {@code i} is stored, in the order of the nest's axes.
    Set<String> storeAxes(int result) {
        var named = new LinkedHashSet<String>();
        terminator().to().get(result).forEach(index -> addAxes(index, named));
        named.addAll(free(terminator().values().get(result)));
        terminator().indices().forEach(index -> named.addAll(free(index)));
        var ordered = new LinkedHashSet<>(extents.keySet());
        ordered.retainAll(named);
        return ordered;
    }

    /// How far an index moves when an axis moves by one, if that is the same everywhere.
    static OptionalLong stride(Dim index, String axis) {
        if (!index.symbols().contains(axis)) {
            return OptionalLong.of(0);
        }
        var next = index.substitute(name -> name.equals(axis) ? Dim.symbol(axis).plus(1) : null);
        return next.minus(index).constant();
    }

    /// The axes that the reductions and results have in common.
    Set<String> commonAxes() {
        var common = new LinkedHashSet<>(storeAxes(0));
        for (int i = 1; i < terminator().values().size(); i++) {
            common.retainAll(storeAxes(i));
        }
        for (var reduction : reductionList) {
            var free = free(reduction.results().getFirst());
            boolean nested = free.stream().anyMatch(this::isReduced);
            if (!nested) {
                common.retainAll(free);
            }
        }
        return common;
    }

    /// Whether a reduction goes over the axis.
    boolean isReduced(String axis) {
        return reductionList.stream().anyMatch(reduction -> reduction.over().contains(axis));
    }
}
