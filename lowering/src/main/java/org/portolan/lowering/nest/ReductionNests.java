package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.ArithOp;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Reductions and running reductions along axes.
final class ReductionNests {
    private ReductionNests() {}

    static NestOp.Compute reduce(NestBuilder nest, GraphOp.Reduce op) {
        var input = op.input().tensor();
        var to = new ArrayList<Dim>();
        var from = new ArrayList<Dim>();
        var over = new ArrayList<Dim>();
        for (int axis = 0; axis < input.rank(); axis++) {
            from.add(op.axes().contains((long) axis) ? null : nest.axis("i" + axis, input.dim(axis)));
        }
        for (int axis = 0; axis < input.rank(); axis++) {
            if (from.get(axis) == null) {
                from.set(axis, nest.axis("k" + axis, input.dim(axis)));
                over.add(from.get(axis));
            } else {
                to.add(from.get(axis));
            }
        }
        var value = nest.cast(nest.read(op.input(), from), op.accumulate());
        var reduced = Combines.reduce(nest, op.combine(), value, NestBuilder.over(over));
        return nest.store(nest.cast(reduced, op.result().tensor().element()), to, op.result());
    }

    static NestOp.Compute argReduce(NestBuilder nest, GraphOp.ArgReduce op) {
        var input = op.input().tensor();
        int along = Math.toIntExact(op.axis());
        var from = new ArrayList<Dim>();
        for (int axis = 0; axis < input.rank(); axis++) {
            from.add(axis == along ? null : nest.axis("i" + axis, input.dim(axis)));
        }
        var to = from.stream().filter(index -> index != null).toList();
        var k = nest.axis("k" + along, input.dim(along));
        from.set(along, k);
        var value = nest.read(op.input(), from);
        var place = extremePlace(nest, value, nest.index(k), op.largest(), op.last(), NestBuilder.over(k));
        return nest.store(nest.cast(place, op.result().tensor().element()), to, op.result());
    }

    /// The place of the extreme value. Pairs of value and place are combined: the more extreme value wins, a NaN
    /// before all, and of equal values the first place, or the last.
    static Value extremePlace(
            NestBuilder nest, Value value, Value place, boolean largest, boolean last, List<String> over) {
        var element = value.type().elementType();
        var worst = largest ? Combines.least(nest, element) : Combines.most(nest, element);
        var nowhere = nest.integer(last ? -1 : Long.MAX_VALUE, ElementType.INDEX);
        return nest.reduce(List.of(value, place), List.of(worst, nowhere), over, (best, next) -> {
                    var wins = beats(nest, next, best, largest, last);
                    return List.of(
                            nest.select(wins, next.get(0), best.get(0)), nest.select(wins, next.get(1), best.get(1)));
                })
                .get(1);
    }

    private static Value beats(NestBuilder nest, List<Value> next, List<Value> best, boolean largest, boolean last) {
        var more = nest.compare(next.get(0), largest ? Relation.GREATER : Relation.LESS, best.get(0));
        var same = nest.compare(next.get(0), Relation.EQUAL, best.get(0));
        if (next.get(0).type().elementType().isFloat()) {
            var nextNaN = nest.compare(next.get(0), Relation.NOT_EQUAL, next.get(0));
            var bestNaN = nest.compare(best.get(0), Relation.NOT_EQUAL, best.get(0));
            var bestNumber = nest.compare(best.get(0), Relation.EQUAL, best.get(0));
            more = nest.binary(ArithOp.Or::new, more, nest.binary(ArithOp.And::new, nextNaN, bestNumber));
            same = nest.binary(ArithOp.Or::new, same, nest.binary(ArithOp.And::new, nextNaN, bestNaN));
        }
        var nearer = nest.compare(next.get(1), last ? Relation.GREATER : Relation.LESS, best.get(1));
        return nest.binary(ArithOp.Or::new, more, nest.binary(ArithOp.And::new, same, nearer));
    }

    /// Each element is a reduction over the axis, in which only what precedes it takes part.
    static NestOp.Compute scan(NestBuilder nest, GraphOp.Scan op) {
        var input = op.input().tensor();
        var to = nest.axes("i", input.dims());
        int along = Math.toIntExact(op.axis());
        var k = nest.axis("k" + along, input.dim(along));
        var from = new ArrayList<>(to);
        from.set(along, k);
        var relation = op.reverse()
                ? op.exclusive() ? Relation.GREATER : Relation.GREATER_OR_EQUAL
                : op.exclusive() ? Relation.LESS : Relation.LESS_OR_EQUAL;
        var takesPart = nest.compare(nest.index(k), relation, nest.index(to.get(along)));
        var neutral = Combines.neutral(nest, op.combine(), input.element());
        var value = nest.select(takesPart, nest.read(op.input(), from), neutral);
        return nest.store(Combines.reduce(nest, op.combine(), value, NestBuilder.over(k)), to, op.result());
    }
}
