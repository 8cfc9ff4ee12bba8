package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Relation;
import org.portolan.ir.Rewriter;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Divides long rows that are gone along once among several blocks of threads, where there are too few rows to keep a machine
/// busy. The first nest has one more axis, of parts of the row, and gives for each part its maximum and its sums; the second one
/// combines the parts in their order, so that the result does not depend on who is ready first:
///
/// ```
/// m = max over parts of m_part;  sum = sum over parts of exp(m_part - m) * sum_part
/// ```
///
/// What is not of a part is hidden from it by comparing indices ({@link HiddenKeys}), and thus not visited.
final class RowSplit {
    private final NestAnalysis analysis;
    private final OnlineRows.Sums sums;
    private final long length;
    private final String part;
    /// The axes of the rows, and that of the product's columns behind them.
    private final List<String> rowAxes;
    private final List<String> allAxes;

    private RowSplit(NestAnalysis analysis, OnlineRows.Sums sums, long length) {
        this.analysis = analysis;
        this.sums = sums;
        this.length = length;
        var name = new StringBuilder("part");
        while (analysis.isAxis(name.toString())) {
            name.append('_');
        }
        this.part = name.toString();
        rowAxes = ordered(sums.maximum());
        allAxes = new ArrayList<>(rowAxes);
        ordered(sums.product()).stream().filter(axis -> !rowAxes.contains(axis)).forEach(allAxes::add);
    }

    private List<String> ordered(Reduction reduction) {
        var free = analysis.free(reduction.results().getFirst());
        return analysis.nest().axes().stream().map(Axis::name).filter(free::contains).toList();
    }

    /// @param length how many keys a part has
    static Optional<List<NestOp.Compute>> apply(NestOp.Compute nest, long length) {
        var analysis = new NestAnalysis(nest);
        return OnlineRows.sums(analysis).map(sums -> new RowSplit(analysis, sums, length)).filter(RowSplit::isPossible)
                .map(RowSplit::nests);
    }

    private boolean isPossible() {
        boolean sameRows = sums.rescaled().stream().allMatch(reduction -> ordered(reduction).equals(rowAxes));
        boolean maxima = sums.plain().stream()
                .allMatch(reduction -> ordered(reduction).equals(rowAxes) && OnlineRows.isMaximum(reduction));
        return sameRows && maxima && analysis.nest().results().size() == 1;
    }

    private List<Reduction> reductions() {
        var all = new ArrayList<Reduction>();
        all.add(sums.product());
        all.add(sums.maximum());
        all.addAll(sums.rescaled());
        all.addAll(sums.plain());
        return all;
    }

    private Dim parts() {
        return analysis.extent(sums.key()).ceilDivide(length);
    }

    private List<NestOp.Compute> nests() {
        var partial = new ArrayList<Value>();
        for (var reduction : reductions()) {
            var result = reduction.results().getFirst();
            var dims = new ArrayList<Dim>();
            dims.add(parts());
            axes(reduction).forEach(axis -> dims.add(analysis.extent(axis)));
            partial.add(Value.of(Type.tensor(result.type().elementType(), dims), result.hint() + "_parts"));
        }
        return List.of(first(partial), second(partial));
    }

    private List<String> axes(Reduction reduction) {
        return reduction == sums.product() ? allAxes : rowAxes;
    }

    private List<Dim> place(Reduction reduction) {
        var place = new ArrayList<Dim>();
        place.add(Dim.symbol(part));
        axes(reduction).forEach(axis -> place.add(Dim.symbol(axis)));
        return place;
    }

    // ------------------------------------------------------------------------------------------------------ the parts

    private NestOp.Compute first(List<Value> partial) {
        var ops = new ArrayList<Op>();
        var needed = needed(reductions().stream().map(reduction -> reduction.results().getFirst()).toList(), Set.of());
        var rewriter = new Rewriter();
        var hidden = Value.of(Type.BOOL, "other");
        var key = number(Dim.symbol(sums.key()), ops);
        var from = number(Dim.symbol(part).times(length), ops);
        var to = number(Dim.symbol(part).plus(1).times(length), ops);
        var before = compare(key, Relation.LESS, from, ops);
        var after = compare(key, Relation.GREATER_OR_EQUAL, to, ops);
        ops.add(new ArithOp.Or(before, after, hidden));
        var hiding = new LinkedHashSet<Value>();
        hiding.add(sums.score());
        sums.plain().forEach(reduction -> hiding.add(reduction.values().getFirst()));
        for (var op : analysis.nest().body().ops()) {
            if (!needed.contains(op)) {
                continue;
            }
            ops.add(rewriter.copy(op));
            if (op == sums.maximum().op()) {
                var most = sums.maximum().results().getFirst();
                rewriter.replace(most, orZero(most, ops));
            }
            for (var result : OpSchema.results(op)) {
                if (hiding.contains(result)) {
                    var lowest = constant(result.type().elementType(), Double.NEGATIVE_INFINITY, ops);
                    var own = result.copy();
                    ops.add(new ArithOp.Select(hidden, lowest, result, own));
                    rewriter.replace(result, own);
                }
            }
        }
        var values = reductions().stream().map(reduction -> reduction.results().getFirst()).toList();
        ops.add(new NestOp.Yield(values, List.of(), reductions().stream().map(this::place).toList()));
        var axes = new ArrayList<Axis>();
        axes.add(new Axis(part, parts()));
        axes.addAll(analysis.nest().axes());
        return nest(axes, ops, partial);
    }

    private NestOp.Compute nest(List<Axis> axes, List<Op> ops, List<Value> results) {
        var read = new LinkedHashSet<Value>();
        for (var op : ops) {
            if (op instanceof NestOp.Read own) {
                read.add(own.source());
            }
        }
        return new NestOp.Compute(
                List.copyOf(read), List.of(), axes, analysis.nest().origin(), new Body(List.of(), ops), results);
    }

    /// The operations that values depend on, but for those that give some values.
    private Set<Op> needed(List<Value> values, Set<Value> given) {
        var wanted = new LinkedHashSet<>(values);
        var needed = new LinkedHashSet<Op>();
        for (var op : analysis.nest().body().ops().reversed()) {
            if (OpSchema.results(op).stream().anyMatch(result -> wanted.contains(result) && !given.contains(result))) {
                needed.add(op);
                wanted.addAll(OpSchema.operands(op));
            }
        }
        return needed;
    }

    // -------------------------------------------------------------------------------------------------- their combination

    private NestOp.Compute second(List<Value> partial) {
        var ops = new ArrayList<Op>();
        var rewriter = new Rewriter();
        var all = reductions();
        var own = new ArrayList<Value>();
        for (int i = 0; i < all.size(); i++) {
            var element = Value.of(Type.scalar(partial.get(i).type().elementType()), partial.get(i).hint());
            ops.add(new NestOp.Read(
                    partial.get(i), List.of(), Optional.empty(), place(all.get(i)), NestOp.Otherwise.PROVEN, element));
            own.add(element);
        }
        var most = largest(sums.maximum(), own.get(1), ops, rewriter);
        var share = share(own.get(1), most, ops);
        for (int i = 0; i < all.size(); i++) {
            var reduction = all.get(i);
            if (reduction == sums.maximum()) {
                continue;
            }
            if (sums.plain().contains(reduction)) {
                largest(reduction, own.get(i), ops, rewriter);
                continue;
            }
            var result = reduction.results().getFirst();
            var term = own.get(i).copy();
            ops.add(new ArithOp.Mul(cast(share, own.get(i).type().elementType(), ops), own.get(i), term));
            var sum = result.copy();
            ops.add(new NestOp.Sum(term, List.of(part), sum));
            rewriter.replace(result, sum);
        }
        var end = analysis.terminator();
        var given = new LinkedHashSet<Value>();
        all.forEach(reduction -> given.addAll(reduction.results()));
        var needed = needed(end.values(), given);
        for (var op : analysis.nest().body().ops()) {
            if (needed.contains(op)) {
                ops.add(rewriter.clone(op));
            }
        }
        ops.add(new NestOp.Yield(rewriter.map(end.values()), List.of(), end.to()));
        var used = new LinkedHashSet<>(allAxes);
        end.to().forEach(place -> place.forEach(index -> used.addAll(index.symbols())));
        var axes = new ArrayList<Axis>();
        analysis.nest().axes().stream().filter(axis -> used.contains(axis.name())).forEach(axes::add);
        axes.add(new Axis(part, parts()));
        return nest(axes, ops, analysis.nest().results());
    }

    private Value largest(Reduction reduction, Value element, List<Op> ops, Rewriter rewriter) {
        var initial = constant(element.type().elementType(), Double.NEGATIVE_INFINITY, ops);
        var result = reduction.results().getFirst();
        var most = result.copy();
        ops.add(new NestOp.Reduce(
                List.of(element), List.of(initial), List.of(part), new Rewriter().clone(reduction.combiner()), List.of(most)));
        rewriter.replace(result, most);
        return most;
    }

    /// By how much the sums of a part become smaller; those of a part without a key, whose maximum is minus infinity, vanish.
    private Value share(Value own, Value most, List<Op> ops) {
        var element = own.type().elementType();
        var sum = sums.product().results().getFirst().type().elementType();
        var wide = element.bits() >= sum.bits() ? element : sum;
        var from = orZero(most, ops);
        var distance = Value.of(Type.scalar(wide), "distance");
        ops.add(new ArithOp.Sub(cast(own, wide, ops), cast(from, wide, ops), distance));
        var share = distance.copy();
        ops.add(new ArithOp.Exp(distance, share));
        return share;
    }

    /// A maximum, or 0 where it is minus infinity: the distance from that of what is minus infinity is no number.
    private static Value orZero(Value most, List<Op> ops) {
        var element = most.type().elementType();
        var none = compare(most, Relation.EQUAL, constant(element, Double.NEGATIVE_INFINITY, ops), ops);
        var from = most.copy();
        ops.add(new ArithOp.Select(none, constant(element, 0, ops), most, from));
        return from;
    }

    private static Value number(Dim value, List<Op> ops) {
        var result = Value.of(Type.INDEX, "i");
        ops.add(new NestOp.Index(List.of(), value, result));
        return result;
    }

    private static Value compare(Value left, Relation relation, Value right, List<Op> ops) {
        var result = Value.of(Type.BOOL, "on");
        ops.add(new ArithOp.Compare(left, right, relation, result));
        return result;
    }

    private static Value constant(ElementType element, double value, List<Op> ops) {
        var result = Value.of(Type.scalar(element), "k");
        ops.add(new ArithOp.Const(value, result));
        return result;
    }

    private static Value cast(Value value, ElementType element, List<Op> ops) {
        if (value.type().elementType() == element) {
            return value;
        }
        var result = Value.of(Type.scalar(element), value.hint());
        ops.add(new ArithOp.Cast(value, result));
        return result;
    }
}
