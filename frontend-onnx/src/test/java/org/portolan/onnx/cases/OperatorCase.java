package org.portolan.onnx.cases;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.portolan.onnx.reader.OnnxText;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// A model of one node.
///
/// @param attributes in protobuf's text form
/// @param inputs such as `f32[2,3]` for random numbers, `i64[2]=1,0` for these, `!i64[2]=1,0` for these as a constant of
///     the model, `~f32[3]` for an input of the model that only a subgraph reads, and an empty text for an input that
///     is left out
record OperatorCase(String operator, int opset, int outputs, String attributes, List<String> inputs) {
    /// One input as it is written in a case.
    private record Input(boolean constant, ElementType type, long[] shape, double[] values) {
        static Input parse(String text, Random random) {
            boolean constant = text.startsWith("!");
            var plain = constant || text.startsWith("~") ? text.substring(1) : text;
            int open = plain.indexOf('[');
            int close = plain.indexOf(']');
            var type = ElementType.parse(plain.substring(0, open));
            var shape = Arrays.stream(plain.substring(open + 1, close).split(","))
                    .filter(part -> !part.isEmpty())
                    .mapToLong(Long::parseLong)
                    .toArray();
            int count = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
            var given = close + 1 < plain.length() ? plain.substring(close + 2).split(",") : new String[0];
            var values = new double[count];
            for (int i = 0; i < count; i++) {
                values[i] = given.length > 0
                        ? Double.parseDouble(given[given.length == 1 ? 0 : i])
                        : type.isFloat() ? random.nextGaussian() : type == ElementType.BOOL ? random.nextInt(2) : random.nextInt(1, 9);
            }
            return new Input(constant, type, shape, values);
        }

        String dims() {
            return Arrays.stream(shape).mapToObj("dims: %d"::formatted).collect(Collectors.joining(" "));
        }

        String declaredDims() {
            return Arrays.stream(shape).mapToObj("dim { dim_value: %d }"::formatted).collect(Collectors.joining(" "));
        }

        String data() {
            var field =
                    switch (type) {
                        case F32 -> "float_data";
                        case I64 -> "int64_data";
                        case F64 -> "double_data";
                        default -> "int32_data";
                    };
            return Arrays.stream(values)
                    .mapToObj(value -> "%s: %s"
                            .formatted(field, type.isFloat() ? Double.toString(value) : Long.toString((long) value)))
                    .collect(Collectors.joining(" "));
        }

        Tensor tensor() {
            var tensor = Tensor.of(
                    type, MemorySegment.ofArray(new byte[(int) type.bytes(values.length)]), shape);
            for (int i = 0; i < values.length; i++) {
                ElementTypes.setDouble(type, tensor.data(), i, values[i]);
            }
            return tensor;
        }
    }

    static OperatorCase of(String operator, int opset, String attributes, String... inputs) {
        return new OperatorCase(operator, opset, 1, attributes, List.of(inputs));
    }

    OperatorCase withOutputs(int count) {
        return new OperatorCase(operator, opset, count, attributes, inputs);
    }

    private List<Input> parsed() {
        var random = new Random(operator.hashCode());
        var all = new ArrayList<Input>();
        for (var input : inputs) {
            all.add(input.isEmpty() ? null : Input.parse(input, random));
        }
        return all;
    }

    /// The model as a file.
    byte[] model() {
        var graph = new StringBuilder("name: 'case' ");
        var names = new ArrayList<String>();
        var all = parsed();
        for (int i = 0; i < all.size(); i++) {
            var input = all.get(i);
            if (!inputs.get(i).startsWith("~")) {
                names.add(input == null ? "''" : "'x%d'".formatted(i));
            }
            if (input != null && input.constant) {
                graph.append("initializer { name: 'x%d' data_type: %d %s %s } "
                        .formatted(i, code(input.type), input.dims(), input.data()));
            } else if (input != null) {
                graph.append("input { name: 'x%d' type { tensor_type { elem_type: %d shape { %s } } } } "
                        .formatted(i, code(input.type), input.declaredDims()));
            }
        }
        var results = IntStream.range(0, outputs).mapToObj("'y%d'"::formatted).toList();
        graph.append("node { op_type: '%s' name: 'node' input: %s output: %s %s } "
                .formatted(operator, names, results, attributes));
        results.forEach(result -> graph.append("output { name: %s } ".formatted(result)));
        return OnnxText.bytes(
                "ModelProto", "ir_version: 10 opset_import { version: %d } graph { %s }".formatted(opset, graph));
    }

    /// The inputs of a run, by name.
    Map<String, Tensor> tensors() {
        var tensors = new LinkedHashMap<String, Tensor>();
        var all = parsed();
        for (int i = 0; i < all.size(); i++) {
            if (all.get(i) != null && !all.get(i).constant) {
                tensors.put("x" + i, all.get(i).tensor());
            }
        }
        return tensors;
    }

    private static int code(ElementType type) {
        return switch (type) {
            case F32 -> 1;
            case U8 -> 2;
            case I8 -> 3;
            case I32 -> 6;
            case I64 -> 7;
            case BOOL -> 9;
            case F64 -> 11;
            case U32 -> 12;
            case U64 -> 13;
            default -> throw new IllegalArgumentException(type.text());
        };
    }

    @Override
    public String toString() {
        return "%s-%d %s %s".formatted(operator, opset, inputs, attributes);
    }
}
