package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.several;
import static org.portolan.onnx.importer.Operator.since;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.portolan.ir.GraphOp.PadMode;
import org.portolan.ir.Relation;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// The same elements in another arrangement, and the arithmetic of extents.
final class ShapeOperators {
    static final List<Operator> ROWS = List.of(
            since(1, "Shape", ShapeOperators::shape),
            since(1, "Size", call -> call.writer().extent(call.input(0).type().elements())),
            since(1, "Reshape", ShapeOperators::reshape),
            since(1, "Flatten", ShapeOperators::flatten),
            since(1, "Squeeze", ShapeOperators::squeeze),
            since(1, "Unsqueeze", ShapeOperators::unsqueeze),
            since(1, "Transpose", ShapeOperators::transpose),
            since(8, "Expand", ShapeOperators::expand),
            since(1, "Concat", ShapeOperators::concat),
            several(1, "Split", ShapeOperators::split),
            since(1, "Slice", SliceOperator::slice),
            since(6, "Tile", ShapeOperators::tile),
            since(1, "Pad", ShapeOperators::pad),
            since(1, "DepthToSpace", ShapeOperators::depthToSpace),
            since(1, "SpaceToDepth", ShapeOperators::spaceToDepth),
            since(18, "CenterCropPad", ShapeOperators::centerCropPad));

    /// The extents of an unsqueezed tensor are expressions that grow with the square of the rank where the axes are not known.
    private static final int UNKNOWN_AXES = 16;

    private ShapeOperators() {}

    private static Operand shape(Call call) {
        var dims = call.input(0).dims();
        long rank = dims.size();
        int start = (int) bounded(call.integer("start", 0), rank);
        int end = (int) bounded(call.integer("end", rank), rank);
        return call.writer().extents(ElementType.I64, start < end ? dims.subList(start, end) : List.of());
    }

    private static long bounded(long axis, long rank) {
        return Math.clamp(axis < 0 ? axis + rank : axis, 0L, rank);
    }

    private static Operand reshape(Call call) {
        var x = call.input(0);
        var target = call.opset() < 5
                ? call.integers("shape", List.of()).stream().map(Dim::of).toList()
                : call.writer().bind(call.input(1));
        return reshape(call, x, target, call.flag("allowzero", false));
    }

    /// Extents of -1 are inferred, and extents of 0 are the input's unless zeros are allowed.
    private static Operand reshape(Call call, Operand x, List<Dim> target, boolean zeros) {
        var writer = call.writer();
        var minus = new ArrayList<Dim>();
        var base = new ArrayList<Dim>();
        for (int axis = 0; axis < target.size(); axis++) {
            var wish = target.get(axis);
            if (wish.constant().orElse(0) < -1) {
                throw call.error("the extent %s of the new shape".formatted(wish));
            }
            boolean sure = DimLogic.atLeast(wish) > 0;
            minus.add(sure ? Dim.ZERO : DimLogic.negative(DimLogic.clamped(wish)));
            var own = sure ? wish : DimLogic.maximum(wish, Dim.ZERO);
            if (!zeros && !sure) {
                if (wish.isConstant(0) && axis >= x.rank()) {
                    throw call.error(
                            "extent %d of the new shape is 0, which %s does not have".formatted(axis, x.type()));
                }
                var copied = axis < x.rank() ? x.dim(axis) : Dim.ZERO;
                own = own.plus(DimLogic.equal(DimLogic.clamped(wish), Dim.ZERO).times(copied));
            }
            base.add(own);
        }
        long wildcards = minus.stream().filter(truth -> truth.isConstant(1)).count();
        if (wildcards > 1) {
            throw call.error("more than one extent of the new shape is -1");
        }
        var inferred = writer.settled(minus);
        var own = writer.settled(base);
        Dim rest = Dim.ONE;
        for (int axis = 0; axis < target.size(); axis++) {
            rest = rest.times(writer.settled(own.get(axis).plus(inferred.get(axis))));
        }
        if (wildcards == 1 && rest.isConstant(0)) {
            throw call.error("an extent of -1 cannot be inferred beside an extent of 0");
        }
        var total = x.type().elements();
        var quotient =
                rest.isConstant(0) ? Dim.ZERO : writer.settled(total.floorDivide(DimLogic.maximum(rest, Dim.ONE)));
        var dims = new ArrayList<Dim>();
        for (int axis = 0; axis < target.size(); axis++) {
            dims.add(own.get(axis).plus(inferred.get(axis).times(quotient)));
        }
        var shape = writer.settled(dims);
        writer.check(Dim.product(shape), Relation.EQUAL, total, "the new shape must keep the number of elements");
        return writer.reshape(x, shape);
    }

    private static Operand flatten(Call call) {
        var x = call.input(0);
        long axis = call.integer("axis", 1);
        int split = axis == x.rank() ? x.rank() : call.axis(axis, x.rank());
        return call.writer()
                .reshape(
                        x,
                        List.of(
                                Dim.product(x.dims().subList(0, split)),
                                Dim.product(x.dims().subList(split, x.rank()))));
    }

    /// The axes of an operator that took them as an attribute before a version and takes them as an input since.
    static Optional<List<Dim>> axes(Call call, long inputSince, int input) {
        if (call.opset() < inputSince) {
            return call.integers("axes").map(axes -> axes.stream().map(Dim::of).toList());
        }
        return call.optional(input).map(call.writer()::bind);
    }

    private static Optional<List<Long>> constants(List<Dim> dims) {
        return dims.stream().allMatch(Dim::isConstant)
                ? Optional.of(
                        dims.stream().map(dim -> dim.constant().orElseThrow()).toList())
                : Optional.empty();
    }

    private static Operand squeeze(Call call) {
        var x = call.input(0);
        var given = axes(call, 13, 1);
        if (given.isEmpty()) {
            return call.writer()
                    .reshape(
                            x,
                            x.dims().stream().filter(dim -> !dim.isConstant(1)).toList());
        }
        var constant = constants(given.get());
        if (constant.isPresent()) {
            var axes = call.axes(constant.get(), x.rank());
            var dims = new ArrayList<Dim>();
            for (int axis = 0; axis < x.rank(); axis++) {
                if (axes.contains(axis)) {
                    call.writer().equal(x.dim(axis), Dim.ONE, "a squeezed axis");
                } else {
                    dims.add(x.dim(axis));
                }
            }
            return call.writer().reshape(x, dims);
        }
        int count = x.rank() - given.get().size();
        if (count < 0) throw call.error("%d axes cannot be squeezed out of %s".formatted(given.get().size(), x.type()));
        var gone = call.writer().named(given.get(), x.rank());
        var dims = call.writer()
                .settled(DimLogic.filtered(
                        x.dims(), gone.stream().map(DimLogic::not).toList(), count));
        call.writer().check(Dim.product(dims), Relation.EQUAL, x.type().elements(), "squeezed axes must have extent 1");
        return call.writer().reshape(x, dims);
    }

    private static Operand unsqueeze(Call call) {
        var x = call.input(0);
        var given = axes(call, 13, 1).orElseThrow(() -> call.error("the axes are missing"));
        int rank = x.rank() + given.size();
        var constant = constants(given);
        if (constant.isPresent()) {
            var axes = call.axes(constant.get(), rank);
            var dims = new ArrayList<Dim>();
            var old = x.dims().iterator();
            for (int axis = 0; axis < rank; axis++) {
                dims.add(axes.contains(axis) ? Dim.ONE : old.next());
            }
            return call.writer().reshape(x, dims);
        }
        if (rank > UNKNOWN_AXES) throw call.error("%d axes whose places are not known".formatted(given.size()));
        var fresh = call.writer().named(given, rank);
        var dims = new ArrayList<Dim>();
        Dim before = Dim.ZERO;
        for (int axis = 0; axis < rank; axis++) {
            Dim own = Dim.ZERO;
            for (int old = 0; old < x.rank(); old++) {
                own = own.plus(DimLogic.equal(before, Dim.of(axis - old)).times(x.dim(old)));
            }
            dims.add(DimLogic.select(fresh.get(axis), Dim.ONE, own));
            before = before.plus(fresh.get(axis));
        }
        return call.writer().reshape(x, dims);
    }

    private static Operand transpose(Call call) {
        var x = call.input(0);
        var reversed = LongStream.range(0, x.rank()).boxed().toList().reversed();
        var permutation = call.integers("perm", reversed);
        if (permutation.size() != x.rank()) {
            throw call.error("perm %s does not fit a rank of %d".formatted(permutation, x.rank()));
        }
        return call.writer().transpose(x, call.axes(permutation, x.rank()));
    }

    private static Operand expand(Call call) {
        var x = call.input(0);
        var target = call.writer().bind(call.input(1));
        int rank = Math.max(x.rank(), target.size());
        var dims = new ArrayList<Dim>();
        for (int axis = 0; axis < rank; axis++) {
            var own = axis < rank - x.rank() ? Dim.ONE : x.dim(axis - rank + x.rank());
            var wish = axis < rank - target.size() ? Dim.ONE : target.get(axis - rank + target.size());
            dims.add(expanded(call, own, wish));
        }
        return call.writer().broadcast(x, dims);
    }

    private static Dim expanded(Call call, Dim own, Dim wish) {
        if (own.isConstant(1) || own.equals(wish)) {
            call.writer().check(wish, Relation.GREATER_OR_EQUAL, Dim.ZERO, "an extent of the new shape is negative");
            return wish;
        }
        if (wish.isConstant(1)) {
            return own;
        }
        if (own.isConstant() && wish.isConstant()) {
            throw call.error("extent %s does not expand to %s".formatted(own, wish));
        }
        if (DimLogic.isBound(wish)) {
            return own.isConstant() ? own : DimLogic.select(DimLogic.equal(own, Dim.ONE), wish, own);
        }
        if (own.isConstant() || wish.isConstant()) {
            return own.isConstant() ? own : wish;
        }
        return call.writer().equal(own, wish, "expansion");
    }

    private static Operand concat(Call call) {
        var inputs = call.all();
        int rank = inputs.getFirst().rank();
        for (var input : inputs) {
            if (input.rank() != rank) {
                throw call.error("inputs of different rank: %s and %s"
                        .formatted(inputs.getFirst().type(), input.type()));
            }
        }
        return call.writer().concat(inputs, call.axis(call.integer("axis", 1), rank));
    }

    private static List<Operand> split(Call call) {
        var x = call.input(0);
        int axis = call.axis(call.integer("axis", 0), x.rank());
        var extent = x.dim(axis);
        var sizes = splitSizes(call, extent);
        var results = new ArrayList<Operand>();
        var start = Dim.ZERO;
        for (var size : sizes) {
            call.writer().check(size, Relation.GREATER_OR_EQUAL, Dim.ZERO, "the size of a part must not be negative");
            var starts = new ArrayList<>(Collections.nCopies(x.rank(), Dim.ZERO));
            starts.set(axis, start);
            var dims = new ArrayList<>(x.dims());
            dims.set(axis, size);
            results.add(call.writer().slice(x, starts, Collections.nCopies(x.rank(), Dim.ONE), dims));
            start = start.plus(size);
        }
        call.writer().check(start, Relation.EQUAL, extent, "the parts must make up the whole axis");
        return results;
    }

    private static List<Dim> splitSizes(Call call, Dim extent) {
        var given = call.opset() < 13
                ? call.integers("split")
                        .map(sizes -> sizes.stream().map(Dim::of).toList())
                : call.optional(1).map(call.writer()::bind);
        if (given.isPresent()) {
            if (given.get().size() != call.outputCount()) {
                throw call.error("%d sizes for %d outputs".formatted(given.get().size(), call.outputCount()));
            }
            return given.get();
        }
        int count = (int) Math.min(call.integer("num_outputs", call.outputCount()), Integer.MAX_VALUE);
        if (count != call.outputCount() || count < 1) {
            throw call.error("num_outputs is %d, but the node has %d outputs".formatted(count, call.outputCount()));
        }
        var part = extent.ceilDivide(count);
        var sizes = new ArrayList<>(Collections.nCopies(count - 1, part));
        sizes.add(extent.minus(part.times(count - 1L)));
        return sizes;
    }

    private static Operand tile(Call call) {
        var x = call.input(0);
        var repeats = call.writer().bind(call.input(1));
        if (repeats.size() != x.rank()) {
            throw call.error("%d repeats for a rank of %d".formatted(repeats.size(), x.rank()));
        }
        var apart = new ArrayList<Dim>();
        var repeated = new ArrayList<Dim>();
        var dims = new ArrayList<Dim>();
        for (int axis = 0; axis < x.rank(); axis++) {
            var times = repeats.get(axis);
            call.writer().check(times, Relation.GREATER_OR_EQUAL, Dim.ZERO, "a repeat must not be negative");
            if (!times.isConstant(1)) {
                apart.add(Dim.ONE);
                repeated.add(times);
            }
            apart.add(x.dim(axis));
            repeated.add(x.dim(axis));
            dims.add(times.times(x.dim(axis)));
        }
        var writer = call.writer();
        return writer.reshape(writer.broadcast(writer.reshape(x, apart), repeated), dims);
    }

    private static Operand pad(Call call) {
        var x = call.input(0);
        int rank = x.rank();
        var writer = call.writer();
        var pads = call.opset() < 11
                ? call.integers("pads", call.integers("paddings", List.of())).stream()
                        .map(Dim::of)
                        .toList()
                : writer.bind(call.input(1));
        var axes = call.opset() < 18
                ? Optional.<List<Dim>>empty()
                : call.optional(3).map(writer::bind);
        int count = axes.map(List::size).orElse(rank);
        if (pads.size() != 2 * count) {
            throw call.error("%d pads for %d axes".formatted(pads.size(), count));
        }
        var low = new ArrayList<Dim>();
        var dims = new ArrayList<Dim>();
        for (int axis = 0; axis < rank; axis++) {
            var before = perAxis(pads.subList(0, count), axes, axis, rank);
            var after = perAxis(pads.subList(count, 2 * count), axes, axis, rank);
            low.add(before);
            dims.add(x.dim(axis).plus(before).plus(after));
            writer.check(
                    dims.getLast(), Relation.GREATER_OR_EQUAL, Dim.ZERO, "padding must not remove more than there is");
        }
        var mode = switch (call.text("mode", "constant")) {
            case "constant" -> PadMode.CONSTANT;
            case "reflect" -> PadMode.REFLECT;
            case "edge" -> PadMode.EDGE;
            case "wrap" -> PadMode.WRAP;
            default -> throw call.error("mode '%s'".formatted(call.text("mode", "")));
        };
        var value = call.opset() < 11
                ? call.number("value").map(number -> writer.scalar(x.element(), number))
                : call.optional(2).map(operand -> writer.reshape(operand, List.of()));
        return writer.pad(x, mode == PadMode.CONSTANT ? value : Optional.empty(), low, mode, dims);
    }

    /// The number for an axis, where numbers are given for some axes only.
    private static Dim perAxis(List<Dim> numbers, Optional<List<Dim>> axes, int axis, int rank) {
        if (axes.isEmpty()) {
            return numbers.get(axis);
        }
        Dim result = Dim.ZERO;
        for (int i = 0; i < numbers.size(); i++) {
            result = result.plus(DimLogic.names(axes.get().get(i), axis, rank).times(numbers.get(i)));
        }
        return result;
    }

    private static Operand depthToSpace(Call call) {
        var x = call.input(0);
        long block = blockSize(call, x);
        var blocks = Dim.of(block);
        var writer = call.writer();
        var depth = x.dim(1).floorDivide(block * block);
        writer.check(depth.times(block * block), Relation.EQUAL, x.dim(1), "channels must be a multiple of the block");
        boolean columnFirst = call.text("mode", "DCR").equals("CRD");
        var apart = columnFirst
                ? List.of(x.dim(0), depth, blocks, blocks, x.dim(2), x.dim(3))
                : List.of(x.dim(0), blocks, blocks, depth, x.dim(2), x.dim(3));
        var order = columnFirst ? List.of(0, 1, 4, 2, 5, 3) : List.of(0, 3, 4, 1, 5, 2);
        return writer.reshape(
                writer.transpose(writer.reshape(x, apart), order),
                List.of(x.dim(0), depth, x.dim(2).times(block), x.dim(3).times(block)));
    }

    private static Operand spaceToDepth(Call call) {
        var x = call.input(0);
        long block = blockSize(call, x);
        var blocks = Dim.of(block);
        var writer = call.writer();
        var height = x.dim(2).floorDivide(block);
        var width = x.dim(3).floorDivide(block);
        writer.check(height.times(block), Relation.EQUAL, x.dim(2), "the height must be a multiple of the block");
        writer.check(width.times(block), Relation.EQUAL, x.dim(3), "the width must be a multiple of the block");
        var apart = writer.reshape(x, List.of(x.dim(0), x.dim(1), height, blocks, width, blocks));
        return writer.reshape(
                writer.transpose(apart, List.of(0, 3, 5, 1, 2, 4)),
                List.of(x.dim(0), x.dim(1).times(block * block), height, width));
    }

    private static long blockSize(Call call, Operand x) {
        long block = call.integer("blocksize", 0);
        if (block < 1 || block > 1 << 15 || x.rank() != 4) {
            throw call.error(
                    "blocksize %d for %s: expected a positive block and a rank of 4".formatted(block, x.type()));
        }
        return block;
    }

    /// Crops or pads with zeros around the centre.
    private static Operand centerCropPad(Call call) {
        var x = call.input(0);
        var target = call.writer().bind(call.input(1));
        var axes = call.axes(
                call.integers("axes", LongStream.range(0, x.rank()).boxed().toList()), x.rank());
        if (target.size() != axes.size()) {
            throw call.error("%d extents for %d axes".formatted(target.size(), axes.size()));
        }
        var low = new ArrayList<>(Collections.nCopies(x.rank(), Dim.ZERO));
        var dims = new ArrayList<>(x.dims());
        IntStream.range(0, axes.size()).forEach(i -> {
            int axis = axes.get(i);
            var more = target.get(i).minus(x.dim(axis));
            var crop = DimLogic.maximum(more.times(-1), Dim.ZERO);
            var grow = DimLogic.maximum(more, Dim.ZERO);
            low.set(axis, grow.floorDivide(2).minus(crop.floorDivide(2)));
            dims.set(axis, target.get(i));
        });
        return call.writer().pad(x, Optional.empty(), low, PadMode.CONSTANT, dims);
    }
}
