package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.between;
import static org.portolan.onnx.importer.Operator.since;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.Relation;
import org.portolan.ir.ResourceBytes;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// From time to frequency and back. A transform is a product with the matrix of its roots of unity, which is a constant
/// where the length is known: signals are cut into short frames before they are transformed.
final class SignalOperators {
    /// A matrix of up to this many elements is a constant of the program.
    private static final long CONSTANT = 1L << 22;

    static final List<Operator> ROWS = List.of(
            between(17, 19, "DFT", call -> dft(call, Optional.of(call.integer("axis", 1)))),
            since(20, "DFT", call -> dft(call, Optional.empty())),
            since(17, "STFT", SignalOperators::stft),
            since(17, "MelWeightMatrix", SignalOperators::melWeights));

    private SignalOperators() {}

    /// A transform of lines.
    ///
    /// @param given how many numbers of a line take part; those beyond count as 0
    /// @param length of the transform
    /// @param kept how many numbers of the result are given
    /// @param partsIn the parts of each number of the input: 1 for real ones, 2 for complex ones
    /// @param partsOut the same of the result
    /// @param inverse whether from frequency to time
    /// @param folded whether the input stands for a line of twice its length whose other half is its mirror image
    private record Transform(
            Dim given, Dim length, Dim kept, int partsIn, int partsOut, boolean inverse, boolean folded) {
        /// The matrix, `[parts of the input, given, kept, parts of the result]`, as rows and columns.
        Operand matrix(GraphWriter writer, ElementType element) {
            var dims = List.of(Dim.of(partsIn), given, kept, Dim.of(partsOut));
            var rows = List.of(given.times(partsIn), kept.times(partsOut));
            var count = Dim.product(dims);
            if (count.constant().orElse(Long.MAX_VALUE) <= CONSTANT && length.isConstant()) {
                return constant(writer, element, rows, (int) count.constant().getAsLong());
            }
            var operands = new ArrayList<Operand>();
            for (int axis = 0; axis < 4; axis++) {
                var line = new ArrayList<>(List.of(Dim.ONE, Dim.ONE, Dim.ONE, Dim.ONE));
                line.set(axis, dims.get(axis));
                operands.add(writer.iota(ElementType.I64, line, axis));
            }
            operands.add(writer.extent(length));
            return writer.reshape(writer.mapTo(dims, element, operands, (s, v) -> s.cast(entry(s, v), element)), rows);
        }

        private Operand constant(GraphWriter writer, ElementType element, List<Dim> rows, int count) {
            var data = MemorySegment.ofArray(new byte[(int) element.bytes(count)]);
            long n = length.constant().orElseThrow();
            long columns = kept.constant().orElseThrow();
            long inputs = given.constant().orElseThrow();
            int place = 0;
            for (int in = 0; in < partsIn; in++) {
                for (long j = 0; j < inputs; j++) {
                    for (long k = 0; k < columns; k++) {
                        for (int out = 0; out < partsOut; out++) {
                            double angle = 2 * Math.PI * (j * k % n) / n;
                            double sign = (inverse ? 1 : -1) * (in == 0 ? 1 : -1);
                            double root = in == out ? Math.cos(angle) : sign * Math.sin(angle);
                            double times = folded && j != 0 && 2 * j != n ? 2 : 1;
                            ElementTypes.setDouble(element, data, place++, inverse ? times * root / n : root);
                        }
                    }
                }
            }
            return Operand.constant(
                    Type.tensor(element, rows), ResourceBytes.computed("dft", data), null, "dft", writer.block());
        }

        /// The same for one entry at run time: v holds part, place, frequency, part, length.
        private Value entry(Scalars s, List<Value> v) {
            var turn = s.cast(s.rem(s.mul(v.get(1), v.get(2)), v.get(4)), ElementType.F64);
            var n = s.cast(v.get(4), ElementType.F64);
            var angle = s.div(s.mul(turn, 2 * Math.PI), n);
            var zero = s.integer(ElementType.I64, 0);
            var sine = s.mul(s.sin(angle), inverse ? 1 : -1);
            var signed = s.select(s.compare(v.get(0), Relation.EQUAL, zero), sine, s.neg(sine));
            var root = s.select(s.compare(v.get(0), Relation.EQUAL, v.get(3)), s.cos(angle), signed);
            if (!inverse) {
                return root;
            }
            var single = s.or(
                    s.compare(v.get(1), Relation.EQUAL, zero),
                    s.compare(s.add(v.get(1), v.get(1)), Relation.EQUAL, v.get(4)));
            var times = folded ? s.select(single, s.number(root, 1), s.number(root, 2)) : s.number(root, 1);
            return s.div(s.mul(root, times), n);
        }
    }

    /// Along an axis of a tensor whose last axis holds the parts of a number.
    private static Operand dft(Call call, Optional<Long> attribute) {
        var writer = call.writer();
        var x = call.input(0);
        int parts = parts(call, x);
        int axis = call.axis(
                attribute.orElseGet(() -> call.optional(2).map(given -> constant(call, given)).orElse(-2L)), x.rank());
        if (axis == x.rank() - 1) {
            throw call.error("the last axis of %s holds the parts of a number and is not transformed".formatted(x.type()));
        }
        boolean inverse = call.flag("inverse", false);
        boolean onesided = call.flag("onesided", false);
        boolean folded = inverse && onesided;
        if (onesided && !inverse && parts != 1) {
            throw call.error("onesided needs real numbers, found %s".formatted(x.type()));
        }
        var extent = x.dim(axis);
        var length = call.optional(1)
                .map(given -> writer.bindScalar(writer.cast(given, ElementType.I64)))
                .orElseGet(() -> folded ? extent.minus(1).times(2) : extent);
        writer.check(length, Relation.GREATER, Dim.ZERO, "the length of a transform must be positive");
        var half = length.floorDivide(2).plus(1);
        var given = writer.settled(DimLogic.minimum(extent, folded ? half : length));
        var transform = new Transform(
                given, length, writer.settled(onesided && !inverse ? half : length), parts, folded ? 1 : 2, inverse, folded);
        var order = new ArrayList<Integer>();
        for (int other = 0; other < x.rank() - 1; other++) {
            if (other != axis) order.add(other);
        }
        order.add(x.rank() - 1);
        order.add(axis);
        var lines = writer.transpose(x, order);
        var cut = new ArrayList<>(lines.dims());
        cut.set(x.rank() - 1, given);
        var result = apply(writer, writer.slice(lines, zeros(x.rank()), ones(x.rank()), cut), transform);
        // The frequencies stand where the line ended; they belong where it was.
        var back = new ArrayList<Integer>();
        for (int other = 0; other < x.rank() - 2; other++) {
            back.add(other);
        }
        back.add(axis, x.rank() - 2);
        back.add(x.rank() - 1);
        return writer.transpose(result, back);
    }

    private static long constant(Call call, Operand axis) {
        var numbers = call.constants(axis).orElseThrow(() -> new Unsupported("the axis is known only at run time"));
        if (numbers.size() != 1) throw call.error("expected one axis, found %s".formatted(axis.type()));
        return numbers.getFirst();
    }

    /// `[.., parts, given]` to `[.., kept, parts]`.
    private static Operand apply(GraphWriter writer, Operand lines, Transform transform) {
        int rank = lines.rank();
        var outer = lines.dims().subList(0, rank - 2);
        var matrix = transform.matrix(writer, lines.element());
        var flat = writer.reshape(
                lines, List.of(Dim.product(outer), transform.given.times(transform.partsIn)));
        var product = MatrixOperators.product(writer, flat, matrix);
        var dims = new ArrayList<>(outer);
        dims.add(transform.kept);
        dims.add(Dim.of(transform.partsOut));
        return writer.reshape(product, dims);
    }

    private static int parts(Call call, Operand x) {
        long parts = x.rank() < 2 ? 0 : x.dim(x.rank() - 1).constant().orElse(0);
        if (parts != 1 && parts != 2) {
            throw call.error("expected real or complex numbers along a last axis of 1 or 2, found %s".formatted(x.type()));
        }
        return (int) parts;
    }

    private static List<Dim> zeros(int rank) {
        return Dim.list(new long[rank]);
    }

    private static List<Dim> ones(int rank) {
        var dims = new ArrayList<Dim>();
        for (int axis = 0; axis < rank; axis++) {
            dims.add(Dim.ONE);
        }
        return dims;
    }

    /// Frames of a signal, each weighted by the window and transformed.
    private static Operand stft(Call call) {
        var writer = call.writer();
        var signal = call.input(0);
        if (signal.rank() != 3) {
            throw call.error("expected a signal [n, length, 1 or 2], found %s".formatted(signal.type()));
        }
        int parts = parts(call, signal);
        boolean onesided = call.flag("onesided", true) && parts == 1;
        var step = writer.bindScalar(writer.cast(call.input(1), ElementType.I64));
        var window = call.optional(2);
        if (window.isPresent() && window.get().rank() != 1) {
            throw call.error("expected a window [length], found %s".formatted(window.get().type()));
        }
        var length = call.optional(3)
                .map(given -> writer.bindScalar(writer.cast(given, ElementType.I64)))
                .or(() -> window.map(values -> values.dim(0)))
                .orElseThrow(() -> call.error("neither a window nor a frame length"));
        writer.check(step, Relation.GREATER, Dim.ZERO, "a frame step must be positive");
        writer.check(length, Relation.GREATER, Dim.ZERO, "a frame must have a length");
        writer.check(length, Relation.LESS_OR_EQUAL, signal.dim(1), "a frame must fit the signal");
        window.ifPresent(values -> writer.equal(values.dim(0), length, "the window must be as long as a frame"));
        var size = writer.settled(length);
        var frames = writer.settled(signal.dim(1).minus(size).floorDivide(step).plus(1));
        var places = writer.mapTo(
                List.of(frames, size),
                ElementType.I64,
                List.of(
                        writer.iota(ElementType.I64, List.of(frames, Dim.ONE), 0),
                        writer.iota(ElementType.I64, List.of(size), 0),
                        writer.extent(step)),
                (s, v) -> s.add(s.mul(v.get(0), v.get(2)), v.get(1)));
        var cut = writer.transpose(writer.gather(signal, places, 1), List.of(0, 1, 3, 2));
        var weighted = window.isEmpty()
                ? cut
                : writer.mapTo(cut.dims(), cut.element(), List.of(cut, window.get()), (s, v) -> s.mul(v.get(0), v.get(1)));
        var kept = onesided ? size.floorDivide(2).plus(1) : size;
        return apply(writer, weighted, new Transform(size, size, writer.settled(kept), parts, 2, false, false));
    }

    /// Triangles over the frequencies of a transform, whose corners stand at equal distances on the scale of mels.
    private static Operand melWeights(Call call) {
        var writer = call.writer();
        var element = call.elementType("output_datatype").orElse(ElementType.F32);
        var bands = writer.bindScalar(writer.cast(call.input(0), ElementType.I64));
        var length = writer.bindScalar(writer.cast(call.input(1), ElementType.I64));
        var frequencies = writer.settled(length.floorDivide(2).plus(1));
        var corners = writer.settled(bands.plus(2));
        var wide = ElementType.F64;
        var edges = writer.mapTo(
                List.of(corners),
                ElementType.I64,
                List.of(
                        writer.iota(ElementType.I64, List.of(corners), 0),
                        writer.extent(corners),
                        writer.extent(length),
                        writer.cast(writer.reshape(call.input(2), List.of()), wide),
                        writer.cast(writer.reshape(call.input(3), List.of()), wide),
                        writer.cast(writer.reshape(call.input(4), List.of()), wide)),
                (s, v) -> {
                    var low = mel(s, v.get(4));
                    var step = s.div(s.sub(mel(s, v.get(5)), low), s.cast(v.get(1), wide));
                    var at = s.add(low, s.mul(step, s.cast(v.get(0), wide)));
                    var hertz = s.mul(s.add(s.exp(s.mul(at, Math.log(10) / 2595)), -1), 700);
                    var places = s.mul(hertz, s.add(s.cast(v.get(2), wide), 1));
                    return s.cast(s.floor(s.div(places, v.get(3))), ElementType.I64);
                });
        var operands = new ArrayList<>(List.of(writer.iota(ElementType.I64, List.of(frequencies, Dim.ONE), 0)));
        for (int corner = 0; corner < 3; corner++) {
            operands.add(writer.slice(edges, Dim.list(corner), Dim.list(1), List.of(bands)));
        }
        return writer.mapTo(List.of(frequencies, bands), element, operands, (s, v) -> {
            var place = v.get(0);
            var rising = ratio(s, s.sub(place, v.get(1)), s.sub(v.get(2), v.get(1)));
            var falling = ratio(s, s.sub(v.get(3), place), s.sub(v.get(3), v.get(2)));
            var before = s.and(s.compare(v.get(1), Relation.LESS_OR_EQUAL, place), s.less(place, v.get(2)));
            var after = s.and(s.less(v.get(2), place), s.less(place, v.get(3)));
            var peak = s.compare(place, Relation.EQUAL, v.get(2));
            var side = s.select(before, rising, s.select(after, falling, s.number(rising, 0)));
            return s.cast(s.select(peak, s.number(side, 1), side), element);
        });
    }

    private static Value mel(Scalars s, Value hertz) {
        return s.mul(s.log(s.add(s.div(hertz, 700), 1)), 2595 / Math.log(10));
    }

    private static Value ratio(Scalars s, Value part, Value whole) {
        return s.div(s.cast(part, ElementType.F64), s.cast(whole, ElementType.F64));
    }
}
