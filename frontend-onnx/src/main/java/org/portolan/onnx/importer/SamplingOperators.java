package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.since;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Reads between the elements, at places that another tensor gives.
final class SamplingOperators {
    private static final double CUBIC = -0.75;

    static final List<Operator> ROWS = List.of(
            since(16, "GridSample", SamplingOperators::gridSample),
            since(20, "AffineGrid", SamplingOperators::affineGrid));

    private SamplingOperators() {}

    /// How places are read.
    private record Mode(String filter, String padding, boolean corners) {
        static Mode of(Call call) {
            var filter = switch (call.text("mode", call.opset() < 20 ? "bilinear" : "linear")) {
                case "bilinear", "linear" -> "linear";
                case "bicubic", "cubic" -> "cubic";
                case "nearest" -> "nearest";
                default -> throw call.error("mode '%s'".formatted(call.text("mode", "")));
            };
            var padding = call.text("padding_mode", "zeros");
            if (!List.of("zeros", "border", "reflection").contains(padding)) {
                throw call.error("padding_mode '%s'".formatted(padding));
            }
            return new Mode(filter, padding, call.flag("align_corners", false));
        }

        int taps() {
            return filter.equals("cubic") ? 4 : filter.equals("linear") ? 2 : 1;
        }
    }

    /// The result element `[n, c, y..]` is the weighted sum of the input elements around the place `grid[n, y..]`,
    /// whose
    /// coordinates stand in the opposite order of the axes and go from -1 to 1. Each axis has some taps; all their
    /// combinations are one axis of places that are gathered and summed.
    private static Operand gridSample(Call call) {
        var writer = call.writer();
        var x = call.input(0);
        var grid = call.input(1);
        int axes = x.rank() - 2;
        if (axes < 1 || grid.rank() != x.rank()) {
            throw call.error(
                    "input %s and grid %s must have the same rank of at least 3".formatted(x.type(), grid.type()));
        }
        writer.equal(grid.dim(grid.rank() - 1), Dim.of(axes), "coordinates of the grid");
        writer.equal(grid.dim(0), x.dim(0), "batches");
        var mode = Mode.of(call);
        long taps = mode.taps();
        var points = Dim.product(grid.dims().subList(1, grid.rank() - 1));
        var flat = writer.reshape(grid, List.of(x.dim(0), points, Dim.of(axes)));
        Operand place = null;
        Operand weight = null;
        for (int axis = 0; axis < axes; axis++) {
            var along = coordinate(writer, flat, axes - 1 - axis);
            var extent = writer.extent(x.dim(axis + 2));
            var shape = new ArrayList<>(Collections.nCopies(axes + 2, Dim.ONE));
            shape.set(0, x.dim(0));
            shape.set(1, points);
            var at = writer.reshape(along, shape);
            var tapShape = new ArrayList<>(Collections.nCopies(axes, Dim.ONE));
            tapShape.set(axis, Dim.of(taps));
            var tap = writer.iota(ElementType.I64, tapShape, axis);
            shape.set(axis + 2, Dim.of(taps));
            var operands = List.of(at, tap, extent);
            var index = writer.mapTo(
                    shape,
                    ElementType.I64,
                    operands,
                    (s, v) -> inside(s, mode, tapIndex(s, mode, position(s, mode, v), v.get(1)), v.get(2)));
            var factor = writer.mapTo(shape, ElementType.F64, operands, (s, v) -> {
                var center = position(s, mode, v);
                var number = tapIndex(s, mode, center, v.get(1));
                var amount = amount(s, mode, s.abs(s.sub(center, s.cast(number, ElementType.F64))));
                return mode.padding.equals("zeros")
                        ? s.select(within(s, number, v.get(2)), amount, s.number(amount, 0))
                        : amount;
            });
            place = place == null
                    ? index
                    : writer.map(
                            ElementType.I64,
                            List.of(place, index, extent),
                            (s, v) -> s.add(s.mul(v.get(0), v.get(2)), v.get(1)),
                            "grid");
            weight = weight == null ? factor : writer.map(ElementType.F64, weight, factor, Scalars::mul);
        }
        return summed(call, x, grid, place, weight, points, Dim.of(power(taps, axes)));
    }

    private static long power(long base, int exponent) {
        long result = 1;
        for (int i = 0; i < exponent; i++) {
            result *= base;
        }
        return result;
    }

    private static Operand coordinate(GraphWriter writer, Operand flat, int index) {
        var slice = writer.slice(
                flat,
                List.of(Dim.ZERO, Dim.ZERO, Dim.of(index)),
                Collections.nCopies(3, Dim.ONE),
                List.of(flat.dim(0), flat.dim(1), Dim.ONE));
        return writer.cast(writer.reshape(slice, List.of(flat.dim(0), flat.dim(1))), ElementType.F64);
    }

    /// A coordinate from -1 to 1 as a place among the elements.
    private static Value position(Scalars s, Mode mode, List<Value> v) {
        var size = s.cast(v.get(2), ElementType.F64);
        var one = s.add(v.get(0), 1);
        var place = mode.corners ? s.mul(s.mul(one, 0.5), s.add(size, -1)) : s.add(s.mul(s.mul(one, size), 0.5), -0.5);
        if (mode.filter.equals("cubic")) {
            return place;
        }
        return switch (mode.padding) {
            case "border" -> s.min(s.max(place, s.number(place, 0)), s.add(size, -1));
            case "reflection" -> reflected(s, mode, place, size);
            default -> place;
        };
    }

    /// Mirrored at both ends: at the centres of the outermost elements, or at their outer edges.
    private static Value reflected(Scalars s, Mode mode, Value place, Value size) {
        double low = mode.corners ? 0 : -0.5;
        var range = mode.corners ? s.add(size, -1) : size;
        var single = s.compare(range, Relation.LESS_OR_EQUAL, s.number(range, 0));
        var twice = s.mul(range, 2);
        var folded = s.mod(s.add(place, -low), s.select(single, s.number(twice, 1), twice));
        var mirrored = s.select(s.less(range, folded), s.sub(twice, folded), folded);
        return s.select(single, s.number(place, 0), s.add(mirrored, low));
    }

    private static Value tapIndex(Scalars s, Mode mode, Value center, Value tap) {
        var base = switch (mode.filter) {
            case "nearest" -> s.round(center);
            case "linear" -> s.floor(center);
            default -> s.add(s.floor(center), -1);
        };
        return s.add(s.cast(base, ElementType.I64), tap);
    }

    private static Value within(Scalars s, Value index, Value extent) {
        return s.and(s.compare(index, Relation.GREATER_OR_EQUAL, s.integer(ElementType.I64, 0)), s.less(index, extent));
    }

    /// An index that can be read, whatever its weight.
    private static Value inside(Scalars s, Mode mode, Value index, Value extent) {
        var zero = s.integer(ElementType.I64, 0);
        var last = s.sub(extent, s.integer(ElementType.I64, 1));
        if (mode.padding.equals("reflection") && mode.filter.equals("cubic")) {
            var real = reflected(s, mode, s.cast(index, ElementType.F64), s.cast(extent, ElementType.F64));
            return s.max(s.min(s.cast(s.round(real), ElementType.I64), last), zero);
        }
        return s.max(s.min(index, last), zero);
    }

    private static Value amount(Scalars s, Mode mode, Value distance) {
        return switch (mode.filter) {
            case "nearest" -> s.number(distance, 1);
            case "linear" -> s.sub(s.number(distance, 1), distance);
            default -> ResizeOperators.cubic(s, distance, CUBIC);
        };
    }

    private static Operand summed(
            Call call, Operand x, Operand grid, Operand place, Operand weight, Dim points, Dim taps) {
        var writer = call.writer();
        var channels = x.dim(1);
        var elements = Dim.product(x.dims().subList(2, x.rank()));
        var reads = points.times(taps);
        var source = writer.reshape(x, List.of(x.dim(0), channels, elements));
        var shape = List.of(x.dim(0), channels, reads);
        var indices = writer.broadcast(writer.reshape(place, List.of(x.dim(0), Dim.ONE, reads)), shape);
        var taken = writer.add(
                new GraphOp.GatherElements(source.value(), indices.value(), 2, writer.fresh(x.element(), shape)),
                GraphOp.GatherElements::result);
        var apart = writer.reshape(taken, List.of(x.dim(0), channels, points, taps));
        var wide = GraphWriter.accumulator(x.element());
        var factors = writer.cast(writer.reshape(weight, List.of(x.dim(0), Dim.ONE, points, taps)), wide);
        var products = writer.mapTo(
                apart.dims(), wide, List.of(apart, factors), (s, v) -> s.mul(s.cast(v.get(0), wide), v.get(1)));
        var sums = writer.reduce(products, Combine.SUM, List.of(3), wide, x.element());
        var dims = new ArrayList<>(List.of(x.dim(0), channels));
        dims.addAll(grid.dims().subList(1, grid.rank() - 1));
        return writer.reshape(sums, dims);
    }

    /// Places from -1 to 1 along each axis, turned and moved by a matrix for each of the batch.
    private static Operand affineGrid(Call call) {
        var writer = call.writer();
        var theta = call.input(0);
        var size = writer.bind(call.input(1));
        int axes = size.size() - 2;
        if (theta.rank() != 3 || axes < 2 || axes > 3) {
            throw call.error("theta %s and %d sizes: expected [n, 2, 3] and 4, or [n, 3, 4] and 5"
                    .formatted(theta.type(), size.size()));
        }
        var element = theta.element();
        boolean corners = call.flag("align_corners", false);
        var spatial = size.subList(2, size.size());
        var columns = new ArrayList<Operand>();
        var table = new ArrayList<>(spatial);
        table.add(Dim.ONE);
        for (int axis = axes - 1; axis >= 0; axis--) {
            var line = new ArrayList<>(Collections.nCopies(axes + 1, Dim.ONE));
            line.set(axis, spatial.get(axis));
            var index = writer.iota(ElementType.I64, line, axis);
            columns.add(writer.mapTo(table, element, List.of(index, writer.extent(spatial.get(axis))), (s, v) -> {
                var i = s.cast(v.get(0), element);
                var n = s.cast(v.get(1), element);
                if (!corners) {
                    return s.add(s.div(s.add(s.mul(i, 2), 1), n), -1);
                }
                var more = s.add(n, -1);
                var single = s.compare(more, Relation.EQUAL, s.number(more, 0));
                var step = s.select(single, s.number(more, 0), s.div(s.number(more, 2), more));
                return s.add(s.mul(i, step), -1);
            }));
        }
        columns.add(writer.filled(element, table, 1));
        var points = Dim.product(spatial);
        var base = writer.reshape(writer.concat(columns, axes), List.of(points, Dim.of(axes + 1)));
        var turned = MatrixOperators.product(writer, base, writer.transpose(theta, List.of(0, 2, 1)));
        var dims = new ArrayList<>(List.of(theta.dim(0)));
        dims.addAll(spatial);
        dims.add(Dim.of(axes));
        return writer.reshape(turned, dims);
    }
}
