package org.portolan.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.portolan.onnx.OnnxAttribute;
import org.portolan.onnx.OnnxGraph;
import org.portolan.onnx.OnnxNode;
import org.portolan.onnx.OnnxTensor;
import org.portolan.onnx.reader.OnnxReader;

/// Gives a model whose weights are computed by `ConstantOfShape` nodes, as in ONNX's own `light` models, real weights:
/// seeded random initializers, spread so that activations keep their size from layer to layer. The rest of the file is
/// copied as it is.
///
/// Arguments: `IN.onnx OUT.onnx SEED`.
public final class RandomWeights {
    private static final int MODEL_IR_VERSION = 1;
    private static final int MODEL_GRAPH = 7;
    private static final int GRAPH_NODE = 1;
    private static final int GRAPH_INITIALIZER = 5;
    private static final int GRAPH_INPUT = 11;
    private static final int TENSOR_DIMS = 1;
    private static final int TENSOR_TYPE = 2;
    private static final int TENSOR_NAME = 8;
    private static final int TENSOR_RAW_DATA = 9;
    /// From this version on an initializer need not be an input, so no caller may replace it and runtimes may fold it.
    private static final int FIRST_IR_WITH_OWN_INITIALIZERS = 4;

    private static final int CHUNK_ELEMENTS = 1 << 18;

    private final OnnxGraph graph;
    private final Map<String, OnnxTensor> initializers = new HashMap<>();
    private final Map<String, List<OnnxNode>> readers = new HashMap<>();

    private RandomWeights(OnnxGraph graph) {
        this.graph = graph;
        graph.initializers().forEach(tensor -> initializers.put(tensor.name(), tensor));
        for (var node : graph.nodes()) {
            for (var input : node.inputs()) {
                readers.computeIfAbsent(input, _ -> new ArrayList<>()).add(node);
            }
        }
    }

    public static void main(String[] arguments) throws IOException {
        rewrite(Path.of(arguments[0]), Path.of(arguments[1]), Long.parseLong(arguments[2]));
    }

    /// Writes `target` as `source` with an initializer in the place of each `ConstantOfShape` node of floats whose shape
    /// is an initializer. Equal seeds give equal files.
    ///
    /// @throws IllegalArgumentException when the model holds no such node
    public static void rewrite(Path source, Path target, long seed) throws IOException {
        var model = new OnnxReader().model(source);
        new RandomWeights(model.graph()).write(ByteBuffer.wrap(Files.readAllBytes(source)), target, new Random(seed));
    }

    /// A weight to be: what the model calls it, its extents, and how its numbers are spread.
    private record Weight(String name, List<Long> dims, Spread spread) {
        long elements() {
            return dims.stream().reduce(1L, Math::multiplyExact);
        }

        /// The tensor's fields before its numbers.
        ByteBuffer header() {
            var text = name.getBytes(StandardCharsets.UTF_8);
            var header = ByteBuffer.allocate(64 + 16 * dims.size() + text.length);
            for (long dim : dims) {
                putNumber(header, TENSOR_DIMS, dim);
            }
            putNumber(header, TENSOR_TYPE, 1);
            putLength(header, TENSOR_NAME, text.length);
            header.put(text);
            putLength(header, TENSOR_RAW_DATA, Math.multiplyExact(elements(), Float.BYTES));
            return header.flip();
        }

        long bytes() {
            return header().remaining() + elements() * Float.BYTES;
        }
    }

    /// Normally distributed numbers, or their distance from zero with the mean added where they must be positive.
    private record Spread(double mean, double deviation) {
        float next(Random random) {
            double offset = deviation * random.nextGaussian();
            return (float) (mean + (mean == 0 ? offset : Math.abs(offset)));
        }
    }

    /// A field of a protobuf message: its number, where it starts and ends, and where its content does.
    private record Field(int number, int start, int content, int end) {}

    private void write(ByteBuffer file, Path target, Random random) throws IOException {
        var weights = weights();
        var replaced = new HashSet<String>();
        weights.forEach(weight -> replaced.add(weight.name()));
        if (weights.isEmpty()) {
            throw new IllegalArgumentException("no ConstantOfShape node of floats with a constant shape");
        }
        var kept = new ArrayList<ByteBuffer>();
        var outer = new ArrayList<ByteBuffer>();
        for (var field : fields(file, 0, file.limit())) {
            if (field.number() == MODEL_GRAPH) {
                kept.addAll(keptParts(file, field, replaced));
            } else if (field.number() != MODEL_IR_VERSION) {
                outer.add(file.slice(field.start(), field.end() - field.start()));
            }
        }
        long graphBytes = kept.stream().mapToLong(ByteBuffer::remaining).sum();
        for (var weight : weights) {
            graphBytes += lengthField(GRAPH_INITIALIZER, weight.bytes()).remaining() + weight.bytes();
        }
        try (var channel = FileChannel.open(
                target,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE)) {
            var version = ByteBuffer.allocate(16);
            putNumber(version, MODEL_IR_VERSION, FIRST_IR_WITH_OWN_INITIALIZERS);
            put(channel, version.flip());
            for (var part : outer) {
                put(channel, part);
            }
            put(channel, lengthField(MODEL_GRAPH, graphBytes));
            for (var part : kept) {
                put(channel, part);
            }
            for (var weight : weights) {
                put(channel, lengthField(GRAPH_INITIALIZER, weight.bytes()));
                put(channel, weight.header());
                putNumbers(channel, weight, random);
            }
        }
    }

    /// The graph's fields but for the nodes that computed weights, the shapes that only they read, and initializers
    /// among the inputs.
    private List<ByteBuffer> keptParts(ByteBuffer file, Field graphField, Set<String> replaced) {
        var dropped = new HashSet<String>();
        for (var tensor : graph.initializers()) {
            var users = readers.getOrDefault(tensor.name(), List.of());
            if (!users.isEmpty() && users.stream().allMatch(user -> isReplaced(user, replaced))) {
                dropped.add(tensor.name());
            }
        }
        var parts = new ArrayList<ByteBuffer>();
        int node = 0;
        int initializer = 0;
        int input = 0;
        for (var field : fields(file, graphField.content(), graphField.end())) {
            boolean keep = switch (field.number()) {
                case GRAPH_NODE -> !isReplaced(graph.nodes().get(node++), replaced);
                case GRAPH_INITIALIZER -> !dropped.contains(graph.initializers().get(initializer++).name());
                case GRAPH_INPUT -> !initializers.containsKey(graph.inputs().get(input++).name());
                default -> true;
            };
            if (keep) {
                parts.add(file.slice(field.start(), field.end() - field.start()));
            }
        }
        return parts;
    }

    private static boolean isReplaced(OnnxNode node, Set<String> replaced) {
        return node.operator().equals("ConstantOfShape") && replaced.contains(node.outputs().getFirst());
    }

    private List<Weight> weights() {
        var weights = new ArrayList<Weight>();
        for (var node : graph.nodes()) {
            var shape = initializers.get(node.inputs().isEmpty() ? "" : node.inputs().getFirst());
            if (node.operator().equals("ConstantOfShape") && shape != null && isFloat(node)) {
                var numbers = shape.data().asByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asLongBuffer();
                var dims = new ArrayList<Long>();
                while (numbers.hasRemaining()) {
                    dims.add(numbers.get());
                }
                var name = node.outputs().getFirst();
                weights.add(new Weight(name, dims, spread(name, dims)));
            }
        }
        return weights;
    }

    private static boolean isFloat(OnnxNode node) {
        return switch (node.attributes().get("value")) {
            case null -> true;
            case OnnxAttribute.TensorValue(var _, var value) -> value.type().name().equals("FLOAT");
            case OnnxAttribute other -> false;
        };
    }

    /// How the weight is spread follows from its first reader. Factors of products keep the variance of what they are
    /// multiplied with when a rectifier follows; scales are below one, so that sums of many branches stay small.
    private Spread spread(String name, List<Long> dims) {
        var variance = new Spread(0.5, 0.5);
        var scale = new Spread(0.25, 0.25);
        var small = new Spread(0, 0.1);
        for (var reader : readers.getOrDefault(name, List.of())) {
            int position = reader.inputs().indexOf(name);
            return switch (reader.operator()) {
                case "Conv" -> position == 1 ? product(dims.stream().skip(1).reduce(1L, Math::multiplyExact)) : small;
                case "Gemm" -> position == 1 ? product(dims.get(isTransposed(reader) ? 1 : 0)) : small;
                case "MatMul" -> product(dims.get(Math.max(0, dims.size() - 2)));
                case "BatchNormalization" -> position == 1 ? scale : position == 4 ? variance : small;
                case "Unsqueeze", "Reshape", "Identity" -> spread(reader.outputs().getFirst(), dims);
                case "Mul", "Div", "PRelu" -> scale;
                default -> small;
            };
        }
        return small;
    }

    private static Spread product(long terms) {
        return new Spread(0, Math.sqrt(2.0 / Math.max(1, terms)));
    }

    private static boolean isTransposed(OnnxNode gemm) {
        return gemm.attributes().get("transB") instanceof OnnxAttribute.IntValue(var _, var value) && value != 0;
    }

    private static void putNumbers(FileChannel channel, Weight weight, Random random) throws IOException {
        var chunk = ByteBuffer.allocateDirect(CHUNK_ELEMENTS * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (long left = weight.elements(); left > 0; left -= CHUNK_ELEMENTS) {
            chunk.clear();
            for (long i = Math.min(left, CHUNK_ELEMENTS); i > 0; i--) {
                chunk.putFloat(weight.spread().next(random));
            }
            put(channel, chunk.flip());
        }
    }

    private static void put(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private static List<Field> fields(ByteBuffer file, int start, int end) {
        var fields = new ArrayList<Field>();
        var cursor = file.duplicate().position(start).limit(end);
        while (cursor.hasRemaining()) {
            int from = cursor.position();
            long tag = number(cursor);
            int content = cursor.position();
            switch ((int) tag & 7) {
                case 0 -> number(cursor);
                case 1 -> cursor.position(content + Long.BYTES);
                case 2 -> {
                    int length = Math.toIntExact(number(cursor));
                    content = cursor.position();
                    cursor.position(content + length);
                }
                case 5 -> cursor.position(content + Integer.BYTES);
                default -> throw new IllegalArgumentException("field of unknown kind at byte " + from);
            }
            fields.add(new Field((int) (tag >>> 3), from, content, cursor.position()));
        }
        return fields;
    }

    private static long number(ByteBuffer cursor) {
        long number = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 7) {
            byte next = cursor.get();
            number |= (long) (next & 0x7f) << shift;
            if (next >= 0) {
                break;
            }
        }
        return number;
    }

    private static ByteBuffer lengthField(int field, long length) {
        var bytes = ByteBuffer.allocate(16);
        putLength(bytes, field, length);
        return bytes.flip();
    }

    private static void putLength(ByteBuffer target, int field, long length) {
        putVariable(target, field << 3 | 2);
        putVariable(target, length);
    }

    private static void putNumber(ByteBuffer target, int field, long number) {
        putVariable(target, (long) field << 3);
        putVariable(target, number);
    }

    private static void putVariable(ByteBuffer target, long number) {
        for (; number >>> 7 != 0; number >>>= 7) {
            target.put((byte) (number & 0x7f | 0x80));
        }
        target.put((byte) number);
    }
}
