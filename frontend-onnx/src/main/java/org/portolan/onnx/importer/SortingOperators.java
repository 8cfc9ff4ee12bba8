package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.several;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Relation;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Operators that put elements in order.
final class SortingOperators {
    static final List<Operator> ROWS = List.of(
            several(1, "TopK", SortingOperators::topK), several(11, "Unique", SortingOperators::unique));

    private SortingOperators() {}

    private static List<Operand> topK(Call call) {
        var writer = call.writer();
        var x = call.input(0);
        int axis = call.axis(call.integer("axis", -1), x.rank());
        var count = call.opset() < 10
                ? Dim.of(call.integer("k").orElseThrow(() -> call.error("attribute 'k' is missing")))
                : writer.bindScalar(call.input(1));
        writer.check(count, Relation.GREATER_OR_EQUAL, Dim.ZERO, "k must not be negative");
        writer.check(count, Relation.LESS_OR_EQUAL, x.dim(axis), "k must not exceed the extent of axis " + axis);
        var rows = Rows.of(writer, x, axis);
        var sorted = Sorting.first(writer, rows.matrix(), writer.settled(count), call.flag("largest", true));
        return List.of(rows.restored(writer, sorted.values()), rows.restored(writer, sorted.places()));
    }

    /// A tensor as a matrix whose rows run along one of its axes.
    private record Rows(Operand matrix, List<Dim> dims, int axis) {
        static Rows of(GraphWriter writer, Operand x, int axis) {
            var order = new ArrayList<Integer>();
            for (int other = 0; other < x.rank(); other++) {
                if (other != axis) order.add(other);
            }
            order.add(axis);
            var last = writer.transpose(x, order);
            var lines = Dim.product(last.dims().subList(0, x.rank() - 1));
            return new Rows(writer.reshape(last, List.of(lines, x.dim(axis))), last.dims(), axis);
        }

        /// A matrix of as many rows in the places of this one's.
        Operand restored(GraphWriter writer, Operand rows) {
            var apart = new ArrayList<>(dims);
            apart.set(dims.size() - 1, rows.dim(1));
            var order = new ArrayList<Integer>();
            for (int other = 0; other < dims.size() - 1; other++) {
                order.add(other);
            }
            order.add(axis, dims.size() - 1);
            return writer.transpose(writer.reshape(rows, apart), order);
        }
    }

    /// Different elements, or different slices along an axis, in ascending order or in that of their first occurrence.
    /// Sorting puts equal ones side by side, the first occurrence first; where one differs from the one before it, a
    /// group begins.
    private static List<Operand> unique(Call call) {
        var writer = call.writer();
        var x = call.input(0);
        var slices = call.integer("axis").map(axis -> call.axis(axis, x.rank()));
        var flat = slices.isPresent() ? x : writer.reshape(x, List.of(x.type().elements()));
        int axis = slices.orElse(0);
        var length = flat.dim(axis);
        var line = List.of(Dim.ONE, length);
        var places = flat.rank() == 1
                ? Sorting.first(writer, writer.reshape(flat, line), length, false).places()
                : writer.reshape(Sorting.slices(writer, Rows.of(writer, flat, axis).matrix()), line);
        var order = writer.reshape(places, List.of(length));
        var begins = begins(writer, writer.gather(flat, order, axis), axis);
        var group = writer.map(ElementType.I64, RunningSums.count(writer, begins), (s, v) -> s.add(v, -1));
        var starts = Selecting.places(writer, begins);
        var firsts = writer.gather(order, starts, 0);
        var groups = firsts.dim(0);
        var numbers = writer.iota(ElementType.I64, List.of(groups), 0);
        var rank = numbers;
        var chosen = numbers;
        if (!call.flag("sorted", true)) {
            chosen = writer.reshape(
                    Sorting.first(writer, writer.reshape(firsts, List.of(Dim.ONE, groups)), groups, false).places(),
                    List.of(groups));
            rank = scattered(writer, chosen, numbers, groups);
        }
        var indices = writer.gather(firsts, chosen, 0);
        var ends = writer.gather(
                writer.concat(List.of(starts, writer.extents(ElementType.I64, List.of(length))), 0),
                writer.map(ElementType.I64, numbers, (s, v) -> s.add(v, 1)),
                0);
        var sizes = writer.map(ElementType.I64, ends, starts, Scalars::sub);
        return List.of(
                writer.gather(flat, indices, axis),
                indices,
                scattered(writer, order, writer.gather(rank, group, 0), length),
                writer.gather(sizes, chosen, 0));
    }

    /// Whether a slice along an axis is the first or differs from the one before it.
    private static Operand begins(GraphWriter writer, Operand sorted, int axis) {
        var length = sorted.dim(axis);
        var before = writer.mapTo(
                List.of(length),
                ElementType.I64,
                List.of(writer.iota(ElementType.I64, List.of(length), 0)),
                (s, v) -> s.max(s.add(v.getFirst(), -1), s.integer(ElementType.I64, 0)));
        var differs = writer.map(
                ElementType.BOOL,
                sorted,
                writer.gather(sorted, before, axis),
                (s, a, b) -> s.compare(a, Relation.NOT_EQUAL, b));
        var others = new ArrayList<Integer>();
        for (int other = 0; other < sorted.rank(); other++) {
            if (other != axis) others.add(other);
        }
        var any = writer.reduce(differs, Combine.OR, others, ElementType.BOOL, ElementType.BOOL);
        return writer.map(
                ElementType.BOOL,
                any,
                writer.iota(ElementType.I64, List.of(length), 0),
                (s, differ, place) -> s.or(differ, s.compare(place, Relation.EQUAL, s.integer(ElementType.I64, 0))));
    }

    /// The values at different places that cover the result.
    static Operand scattered(GraphWriter writer, Operand places, Operand values, Dim length) {
        var empty = writer.filled(values.element(), List.of(length), 0);
        return writer.add(
                new GraphOp.ScatterElements(
                        empty.value(),
                        places.value(),
                        values.value(),
                        0,
                        Optional.empty(),
                        writer.fresh(values.element(), List.of(length))),
                GraphOp.ScatterElements::result);
    }
}
