package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.several;
import static org.portolan.onnx.importer.Operator.since;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.portolan.ir.ArithOp.Overflow;
import org.portolan.ir.ArithOp.Rounding;
import org.portolan.ir.Combine;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Numbers as integers with a scale and a zero point. All are formulas, so that they fuse with their neighbours.
final class QuantizationOperators {
    static final List<Operator> ROWS = List.of(
            since(10, "QuantizeLinear", QuantizationOperators::quantize),
            since(10, "DequantizeLinear", QuantizationOperators::dequantize),
            several(11, "DynamicQuantizeLinear", QuantizationOperators::dynamic),
            since(10, "QLinearMatMul", QuantizationOperators::product),
            since(10, "QLinearConv", QuantizationOperators::convolution));

    private QuantizationOperators() {}

    /// Scales and zero points so that they broadcast over a tensor: one for all, one a slice of the axis, or one for
    /// each block of some slices.
    private static Operand spread(Call call, Operand values, Operand x) {
        var writer = call.writer();
        if (values.rank() == 0) {
            return values;
        }
        if (values.rank() == 1 && (x.rank() != 1 || values.dim(0).isConstant(1))) {
            if (values.dim(0).isConstant(1)) {
                return writer.reshape(values, List.of());
            }
            int axis = call.axis(call.integer("axis", 1), x.rank());
            var dims = new ArrayList<>(Collections.nCopies(x.rank(), Dim.ONE));
            dims.set(axis, writer.equal(values.dim(0), x.dim(axis), "scales and the axis"));
            return writer.reshape(values, dims);
        }
        long block = call.integer("block_size", 0);
        int axis = call.axis(call.integer("axis", 1), x.rank());
        if (block == 0) {
            return values;
        }
        var apart = new ArrayList<>(values.dims());
        apart.add(axis + 1, Dim.ONE);
        var repeated = new ArrayList<>(values.dims());
        repeated.add(axis + 1, Dim.of(block));
        var whole = new ArrayList<>(values.dims());
        whole.set(axis, values.dim(axis).times(block));
        var blown = writer.reshape(writer.broadcast(writer.reshape(values, apart), repeated), whole);
        return writer.slice(
                blown, Collections.nCopies(x.rank(), Dim.ZERO), Collections.nCopies(x.rank(), Dim.ONE), x.dims());
    }

    /// Rounds to nearest even, adds the zero point and saturates.
    private static Value quantized(
            Scalars s, Value ratio, Optional<Value> zero, ElementType element, Overflow overflow) {
        if (element.isFloat()) {
            return s.cast(ratio, element, Rounding.NEAREST_EVEN, overflow);
        }
        var wide = s.cast(ratio, ElementType.F32);
        var rounded = s.round(wide);
        var shifted = zero.map(point -> s.add(rounded, s.cast(point, ElementType.F32)))
                .orElse(rounded);
        var low = s.number(ElementType.F32, ElementTypes.smallest(element));
        var high = s.number(ElementType.F32, ElementTypes.largest(element));
        return s.cast(s.min(s.max(shifted, low), high), element);
    }

    private static Operand quantize(Call call) {
        var x = call.input(0);
        var scale = call.input(1);
        var zero = call.optional(2);
        var element = zero.map(Operand::element)
                .or(() -> call.elementType("output_dtype"))
                .orElse(ElementType.U8);
        var overflow = call.flag("saturate", true) ? Overflow.SATURATE : Overflow.INFINITY;
        var precision = call.elementType("precision").orElse(scale.element());
        var operands = new ArrayList<>(List.of(x, spread(call, scale, x)));
        zero.ifPresent(points -> operands.add(spread(call, points, x)));
        return call.writer().mapTo(x.dims(), element, operands, (s, v) -> {
            var ratio = s.div(s.cast(v.get(0), precision), s.cast(v.get(1), precision));
            return quantized(s, ratio, zero.map(point -> v.get(2)), element, overflow);
        });
    }

    private static Operand dequantize(Call call) {
        var x = call.input(0);
        var scale = call.input(1);
        var zero = call.optional(2);
        var element = call.elementType("output_dtype").orElse(scale.element());
        var operands = new ArrayList<>(List.of(x, spread(call, scale, x)));
        zero.ifPresent(points -> operands.add(spread(call, points, x)));
        return call.writer().mapTo(x.dims(), element, operands, (s, v) -> {
            var difference = x.element().isFloat() || zero.isEmpty()
                    ? s.cast(v.get(0), ElementType.F32)
                    : s.cast(
                            s.sub(s.cast(v.get(0), ElementType.I32), s.cast(v.get(2), ElementType.I32)),
                            ElementType.F32);
            return s.cast(s.mul(difference, s.cast(v.get(1), ElementType.F32)), element);
        });
    }

    /// u8 over the range of the data, which always includes 0.
    private static List<Operand> dynamic(Call call) {
        var x = call.input(0);
        var writer = call.writer();
        var axes = IntStream.range(0, x.rank()).boxed().toList();
        var f32 = ElementType.F32;
        var low = writer.map(writer.reduce(x, Combine.MINIMUM, axes, f32, f32), (s, v) -> s.min(v, s.number(v, 0)));
        var high = writer.map(writer.reduce(x, Combine.MAXIMUM, axes, f32, f32), (s, v) -> s.max(v, s.number(v, 0)));
        var scale = writer.map(f32, low, high, (s, a, b) -> s.div(s.sub(b, a), 255));
        var zero = writer.mapTo(List.of(), ElementType.U8, List.of(low, scale), (s, v) -> {
            var point = s.round(s.div(s.neg(v.get(0)), safe(s, v.get(1))));
            return s.cast(s.min(s.max(point, s.number(f32, 0)), s.number(f32, 255)), ElementType.U8);
        });
        var y = writer.mapTo(
                x.dims(),
                ElementType.U8,
                List.of(x, scale, zero),
                (s, v) -> quantized(
                        s,
                        s.div(v.get(0), safe(s, v.get(1))),
                        Optional.of(v.get(2)),
                        ElementType.U8,
                        Overflow.SATURATE));
        return List.of(y, scale, zero);
    }

    /// A scale of 0 stands for data of zeros only.
    private static Value safe(Scalars s, Value scale) {
        return s.select(s.compare(scale, Relation.EQUAL, s.number(scale, 0)), s.number(scale, 1), scale);
    }

    /// The sum of products in i32, scaled to the result's type.
    private static Operand requantized(
            Call call, Operand sum, Operand scales, Operand resultScale, Operand resultZero) {
        var element = resultZero.element();
        return call.writer().mapTo(sum.dims(), element, List.of(sum, scales, resultScale, resultZero), (s, v) -> {
            var scale = s.div(s.cast(v.get(1), ElementType.F32), s.cast(v.get(2), ElementType.F32));
            var scaled = s.mul(s.cast(v.get(0), ElementType.F32), scale);
            return quantized(s, scaled, Optional.of(v.get(3)), element, Overflow.SATURATE);
        });
    }

    private static Operand product(Call call) {
        var writer = call.writer();
        var left = call.input(0);
        var right = call.input(3);
        var sum = MatrixOperators.product(
                writer,
                MatrixOperators.centred(writer, left, Optional.of(rows(writer, call.input(2), left))),
                MatrixOperators.centred(writer, right, Optional.of(call.input(5))),
                ElementType.I32,
                ElementType.I32);
        var scales = writer.map(
                ElementType.F32,
                rows(writer, call.input(1), left),
                call.input(4),
                (s, a, b) -> s.mul(s.cast(a, ElementType.F32), s.cast(b, ElementType.F32)));
        return requantized(call, sum, scales, call.input(6), call.input(7));
    }

    /// One value a row of a matrix.
    private static Operand rows(GraphWriter writer, Operand values, Operand matrix) {
        return values.rank() == 1 && matrix.rank() > 1
                ? writer.reshape(values, List.of(values.dim(0), Dim.ONE))
                : values;
    }

    private static Operand convolution(Call call) {
        var writer = call.writer();
        var x = MatrixOperators.centred(writer, call.input(0), Optional.of(call.input(2)));
        var weights = call.input(3);
        var zero = call.input(5);
        var centred = MatrixOperators.centred(
                writer,
                weights,
                Optional.of(zero.rank() == 1 ? ConvolutionOperators.firstAxis(writer, zero, weights.rank()) : zero));
        var sum = ConvolutionOperators.convolution(call, x, centred, ElementType.I32, ElementType.I32);
        var biased = ConvolutionOperators.biased(call, sum, call.optional(8));
        var scale = call.input(4);
        var perChannel = scale.rank() == 1 ? ConvolutionOperators.perChannel(writer, scale, sum.rank()) : scale;
        var scales = writer.map(ElementType.F32, call.input(1), perChannel, Scalars::mul);
        return requantized(call, biased, scales, call.input(6), call.input(7));
    }
}
