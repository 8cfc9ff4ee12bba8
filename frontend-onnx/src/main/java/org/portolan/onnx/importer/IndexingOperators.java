package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.since;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Relation;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Reads and writes at places that other tensors tell.
final class IndexingOperators {
    static final List<Operator> ROWS = List.of(
            since(1, "Gather", IndexingOperators::gather),
            since(11, "GatherElements", IndexingOperators::gatherElements),
            since(11, "GatherND", IndexingOperators::gatherNd),
            since(9, "Scatter", IndexingOperators::scatterElements),
            since(11, "ScatterElements", IndexingOperators::scatterElements),
            since(11, "ScatterND", IndexingOperators::scatterNd),
            since(9, "OneHot", IndexingOperators::oneHot),
            since(14, "Trilu", IndexingOperators::trilu),
            since(10, "ReverseSequence", IndexingOperators::reverseSequence));

    private IndexingOperators() {}

    private static Operand gather(Call call) {
        var data = call.input(0);
        var indices = call.input(1);
        int axis = call.axis(call.integer("axis", 0), data.rank());
        var constant = indices.elements().isPresent() ? call.constants(indices) : Optional.<List<Long>>empty();
        if (constant.isPresent()) {
            var settled = gatherConstant(call, data, indices, constant.get(), axis);
            if (settled.isPresent()) {
                return settled.get();
            }
        }
        return call.writer().gather(data, indices, axis);
    }

    /// Constant indices are checked here; one of them is a slice, and known elements stay known.
    private static Optional<Operand> gatherConstant(
            Call call, Operand data, Operand indices, List<Long> constant, int axis) {
        var extent = data.dim(axis);
        var places = new ArrayList<Dim>();
        for (long index : constant) {
            if (extent.isConstant()) {
                long size = extent.constant().getAsLong();
                if (index < -size || index >= size) {
                    throw call.error("index %d is not within axis %d of %s".formatted(index, axis, data.type()));
                }
            } else if (index != 0 && index != -1) {
                return Optional.empty();
            }
            places.add(index < 0 ? extent.plus(index) : Dim.of(index));
        }
        boolean known = data.elements().isPresent() && data.rank() == 1;
        if (known) {
            var elements = data.elements().get();
            var picked = places.stream()
                    .map(place -> elements.get((int) place.constant().orElseThrow()))
                    .toList();
            return Optional.of(call.writer().known(data.element(), indices.dims(), picked));
        }
        if (places.size() != 1) {
            return Optional.empty();
        }
        var starts = new ArrayList<>(Collections.nCopies(data.rank(), Dim.ZERO));
        starts.set(axis, places.getFirst());
        var dims = new ArrayList<>(data.dims());
        dims.set(axis, Dim.ONE);
        var slice = call.writer().slice(data, starts, Collections.nCopies(data.rank(), Dim.ONE), dims);
        dims.remove(axis);
        dims.addAll(axis, indices.dims());
        return Optional.of(call.writer().reshape(slice, dims));
    }

    private static Operand gatherElements(Call call) {
        var data = call.input(0);
        var indices = call.input(1);
        if (data.rank() != indices.rank()) {
            throw call.error("indices %s must have the rank of %s".formatted(indices.type(), data.type()));
        }
        int axis = call.axis(call.integer("axis", 0), data.rank());
        var writer = call.writer();
        return writer.add(
                new GraphOp.GatherElements(
                        data.value(), indices.value(), axis, writer.fresh(data.element(), indices.dims())),
                GraphOp.GatherElements::result);
    }

    private static Operand gatherNd(Call call) {
        var data = call.input(0);
        var indices = call.input(1);
        if (indices.rank() < 1 || data.rank() < 1) {
            throw call.error(
                    "data and indices need at least one axis, found %s and %s".formatted(data.type(), indices.type()));
        }
        long batch = call.integer("batch_dims", 0);
        long tuple = indices.dim(indices.rank() - 1)
                .constant()
                .orElseThrow(() -> new Unsupported("the length of index tuples is known only at run time"));
        if (batch < 0 || batch >= indices.rank() || batch + tuple > data.rank()) {
            throw call.error("batch_dims %d and tuples of %d do not fit %s".formatted(batch, tuple, data.type()));
        }
        var dims = new ArrayList<>(indices.dims().subList(0, indices.rank() - 1));
        dims.addAll(data.dims().subList((int) (batch + tuple), data.rank()));
        var writer = call.writer();
        return writer.add(
                new GraphOp.GatherNd(data.value(), indices.value(), batch, writer.fresh(data.element(), dims)),
                GraphOp.GatherNd::result);
    }

    private static Optional<Combine> combine(Call call) {
        var reduction = call.text("reduction", "none");
        return switch (reduction) {
            case "none" -> Optional.empty();
            case "add" -> Optional.of(Combine.SUM);
            case "mul" -> Optional.of(Combine.PRODUCT);
            case "min" -> Optional.of(Combine.MINIMUM);
            case "max" -> Optional.of(Combine.MAXIMUM);
            default -> throw call.error("reduction '%s'".formatted(reduction));
        };
    }

    private static Operand scatterElements(Call call) {
        var data = call.input(0);
        int axis = call.axis(call.integer("axis", 0), data.rank());
        var writer = call.writer();
        return writer.add(
                new GraphOp.ScatterElements(
                        data.value(),
                        call.input(1).value(),
                        call.input(2).value(),
                        axis,
                        combine(call),
                        writer.fresh(data.element(), data.dims())),
                GraphOp.ScatterElements::result);
    }

    private static Operand scatterNd(Call call) {
        var data = call.input(0);
        var writer = call.writer();
        return writer.add(
                new GraphOp.ScatterNd(
                        data.value(),
                        call.input(1).value(),
                        call.input(2).value(),
                        combine(call),
                        writer.fresh(data.element(), data.dims())),
                GraphOp.ScatterNd::result);
    }

    private static Operand oneHot(Call call) {
        var writer = call.writer();
        var indices = writer.cast(call.input(0), ElementType.I64);
        var depth = writer.bindScalar(writer.cast(call.input(1), ElementType.I64));
        var values = call.input(2);
        writer.check(depth, Relation.GREATER_OR_EQUAL, Dim.ZERO, "the depth must not be negative");
        int axis = call.axis(call.integer("axis", -1), indices.rank() + 1);
        var apart = new ArrayList<>(indices.dims());
        apart.add(axis, Dim.ONE);
        var dims = new ArrayList<>(indices.dims());
        dims.add(axis, depth);
        var line = new ArrayList<>(Collections.nCopies(dims.size(), Dim.ONE));
        line.set(axis, depth);
        var operands = List.of(
                writer.reshape(indices, apart),
                writer.iota(ElementType.I64, line, axis),
                writer.extent(depth),
                element(call, values, 0),
                element(call, values, 1));
        return writer.mapTo(dims, values.element(), operands, (s, v) -> {
            var index = v.get(0);
            var shifted = s.select(s.less(index, s.integer(ElementType.I64, 0)), s.add(index, v.get(2)), index);
            return s.select(s.compare(shifted, Relation.EQUAL, v.get(1)), v.get(4), v.get(3));
        });
    }

    /// One element of a tensor of rank 1, as a scalar.
    private static Operand element(Call call, Operand values, long index) {
        var writer = call.writer();
        var part = writer.slice(values, Dim.list(index), Dim.list(1), Dim.list(1));
        return writer.reshape(part, List.of());
    }

    private static Operand trilu(Call call) {
        var x = call.input(0);
        if (x.rank() < 2) {
            throw call.error("expected at least two axes, found %s".formatted(x.type()));
        }
        boolean upper = call.flag("upper", true);
        var writer = call.writer();
        var offset = call.optional(1)
                .map(k -> writer.reshape(k, List.of()))
                .orElseGet(() -> writer.scalar(ElementType.I64, 0));
        var rows = writer.iota(ElementType.I64, List.of(x.dim(x.rank() - 2), Dim.ONE), 0);
        var columns = writer.iota(ElementType.I64, List.of(x.dim(x.rank() - 1)), 0);
        var relation = upper ? Relation.GREATER_OR_EQUAL : Relation.LESS_OR_EQUAL;
        return writer.mapTo(
                x.dims(),
                x.element(),
                List.of(x, rows, columns, offset),
                (s, v) -> s.select(
                        s.compare(s.sub(v.get(2), v.get(1)), relation, v.get(3)), v.get(0), s.number(v.get(0), 0)));
    }

    private static Operand reverseSequence(Call call) {
        var x = call.input(0);
        int batch = call.axis(call.integer("batch_axis", 1), x.rank());
        int time = call.axis(call.integer("time_axis", 0), x.rank());
        return reversed(call.writer(), x, call.input(1), batch, time);
    }

    /// The first elements of the time axis in the opposite order, as many as the lengths say for each of the batch.
    static Operand reversed(GraphWriter writer, Operand x, Operand ends, int batch, int time) {
        var alongBatch = new ArrayList<>(Collections.nCopies(x.rank(), Dim.ONE));
        alongBatch.set(batch, x.dim(batch));
        var lengths = writer.reshape(writer.cast(ends, ElementType.I64), alongBatch);
        var places = writer.iota(ElementType.I64, x.dims(), time);
        var indices = writer.mapTo(
                x.dims(),
                ElementType.I64,
                List.of(places, lengths),
                (s, v) -> s.select(s.less(v.get(0), v.get(1)), s.add(s.sub(v.get(1), v.get(0)), -1), v.get(0)));
        return writer.add(
                new GraphOp.GatherElements(x.value(), indices.value(), time, writer.fresh(x.element(), x.dims())),
                GraphOp.GatherElements::result);
    }
}
