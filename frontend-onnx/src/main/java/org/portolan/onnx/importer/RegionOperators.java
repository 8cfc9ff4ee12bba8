package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.since;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Windows put back into images, and regions of images that the data gives.
final class RegionOperators {
    static final List<Operator> ROWS = List.of(
            since(18, "Col2Im", RegionOperators::columnsToImage),
            since(9, "MaxUnpool", RegionOperators::maxUnpool),
            since(10, "RoiAlign", RegionOperators::roiAlign),
            since(19, "DeformConv", RegionOperators::deformableConvolution));

    private RegionOperators() {}

    /// Each element of the image sums the elements of all windows that cover it: for each place in a window there is at
    /// most one.
    private static Operand columnsToImage(Call call) {
        var writer = call.writer();
        var x = call.input(0);
        var image = writer.bind(call.input(1));
        var block = writer.bind(call.input(2));
        int axes = image.size();
        if (x.rank() != 3 || axes != block.size()) {
            throw call.error("expected [n, channels * block, windows], an image and a block of equal rank, found %s, %s and %s"
                    .formatted(x.type(), image, block));
        }
        var strides = Windows.positive(call, "strides", axes);
        var dilations = Windows.positive(call, "dilations", axes);
        var pads = Windows.pads(call, axes);
        var counts = new ArrayList<Dim>();
        var dims = new ArrayList<>(block);
        dims.addAll(image);
        var operands = new ArrayList<Operand>();
        for (int axis = 0; axis < axes; axis++) {
            writer.check(image.get(axis), Relation.GREATER_OR_EQUAL, Dim.ZERO, "an image must not have a negative extent");
            writer.check(block.get(axis), Relation.GREATER, Dim.ZERO, "a block must have elements");
            var span = block.get(axis).minus(1).times(dilations.get(axis)).plus(1);
            var room = image.get(axis).plus(pads.get(axis)).plus(pads.get(axis + axes)).minus(span);
            counts.add(room.floorDivide(strides.get(axis)).plus(1));
            writer.check(counts.getLast(), Relation.GREATER_OR_EQUAL, Dim.ZERO, "a block must fit the padded image");
        }
        for (int axis = 0; axis < 2 * axes; axis++) {
            var line = new ArrayList<>(Collections.nCopies(2 * axes, Dim.ONE));
            line.set(axis, dims.get(axis));
            operands.add(writer.iota(ElementType.I64, line, axis));
        }
        counts.forEach(count -> operands.add(writer.extent(count)));
        var windows = Dim.product(counts);
        writer.equal(x.dim(2), windows, "windows");
        var places = Dim.product(block);
        var channels = writer.settled(x.dim(1).floorDivide(places));
        writer.equal(channels.times(places), x.dim(1), "channels, whole blocks of them");
        var pixels = Dim.product(image);
        // -1 where no window has this place there.
        var sources = writer.mapTo(dims, ElementType.I64, operands, (s, v) -> {
            var zero = s.integer(ElementType.I64, 0);
            Value flat = zero;
            Value covered = s.truth(true);
            for (int axis = 0; axis < axes; axis++) {
                var stride = s.integer(ElementType.I64, strides.get(axis));
                var shift = s.integer(ElementType.I64, dilations.get(axis));
                var pad = s.integer(ElementType.I64, pads.get(axis));
                var begin = s.sub(s.add(v.get(axes + axis), pad), s.mul(v.get(axis), shift));
                var window = s.div(begin, stride);
                var whole = s.compare(s.mul(window, stride), Relation.EQUAL, begin);
                var inside = s.and(
                        s.compare(begin, Relation.GREATER_OR_EQUAL, zero), s.less(window, v.get(2 * axes + axis)));
                covered = s.and(covered, s.and(whole, inside));
                flat = s.add(s.mul(flat, v.get(2 * axes + axis)), window);
            }
            return s.select(covered, flat, s.integer(ElementType.I64, -1));
        });
        var lines = writer.reshape(x, List.of(x.dim(0).times(channels), places, windows));
        var index = writer.reshape(sources, List.of(Dim.ONE, places, pixels));
        var shape = List.of(lines.dim(0), places, pixels);
        var read = writer.add(
                new GraphOp.GatherElements(
                        lines.value(),
                        writer.broadcast(writer.map(index, (s, v) -> s.max(v, s.number(v, 0))), shape).value(),
                        2,
                        writer.fresh(x.element(), shape)),
                GraphOp.GatherElements::result);
        var meant = writer.mapTo(shape, x.element(), List.of(read, index), (s, v) -> s.select(
                s.compare(v.get(1), Relation.GREATER_OR_EQUAL, s.number(v.get(1), 0)), v.get(0), s.number(v.get(0), 0)));
        var sums = writer.reduce(meant, Combine.SUM, List.of(1), GraphWriter.accumulator(x.element()), x.element());
        var result = new ArrayList<>(List.of(x.dim(0), channels));
        result.addAll(image);
        return writer.reshape(sums, result);
    }

    /// The elements back at the places that MaxPool took them from, zeros elsewhere. Places count in the tensor that the
    /// windows span; a larger one that is asked for has it in its first corner.
    private static Operand maxUnpool(Call call) {
        var writer = call.writer();
        var x = call.input(0);
        var indices = call.input(1);
        int axes = x.rank() - 2;
        if (axes < 1 || indices.rank() != x.rank()) {
            throw call.error("expected [n, channels, ..] and indices of equal extents, found %s and %s"
                    .formatted(x.type(), indices.type()));
        }
        if (!call.has("kernel_shape")) throw call.error("kernel_shape is missing");
        var kernel = Windows.positive(call, "kernel_shape", axes);
        var strides = Windows.positive(call, "strides", axes);
        var pads = Windows.pads(call, axes);
        for (int axis = 0; axis < x.rank(); axis++) {
            writer.equal(x.dim(axis), indices.dim(axis), "elements and their indices");
        }
        var dims = new ArrayList<>(x.dims().subList(0, 2));
        for (int axis = 0; axis < axes; axis++) {
            var span = x.dim(axis + 2).minus(1).times(strides.get(axis)).plus(kernel.get(axis));
            dims.add(span.minus(pads.get(axis)).minus(pads.get(axis + axes)));
            writer.check(dims.getLast(), Relation.GREATER_OR_EQUAL, Dim.ZERO, "the padding must not exceed the image");
        }
        var count = List.of(Dim.product(dims));
        var elements = List.of(x.type().elements());
        var empty = writer.filled(x.element(), count, 0);
        var flat = writer.add(
                new GraphOp.ScatterElements(
                        empty.value(),
                        writer.reshape(indices, elements).value(),
                        writer.reshape(x, elements).value(),
                        0,
                        Optional.empty(),
                        writer.fresh(x.element(), count)),
                GraphOp.ScatterElements::result);
        var image = writer.reshape(flat, dims);
        return call.optional(2)
                .map(writer::bind)
                .map(wanted -> {
                    if (wanted.size() != x.rank()) {
                        throw call.error("output_shape %s for %s".formatted(wanted, x.type()));
                    }
                    for (var extent : wanted) {
                        writer.check(extent, Relation.GREATER_OR_EQUAL, Dim.ZERO, "output_shape must not be negative");
                    }
                    return writer.pad(
                            image, Optional.empty(), Collections.nCopies(x.rank(), Dim.ZERO), GraphOp.PadMode.CONSTANT, wanted);
                })
                .orElse(image);
    }

    /// Regions of feature maps, each as a grid of cells, each the mean or the largest of samples between the elements.
    private static Operand roiAlign(Call call) {
        var writer = call.writer();
        var x = call.input(0);
        var regions = call.input(1);
        if (x.rank() != 4 || regions.rank() != 2 || call.input(2).rank() != 1) {
            throw call.error("expected [n, c, h, w], regions [count, 4] and images [count], found %s, %s and %s"
                    .formatted(x.type(), regions.type(), call.input(2).type()));
        }
        writer.equal(regions.dim(1), Dim.of(4), "numbers of a region");
        boolean half = call.text("coordinate_transformation_mode", call.opset() < 16 ? "output_half_pixel" : "half_pixel")
                .equals("half_pixel");
        boolean largest = switch (call.text("mode", "avg")) {
            case "avg" -> false;
            case "max" -> true;
            default -> throw call.error("mode '%s'".formatted(call.text("mode", "")));
        };
        long fixed = call.integer("sampling_ratio", 0);
        double scale = call.number("spatial_scale", 1);
        var element = x.element();
        var count = writer.equal(regions.dim(0), call.input(2).dim(0), "regions and their images");
        var sides = List.of(
                Side.of(call, regions, 1, call.integer("output_height", 1), x.dim(2), scale, half, fixed),
                Side.of(call, regions, 0, call.integer("output_width", 1), x.dim(3), scale, half, fixed));
        var high = sides.get(0);
        var wide = sides.get(1);
        // Cells, samples and the two elements around a sample, of both sides.
        var all = List.of(count, high.cells, wide.cells, high.samples, wide.samples, Dim.of(2), Dim.of(2));
        var down = List.of(count, high.cells, Dim.ONE, high.samples, Dim.ONE, Dim.of(2), Dim.ONE);
        var across = List.of(count, Dim.ONE, wide.cells, Dim.ONE, wide.samples, Dim.ONE, Dim.of(2));
        var places = writer.mapTo(
                all,
                ElementType.I64,
                List.of(writer.reshape(high.places, down), writer.reshape(wide.places, across), writer.extent(x.dim(3))),
                (s, v) -> s.add(s.mul(v.get(0), v.get(2)), v.get(1)));
        var weights = writer.mapTo(
                all,
                element,
                List.of(writer.reshape(high.weights, down), writer.reshape(wide.weights, across)),
                (s, v) -> s.mul(v.get(0), v.get(1)));
        var images = writer.reshape(
                writer.gather(x, call.input(2), 0), List.of(count, x.dim(1), x.dim(2).times(x.dim(3))));
        var channels = x.dim(1);
        var shape = List.of(count, channels, Dim.product(all.subList(1, 7)));
        var index = writer.broadcast(writer.reshape(places, List.of(count, Dim.ONE, shape.get(2))), shape);
        var read = writer.add(
                new GraphOp.GatherElements(images.value(), index.value(), 2, writer.fresh(element, shape)),
                GraphOp.GatherElements::result);
        var cells = high.cells.times(wide.cells);
        var around = Dim.product(all.subList(3, 7));
        var apart = new ArrayList<>(List.of(count, channels));
        apart.addAll(all.subList(1, 7));
        var products = writer.reshape(
                writer.mapTo(
                        apart,
                        element,
                        List.of(writer.reshape(read, apart), writer.reshape(weights, prepended(all))),
                        (s, v) -> s.mul(v.get(0), v.get(1))),
                List.of(count, channels, cells, around));
        var result = List.of(count, channels, high.cells, wide.cells);
        if (largest) {
            var taken = writer.mapTo(
                    apart,
                    element,
                    List.of(
                            writer.reshape(products, apart),
                            writer.reshape(high.sampled(writer), prepended(down)),
                            writer.reshape(wide.sampled(writer), prepended(across))),
                    (s, v) -> s.select(
                            s.and(v.get(1), v.get(2)), v.get(0), s.number(element, Double.NEGATIVE_INFINITY)));
            var flat = writer.reshape(taken, products.dims());
            var most = writer.reduce(flat, Combine.MAXIMUM, List.of(3), element, element);
            return writer.reshape(perSamples(writer, most, high, wide, (s, value, samples) -> s.select(
                    s.less(s.number(samples, 0), samples), value, s.number(value, 0))), result);
        }
        var sums = writer.reduce(products, Combine.SUM, List.of(3), GraphWriter.accumulator(element), element);
        return writer.reshape(
                perSamples(writer, sums, high, wide, (s, value, samples) ->
                        s.div(value, s.max(samples, s.number(samples, 1)))),
                result);
    }

    /// A formula of what each cell, `[regions, channels, cells]`, has and of how many samples that is from.
    private static Operand perSamples(GraphWriter writer, Operand cells, Side high, Side wide, Scalars.Binary formula) {
        var column = List.of(cells.dim(0), Dim.ONE, Dim.ONE);
        return writer.mapTo(
                cells.dims(),
                cells.element(),
                List.of(cells, writer.reshape(high.grid, column), writer.reshape(wide.grid, column)),
                (s, v) -> formula.apply(s, v.get(0), s.mul(v.get(1), v.get(2))));
    }

    private static List<Dim> prepended(List<Dim> dims) {
        var result = new ArrayList<>(dims);
        result.add(1, Dim.ONE);
        return result;
    }

    /// One side of the regions.
    ///
    /// @param samples how many samples a cell has at most
    /// @param grid how many it has, a number for each region; 0 for a region without an area
    /// @param places `[regions, cells, samples, 2]`: the two elements around each sample
    /// @param weights the same for their weights; 0 for samples outside the map, and beyond those of the region
    private record Side(Dim cells, Dim samples, Operand grid, Operand places, Operand weights) {
        static Side of(
                Call call, Operand regions, int first, long cells, Dim extent, double scale, boolean half, long fixed) {
            var writer = call.writer();
            var element = regions.element();
            if (cells < 1 || fixed < 0) {
                throw call.error("%d cells and a sampling_ratio of %d".formatted(cells, fixed));
            }
            var low = column(writer, regions, first);
            var high = column(writer, regions, first + 2);
            var start = writer.map(low, (s, v) -> s.add(s.mul(v, scale), half ? -0.5 : 0));
            var size = writer.map(element, low, high, (s, a, b) -> {
                var length = s.sub(s.mul(b, scale), s.mul(a, scale));
                return half ? length : s.max(length, s.number(length, 1));
            });
            var grid = fixed > 0
                    ? writer.filled(element, size.dims(), fixed)
                    : writer.map(size, (s, v) -> s.select(
                            s.less(s.number(v, 0), v), s.ceil(s.div(v, cells)), s.number(v, 0)));
            var samples = fixed > 0 ? Dim.of(fixed) : most(writer, grid);
            var dims = List.of(regions.dim(0), Dim.of(cells), samples, Dim.of(2));
            var each = List.of(regions.dim(0), Dim.ONE, Dim.ONE, Dim.ONE);
            var operands = List.of(
                    writer.reshape(start, each),
                    writer.reshape(size, each),
                    writer.reshape(grid, each),
                    writer.iota(ElementType.I64, List.of(Dim.of(cells), Dim.ONE, Dim.ONE), 0),
                    writer.iota(ElementType.I64, List.of(samples, Dim.ONE), 0),
                    writer.iota(ElementType.I64, List.of(Dim.of(2)), 0),
                    writer.extent(extent));
            var places = writer.mapTo(dims, ElementType.I64, operands, (s, v) -> place(s, at(s, v, cells), v));
            var weights = writer.mapTo(dims, element, operands, (s, v) -> {
                var at = at(s, v, cells);
                var base = s.cast(s.min(s.floor(inside(s, at)), last(s, at, v.get(6))), ElementType.I64);
                var fraction = s.sub(s.min(inside(s, at), last(s, at, v.get(6))), s.cast(base, element));
                var second = s.compare(v.get(5), Relation.EQUAL, s.integer(ElementType.I64, 1));
                var weight = s.select(second, fraction, s.sub(s.number(fraction, 1), fraction));
                var within = s.and(
                        s.compare(at, Relation.GREATER_OR_EQUAL, s.number(at, -1)),
                        s.compare(at, Relation.LESS_OR_EQUAL, s.cast(v.get(6), element)));
                var sampled = s.less(s.cast(v.get(4), element), v.get(2));
                return s.select(s.and(within, sampled), weight, s.number(weight, 0));
            });
            return new Side(Dim.of(cells), samples, grid, places, weights);
        }

        /// Whether a region has a sample.
        Operand sampled(GraphWriter writer) {
            var each = List.of(places.dim(0), Dim.ONE, Dim.ONE, Dim.ONE);
            return writer.mapTo(
                    places.dims(),
                    ElementType.BOOL,
                    List.of(
                            writer.iota(ElementType.I64, List.of(samples, Dim.ONE), 0),
                            writer.reshape(grid, each)),
                    (s, v) -> s.less(s.cast(v.get(0), grid.element()), v.get(1)));
        }

        private static Operand column(GraphWriter writer, Operand regions, int number) {
            var part = writer.slice(
                    regions, Dim.list(0, number), Dim.list(1, 1), List.of(regions.dim(0), Dim.ONE));
            return writer.reshape(part, List.of(regions.dim(0)));
        }

        private static Dim most(GraphWriter writer, Operand grid) {
            var largest = writer.reduce(grid, Combine.MAXIMUM, List.of(0), grid.element(), grid.element());
            var number = writer.map(
                    ElementType.I64, largest, (s, v) -> s.cast(s.max(v, s.number(v, 1)), ElementType.I64));
            return Selecting.size(writer, number);
        }

        /// Where a sample lies among the elements.
        private static Value at(Scalars s, List<Value> v, long cells) {
            var element = v.get(0).type().elementType();
            var cell = s.div(v.get(1), cells);
            var step = s.div(s.mul(cell, s.add(s.cast(v.get(4), element), 0.5)), v.get(2));
            return s.add(s.add(v.get(0), s.mul(s.cast(v.get(3), element), cell)), step);
        }

        private static Value inside(Scalars s, Value at) {
            return s.max(at, s.number(at, 0));
        }

        private static Value last(Scalars s, Value at, Value extent) {
            return s.add(s.cast(extent, at.type().elementType()), -1);
        }

        private static Value place(Scalars s, Value at, List<Value> v) {
            var last = s.add(v.get(6), -1);
            var base = s.cast(s.floor(inside(s, at)), ElementType.I64);
            return s.max(s.min(s.add(base, v.get(5)), last), s.integer(ElementType.I64, 0));
        }
    }

    /// A convolution each of whose reads is moved by an offset of its own, so that it lies between the elements; what lies
    /// outside the image counts as 0.
    private static Operand deformableConvolution(Call call) {
        var writer = call.writer();
        var x = call.input(0);
        var weights = call.input(1);
        var offsets = call.input(2);
        if (x.rank() != 4 || weights.rank() != 4 || offsets.rank() != 4) {
            throw new Unsupported("other than images [n, c, h, w]: found %s".formatted(x.type()));
        }
        long groups = call.integer("group", 1);
        long parts = call.integer("offset_group", 1);
        if (groups < 1 || parts < 1) {
            throw call.error("group %d and offset_group %d".formatted(groups, parts));
        }
        var kernel = weights.dims().subList(2, 4);
        var windows = Windows.of(call, x.dims().subList(2, 4), kernel);
        var output = windows.output();
        var taps = Dim.product(kernel);
        var batch = x.dim(0);
        var inputs = writer.settled(x.dim(1).floorDivide(groups));
        writer.equal(inputs.times(groups), x.dim(1), "channels, whole groups of them");
        writer.equal(weights.dim(1), inputs, "channels of a group");
        writer.equal(x.dim(1).floorDivide(parts).times(parts), x.dim(1), "channels, whole offset groups of them");
        writer.equal(
                weights.dim(0).floorDivide(groups).times(groups), weights.dim(0), "results, whole groups of them");
        for (var kind = 2; kind > 0; kind--) {
            // Two offsets for each element of a window, and one share.
            var each = kind == 2 ? Optional.of(offsets) : call.optional(4);
            if (each.isEmpty()) continue;
            if (each.get().rank() != 4) throw call.error("expected offsets and a mask of rank 4, found %s".formatted(each.get().type()));
            var expected = List.of(batch, taps.times(parts * kind), output.get(0), output.get(1));
            for (int axis = 0; axis < 4; axis++) {
                writer.equal(each.get().dim(axis), expected.get(axis), "offsets and mask of each window");
            }
        }
        // Batch, offset group, window row, window column, result row, result column.
        var dims = List.of(batch, Dim.of(parts), kernel.get(0), kernel.get(1), output.get(0), output.get(1));
        var both = List.of(batch, Dim.of(parts), kernel.get(0), kernel.get(1), Dim.of(2), output.get(0), output.get(1));
        var apart = writer.reshape(offsets, both);
        var sides = new ArrayList<Operand>();
        for (int side = 0; side < 2; side++) {
            var number = side;
            var starts = new ArrayList<>(Collections.nCopies(7, Dim.ZERO));
            starts.set(4, Dim.of(side));
            var one = new ArrayList<>(both);
            one.set(4, Dim.ONE);
            var offset = writer.reshape(writer.slice(apart, starts, Collections.nCopies(7, Dim.ONE), one), dims);
            var tap = new ArrayList<>(Collections.nCopies(6, Dim.ONE));
            tap.set(2 + side, kernel.get(side));
            var place = new ArrayList<>(Collections.nCopies(6, Dim.ONE));
            place.set(4 + side, output.get(side));
            sides.add(writer.mapTo(
                    dims,
                    x.element(),
                    List.of(
                            offset,
                            writer.iota(ElementType.I64, tap, 2 + side),
                            writer.iota(ElementType.I64, place, 4 + side),
                            writer.extent(windows.low().get(side))),
                    (s, v) -> {
                        var at = s.sub(
                                s.add(
                                        s.mul(v.get(2), s.integer(ElementType.I64, windows.strides().get(number))),
                                        s.mul(v.get(1), s.integer(ElementType.I64, windows.dilations().get(number)))),
                                v.get(3));
                        return s.add(s.cast(at, x.element()), v.get(0));
                    }));
        }
        var columns = columns(call, x, sides, parts, taps, Dim.product(output));
        var rows = inputs.times(taps);
        var grouped = writer.reshape(columns, List.of(batch, Dim.of(groups), rows, Dim.product(output)));
        var filters = writer.reshape(
                weights, List.of(Dim.ONE, Dim.of(groups), weights.dim(0).floorDivide(groups), rows));
        var product = MatrixOperators.product(writer, filters, grouped);
        var result = List.of(batch, weights.dim(0), output.get(0), output.get(1));
        return ConvolutionOperators.biased(call, writer.reshape(product, result), call.optional(3));
    }

    /// The reads of all windows, `[n, channels, taps, results]`.
    private static Operand columns(Call call, Operand x, List<Operand> sides, long parts, Dim taps, Dim results) {
        var writer = call.writer();
        var element = x.element();
        var batch = x.dim(0);
        var channels = x.dim(1).floorDivide(parts);
        var source = writer.reshape(x, List.of(batch.times(parts), channels, x.dim(2).times(x.dim(3))));
        var lines = List.of(batch.times(parts), Dim.ONE, taps.times(results));
        var shape = List.of(batch.times(parts), channels, taps.times(results));
        var operands = List.of(
                writer.reshape(sides.get(0), lines),
                writer.reshape(sides.get(1), lines),
                writer.extent(x.dim(2)),
                writer.extent(x.dim(3)));
        Operand total = null;
        for (int corner = 0; corner < 4; corner++) {
            int down = corner / 2;
            int across = corner % 2;
            var index = writer.mapTo(lines, ElementType.I64, operands, (s, v) -> {
                var row = clamped(s, place(s, v.get(0), down), v.get(2));
                var column = clamped(s, place(s, v.get(1), across), v.get(3));
                return s.add(s.mul(row, v.get(3)), column);
            });
            var weight = writer.mapTo(lines, element, operands, (s, v) ->
                    s.mul(share(s, v.get(0), down, v.get(2)), share(s, v.get(1), across, v.get(3))));
            var read = writer.add(
                    new GraphOp.GatherElements(
                            source.value(), writer.broadcast(index, shape).value(), 2, writer.fresh(element, shape)),
                    GraphOp.GatherElements::result);
            var part = writer.mapTo(shape, element, List.of(read, weight), (s, v) -> s.mul(v.get(0), v.get(1)));
            total = total == null ? part : writer.map(element, total, part, Scalars::add);
        }
        var masked = total;
        if (call.optional(4).isPresent()) {
            var mask = writer.reshape(call.input(4), lines);
            masked = writer.mapTo(shape, element, List.of(total, mask), (s, v) -> s.mul(v.get(0), v.get(1)));
        }
        return writer.reshape(masked, List.of(batch, x.dim(1), taps, results));
    }

    private static Value place(Scalars s, Value at, int more) {
        return s.add(s.cast(s.floor(at), ElementType.I64), more);
    }

    private static Value clamped(Scalars s, Value place, Value extent) {
        return s.max(s.min(place, s.add(extent, -1)), s.integer(ElementType.I64, 0));
    }

    /// The weight of one of the two elements around a place; 0 outside.
    private static Value share(Scalars s, Value at, int more, Value extent) {
        var fraction = s.sub(at, s.floor(at));
        var place = place(s, at, more);
        var inside = s.and(
                s.compare(place, Relation.GREATER_OR_EQUAL, s.integer(ElementType.I64, 0)), s.less(place, extent));
        var weight = more == 1 ? fraction : s.sub(s.number(fraction, 1), fraction);
        return s.select(inside, weight, s.number(weight, 0));
    }
}
