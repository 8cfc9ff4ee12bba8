package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Gives a nest that goes along one row for each point of its common axes an axis of one row, so that a schedule for blocks of
/// rows finds it: one query and a long row of keys.
final class UnitRow {
    private static final String ROW = "row";

    private UnitRow() {}

    /// The nest with such an axis if that makes it one whose rows are gone along once; else as it is.
    static AxisCollapse.Collapsed add(AxisCollapse.Collapsed collapsed) {
        var analysis = new NestAnalysis(collapsed.nest());
        var sums = OnlineRows.sums(analysis);
        if (sums.isEmpty() || OnlineRows.match(analysis).isPresent() || analysis.isAxis(ROW)) {
            return collapsed;
        }
        var own = new HashSet<NestOp.Read>();
        collect(analysis, sums.get().scores().values().getFirst(), sums.get().key(), own);
        if (own.isEmpty()) {
            return collapsed;
        }
        var more = withRow(collapsed, own);
        return OnlineRows.match(new NestAnalysis(more.nest())).isPresent() ? more : collapsed;
    }

    /// The reads that a score is made of and that are the same for all keys.
    private static void collect(NestAnalysis analysis, Value value, String key, Set<NestOp.Read> found) {
        var definition = analysis.definition(value);
        if (definition instanceof NestOp.Read read) {
            if (!analysis.free(value).contains(key)) {
                found.add(read);
            }
        } else if (definition != null) {
            OpSchema.operands(definition).forEach(operand -> collect(analysis, operand, key, found));
        }
    }

    private static AxisCollapse.Collapsed withRow(AxisCollapse.Collapsed collapsed, Set<NestOp.Read> own) {
        var nest = collapsed.nest();
        Map<Value, Value> renamed = new IdentityHashMap<>();
        Map<Value, Value> originals = new IdentityHashMap<>(collapsed.originals());
        UnaryOperator<Value> widened = tensor -> renamed.computeIfAbsent(tensor, old -> {
            var wide = Value.of(
                    Type.tensor(old.tensor().element(), inserted(old.tensor().dims(), Dim.ONE)), old.hint());
            originals.put(wide, collapsed.originals().get(old));
            return wide;
        });
        own.forEach(read -> widened.apply(read.source()));
        var ops = new ArrayList<Op>();
        for (var op : nest.body().ops()) {
            if (op instanceof NestOp.Read read && renamed.containsKey(read.source())) {
                var at = inserted(read.at(), own.contains(read) ? Dim.symbol(ROW) : Dim.ZERO);
                ops.add(new NestOp.Read(
                        renamed.get(read.source()), read.indices(), read.other(), at, read.otherwise(), read.result()));
            } else if (op instanceof NestOp.Yield end) {
                var to = end.to().stream().map(place -> inserted(place, Dim.symbol(ROW))).toList();
                ops.add(new NestOp.Yield(end.values(), end.indices(), to));
            } else {
                ops.add(op);
            }
        }
        var axes = new ArrayList<Axis>();
        axes.add(new Axis(ROW, Dim.ONE));
        axes.addAll(nest.axes());
        var inputs = nest.inputs().stream().map(input -> renamed.getOrDefault(input, input)).toList();
        var results = nest.results().stream().map(widened).toList();
        return new AxisCollapse.Collapsed(
                new NestOp.Compute(inputs, List.of(), axes, nest.origin(), new Body(List.of(), ops), results), originals);
    }

    /// Before the last axis, so that neighbours stay neighbours.
    private static List<Dim> inserted(List<Dim> dims, Dim one) {
        var more = new ArrayList<>(dims);
        more.add(Math.max(0, dims.size() - 1), one);
        return more;
    }
}
