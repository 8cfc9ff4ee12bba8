package org.portolan.onnx.importer;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.portolan.onnx.OnnxAttribute;
import org.portolan.onnx.OnnxDataType;
import org.portolan.onnx.OnnxException;
import org.portolan.onnx.OnnxGraph;
import org.portolan.onnx.OnnxNode;
import org.portolan.onnx.OnnxTensor;
import org.portolan.runtime.type.ElementType;

/// One node as the builder of its operator sees it.
final class Call {
    private final OnnxNode node;
    private final long opset;
    private final List<Optional<Operand>> inputs;
    private final GraphWriter writer;
    private final Bodies bodies;

    Call(OnnxNode node, long opset, List<Optional<Operand>> inputs, GraphWriter writer, Bodies bodies) {
        this.node = node;
        this.opset = opset;
        this.inputs = inputs;
        this.writer = writer;
        this.bodies = bodies;
    }

    /// Imports the graphs that a node holds, as bodies of control flow.
    interface Bodies {
        /// Imports a graph, whose inputs stand for the arguments, into the block at hand; gives its outputs.
        List<Operand> graph(OnnxGraph graph, List<Operand> arguments);

        /// A constant of this graph.
        Operand constant(OnnxTensor tensor);
    }

    GraphWriter writer() {
        return writer;
    }

    Bodies bodies() {
        return bodies;
    }

    OnnxNode node() {
        return node;
    }

    /// The version of the operator set that the model asks for.
    long opset() {
        return opset;
    }

    OnnxException error(String problem) {
        return new OnnxException(problem);
    }

    // Inputs and outputs.

    int inputCount() {
        return inputs.size();
    }

    Operand input(int index) {
        return optional(index)
                .orElseThrow(() -> error("input %d is missing, found %d inputs".formatted(index, inputs.size())));
    }

    /// An input that may be left out.
    Optional<Operand> optional(int index) {
        return index < inputs.size() ? inputs.get(index) : Optional.empty();
    }

    /// All inputs of an operator that takes any number of them.
    List<Operand> all() {
        if (inputs.isEmpty()) {
            throw error("expected at least one input");
        }
        return IntStream.range(0, inputs.size()).mapToObj(this::input).toList();
    }

    /// Whether somebody wants this output.
    boolean wants(int output) {
        return output < node.outputs().size() && !node.outputs().get(output).isEmpty();
    }

    int outputCount() {
        return node.outputs().size();
    }

    // Attributes.

    boolean has(String name) {
        return node.attributes().containsKey(name);
    }

    long integer(String name, long otherwise) {
        return integer(name).orElse(otherwise);
    }

    Optional<Long> integer(String name) {
        return attribute(name, OnnxAttribute.IntValue.class, "an integer").map(OnnxAttribute.IntValue::value);
    }

    boolean flag(String name, boolean otherwise) {
        return integer(name, otherwise ? 1 : 0) != 0;
    }

    double number(String name, double otherwise) {
        return number(name).orElse(otherwise);
    }

    Optional<Double> number(String name) {
        return attribute(name, OnnxAttribute.FloatValue.class, "a number").map(value -> (double) value.value());
    }

    String text(String name, String otherwise) {
        return attribute(name, OnnxAttribute.StringValue.class, "a text")
                .map(OnnxAttribute.StringValue::value)
                .orElse(otherwise);
    }

    Optional<List<Long>> integers(String name) {
        return attribute(name, OnnxAttribute.Ints.class, "integers").map(OnnxAttribute.Ints::values);
    }

    List<Long> integers(String name, List<Long> otherwise) {
        return integers(name).orElse(otherwise);
    }

    Optional<List<Float>> numbers(String name) {
        return attribute(name, OnnxAttribute.Floats.class, "numbers").map(OnnxAttribute.Floats::values);
    }

    List<String> texts(String name) {
        return attribute(name, OnnxAttribute.Strings.class, "texts")
                .map(OnnxAttribute.Strings::values)
                .orElse(List.of());
    }

    Optional<OnnxTensor> tensor(String name) {
        return attribute(name, OnnxAttribute.TensorValue.class, "a tensor").map(OnnxAttribute.TensorValue::value);
    }

    OnnxGraph graph(String name) {
        return attribute(name, OnnxAttribute.GraphValue.class, "a graph")
                .map(OnnxAttribute.GraphValue::value)
                .orElseThrow(() -> error("attribute '%s' is missing".formatted(name)));
    }

    private <T extends OnnxAttribute> Optional<T> attribute(String name, Class<T> kind, String expected) {
        var attribute = node.attributes().get(name);
        if (attribute == null) {
            return Optional.empty();
        }
        if (!kind.isInstance(attribute)) {
            throw error("attribute '%s' must be %s, found %s"
                    .formatted(name, expected, attribute.getClass().getSimpleName()));
        }
        return Optional.of(kind.cast(attribute));
    }

    /// The element type that an attribute names by its number.
    Optional<ElementType> elementType(String name) {
        return integer(name)
                .map(code -> Constants.elementType(OnnxDataType.ofCode(code)
                        .orElseThrow(() -> error("attribute '%s' names the unknown type %d".formatted(name, code)))));
    }

    // Axes.

    /// An axis of a rank, negative ones counted from the end.
    int axis(long axis, int rank) {
        if (axis < -rank || axis >= rank) {
            throw error("axis %d is not within -%d..%d".formatted(axis, rank, rank - 1));
        }
        return (int) (axis < 0 ? axis + rank : axis);
    }

    /// Different axes of a rank.
    List<Integer> axes(List<Long> axes, int rank) {
        var result = new ArrayList<Integer>();
        for (long axis : axes) {
            int normal = axis(axis, rank);
            if (result.contains(normal)) {
                throw error("axis %d is named twice".formatted(axis));
            }
            result.add(normal);
        }
        return result;
    }

    /// The elements of an integer input, where they are constant.
    Optional<List<Long>> constants(Operand operand) {
        if (operand.element().isFloat()) throw error("expected integers, found %s".formatted(operand.type()));
        return operand.elements()
                .filter(elements -> elements.stream().allMatch(Elements::isConstant))
                .map(elements -> elements.stream().map(Elements::whole).toList());
    }

    /// The elements of a floating-point input, where they are constant.
    Optional<List<Double>> constantNumbers(Operand operand) {
        return operand.elements()
                .filter(elements -> elements.stream().allMatch(Elements::isConstant))
                .map(elements -> elements.stream().map(Elements::real).toList());
    }
}
