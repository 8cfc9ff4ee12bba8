package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.since;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.portolan.ir.Combine;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// `Resize` and `Upsample`: interpolation of one axis after the other. Each result element is a weighted sum of a few
/// input elements at computed places; nearest is the case of one element of weight 1. Places are computed in f64, as
/// the
/// rounding of a place decides which element is read.
final class ResizeOperators {
    private static final ElementType PLACE = ElementType.F64;
    private static final int LARGEST_FACTOR = 64;

    static final List<Operator> ROWS =
            List.of(since(10, "Resize", ResizeOperators::resize), since(7, "Upsample", ResizeOperators::upsample));

    private ResizeOperators() {}

    /// How places and weights are computed.
    ///
    /// @param places how a place in the result becomes one in the input
    /// @param nearest how a place is rounded
    private record Mode(
            String mode,
            String places,
            String nearest,
            double cubic,
            boolean excludeOutside,
            boolean antialias,
            double outside) {
        static Mode of(Call call) {
            var mode = call.text("mode", "nearest");
            boolean old = call.opset() < 11;
            return new Mode(
                    mode,
                    old ? "asymmetric" : call.text("coordinate_transformation_mode", "half_pixel"),
                    old ? "floor" : call.text("nearest_mode", "round_prefer_floor"),
                    call.number("cubic_coeff_a", -0.75),
                    call.flag("exclude_outside", false),
                    call.flag("antialias", false),
                    call.number("extrapolation_value", 0));
        }
    }

    /// One axis on its way.
    ///
    /// @param scale a scalar in f64
    /// @param factor the scale where it is a small whole number, else 0
    private record Axis(int axis, Dim input, Dim output, Operand scale, long factor, Optional<Operand> roi) {}

    private static Operand upsample(Call call) {
        var x = call.input(0);
        var scales = call.opset() < 9
                ? numbers(call, call.numbers("scales").orElseThrow(() -> call.error("scales are missing")))
                : call.input(1);
        return resized(call, x, allAxes(x), scales, Optional.empty(), Optional.empty());
    }

    private static Operand numbers(Call call, List<Float> values) {
        return call.writer()
                .known(
                        ElementType.F32,
                        Dim.list(values.size()),
                        values.stream()
                                .<Element>map(value -> new Element.Real(value))
                                .toList());
    }

    private static List<Integer> allAxes(Operand x) {
        return LongStream.range(0, x.rank()).mapToObj(axis -> (int) axis).toList();
    }

    private static Operand resize(Call call) {
        var x = call.input(0);
        if (call.opset() < 11) {
            return resized(call, x, allAxes(x), call.input(1), Optional.empty(), Optional.empty());
        }
        var axes =
                call.integers("axes").map(given -> call.axes(given, x.rank())).orElseGet(() -> allAxes(x));
        var roi = call.optional(1).filter(ResizeOperators::isGiven);
        var sizes = call.optional(3).filter(ResizeOperators::isGiven);
        var scales = call.optional(2).filter(ResizeOperators::isGiven);
        if (scales.isPresent() == sizes.isPresent()) {
            throw call.error("expected either scales or sizes");
        }
        return resized(call, x, axes, scales.orElse(null), sizes, roi);
    }

    private static boolean isGiven(Operand operand) {
        return !operand.type().elements().isConstant(0);
    }

    private static Operand resized(
            Call call, Operand x, List<Integer> axes, Operand scales, Optional<Operand> sizes, Optional<Operand> roi) {
        var mode = Mode.of(call);
        var plans =
                sizes.isPresent() ? fromSizes(call, x, axes, sizes.get(), roi) : fromScales(call, x, axes, scales, roi);
        var result = x.element().isFloat() || mode.mode.equals("nearest")
                ? x
                : call.writer().cast(x, ElementType.F32);
        for (var plan : plans) {
            result = alongAxis(call, mode, result, plan);
        }
        if (result.element() == x.element()) {
            return result;
        }
        return call.writer().map(x.element(), result, (s, v) -> s.cast(s.round(v), x.element()));
    }

    private static Operand element(Call call, Operand values, int index) {
        var writer = call.writer();
        return writer.reshape(writer.slice(values, Dim.list(index), Dim.list(1), Dim.list(1)), List.of());
    }

    private static Optional<Operand> roi(Call call, Optional<Operand> roi, int index, int count) {
        return roi.map(values -> call.writer()
                .concat(
                        List.of(
                                call.writer().reshape(element(call, values, index), List.of(Dim.ONE)),
                                call.writer().reshape(element(call, values, index + count), List.of(Dim.ONE))),
                        0));
    }

    private static List<Axis> fromScales(
            Call call, Operand x, List<Integer> axes, Operand scales, Optional<Operand> roi) {
        var writer = call.writer();
        writer.equal(scales.type().elements(), Dim.of(axes.size()), "the number of scales and of axes");
        var plans = new ArrayList<Axis>();
        for (int i = 0; i < axes.size(); i++) {
            int axis = axes.get(i);
            var scale = writer.cast(element(call, scales, i), PLACE);
            var extent = x.dim(axis);
            var constant = call.constantNumbers(scale);
            if (constant.isPresent() && !(constant.get().getFirst() > 0)) {
                throw call.error("a scale of %s".formatted(constant.get().getFirst()));
            }
            double value = constant.map(List::getFirst).orElse(0.0);
            long factor = value == Math.rint(value) && value <= LARGEST_FACTOR ? (long) value : 0;
            var output = factor > 0
                    ? extent.times(factor)
                    : writer.bindScalar(writer.mapTo(
                            List.of(),
                            ElementType.I64,
                            List.of(writer.cast(writer.extent(extent), PLACE), scale),
                            (s, v) -> s.cast(s.floor(s.mul(v.get(0), v.get(1))), ElementType.I64)));
            plans.add(new Axis(axis, extent, output, scale, factor, roi(call, roi, i, axes.size())));
        }
        return plans;
    }

    private static List<Axis> fromSizes(
            Call call, Operand x, List<Integer> axes, Operand sizes, Optional<Operand> roi) {
        var writer = call.writer();
        var policy = call.text("keep_aspect_ratio_policy", "stretch");
        var wanted = writer.bind(sizes);
        if (wanted.size() != axes.size()) {
            throw call.error("%d sizes for %d axes".formatted(wanted.size(), axes.size()));
        }
        var ratios = new ArrayList<Operand>();
        for (int i = 0; i < axes.size(); i++) {
            writer.check(wanted.get(i), Relation.GREATER_OR_EQUAL, Dim.ZERO, "a size must not be negative");
            ratios.add(writer.mapTo(
                    List.of(),
                    PLACE,
                    List.of(
                            writer.cast(writer.extent(wanted.get(i)), PLACE),
                            writer.cast(writer.extent(x.dim(axes.get(i))), PLACE)),
                    (s, v) -> s.div(v.get(0), v.get(1))));
        }
        if (!policy.equals("stretch")) {
            boolean smaller = policy.equals("not_larger");
            var common = writer.map(
                    PLACE,
                    ratios,
                    (s, v) -> v.stream()
                            .reduce((a, b) -> smaller ? s.min(a, b) : s.max(a, b))
                            .orElseThrow(),
                    "sizes");
            Collections.fill(ratios, common);
        }
        var plans = new ArrayList<Axis>();
        for (int i = 0; i < axes.size(); i++) {
            var extent = x.dim(axes.get(i));
            var output = wanted.get(i);
            if (!policy.equals("stretch")) {
                output = writer.bindScalar(writer.mapTo(
                        List.of(),
                        ElementType.I64,
                        List.of(writer.cast(writer.extent(extent), PLACE), ratios.get(i)),
                        (s, v) -> s.cast(s.floor(s.add(s.mul(v.get(0), v.get(1)), 0.5)), ElementType.I64)));
            }
            plans.add(new Axis(
                    axes.get(i),
                    extent,
                    output,
                    ratios.get(i),
                    factor(extent, output),
                    roi(call, roi, i, axes.size())));
        }
        return plans;
    }

    private static long factor(Dim input, Dim output) {
        for (long factor = 1; factor <= LARGEST_FACTOR; factor++) {
            if (input.times(factor).equals(output)) {
                return factor;
            }
        }
        return 0;
    }

    private static Operand alongAxis(Call call, Mode mode, Operand x, Axis plan) {
        boolean cropped = mode.places.equals("tf_crop_and_resize");
        if (plan.factor == 1 && !cropped) {
            return x;
        }
        if (plan.factor > 0 && repeats(mode)) {
            return repeated(call, x, plan);
        }
        var place = place(call, mode, plan);
        var result = mode.mode.equals("nearest")
                ? nearest(call, mode, x, plan, place)
                : weighted(call, mode, x, plan, place);
        return cropped ? withOutside(call, mode, result, plan, place) : result;
    }

    /// Whether a whole factor means to repeat each element.
    private static boolean repeats(Mode mode) {
        return mode.mode.equals("nearest")
                && (mode.places.equals("asymmetric") && mode.nearest.equals("floor")
                        || mode.places.equals("half_pixel") && mode.nearest.startsWith("round"));
    }

    private static Operand repeated(Call call, Operand x, Axis plan) {
        var writer = call.writer();
        var apart = new ArrayList<>(x.dims());
        apart.add(plan.axis + 1, Dim.ONE);
        var wide = new ArrayList<>(x.dims());
        wide.add(plan.axis + 1, Dim.of(plan.factor));
        var dims = new ArrayList<>(x.dims());
        dims.set(plan.axis, plan.output);
        return writer.reshape(writer.broadcast(writer.reshape(x, apart), wide), dims);
    }

    /// Where each result element stands in the input, `f64[output]`.
    private static Operand place(Call call, Mode mode, Axis plan) {
        var writer = call.writer();
        var index = writer.iota(ElementType.I64, List.of(plan.output), 0);
        var input = writer.extent(plan.input);
        var roi = plan.roi.orElseGet(
                () -> writer.known(PLACE, Dim.list(2), List.of(new Element.Real(0), new Element.Real(1))));
        var operands = List.of(index, input, plan.scale, element(call, roi, 0), element(call, roi, 1));
        return writer.mapTo(List.of(plan.output), PLACE, operands, (s, v) -> {
            var x = s.cast(v.get(0), PLACE);
            var in = s.cast(v.get(1), PLACE);
            var scale = v.get(2);
            var out = s.mul(in, scale);
            var half = s.add(s.div(s.add(x, 0.5), scale), -0.5);
            var one = s.compare(out, Relation.EQUAL, s.number(PLACE, 1));
            var first = s.cast(v.get(3), PLACE);
            var last = s.cast(v.get(4), PLACE);
            return switch (mode.places) {
                case "half_pixel" -> half;
                case "half_pixel_symmetric" -> {
                    var adjustment = s.div(s.floor(out), out);
                    var offset = s.mul(s.mul(in, 0.5), s.sub(s.number(PLACE, 1), adjustment));
                    yield s.add(offset, half);
                }
                case "pytorch_half_pixel" -> s.select(one, s.number(PLACE, 0), half);
                case "align_corners" ->
                    s.select(one, s.number(PLACE, 0), s.div(s.mul(x, s.add(in, -1)), s.add(out, -1)));
                case "asymmetric" -> s.div(x, scale);
                case "tf_half_pixel_for_nn" -> s.div(s.add(x, 0.5), scale);
                case "tf_crop_and_resize" -> {
                    var more = s.add(in, -1);
                    var many =
                            s.add(s.mul(first, more), s.div(s.mul(s.mul(x, s.sub(last, first)), more), s.add(out, -1)));
                    yield s.select(one, s.mul(s.mul(s.add(first, last), more), 0.5), many);
                }
                default -> throw call.error("coordinate_transformation_mode '%s'".formatted(mode.places));
            };
        });
    }

    private static Value clamped(Scalars s, Value index, Value extent) {
        var low = s.integer(ElementType.I64, 0);
        return s.max(s.min(index, s.sub(extent, s.integer(ElementType.I64, 1))), low);
    }

    private static Operand nearest(Call call, Mode mode, Operand x, Axis plan, Operand place) {
        var writer = call.writer();
        var indices = writer.mapTo(place.dims(), ElementType.I64, List.of(place, writer.extent(plan.input)), (s, v) -> {
            var at = v.get(0);
            var rounded = switch (mode.nearest) {
                case "round_prefer_floor" -> s.ceil(s.add(at, -0.5));
                case "round_prefer_ceil" -> s.floor(s.add(at, 0.5));
                case "floor" -> s.floor(at);
                case "ceil" -> s.ceil(at);
                default -> throw call.error("nearest_mode '%s'".formatted(mode.nearest));
            };
            return clamped(s, s.cast(rounded, ElementType.I64), v.get(1));
        });
        return writer.gather(x, indices, plan.axis);
    }

    /// How the taps of a filter lie.
    ///
    /// @param first the place of the first tap relative to the element before the place; a scalar in i64
    /// @param shrink how much wider than usual the filter is, at most 1; a scalar in f64
    private record Taps(Operand first, Dim count, Operand shrink) {}

    private static Taps taps(Call call, Mode mode, Axis plan) {
        var writer = call.writer();
        boolean cubic = mode.mode.equals("cubic");
        if (!cubic && !mode.mode.equals("linear") && !mode.mode.equals("bilinear")) {
            throw call.error("mode '%s'".formatted(mode.mode));
        }
        if (!mode.antialias) {
            return new Taps(
                    writer.scalar(ElementType.I64, cubic ? -1 : 0), Dim.of(cubic ? 4 : 2), writer.scalar(PLACE, 1));
        }
        var shrink = writer.map(plan.scale, (s, v) -> s.min(v, s.number(v, 1)));
        double reach = cubic ? 2 : 1;
        var first = writer.map(
                ElementType.I64,
                shrink,
                (s, v) -> s.cast(s.add(s.floor(s.div(s.number(v, -reach), v)), 1), ElementType.I64));
        return new Taps(first, Dim.of(2).minus(writer.bindScalar(first).times(2)), shrink);
    }

    /// The sum of the taps, whose weights are made to sum to 1.
    private static Operand weighted(Call call, Mode mode, Operand x, Axis plan, Operand place) {
        var writer = call.writer();
        var taps = taps(call, mode, plan);
        var table = List.of(plan.output, taps.count);
        var column = writer.reshape(place, List.of(plan.output, Dim.ONE));
        var number = writer.map(
                ElementType.I64, writer.iota(ElementType.I64, List.of(taps.count), 0), taps.first, Scalars::add);
        var extent = writer.extent(plan.input);
        var indices = writer.mapTo(
                table,
                ElementType.I64,
                List.of(column, number),
                (s, v) -> s.add(s.cast(s.floor(v.get(0)), ElementType.I64), v.get(1)));
        var weights = writer.mapTo(table, PLACE, List.of(column, number, taps.shrink, indices, extent), (s, v) -> {
            var ratio = s.sub(v.get(0), s.floor(v.get(0)));
            var distance = s.abs(s.mul(s.sub(s.cast(v.get(1), PLACE), ratio), v.get(2)));
            var weight = filter(s, mode, distance);
            var inside = s.and(
                    s.compare(v.get(3), Relation.GREATER_OR_EQUAL, s.integer(ElementType.I64, 0)),
                    s.less(v.get(3), v.get(4)));
            return mode.excludeOutside ? s.select(inside, weight, s.number(PLACE, 0)) : weight;
        });
        if (mode.excludeOutside || mode.antialias) {
            var total = writer.reduceKeeping(weights, Combine.SUM, List.of(1), PLACE, PLACE);
            weights = writer.map(PLACE, weights, total, Scalars::div);
        }
        var within = writer.mapTo(
                table, ElementType.I64, List.of(indices, extent), (s, v) -> clamped(s, v.get(0), v.get(1)));
        var taken = writer.gather(x, within, plan.axis);
        var alongDims = new ArrayList<>(Collections.nCopies(taken.rank(), Dim.ONE));
        alongDims.set(plan.axis, plan.output);
        alongDims.set(plan.axis + 1, taps.count);
        var factors = writer.cast(writer.reshape(weights, alongDims), GraphWriter.accumulator(x.element()));
        var wide = factors.element();
        var products = writer.mapTo(
                taken.dims(), wide, List.of(taken, factors), (s, v) -> s.mul(s.cast(v.get(0), wide), v.get(1)));
        return writer.reduce(products, Combine.SUM, List.of(plan.axis + 1), wide, x.element());
    }

    /// The weight of a tap at a distance of at least 0.
    private static Value filter(Scalars s, Mode mode, Value distance) {
        var zero = s.number(PLACE, 0);
        if (!mode.mode.equals("cubic")) {
            return s.max(s.sub(s.number(PLACE, 1), distance), zero);
        }
        return cubic(s, distance, mode.cubic);
    }

    /// Keys' filter: (a + 2) d^3 - (a + 3) d^2 + 1 up to 1, a d^3 - 5 a d^2 + 8 a d - 4 a up to 2.
    static Value cubic(Scalars s, Value distance, double a) {
        var near = s.add(s.mul(s.mul(s.add(s.mul(distance, a + 2), -(a + 3)), distance), distance), 1);
        var far = s.add(s.mul(s.add(s.mul(s.add(s.mul(distance, a), -5 * a), distance), 8 * a), distance), -4 * a);
        var one = s.number(PLACE, 1);
        var two = s.number(PLACE, 2);
        return s.select(
                s.compare(distance, Relation.LESS_OR_EQUAL, one),
                near,
                s.select(s.less(distance, two), far, s.number(PLACE, 0)));
    }

    /// A place outside the input gives a fixed value.
    private static Operand withOutside(Call call, Mode mode, Operand x, Axis plan, Operand place) {
        var writer = call.writer();
        var dims = new ArrayList<>(Collections.nCopies(x.rank(), Dim.ONE));
        dims.set(plan.axis, plan.output);
        var at = writer.reshape(place, dims);
        return writer.mapTo(x.dims(), x.element(), List.of(x, at, writer.extent(plan.input)), (s, v) -> {
            var last = s.add(s.cast(v.get(2), PLACE), -1);
            var outside = s.or(s.less(v.get(1), s.number(PLACE, 0)), s.compare(v.get(1), Relation.GREATER, last));
            return s.select(outside, s.number(v.get(0), mode.outside), v.get(0));
        });
    }
}
