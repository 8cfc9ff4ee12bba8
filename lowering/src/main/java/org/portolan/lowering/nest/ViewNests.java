package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.NestOp.Otherwise;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Operations that only move elements: nests whose body is one read.
final class ViewNests {
    private ViewNests() {}

    static NestOp.Compute reshape(NestBuilder nest, GraphOp.Reshape op) {
        var to = nest.axes("i", op.result().tensor().dims());
        var from = ReshapeIndex.map(
                op.result().tensor().dims(), to, op.input().tensor().dims());
        return nest.store(
                nest.read(op.input(), from.stream().map(nest::simplify).toList()), to, op.result());
    }

    static NestOp.Compute transpose(NestBuilder nest, GraphOp.Transpose op) {
        var to = nest.axes("i", op.result().tensor().dims());
        var from = new ArrayList<>(Collections.nCopies(to.size(), Dim.ZERO));
        for (int axis = 0; axis < to.size(); axis++) {
            from.set(Math.toIntExact(op.permutation().get(axis)), to.get(axis));
        }
        return nest.store(nest.read(op.input(), from), to, op.result());
    }

    static NestOp.Compute broadcast(NestBuilder nest, GraphOp.Broadcast op) {
        var to = nest.axes("i", op.result().tensor().dims());
        var dims = op.input().tensor().dims();
        int lead = to.size() - dims.size();
        var from = new ArrayList<Dim>();
        for (int axis = 0; axis < dims.size(); axis++) {
            var extent = dims.get(axis);
            var index = to.get(axis + lead);
            boolean same = extent.equals(op.result().tensor().dim(axis + lead)) || extent.isConstant();
            // An extent that only a run knows is the result's or 1.
            from.add(extent.isConstant(1) ? Dim.ZERO : same ? index : index.minimum(extent.minus(1)));
        }
        return nest.store(nest.read(op.input(), from), to, op.result());
    }

    static NestOp.Compute slice(NestBuilder nest, GraphOp.Slice op) {
        var to = nest.axes("i", op.result().tensor().dims());
        var from = new ArrayList<Dim>();
        for (int axis = 0; axis < to.size(); axis++) {
            from.add(to.get(axis).times(op.steps().get(axis)).plus(op.starts().get(axis)));
        }
        return nest.store(nest.read(op.input(), from), to, op.result());
    }

    /// Guarded reads, chosen by where the next input begins.
    static NestOp.Compute concat(NestBuilder nest, GraphOp.Concat op) {
        int axis = Math.toIntExact(op.axis());
        var to = nest.axes("i", op.result().tensor().dims());
        Value value = null;
        Dim end = Dim.ZERO;
        for (var input : op.inputs()) {
            var extent = input.tensor().dim(axis);
            if (extent.isConstant(0)) {
                continue;
            }
            var from = new ArrayList<>(to);
            from.set(axis, to.get(axis).minus(end));
            boolean only = value == null && extent.equals(op.result().tensor().dim(axis));
            var element = only ? nest.read(input, from) : guarded(nest, input, from, axis);
            value = value == null
                    ? element
                    : nest.select(
                            nest.compare(nest.index(to.get(axis)), Relation.LESS, nest.index(end)), value, element);
            end = end.plus(extent);
        }
        if (value == null) {
            value = nest.zero(op.result().tensor().element());
        }
        return nest.store(value, to, op.result());
    }

    private static Value guarded(NestBuilder nest, Value input, List<Dim> from, int axis) {
        return nest.bounds().isWithin(from.get(axis), input.tensor().dim(axis))
                ? nest.read(input, from)
                : nest.read(input, List.of(), Optional.empty(), from, Otherwise.ZERO);
    }

    static NestOp.Compute pad(NestBuilder nest, GraphOp.Pad op) {
        var to = nest.axes("i", op.result().tensor().dims());
        var from = new ArrayList<Dim>();
        for (int axis = 0; axis < to.size(); axis++) {
            from.add(to.get(axis).minus(op.low().get(axis)));
        }
        var dims = op.input().tensor().dims();
        var value = switch (op.mode()) {
            case CONSTANT -> {
                if (op.value().isEmpty() || nest.inside(from, dims)) {
                    yield nest.read(op.input(), List.of(), Optional.empty(), from, Otherwise.ZERO);
                }
                var other = op.value().get();
                var outside =
                        nest.read(other, Collections.nCopies(other.tensor().rank(), Dim.ZERO));
                yield nest.read(op.input(), List.of(), Optional.of(outside), from, Otherwise.OTHER);
            }
            case EDGE -> nest.read(op.input(), List.of(), Optional.empty(), from, Otherwise.CLAMP);
            case REFLECT -> {
                for (int axis = 0; axis < from.size(); axis++) {
                    from.set(axis, reflected(nest, from.get(axis), dims.get(axis)));
                }
                yield nest.read(op.input(), from);
            }
            case WRAP -> {
                for (int axis = 0; axis < from.size(); axis++) {
                    if (!nest.bounds().isWithin(from.get(axis), dims.get(axis))) {
                        from.set(axis, from.get(axis).modulo(dims.get(axis)));
                    }
                }
                yield nest.read(op.input(), from);
            }
        };
        return nest.store(value, to, op.result());
    }

    /// Forth and back: a period of twice the extent less the two ends, which stand once.
    private static Dim reflected(NestBuilder nest, Dim index, Dim extent) {
        if (nest.bounds().isWithin(index, extent)) {
            return index;
        }
        var turn = extent.minus(1).times(2);
        var place = index.modulo(turn.maximum(Dim.ONE));
        return place.minimum(turn.minus(place));
    }

    /// Each element is its own index along an axis.
    static NestOp.Compute iota(NestBuilder nest, GraphOp.Iota op) {
        var to = nest.axes("i", op.result().tensor().dims());
        var element = op.result().tensor().element();
        var index = nest.index(to.get(Math.toIntExact(op.axis())));
        return nest.store(nest.cast(index, element), to, op.result());
    }

    /// Elementwise: the body follows its reads.
    static NestOp.Compute map(NestBuilder nest, GraphOp.Map op) {
        var to = nest.axes("i", op.result().tensor().dims());
        var elements = op.inputs().stream().map(input -> nest.read(input, to)).toList();
        return nest.store(nest.inline(op.body(), elements).getFirst(), to, op.result());
    }
}
