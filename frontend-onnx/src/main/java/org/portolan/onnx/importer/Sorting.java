package org.portolan.onnx.importer;

import java.util.List;
import java.util.Optional;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Puts the elements of rows in order, equal ones by their place, in operations that every target has and whose elements
/// can all be computed at once.
///
/// Short rows are counted: the rank of an element is the number of those that come before it. Long ones go through a
/// bitonic network, whose comparators all put the smaller element first, so that a row need not be a power of two long:
/// what would stand behind its end never moves. A NaN counts as the largest number.
final class Sorting {
    /// Rows of which all pairs together are no more than this are counted.
    private static final long PAIRS = 1L << 22;

    private static final long COUNTED = 512;

    private Sorting() {}

    /// The first elements of each row in their order, and where they stood.
    record Sorted(Operand values, Operand places) {}

    /// @param rows a matrix
    /// @param count how many of each row
    static Sorted first(GraphWriter writer, Operand rows, Dim count, boolean descending) {
        var lines = rows.dim(0);
        var length = rows.dim(1);
        if (isCounted(lines, length)) {
            var places = ranked(writer, ranks(writer, rows, descending), count);
            var values = writer.add(
                    new GraphOp.GatherElements(
                            rows.value(), places.value(), 1, writer.fresh(rows.element(), places.dims())),
                    GraphOp.GatherElements::result);
            return new Sorted(values, places);
        }
        var numbers = writer.broadcast(writer.iota(ElementType.I64, List.of(length), 0), rows.dims());
        var sorted = network(writer, rows, numbers, descending);
        return new Sorted(start(writer, sorted.values, count), start(writer, sorted.places, count));
    }

    private static boolean isCounted(Dim lines, Dim length) {
        long longest = length.constant().orElse(Long.MAX_VALUE);
        return longest <= COUNTED && lines.constant().orElse(1) <= PAIRS / Math.max(longest * longest, 1);
    }

    private static Operand start(GraphWriter writer, Operand rows, Dim count) {
        return writer.slice(
                rows, List.of(Dim.ZERO, Dim.ZERO), List.of(Dim.ONE, Dim.ONE), List.of(rows.dim(0), count));
    }

    /// How many elements of its row come before each element.
    private static Operand ranks(GraphWriter writer, Operand rows, boolean descending) {
        var lines = rows.dim(0);
        var length = rows.dim(1);
        var line = List.of(Dim.ONE, length, Dim.ONE);
        var pairs = writer.mapTo(
                List.of(lines, length, length),
                ElementType.I32,
                List.of(
                        writer.reshape(rows, List.of(lines, length, Dim.ONE)),
                        writer.reshape(rows, List.of(lines, Dim.ONE, length)),
                        writer.iota(ElementType.I32, line, 1),
                        writer.iota(ElementType.I32, List.of(length), 0)),
                (s, v) -> s.cast(before(s, descending, v.get(1), v.get(3), v.get(0), v.get(2)), ElementType.I32));
        return writer.reduce(pairs, Combine.SUM, List.of(2), ElementType.I32, ElementType.I32);
    }

    /// The places of the elements of the ranks below `count`; each rank occurs once in a row.
    private static Operand ranked(GraphWriter writer, Operand ranks, Dim count) {
        var lines = ranks.dim(0);
        var length = ranks.dim(1);
        var meant = writer.mapTo(
                List.of(lines, count, length),
                ElementType.I64,
                List.of(
                        writer.reshape(ranks, List.of(lines, Dim.ONE, length)),
                        writer.iota(ElementType.I32, List.of(Dim.ONE, count, Dim.ONE), 1),
                        writer.iota(ElementType.I64, List.of(length), 0)),
                (s, v) -> s.select(
                        s.compare(v.get(0), Relation.EQUAL, v.get(1)), v.get(2), s.integer(ElementType.I64, 0)));
        return writer.reduce(meant, Combine.SUM, List.of(2), ElementType.I64, ElementType.I64);
    }

    /// Whether an element at a place comes before another one.
    private static Value before(
            Scalars s, boolean descending, Value left, Value leftPlace, Value right, Value rightPlace) {
        var more = s.compare(left, descending ? Relation.GREATER : Relation.LESS, right);
        var same = s.compare(left, Relation.EQUAL, right);
        if (left.type().elementType().isFloat()) {
            var leftNaN = s.compare(left, Relation.NOT_EQUAL, left);
            var rightNaN = s.compare(right, Relation.NOT_EQUAL, right);
            more = s.or(more, descending ? s.and(leftNaN, s.not(rightNaN)) : s.and(rightNaN, s.not(leftNaN)));
            same = s.or(same, s.and(leftNaN, rightNaN));
        }
        return s.or(more, s.and(same, s.less(leftPlace, rightPlace)));
    }

    /// Step by step, each element is compared with the one at a distance: in blocks that double, first with its mirror
    /// image in the block, then at half, a quarter ... of the block.
    private static Sorted network(GraphWriter writer, Operand rows, Operand places, boolean descending) {
        var length = rows.dim(1);
        var two = writer.scalar(ElementType.I64, 2);
        var one = writer.scalar(ElementType.I64, 1);
        var extent = writer.extent(length);
        var steps = length.constant().isPresent()
                ? Optional.of(writer.scalar(ElementType.I64, comparisons(length.constant().getAsLong())))
                : Optional.<Operand>empty();
        Optional<Operand> more =
                steps.isPresent() ? Optional.empty() : Optional.of(inside(writer, two, extent));
        var result = Loops.loop(
                writer, steps, more, Optional.empty(), List.of(rows, places, two, one), (iteration, running, carried) -> {
                    var block = carried.get(2);
                    var distance = carried.get(3);
                    var place = writer.iota(ElementType.I64, List.of(length), 0);
                    var other = writer.mapTo(
                            List.of(length), ElementType.I64, List.of(place, block, distance), (s, v) -> s.xor(
                                    v.get(0),
                                    s.select(
                                            s.compare(s.add(v.get(2), v.get(2)), Relation.EQUAL, v.get(1)),
                                            s.add(v.get(1), -1),
                                            v.get(2))));
                    var read = writer.mapTo(
                            List.of(length), ElementType.I64, List.of(other, extent), (s, v) ->
                                    s.min(v.get(0), s.add(v.get(1), -1)));
                    var values = carried.get(0);
                    var numbers = carried.get(1);
                    var operands = List.of(
                            values, writer.gather(values, read, 1), numbers, writer.gather(numbers, read, 1), place, other, extent);
                    var nextValues = exchanged(writer, rows, operands, descending, 0);
                    var nextNumbers = exchanged(writer, places, operands, descending, 2);
                    var last = writer.map(
                            ElementType.BOOL,
                            distance,
                            one,
                            (s, a, b) -> s.compare(a, Relation.EQUAL, b));
                    var nextBlock = writer.mapTo(
                            List.of(), ElementType.I64, List.of(last, block), (s, v) ->
                                    s.select(v.get(0), s.add(v.get(1), v.get(1)), v.get(1)));
                    var nextDistance = writer.mapTo(
                            List.of(), ElementType.I64, List.of(last, block, distance), (s, v) -> s.select(
                                    v.get(0), v.get(1), s.shiftRight(v.get(2), s.integer(ElementType.I64, 1))));
                    Optional<Operand> again =
                            steps.isPresent() ? Optional.empty() : Optional.of(inside(writer, nextBlock, extent));
                    return new Loops.Step(
                            again, List.of(nextValues, nextNumbers, nextBlock, nextDistance), List.of());
                });
        return new Sorted(result.carried().get(0), result.carried().get(1));
    }

    /// Whether a block is needed: the one of half its size does not hold a whole row.
    private static Operand inside(GraphWriter writer, Operand block, Operand extent) {
        return writer.mapTo(List.of(), ElementType.BOOL, List.of(block, extent), (s, v) ->
                s.less(v.get(0), s.add(v.get(1), v.get(1))));
    }

    /// The number of steps for a row.
    private static long comparisons(long length) {
        long doublings = length < 2 ? 0 : Long.SIZE - Long.numberOfLeadingZeros(length - 1);
        return doublings * (doublings + 1) / 2;
    }

    /// The element at hand or its partner, whichever belongs here.
    ///
    /// @param which the element at hand: 0 for values, 2 for places
    private static Operand exchanged(
            GraphWriter writer, Operand like, List<Operand> operands, boolean descending, int which) {
        return writer.mapTo(like.dims(), like.element(), operands, (s, v) -> {
            var partnerFirst = before(s, descending, v.get(1), v.get(3), v.get(0), v.get(2));
            var isFirst = s.less(v.get(4), v.get(5));
            var wrong = s.compare(isFirst, Relation.EQUAL, partnerFirst);
            var exists = s.less(v.get(5), v.get(6));
            return s.select(s.and(exists, wrong), v.get(which + 1), v.get(which));
        });
    }

    /// The order of the rows of the transposed matrix, that is of columns, as slices: by the first element that differs,
    /// equal ones by place. Each pair of them is compared.
    static Operand slices(GraphWriter writer, Operand columns) {
        var elements = columns.dim(0);
        var length = columns.dim(1);
        var slices = writer.transpose(columns, List.of(1, 0));
        var left = writer.reshape(slices, List.of(length, Dim.ONE, elements));
        var right = writer.reshape(slices, List.of(Dim.ONE, length, elements));
        var all = List.of(length, length, elements);
        var differs = writer.mapTo(all, ElementType.I32, List.of(left, right), (s, v) ->
                s.cast(s.compare(v.get(0), Relation.NOT_EQUAL, v.get(1)), ElementType.I32));
        var pairs = List.of(length, length);
        var where = writer.add(
                new GraphOp.ArgReduce(differs.value(), true, 2, false, writer.fresh(ElementType.I64, pairs)),
                GraphOp.ArgReduce::result);
        var row = writer.iota(ElementType.I64, List.of(length, Dim.ONE), 0);
        var column = writer.iota(ElementType.I64, List.of(length), 0);
        var one = element(writer, slices, writer.broadcast(row, pairs), where);
        var other = element(writer, slices, writer.broadcast(column, pairs), where);
        var counted = writer.mapTo(pairs, ElementType.I32, List.of(one, row, other, column), (s, v) -> s.cast(
                before(s, false, v.get(2), v.get(3), v.get(0), v.get(1)), ElementType.I32));
        var ranks = writer.reduce(counted, Combine.SUM, List.of(1), ElementType.I32, ElementType.I32);
        return ranked(writer, writer.reshape(ranks, List.of(Dim.ONE, length)), length);
    }

    private static Operand element(GraphWriter writer, Operand matrix, Operand row, Operand column) {
        var flat = writer.reshape(matrix, List.of(matrix.type().elements()));
        var width = writer.extent(matrix.dim(1));
        var place = writer.mapTo(row.dims(), ElementType.I64, List.of(row, column, width), (s, v) ->
                s.add(s.mul(v.get(0), v.get(2)), v.get(1)));
        return writer.gather(flat, place, 0);
    }
}
