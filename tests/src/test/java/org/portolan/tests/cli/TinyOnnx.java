package org.portolan.tests.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Writes ONNX models of one node, byte by byte as the protobuf wire format has it: nothing that reads models takes part.
public final class TinyOnnx {
    private static final int FLOAT = 1;
    private static final int OPSET = 18;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    /// A model of `y = operator(inputs...)` over f32 tensors of two axes: the first symbolic, the second of 3.
    static Path write(Path file, String operator, String... inputs) throws IOException {
        var node = new TinyOnnx();
        for (var input : inputs) node.text(1, input);
        node.text(2, "y").text(3, "the_node").text(4, operator);
        var graph = new TinyOnnx().message(1, node).text(2, "tiny");
        for (var input : inputs) graph.message(11, value(input));
        graph.message(12, value("y"));
        return Files.write(file, model(graph));
    }

    /// A model of `y = operator(x)` over f32, which does not say of how many axes.
    static Path writeWithoutShapes(Path file, String operator) throws IOException {
        var node = new TinyOnnx().text(1, "x").text(2, "y").text(3, "the_node").text(4, operator);
        var tensor = new TinyOnnx().message(1, new TinyOnnx().number(1, FLOAT));
        var graph = new TinyOnnx().message(1, node).text(2, "tiny").message(11, new TinyOnnx().text(1, "x").message(2, tensor));
        return Files.write(file, model(graph.message(12, new TinyOnnx().text(1, "y"))));
    }

    /// An input of a model.
    ///
    /// @param type of its elements, by ONNX's number
    /// @param dims numbers and names
    public record Input(int type, Object... dims) {}

    /// A model of `y = operator(x0, x1, ..)`.
    ///
    /// @param attributes names, each with its value after it: a Long, a String, or long[]
    public static Path write(Path file, long opset, String operator, List<Object> attributes, Input... inputs)
            throws IOException {
        var names = new ArrayList<String>();
        var given = new LinkedHashMap<String, Input>();
        for (int i = 0; i < inputs.length; i++) {
            names.add("x" + i);
            given.put("x" + i, inputs[i]);
        }
        return write(file, opset, List.of(new Node(operator, names, List.of("y"), attributes)), given, List.of("y"));
    }

    /// @param attributes names, each with its value after it: a Long, a Float, a String, or long[]
    public record Node(String operator, List<String> inputs, List<String> outputs, List<Object> attributes) {}

    /// A model of several nodes.
    public static Path write(
            Path file, long opset, List<Node> nodes, Map<String, Input> inputs, List<String> outputs) throws IOException {
        var graph = new TinyOnnx();
        for (var node : nodes) graph.message(1, node(node));
        graph.text(2, "tiny");
        inputs.forEach((name, input) -> {
            var shape = new TinyOnnx();
            for (var dim : input.dims()) {
                var extent = new TinyOnnx();
                shape.message(1, dim instanceof Integer size ? extent.number(1, size) : extent.text(2, (String) dim));
            }
            var tensor = new TinyOnnx().number(1, input.type()).message(2, shape);
            graph.message(11, new TinyOnnx().text(1, name).message(2, new TinyOnnx().message(1, tensor)));
        });
        for (var output : outputs) graph.message(12, new TinyOnnx().text(1, output));
        return Files.write(file, model(graph, opset));
    }

    private static TinyOnnx node(Node node) {
        var message = new TinyOnnx();
        for (var input : node.inputs()) message.text(1, input);
        for (var output : node.outputs()) message.text(2, output);
        message.text(3, "the_node").text(4, node.operator());
        for (int i = 0; i < node.attributes().size(); i += 2) {
            var attribute = new TinyOnnx().text(1, (String) node.attributes().get(i));
            switch (node.attributes().get(i + 1)) {
                case Long number -> attribute.number(3, number).number(20, 2);
                case Float number -> attribute.float32(2, number).number(20, 1);
                case String text -> attribute.text(4, text).number(20, 3);
                case long[] numbers -> {
                    for (long number : numbers) attribute.number(8, number);
                    attribute.number(20, 7);
                }
                default -> throw new IllegalArgumentException(node.attributes().toString());
            }
            message.message(5, attribute);
        }
        return message;
    }

    private static byte[] model(TinyOnnx graph) {
        return model(graph, OPSET);
    }

    private static byte[] model(TinyOnnx graph, long version) {
        var opset = new TinyOnnx().text(1, "").number(2, version);
        return new TinyOnnx().number(1, 9).message(7, graph).message(8, opset).bytes.toByteArray();
    }

    /// A tensor as ONNX's test data holds it.
    static Path writeTensor(Path file, String name, long[] shape, float... elements) throws IOException {
        var tensor = new TinyOnnx();
        for (var extent : shape) tensor.number(1, extent);
        tensor.number(2, FLOAT);
        var data = new TinyOnnx();
        for (var element : elements) data.fixed32(Float.floatToRawIntBits(element));
        return Files.write(file, tensor.message(4, data).text(8, name).bytes.toByteArray());
    }

    /// A model of `y = x + w` whose weight of three f32 lies in another file.
    ///
    /// @param location what the model says of where that file is
    public static Path writeWithExternalData(Path file, String location) throws IOException {
        var node = new TinyOnnx().text(1, "x").text(1, "w").text(2, "y").text(3, "the_node").text(4, "Add");
        var entry = new TinyOnnx().text(1, "location").text(2, location);
        var weight = new TinyOnnx().number(1, 3).number(2, FLOAT).text(8, "w").message(13, entry).number(14, 1);
        var graph = new TinyOnnx().message(1, node).text(2, "tiny").message(5, weight).message(11, value("x"));
        return Files.write(file, model(graph.message(12, value("y"))));
    }

    private static TinyOnnx value(String name) {
        var rows = new TinyOnnx().text(2, "rows");
        var columns = new TinyOnnx().number(1, 3);
        var shape = new TinyOnnx().message(1, rows).message(1, columns);
        var tensor = new TinyOnnx().number(1, FLOAT).message(2, shape);
        return new TinyOnnx().text(1, name).message(2, new TinyOnnx().message(1, tensor));
    }

    private TinyOnnx number(int field, long value) {
        varint((long) field << 3);
        varint(value);
        return this;
    }

    private TinyOnnx float32(int field, float value) {
        varint((long) field << 3 | 5);
        fixed32(Float.floatToRawIntBits(value));
        return this;
    }

    private TinyOnnx text(int field, String text) {
        return raw(field, text.getBytes(StandardCharsets.UTF_8));
    }

    private TinyOnnx message(int field, TinyOnnx message) {
        return raw(field, message.bytes.toByteArray());
    }

    private TinyOnnx raw(int field, byte[] content) {
        varint((long) field << 3 | 2);
        varint(content.length);
        bytes.writeBytes(content);
        return this;
    }

    private void fixed32(int bits) {
        for (var shift = 0; shift < 32; shift += 8) bytes.write(bits >>> shift);
    }

    private void varint(long value) {
        var rest = value;
        while (rest >>> 7 != 0) {
            bytes.write((int) (rest & 0x7f | 0x80));
            rest >>>= 7;
        }
        bytes.write((int) rest);
    }
}
