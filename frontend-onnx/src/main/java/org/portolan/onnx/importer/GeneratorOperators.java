package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.since;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.Relation;
import org.portolan.onnx.OnnxAttribute;
import org.portolan.onnx.OnnxDataType;
import org.portolan.onnx.OnnxLimits;
import org.portolan.onnx.OnnxTensor;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Tensors out of nothing.
final class GeneratorOperators {
    static final List<Operator> ROWS = List.of(
            since(1, "Constant", GeneratorOperators::constant),
            since(9, "ConstantOfShape", GeneratorOperators::constantOfShape),
            since(11, "Range", GeneratorOperators::range),
            since(9, "EyeLike", GeneratorOperators::eyeLike),
            since(17, "HannWindow", call -> window(call, 0.5, 0.5, 0)),
            since(17, "HammingWindow", call -> window(call, 25.0 / 46, 21.0 / 46, 0)),
            since(17, "BlackmanWindow", call -> window(call, 0.42, 0.5, 0.08)));

    private GeneratorOperators() {}

    private static Operand constant(Call call) {
        if (call.node().attributes().size() != 1) {
            throw call.error("expected one attribute, found %s"
                    .formatted(call.node().attributes().keySet()));
        }
        var writer = call.writer();
        return switch (call.node().attributes().values().iterator().next()) {
            case OnnxAttribute.TensorValue(var _, var tensor) -> call.bodies().constant(tensor);
            case OnnxAttribute.SparseValue(var _, var tensor) ->
                call.bodies().constant(tensor.dense(OnnxLimits.DEFAULT));
            case OnnxAttribute.IntValue(var _, long value) ->
                writer.known(ElementType.I64, List.of(), List.of(Element.of(value)));
            case OnnxAttribute.FloatValue(var _, float value) ->
                writer.known(ElementType.F32, List.of(), List.of(new Element.Real(value)));
            case OnnxAttribute.Ints(var _, var values) ->
                writer.known(
                        ElementType.I64,
                        Dim.list(values.size()),
                        values.stream().map(Element::of).toList());
            case OnnxAttribute.Floats(var _, var values) -> call.bodies().constant(tensor(values));
            case OnnxAttribute.StringValue _, OnnxAttribute.Strings _ -> throw new Unsupported("strings");
            case OnnxAttribute.GraphValue _,
                    OnnxAttribute.Graphs _,
                    OnnxAttribute.Tensors _,
                    OnnxAttribute.SparseTensors _,
                    OnnxAttribute.TypeValue _,
                    OnnxAttribute.Types _,
                    OnnxAttribute.Reference _ ->
                throw call.error("a constant of this kind: %s"
                        .formatted(call.node().attributes().keySet()));
        };
    }

    private static OnnxTensor tensor(List<Float> values) {
        var data = new float[values.size()];
        for (int i = 0; i < data.length; i++) {
            data[i] = values.get(i);
        }
        return new OnnxTensor("", OnnxDataType.FLOAT, List.of((long) data.length), bytes(data), List.of(), 0);
    }

    private static MemorySegment bytes(float[] values) {
        var segment = MemorySegment.ofArray(new byte[values.length * 4]);
        for (int i = 0; i < values.length; i++) {
            ElementTypes.setDouble(ElementType.F32, segment, i, values[i]);
        }
        return segment;
    }

    private static Operand constantOfShape(Call call) {
        var writer = call.writer();
        var dims = writer.bind(call.input(0));
        for (var dim : dims) {
            writer.check(dim, Relation.GREATER_OR_EQUAL, Dim.ZERO, "an extent must not be negative");
        }
        var value = call.tensor("value")
                .map(tensor -> writer.reshape(call.bodies().constant(tensor), List.of()))
                .orElseGet(() -> writer.scalar(ElementType.F32, 0));
        return writer.broadcast(value, dims);
    }

    private static Operand range(Call call) {
        var writer = call.writer();
        var start = writer.reshape(call.input(0), List.of());
        var limit = writer.reshape(call.input(1), List.of());
        var delta = writer.reshape(call.input(2), List.of());
        var element = start.element();
        if (delta.elements()
                .map(elements -> elements.equals(List.of(zero(element))))
                .orElse(false)) {
            throw call.error("a delta of 0");
        }
        var count = element.isFloat() ? countOfNumbers(call, start, limit, delta) : count(call, start, limit, delta);
        if (start.elements().isPresent()
                && delta.elements().isPresent()
                && count.constant().orElse(Long.MAX_VALUE) <= Operand.TRACKED
                && !element.isFloat()) {
            var first = Elements.dim(start.elements().get().getFirst());
            var step = Elements.dim(delta.elements().get().getFirst());
            var elements = new ArrayList<Element>();
            for (long i = 0; i < count.constant().getAsLong(); i++) {
                elements.add(new Element.Whole(first.plus(step.times(i))));
            }
            return writer.known(element, List.of(count), elements);
        }
        var places = writer.iota(element, List.of(count), 0);
        return writer.mapTo(
                List.of(count),
                element,
                List.of(places, start, delta),
                (s, v) -> s.add(v.get(1), s.mul(v.get(0), v.get(2))));
    }

    private static Element zero(ElementType element) {
        return element.isFloat() ? new Element.Real(0) : Element.of(0);
    }

    private static Dim count(Call call, Operand start, Operand limit, Operand delta) {
        var writer = call.writer();
        var step = writer.bindScalar(delta);
        var distance = writer.bindScalar(limit).minus(writer.bindScalar(start));
        if (step.isConstant()) {
            long by = step.constant().getAsLong();
            var count = by > 0 ? distance.ceilDivide(by) : distance.times(-1).ceilDivide(Math.negateExact(by));
            return DimLogic.maximum(count, Dim.ZERO);
        }
        writer.check(step, Relation.NOT_EQUAL, Dim.ZERO, "a delta must not be 0");
        var sign = DimLogic.positive(step).times(2).minus(1);
        var magnitude = DimLogic.absolute(step).maximum(Dim.ONE);
        return distance.times(sign).ceilDivide(magnitude).maximum(Dim.ZERO);
    }

    /// The count of a floating-point range is computed in its own type, then bound.
    private static Dim countOfNumbers(Call call, Operand start, Operand limit, Operand delta) {
        var writer = call.writer();
        var count = writer.mapTo(List.of(), ElementType.I64, List.of(start, limit, delta), (s, v) -> {
            var quotient = s.ceil(s.div(s.sub(v.get(1), v.get(0)), v.get(2)));
            return s.cast(s.max(quotient, s.number(quotient, 0)), ElementType.I64);
        });
        return writer.bindScalar(count);
    }

    private static Operand eyeLike(Call call) {
        var x = call.input(0);
        if (x.rank() != 2) {
            throw call.error("expected a matrix, found %s".formatted(x.type()));
        }
        var element = call.elementType("dtype").orElse(x.element());
        long k = call.integer("k", 0);
        var writer = call.writer();
        var rows = writer.iota(ElementType.I64, List.of(x.dim(0), Dim.ONE), 0);
        var columns = writer.iota(ElementType.I64, List.of(x.dim(1)), 0);
        return writer.mapTo(x.dims(), element, List.of(rows, columns), (s, v) -> {
            var shifted = s.add(v.get(0), s.integer(ElementType.I64, k));
            return s.cast(s.compare(shifted, Relation.EQUAL, v.get(1)), element);
        });
    }

    /// a - b cos(2 pi i / n) + c cos(4 pi i / n), where a symmetric window counts one place less.
    private static Operand window(Call call, double a, double b, double c) {
        var writer = call.writer();
        var element = call.elementType("output_datatype").orElse(ElementType.F32);
        var size = writer.bindScalar(call.input(0));
        var period = writer.extent(call.flag("periodic", true) ? size : size.minus(1));
        var places = writer.iota(ElementType.I64, List.of(size), 0);
        return writer.mapTo(List.of(size), element, List.of(places, period), (s, v) -> {
            var place = s.cast(v.get(0), ElementType.F32);
            var angle = s.div(s.mul(place, 2 * Math.PI), s.cast(v.get(1), ElementType.F32));
            var first = s.mul(s.cos(angle), -b);
            var second = s.mul(s.cos(s.mul(angle, 2)), c);
            return s.cast(s.add(s.add(first, a), second), element);
        });
    }
}
