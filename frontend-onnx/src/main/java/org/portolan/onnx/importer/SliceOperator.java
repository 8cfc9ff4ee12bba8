package org.portolan.onnx.importer;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.portolan.ir.Relation;
import org.portolan.runtime.type.Dim;

/// `Slice` in all its forms. Starts, ends, axes and steps may be numbers, extents, or known only at run time; what is
/// known settles here.
final class SliceOperator {
    /// Exporters write any number from here on for "to the end".
    private static final long END = Integer.MAX_VALUE;

    private SliceOperator() {}

    /// One axis of a slice.
    private record Part(Dim start, Dim step, Dim extent) {}

    static Operand slice(Call call) {
        var x = call.input(0);
        var writer = call.writer();
        boolean attributes = call.opset() < 10;
        var starts = attributes ? numbers(call, "starts") : writer.bind(call.input(1));
        var ends = attributes ? numbers(call, "ends") : writer.bind(call.input(2));
        var axes = axes(call, starts.size());
        var steps = attributes
                ? starts.stream().map(start -> Dim.ONE).toList()
                : call.optional(4)
                        .map(writer::bind)
                        .orElseGet(() -> starts.stream().map(start -> Dim.ONE).toList());
        if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size()) {
            throw call.error("%d starts, %d ends, %d axes and %d steps: expected as many of each"
                    .formatted(starts.size(), ends.size(), axes.size(), steps.size()));
        }
        var parts = new ArrayList<Part>();
        boolean known = axes.stream().allMatch(Dim::isConstant);
        var normal = known
                ? call.axes(
                        axes.stream().map(axis -> axis.constant().orElseThrow()).toList(), x.rank())
                : List.<Integer>of();
        for (int axis = 0; axis < x.rank(); axis++) {
            var extent = x.dim(axis);
            if (!known) {
                parts.add(chosen(call, extent, axis, x.rank(), starts, ends, axes, steps));
            } else if (normal.contains(axis)) {
                int index = normal.indexOf(axis);
                parts.add(part(call, extent, starts.get(index), ends.get(index), steps.get(index)));
            } else {
                parts.add(new Part(Dim.ZERO, Dim.ONE, extent));
            }
        }
        return writer.slice(
                x,
                parts.stream().map(Part::start).toList(),
                parts.stream().map(Part::step).toList(),
                parts.stream().map(Part::extent).toList());
    }

    private static List<Dim> numbers(Call call, String name) {
        return call.integers(name).orElseThrow(() -> call.error("attribute '%s' is missing".formatted(name))).stream()
                .map(Dim::of)
                .toList();
    }

    private static List<Dim> axes(Call call, int count) {
        Optional<List<Dim>> given = call.opset() < 10
                ? call.integers("axes").map(axes -> axes.stream().map(Dim::of).toList())
                : call.optional(3).map(call.writer()::bind);
        return given.orElseGet(() -> IntStream.range(0, count).mapToObj(Dim::of).toList());
    }

    /// The part of an axis where which entry names it is known only at run time.
    private static Part chosen(
            Call call,
            Dim extent,
            int axis,
            int rank,
            List<Dim> starts,
            List<Dim> ends,
            List<Dim> axes,
            List<Dim> steps) {
        Dim start = Dim.ZERO;
        Dim end = Dim.ZERO;
        Dim step = Dim.ZERO;
        Dim named = Dim.ZERO;
        for (int i = 0; i < axes.size(); i++) {
            var names = DimLogic.names(axes.get(i), axis, rank);
            start = start.plus(names.times(DimLogic.clamped(starts.get(i))));
            end = end.plus(names.times(DimLogic.clamped(ends.get(i))));
            step = step.plus(names.times(DimLogic.clamped(steps.get(i))));
            named = named.plus(names);
        }
        var rest = DimLogic.not(named);
        var numbers = call.writer().bound(List.of(start, end.plus(rest.times(extent)), step.plus(rest)));
        return part(call, extent, numbers.get(0), numbers.get(1), numbers.get(2));
    }

    private static Part part(Call call, Dim extent, Dim start, Dim end, Dim step) {
        if (step.isConstant(0)) {
            throw call.error("a step of 0");
        }
        if (!step.isConstant()) {
            call.writer().check(step, Relation.NOT_EQUAL, Dim.ZERO, "a step must not be 0");
            return either(extent, fromEnd(start, extent), fromEnd(end, extent), DimLogic.clamped(step));
        }
        // A step beyond every extent takes one element, as the largest does.
        var by = Dim.of(Math.clamp(step.constant().getAsLong(), -END, END));
        var first = fromEnd(start, extent);
        var last = fromEnd(end, extent);
        return by.constant().getAsLong() > 0 ? upwards(extent, first, last, by) : downwards(extent, first, last, by);
    }

    /// Negative numbers count from the end.
    private static Dim fromEnd(Dim place, Dim extent) {
        if (DimLogic.atLeast(place) >= 0) {
            return place.constant().orElse(0) >= END ? extent : place;
        }
        if (place.isConstant()) {
            long number = Math.max(place.constant().getAsLong(), -1L << 45);
            return extent.plus(number);
        }
        var near = DimLogic.clamped(place);
        return near.plus(DimLogic.negative(near).times(extent));
    }

    private static Part upwards(Dim extent, Dim start, Dim end, Dim step) {
        var first = DimLogic.clamp(start, Dim.ZERO, extent);
        var last = DimLogic.clamp(end, Dim.ZERO, extent);
        return new Part(first, step, DimLogic.maximum(last.minus(first).ceilDivide(step), Dim.ZERO));
    }

    private static Part downwards(Dim extent, Dim start, Dim end, Dim step) {
        var first = DimLogic.maximum(DimLogic.minimum(start, extent.minus(1)), Dim.ZERO);
        var last = DimLogic.clamp(end, Dim.of(-1), extent.minus(1));
        var count = DimLogic.maximum(first.minus(last).ceilDivide(step.times(-1)), Dim.ZERO);
        return new Part(first, step, DimLogic.minimum(count, extent));
    }

    /// Where the sign of the step is known only at run time.
    private static Part either(Dim extent, Dim start, Dim end, Dim step) {
        var up = DimLogic.positive(step);
        var magnitude = DimLogic.absolute(step).maximum(Dim.ONE);
        var rising = upwards(extent, start, end, magnitude);
        var falling = downwards(extent, start, end, magnitude.times(-1));
        return new Part(
                DimLogic.select(up, rising.start(), falling.start()),
                step,
                DimLogic.select(up, rising.extent(), falling.extent()));
    }
}
