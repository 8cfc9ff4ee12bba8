package org.portolan.onnx.reader;

import com.google.protobuf.ByteString;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.portolan.onnx.OnnxAttribute;
import org.portolan.onnx.OnnxDataType;
import org.portolan.onnx.OnnxDimension;
import org.portolan.onnx.OnnxFunction;
import org.portolan.onnx.OnnxGraph;
import org.portolan.onnx.OnnxModel;
import org.portolan.onnx.OnnxNode;
import org.portolan.onnx.OnnxSparseTensor;
import org.portolan.onnx.OnnxTensor;
import org.portolan.onnx.OnnxType;
import org.portolan.onnx.OnnxValue;
import org.portolan.onnx.OnnxValueInfo;

/// One text for what a file says, written twice: from our records, and from protobuf's messages.
final class Described {
    private Described() {}

    // From our records.

    static String of(OnnxModel model) {
        return "model %d %s opsets %s %s functions %s metadata %s"
                .formatted(
                        model.irVersion(),
                        model.producer(),
                        new TreeMap<>(model.opsets()),
                        of(model.graph()),
                        all(model.functions(), Described::of),
                        new TreeMap<>(model.metadata()));
    }

    private static String of(OnnxFunction function) {
        return "function %s %s %s in %s out %s attributes %s defaults %s nodes %s opsets %s"
                .formatted(
                        function.domain(),
                        function.name(),
                        function.overload(),
                        function.inputs(),
                        function.outputs(),
                        function.attributes(),
                        all(List.copyOf(function.defaults().values()), Described::of),
                        all(function.nodes(), Described::of),
                        new TreeMap<>(function.opsets()));
    }

    private static String of(OnnxGraph graph) {
        return "graph %s nodes %s constants %s sparse %s in %s out %s inside %s"
                .formatted(
                        graph.name(),
                        all(graph.nodes(), Described::of),
                        all(graph.initializers(), Described::of),
                        all(graph.sparseInitializers(), Described::of),
                        all(graph.inputs(), Described::of),
                        all(graph.outputs(), Described::of),
                        all(graph.valueInfo(), Described::of));
    }

    private static String of(OnnxNode node) {
        return "node %s %s %s %s in %s out %s %s"
                .formatted(
                        node.name(),
                        node.domain(),
                        node.operator(),
                        node.overload(),
                        node.inputs(),
                        node.outputs(),
                        all(List.copyOf(node.attributes().values()), Described::of));
    }

    private static String of(OnnxAttribute attribute) {
        var value = switch (attribute) {
            case OnnxAttribute.FloatValue(var _, var number) -> "float " + number;
            case OnnxAttribute.IntValue(var _, var number) -> "int " + number;
            case OnnxAttribute.StringValue(var _, var text) -> "string " + text;
            case OnnxAttribute.TensorValue(var _, var tensor) -> of(tensor);
            case OnnxAttribute.GraphValue(var _, var graph) -> of(graph);
            case OnnxAttribute.SparseValue(var _, var tensor) -> of(tensor);
            case OnnxAttribute.TypeValue(var _, var type) -> of(type);
            case OnnxAttribute.Floats(var _, var numbers) -> "floats " + numbers;
            case OnnxAttribute.Ints(var _, var numbers) -> "ints " + numbers;
            case OnnxAttribute.Strings(var _, var texts) -> "strings " + texts;
            case OnnxAttribute.Tensors(var _, var tensors) -> all(tensors, Described::of);
            case OnnxAttribute.Graphs(var _, var graphs) -> all(graphs, Described::of);
            case OnnxAttribute.SparseTensors(var _, var tensors) -> all(tensors, Described::of);
            case OnnxAttribute.Types(var _, var types) -> all(types, Described::of);
            case OnnxAttribute.Reference(var _, var name) -> "reference " + name;
        };
        return attribute.name() + " = " + value;
    }

    static String of(OnnxValue value) {
        return switch (value) {
            case OnnxTensor tensor -> of(tensor);
            case OnnxSparseTensor tensor -> of(tensor);
            case OnnxValue.Sequence(var name, var elements) ->
                "sequence %s %s".formatted(name, all(elements, Described::of));
            case OnnxValue.Maybe(var name, var inner) ->
                "maybe %s %s".formatted(name, all(inner.stream().toList(), Described::of));
        };
    }

    private static String of(OnnxTensor tensor) {
        return tensorText(
                tensor.name(),
                tensor.type().code(),
                tensor.dims(),
                tensor.data().toArray(ValueLayout.JAVA_BYTE),
                tensor.strings());
    }

    private static String of(OnnxSparseTensor tensor) {
        return "sparse %s %s %s".formatted(of(tensor.values()), tensor.positions(), tensor.dims());
    }

    private static String of(OnnxValueInfo info) {
        return info.name() + ": " + of(info.type());
    }

    private static String of(OnnxType type) {
        return switch (type) {
            case OnnxType.Tensor(var element, var shape) ->
                element.code() + shape.map(Described::shape).orElse("?");
            case OnnxType.Sparse(var element, var shape) ->
                "sparse" + element.code() + shape.map(Described::shape).orElse("?");
            case OnnxType.Sequence(var element) -> "sequence(" + of(element) + ")";
            case OnnxType.Maybe(var element) -> "maybe(" + of(element) + ")";
            case OnnxType.Mapping(var key, var value) -> "map(" + key.code() + ", " + of(value) + ")";
            case OnnxType.Opaque _ -> "opaque";
            case OnnxType.Undeclared _ -> "undeclared";
        };
    }

    private static String shape(List<OnnxDimension> dimensions) {
        return all(dimensions, dimension -> switch (dimension) {
            case OnnxDimension.Known(var size) -> Long.toString(size);
            case OnnxDimension.Named(var name) -> name;
            case OnnxDimension.Unknown _ -> "?";
        });
    }

    // From protobuf's messages.

    static String model(DynamicMessage model) {
        return "model %d %s opsets %s %s functions %s metadata %s"
                .formatted(
                        number(model, "ir_version"),
                        text(model, "producer_name"),
                        opsets(model),
                        graph(message(model, "graph")),
                        all(messages(model, "functions"), Described::function),
                        messages(model, "metadata_props").stream()
                                .collect(Collectors.toMap(
                                        entry -> text(entry, "key"),
                                        entry -> text(entry, "value"),
                                        (a, b) -> b,
                                        TreeMap::new)));
    }

    private static Map<String, Long> opsets(Message message) {
        return messages(message, "opset_import").stream()
                .collect(Collectors.toMap(
                        entry -> domain(entry), entry -> number(entry, "version"), (a, b) -> b, TreeMap::new));
    }

    private static String domain(Message message) {
        var domain = text(message, "domain");
        return domain.equals("ai.onnx") ? "" : domain;
    }

    private static String function(Message function) {
        return "function %s %s %s in %s out %s attributes %s defaults %s nodes %s opsets %s"
                .formatted(
                        domain(function),
                        text(function, "name"),
                        text(function, "overload"),
                        list(function, "input"),
                        list(function, "output"),
                        list(function, "attribute"),
                        all(messages(function, "attribute_proto"), Described::attribute),
                        all(messages(function, "node"), Described::node),
                        opsets(function));
    }

    private static String graph(Message graph) {
        return "graph %s nodes %s constants %s sparse %s in %s out %s inside %s"
                .formatted(
                        text(graph, "name"),
                        all(messages(graph, "node"), Described::node),
                        all(messages(graph, "initializer"), Described::tensor),
                        all(messages(graph, "sparse_initializer"), Described::sparse),
                        all(messages(graph, "input"), Described::info),
                        all(messages(graph, "output"), Described::info),
                        all(messages(graph, "value_info"), Described::info));
    }

    private static String node(Message node) {
        return "node %s %s %s %s in %s out %s %s"
                .formatted(
                        text(node, "name"),
                        domain(node),
                        text(node, "op_type"),
                        text(node, "overload"),
                        list(node, "input"),
                        list(node, "output"),
                        all(messages(node, "attribute"), Described::attribute));
    }

    private static String attribute(Message attribute) {
        var reference = text(attribute, "ref_attr_name");
        var value = !reference.isEmpty()
                ? "reference " + reference
                : switch ((int) number(attribute, "type")) {
                    case 1 -> "float " + get(attribute, "f");
                    case 2 -> "int " + get(attribute, "i");
                    case 3 -> "string " + ((ByteString) get(attribute, "s")).toStringUtf8();
                    case 4 -> tensor(message(attribute, "t"));
                    case 5 -> graph(message(attribute, "g"));
                    case 6 -> "floats " + list(attribute, "floats");
                    case 7 -> "ints " + list(attribute, "ints");
                    case 8 -> "strings " + strings(attribute, "strings");
                    case 9 -> all(messages(attribute, "tensors"), Described::tensor);
                    case 10 -> all(messages(attribute, "graphs"), Described::graph);
                    case 11 -> sparse(message(attribute, "sparse_tensor"));
                    case 12 -> all(messages(attribute, "sparse_tensors"), Described::sparse);
                    case 13 -> type(message(attribute, "tp"));
                    case 14 -> all(messages(attribute, "type_protos"), Described::type);
                    default -> throw new IllegalArgumentException(attribute.toString());
                };
        return text(attribute, "name") + " = " + value;
    }

    static String value(Message value) {
        return switch (value.getDescriptorForType().getName()) {
            case "TensorProto" -> tensor(value);
            case "SequenceProto" ->
                "sequence %s [%s%s%s]"
                        .formatted(
                                text(value, "name"),
                                inner(messages(value, "tensor_values")),
                                inner(messages(value, "sequence_values")),
                                inner(messages(value, "optional_values")));
            default ->
                "maybe %s [%s%s%s]"
                        .formatted(
                                text(value, "name"),
                                inner(present(value, "tensor_value")),
                                inner(present(value, "sequence_value")),
                                inner(present(value, "optional_value")));
        };
    }

    private static String inner(List<Message> values) {
        return values.stream().map(Described::value).collect(Collectors.joining(", "));
    }

    private static List<Message> present(Message message, String field) {
        var descriptor = message.getDescriptorForType().findFieldByName(field);
        return message.hasField(descriptor) ? List.of((Message) message.getField(descriptor)) : List.of();
    }

    private static String tensor(Message tensor) {
        int code = (int) number(tensor, "data_type");
        var raw = ((ByteString) get(tensor, "raw_data")).toByteArray();
        var bytes = raw.length > 0
                ? raw
                : typedBytes(tensor, OnnxDataType.ofCode(code).orElseThrow());
        return tensorText(text(tensor, "name"), code, list(tensor, "dims"), bytes, strings(tensor, "string_data"));
    }

    private static byte[] typedBytes(Message tensor, OnnxDataType type) {
        var bytes = new ByteArrayOutputStream();
        var buffer = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        for (var element : list(tensor, "float_data")) {
            bytes.write(buffer.putFloat(0, (Float) element).array(), 0, 4);
        }
        for (var element : list(tensor, "double_data")) {
            bytes.write(buffer.putDouble(0, (Double) element).array(), 0, 8);
        }
        int width = Math.max(8, type.bits()) / 8;
        for (var field : List.of("int32_data", "int64_data", "uint64_data")) {
            for (var element : list(tensor, field)) {
                bytes.write(buffer.putLong(0, ((Number) element).longValue()).array(), 0, width);
            }
        }
        return bytes.toByteArray();
    }

    private static String sparse(Message tensor) {
        var values = message(tensor, "values");
        var indices = message(tensor, "indices");
        var dims = list(tensor, "dims").stream().map(Long.class::cast).toList();
        var numbers = ByteBuffer.wrap(typedBytes(indices, OnnxDataType.INT64))
                .order(ByteOrder.LITTLE_ENDIAN)
                .asLongBuffer();
        if (numbers.capacity() == 0) {
            numbers = ((ByteString) get(indices, "raw_data"))
                    .asReadOnlyByteBuffer()
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asLongBuffer();
        }
        int rank = list(indices, "dims").size() == 1 ? 1 : dims.size();
        var positions = new ArrayList<Long>();
        for (int i = 0; i < numbers.capacity() / rank; i++) {
            long position = 0;
            for (int axis = 0; axis < rank; axis++) {
                position = rank == 1 ? numbers.get(i) : position * dims.get(axis) + numbers.get(i * rank + axis);
            }
            positions.add(position);
        }
        return "sparse %s %s %s".formatted(tensor(values), positions, dims);
    }

    private static String info(Message info) {
        return text(info, "name") + ": " + type(message(info, "type"));
    }

    private static String type(Message type) {
        for (var name : List.of("tensor_type", "sparse_tensor_type")) {
            for (var tensor : present(type, name)) {
                if (number(tensor, "elem_type") != 0) {
                    return (name.startsWith("sparse") ? "sparse" : "")
                            + number(tensor, "elem_type")
                            + present(tensor, "shape").stream()
                                    .map(shape -> all(messages(shape, "dim"), Described::dimension))
                                    .findFirst()
                                    .orElse("?");
                }
            }
        }
        for (var element : present(type, "sequence_type")) {
            return "sequence(" + type(message(element, "elem_type")) + ")";
        }
        for (var element : present(type, "optional_type")) {
            return "maybe(" + type(message(element, "elem_type")) + ")";
        }
        for (var map : present(type, "map_type")) {
            return "map(" + number(map, "key_type") + ", " + type(message(map, "value_type")) + ")";
        }
        return "undeclared";
    }

    private static String dimension(Message dimension) {
        if (dimension.hasField(dimension.getDescriptorForType().findFieldByName("dim_value"))) {
            long size = number(dimension, "dim_value");
            return size < 0 ? "?" : Long.toString(size);
        }
        var name = text(dimension, "dim_param");
        return name.isBlank() ? "?" : name;
    }

    private static String tensorText(String name, int code, List<?> dims, byte[] bytes, List<String> strings) {
        return "tensor %s %d %s %d bytes %08x %s"
                .formatted(name, code, dims, bytes.length, Arrays.hashCode(bytes), strings);
    }

    private static <T> String all(List<T> values, Function<? super T, String> text) {
        return values.stream().map(text).collect(Collectors.joining(", ", "[", "]"));
    }

    private static Object get(Message message, String field) {
        return message.getField(message.getDescriptorForType().findFieldByName(field));
    }

    private static String text(Message message, String field) {
        return (String) get(message, field);
    }

    private static long number(Message message, String field) {
        return (Long) get(message, field);
    }

    private static Message message(Message message, String field) {
        return (Message) get(message, field);
    }

    private static List<?> list(Message message, String field) {
        return (List<?>) get(message, field);
    }

    private static List<String> strings(Message message, String field) {
        return list(message, field).stream()
                .map(element -> ((ByteString) element).toStringUtf8())
                .toList();
    }

    private static List<Message> messages(Message message, String field) {
        return list(message, field).stream().map(Message.class::cast).toList();
    }
}
