package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.since;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Operators that pick out elements, as many as the data says.
final class SelectionOperators {
    static final List<Operator> ROWS = List.of(
            since(9, "NonZero", SelectionOperators::nonZero),
            since(9, "Compress", SelectionOperators::compress),
            since(10, "NonMaxSuppression", SelectionOperators::nonMaxSuppression));

    private SelectionOperators() {}

    /// The coordinates of the elements that are not 0: a row for each axis, a column for each of them.
    private static Operand nonZero(Call call) {
        var writer = call.writer();
        var x = call.input(0);
        var dims = x.rank() == 0 ? List.of(Dim.ONE) : x.dims();
        var flat = writer.reshape(x, List.of(x.type().elements()));
        var truths = writer.map(
                ElementType.BOOL, flat, (s, v) -> s.compare(v, Relation.NOT_EQUAL, s.number(v, 0)));
        var places = Selecting.places(writer, truths);
        var strides = new ArrayList<Dim>();
        for (int axis = 0; axis < dims.size(); axis++) {
            strides.add(Dim.product(dims.subList(axis + 1, dims.size())));
        }
        var column = List.of(Dim.of(dims.size()), Dim.ONE);
        return writer.mapTo(
                List.of(Dim.of(dims.size()), places.dim(0)),
                ElementType.I64,
                List.of(
                        places,
                        writer.reshape(writer.extents(ElementType.I64, strides), column),
                        writer.reshape(writer.extents(ElementType.I64, dims), column)),
                (s, v) -> s.rem(s.div(v.get(0), v.get(1)), v.get(2)));
    }

    /// The slices along an axis, or the elements, for which a condition holds. A condition that is too long fails the run
    /// if it holds beyond the end; one that is too short leaves out the rest.
    private static Operand compress(Call call) {
        var writer = call.writer();
        var x = call.input(0);
        var condition = call.input(1);
        if (condition.rank() != 1) {
            throw call.error("expected a condition of one axis, found %s".formatted(condition.type()));
        }
        var places = Selecting.places(writer, condition);
        var along = call.integer("axis");
        return along.isPresent()
                ? writer.gather(x, places, call.axis(along.get(), x.rank()))
                : writer.gather(writer.reshape(x, List.of(x.type().elements())), places, 0);
    }

    /// The corners of boxes, and their areas.
    private record Boxes(Operand top, Operand left, Operand bottom, Operand right) {
        List<Operand> all() {
            return List.of(top, left, bottom, right);
        }

        /// The same boxes under other extents, or some of them.
        Boxes each(UnaryOperator<Operand> change) {
            return new Boxes(change.apply(top), change.apply(left), change.apply(bottom), change.apply(right));
        }
    }

    /// In each round, for each image and class at once, the box of the highest score is taken, and all that overlap it too
    /// much lose theirs. It ends when no score is left or each class has as many boxes as it may have.
    private static Operand nonMaxSuppression(Call call) {
        var writer = call.writer();
        var given = call.input(0);
        var scores = call.input(1);
        if (given.rank() != 3 || scores.rank() != 3) {
            throw call.error("expected boxes [n, boxes, 4] and scores [n, classes, boxes], found %s and %s"
                    .formatted(given.type(), scores.type()));
        }
        var batch = writer.equal(given.dim(0), scores.dim(0), "images");
        var count = writer.equal(given.dim(1), scores.dim(2), "boxes");
        writer.equal(given.dim(2), Dim.of(4), "numbers of a box");
        var classes = scores.dim(1);
        var element = scores.element();
        var boxes = boxes(writer, given, call.flag("center_point_box", false), List.of(batch, Dim.ONE, count));
        var most = call.optional(2)
                .map(limit -> DimLogic.minimum(writer.bindScalar(writer.cast(limit, ElementType.I64)), count))
                .map(limit -> DimLogic.maximum(limit, Dim.ZERO))
                .orElse(Dim.ZERO);
        var overlap = call.optional(3).map(x -> writer.reshape(x, List.of())).orElseGet(() -> writer.scalar(element, 0));
        var dims = List.of(batch, classes, count);
        // Without a threshold every box takes part: those of a score of -inf or NaN come last.
        var alive = call.optional(4)
                .map(x -> writer.reshape(x, List.of()))
                .map(threshold -> writer.mapTo(dims, element, List.of(scores, threshold), (s, v) -> s.select(
                        s.less(v.get(1), v.get(0)), v.get(0), s.number(v.get(0), Double.NEGATIVE_INFINITY))))
                .orElseGet(() -> writer.map(scores, (s, v) -> s.select(isAlive(s, v), v, s.number(v, -Float.MAX_VALUE))));
        var places = writer.iota(ElementType.I64, List.of(count), 0);
        var each = List.of(batch, classes);
        var result = Loops.loop(
                writer,
                Optional.of(writer.extent(writer.settled(most))),
                Optional.of(any(writer, alive)),
                Optional.empty(),
                List.of(alive),
                (iteration, running, carried) -> {
                    var left = carried.getFirst();
                    var best = writer.add(
                            new GraphOp.ArgReduce(left.value(), true, 2, false, writer.fresh(ElementType.I64, each)),
                            GraphOp.ArgReduce::result);
                    var highest = writer.reduce(left, Combine.MAXIMUM, List.of(2), element, element);
                    var found = writer.map(ElementType.BOOL, highest, SelectionOperators::isAlive);
                    var column = List.of(batch, classes, Dim.ONE);
                    var chosen = boxes.each(side -> writer.add(
                            new GraphOp.GatherElements(
                                    writer.reshape(side, List.of(batch, count)).value(),
                                    best.value(),
                                    1,
                                    writer.fresh(side.element(), each)),
                            GraphOp.GatherElements::result));
                    var operands = new ArrayList<>(
                            List.of(left, writer.reshape(found, column), writer.reshape(best, column), places, overlap));
                    operands.addAll(boxes.all());
                    chosen.all().forEach(side -> operands.add(writer.reshape(side, column)));
                    var next = writer.mapTo(dims, element, operands, (s, v) -> {
                        var same = s.compare(v.get(2), Relation.EQUAL, v.get(3));
                        var gone = s.and(v.get(1), s.or(same, overlaps(s, v.subList(5, 9), v.subList(9, 13), v.get(4))));
                        return s.select(gone, s.number(v.get(0), Double.NEGATIVE_INFINITY), v.get(0));
                    });
                    var taken = writer.mapTo(each, ElementType.I64, List.of(found, best), (s, v) ->
                            s.select(v.get(0), v.get(1), s.integer(ElementType.I64, -1)));
                    return new Loops.Step(Optional.of(any(writer, next)), List.of(next), List.of(taken));
                });
        return rows(writer, result.scanned().getFirst(), classes);
    }

    private static Value isAlive(Scalars s, Value score) {
        return s.less(s.number(score, Double.NEGATIVE_INFINITY), score);
    }

    private static Operand any(GraphWriter writer, Operand scores) {
        var truths = writer.map(ElementType.BOOL, scores, SelectionOperators::isAlive);
        return writer.reduce(truths, Combine.OR, List.of(0, 1, 2), ElementType.BOOL, ElementType.BOOL);
    }

    private static Boxes boxes(GraphWriter writer, Operand given, boolean centred, List<Dim> dims) {
        var numbers = IntStream.range(0, 4)
                .mapToObj(number -> writer.reshape(
                        writer.slice(
                                given,
                                List.of(Dim.ZERO, Dim.ZERO, Dim.of(number)),
                                List.of(Dim.ONE, Dim.ONE, Dim.ONE),
                                List.of(given.dim(0), given.dim(1), Dim.ONE)),
                        dims))
                .toList();
        if (centred) {
            Scalars.Binary low = (s, middle, size) -> s.sub(middle, s.div(size, 2));
            Scalars.Binary high = (s, middle, size) -> s.add(middle, s.div(size, 2));
            return new Boxes(
                    between(writer, numbers, 1, 3, low),
                    between(writer, numbers, 0, 2, low),
                    between(writer, numbers, 1, 3, high),
                    between(writer, numbers, 0, 2, high));
        }
        return new Boxes(
                between(writer, numbers, 0, 2, Scalars::min),
                between(writer, numbers, 1, 3, Scalars::min),
                between(writer, numbers, 0, 2, Scalars::max),
                between(writer, numbers, 1, 3, Scalars::max));
    }

    private static Operand between(GraphWriter writer, List<Operand> numbers, int one, int other, Scalars.Binary formula) {
        return writer.map(numbers.getFirst().element(), numbers.get(one), numbers.get(other), formula);
    }

    /// Whether the common part of two boxes is more than a share of what they cover together. Boxes without an area
    /// overlap nothing.
    private static Value overlaps(Scalars s, List<Value> one, List<Value> other, Value share) {
        var zero = s.number(share, 0);
        var height = s.sub(s.min(one.get(2), other.get(2)), s.max(one.get(0), other.get(0)));
        var width = s.sub(s.min(one.get(3), other.get(3)), s.max(one.get(1), other.get(1)));
        var common = s.mul(s.max(height, zero), s.max(width, zero));
        var first = area(s, one);
        var second = area(s, other);
        var together = s.sub(s.add(first, second), common);
        var real = s.and(s.less(zero, common), s.and(s.less(zero, first), s.less(zero, second)));
        return s.and(real, s.less(share, s.div(common, together)));
    }

    private static Value area(Scalars s, List<Value> box) {
        return s.mul(s.sub(box.get(2), box.get(0)), s.sub(box.get(3), box.get(1)));
    }

    /// What the rounds took, `[rounds, n, classes]` with -1 for nothing, as rows of image, class and box.
    private static Operand rows(GraphWriter writer, Operand taken, Dim classes) {
        var byClass = writer.transpose(taken, List.of(1, 2, 0));
        var rounds = byClass.dim(2);
        var flat = writer.reshape(byClass, List.of(byClass.type().elements()));
        var truths = writer.map(ElementType.BOOL, flat, (s, v) ->
                s.compare(v, Relation.GREATER_OR_EQUAL, s.integer(ElementType.I64, 0)));
        var places = Selecting.places(writer, truths);
        var column = List.of(places.dim(0), Dim.ONE);
        var perClass = writer.extent(rounds);
        var number = writer.map(ElementType.I64, places, perClass, Scalars::div);
        var kinds = writer.extent(classes);
        return writer.concat(
                List.of(
                        writer.reshape(writer.map(ElementType.I64, number, kinds, Scalars::div), column),
                        writer.reshape(writer.map(ElementType.I64, number, kinds, Scalars::rem), column),
                        writer.reshape(writer.gather(flat, places, 0), column)),
                1);
    }
}
