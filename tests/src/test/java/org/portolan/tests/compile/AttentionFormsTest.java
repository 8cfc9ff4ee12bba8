package org.portolan.tests.compile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.onnx.importer.OnnxImporter;
import org.portolan.onnx.reader.OnnxReader;
import org.portolan.runtime.type.ElementType;
import org.portolan.tests.cli.TinyOnnx;
import org.portolan.tests.cli.TinyOnnx.Input;
import org.portolan.tests.cli.TinyOnnx.Node;

/// How many kernels attention becomes, in each form that exporters write it in: the table of `docs/attention.md`, which
/// `-Dupdate=true` writes anew.
class AttentionFormsTest {
    private static final List<String> TARGETS = List.of("cpu", "opencl:opencl-cpu", "opencl:opencl-gpu", "cuda:sm_80", "ascend:910b");
    private static final int FLOAT = 1;
    private static final int LONG = 7;
    private static final int TRUTH = 9;
    private static final int HALF = 10;

    @TempDir
    private Path folder;

    private final Map<String, List<Long>> rows = new LinkedHashMap<>();

    @Test
    void thePageSaysHowManyKernels() throws IOException {
        operator();
        exported();
        var lines = new ArrayList<String>();
        lines.add("| form | " + String.join(" | ", TARGETS) + " |");
        lines.add("|---" .repeat(TARGETS.size() + 1) + "|");
        rows.forEach((form, counts) -> lines.add(
                "| " + form + " | " + String.join(" | ", counts.stream().map(String::valueOf).toList()) + " |"));
        var page = checkout().resolve("docs/attention.md");
        var text = Files.readString(page);
        int from = text.indexOf("| form |");
        int end = text.indexOf("\n\n", from);
        var table = String.join("\n", lines);
        if (Boolean.getBoolean("update")) {
            Files.writeString(page, text.substring(0, from) + table + text.substring(end));
        } else {
            assertEquals(table, text.substring(from, end));
        }
    }

    private static Input tensor(Object... dims) {
        return new Input(FLOAT, dims);
    }

    /// ONNX's operator: queries, keys, values, and what else it takes.
    private void operator() throws IOException {
        var q = tensor(2, 8, 96, 64);
        var k = tensor(2, 8, 160, 64);
        operator("`Attention`", 1, List.of(), q, k, k);
        operator("f16", 1, List.of(), half(2, 8, 96, 64), half(2, 8, 160, 64), half(2, 8, 160, 64));
        operator("3-D, heads side by side", 1, List.of("q_num_heads", 8L, "kv_num_heads", 8L),
                tensor(2, 96, 512), tensor(2, 160, 512), tensor(2, 160, 512));
        operator("`is_causal`", 1, List.of("is_causal", 1L), q, k, k);
        operator("bool mask of rows and keys", 1, List.of(), q, k, k, new Input(TRUTH, 96, 160));
        operator("float mask for each batch", 1, List.of(), q, k, k, tensor(2, 1, 96, 160));
        operator("float mask for each head", 1, List.of(), q, k, k, tensor(2, 8, 96, 160));
        operator("bool mask and `is_causal`", 1, List.of("is_causal", 1L), q, k, k, new Input(TRUTH, 96, 160));
        operator("`softcap`", 1, List.of("softcap", 20f), q, k, k);
        operator("`scale`, `softmax_precision` f32 of f16", 1, List.of("scale", 0.5f, "softmax_precision", 1L),
                half(2, 8, 96, 64), half(2, 8, 160, 64), half(2, 8, 160, 64));
        operator("grouped heads", 1, List.of(), q, tensor(2, 2, 160, 64), tensor(2, 2, 160, 64));
        operator("past and present keys and values", 3, List.of(), q, k, k, null, tensor(2, 8, 40, 64), tensor(2, 8, 40, 64));
        operator("lengths (`nonpad_kv_seqlen`)", 1, List.of(), q, k, k, null, null, null, new Input(LONG, 2));
        operator("one query, grouped heads, lengths, `is_causal`", 1, List.of("is_causal", 1L),
                tensor(2, 8, 1, 64), tensor(2, 2, 1024, 64), tensor(2, 2, 1024, 64), null, null, null, new Input(LONG, 2));
        operator("symbolic lengths, `is_causal`", 1, List.of("is_causal", 1L),
                tensor("batch", 8, "rows", 64), tensor("batch", 8, "keys", 64), tensor("batch", 8, "keys", 64));
        operator("`qk_matmul_output`", 4, List.of(), q, k, k);
        var angles = tensor(2, 96, 32);
        var inputs = new LinkedHashMap<String, Input>();
        inputs.put("q", q);
        inputs.put("k", q);
        inputs.put("v", q);
        inputs.put("cosines", angles);
        inputs.put("sines", angles);
        count(
                "`RotaryEmbedding` of queries and keys, `is_causal`",
                List.of(
                        node("RotaryEmbedding", "qr", "q", "cosines", "sines"),
                        node("RotaryEmbedding", "kr", "k", "cosines", "sines"),
                        node("Attention", "y", List.of("is_causal", 1L), "qr", "kr", "v")),
                inputs,
                List.of("y"));
    }

    private static Input half(Object... dims) {
        return new Input(HALF, dims);
    }

    /// @param outputs how many of the operator's outputs the model has
    private void operator(String form, int outputs, List<Object> attributes, Input... inputs) throws IOException {
        var names = new ArrayList<String>();
        var given = new LinkedHashMap<String, Input>();
        for (int i = 0; i < inputs.length; i++) {
            names.add(inputs[i] == null ? "" : "x" + i);
            if (inputs[i] != null) {
                given.put("x" + i, inputs[i]);
            }
        }
        var all = List.of("y", "present_key", "present_value", "scores").subList(0, outputs);
        var wanted = outputs == 4 ? List.of("y", "scores") : all;
        count(form, List.of(new Node("Attention", names, all, attributes)), given, wanted);
    }

    /// What exporters make of PyTorch's `scaled_dot_product_attention` and of models that write it out.
    private void exported() throws IOException {
        var inputs = new LinkedHashMap<String, Input>();
        inputs.put("q", tensor(2, 8, 96, 64));
        inputs.put("k", tensor(2, 8, 160, 64));
        inputs.put("v", tensor(2, 8, 160, 64));
        inputs.put("mask", tensor(2, 1, 96, 160));
        inputs.put("open", new Input(TRUTH, 2, 1, 96, 160));
        var turned = node("Transpose", "kt", List.of("perm", new long[] {0, 1, 3, 2}), "k");
        var bothScaled = List.of(
                turned, node("Mul", "qs", "q", "root"), node("Mul", "ks", "kt", "root"), node("MatMul", "s", "qs", "ks"));
        var product = node("MatMul", "y", "w", "v");
        var soft = node("Softmax", "w", List.of("axis", -1L), "z");
        exported("MatMul, Softmax, MatMul", inputs, List.of(turned, node("MatMul", "z", "q", "kt")), List.of(soft, product));
        exported("`Mul` on both sides, added mask", inputs, bothScaled, List.of(node("Add", "z", "s", "mask"), soft, product));
        exported("scores divided, added mask", inputs,
                List.of(turned, node("MatMul", "s0", "q", "kt"), node("Div", "s", "s0", "root")),
                List.of(node("Add", "z", "s", "mask"), soft, product));
        exported("queries scaled, `Where` with the mask", inputs,
                List.of(turned, node("Mul", "qs", "q", "root"), node("MatMul", "s", "qs", "kt")),
                List.of(node("Where", "z", "open", "s", "lowest"), soft, product));
        exported("`Where` makes the mask, NaNs of masked rows become 0", inputs, bothScaled,
                List.of(
                        node("Where", "bias", "open", "zero", "lowest"), node("Add", "z", "s", "bias"),
                        node("Softmax", "w0", List.of("axis", -1L), "z"), node("IsNaN", "nan", "w0"),
                        node("Where", "w", "nan", "zero", "w0"), product));
        together("heads as a batch (`bmm`), mask for each batch", 2);
        together("heads as a batch (`bmm`), mask for each batch, symbolic batch", "batch");
    }

    /// Batch and heads are one axis to the products, and two where the mask is added.
    private void together(String form, Object batch) throws IOException {
        var inputs = new LinkedHashMap<String, Input>();
        inputs.put("q4", tensor(batch, 16, 96, 64));
        inputs.put("k4", tensor(batch, 16, 160, 64));
        inputs.put("v4", tensor(batch, 16, 160, 64));
        inputs.put("mask", tensor(batch, 1, 96, 160));
        var first = new ArrayList<Node>();
        first.add(node("Constant", "apart", List.of("value_ints", new long[] {-1, 16, 96, 160})));
        first.add(node("Constant", "scores", List.of("value_ints", new long[] {-1, 96, 160})));
        for (var each : List.of("q", "k", "v")) {
            long length = each.equals("q") ? 96 : 160;
            first.add(node("Constant", each + "s", List.of("value_ints", new long[] {-1, length, 64})));
            first.add(node("Reshape", each, each + "4", each + "s"));
        }
        first.add(node("Transpose", "kt", List.of("perm", new long[] {0, 2, 1}), "k"));
        first.add(node("MatMul", "s3", "q", "kt"));
        first.add(node("Reshape", "s4", "s3", "apart"));
        first.add(node("Add", "z4", "s4", "mask"));
        first.add(node("Reshape", "z", "z4", "scores"));
        exported(form, inputs, first,
                List.of(node("Softmax", "w", List.of("axis", -1L), "z"), node("MatMul", "y", "w", "v")));
        // The softmax before batch and heads are put together again.
        first.removeLast();
        exported(form + ", softmax apart", inputs, first,
                List.of(node("Softmax", "w4", List.of("axis", -1L), "z4"), node("Reshape", "w", "w4", "scores"),
                        node("MatMul", "y", "w", "v")));
    }

    private static Node node(String operator, String output, String... inputs) {
        return node(operator, output, List.of(), inputs);
    }

    private static Node node(String operator, String output, List<Object> attributes, String... inputs) {
        return new Node(operator, List.of(inputs), List.of(output), attributes);
    }

    private void exported(String form, Map<String, Input> inputs, List<Node> first, List<Node> second) throws IOException {
        var nodes = new ArrayList<Node>();
        nodes.add(node("Constant", "root", List.of("value_float", 0.354f)));
        nodes.add(node("Constant", "lowest", List.of("value_float", Float.NEGATIVE_INFINITY)));
        nodes.add(node("Constant", "zero", List.of("value_float", 0f)));
        nodes.addAll(first);
        nodes.addAll(second);
        var used = new LinkedHashMap<>(inputs);
        used.keySet().retainAll(nodes.stream().flatMap(node -> node.inputs().stream()).toList());
        count(form, nodes, used, List.of("y"));
    }

    private void count(String form, List<Node> nodes, Map<String, Input> inputs, List<String> outputs) throws IOException {
        var file = TinyOnnx.write(folder.resolve("form.onnx"), 24, nodes, inputs, outputs);
        var function = new OnnxImporter().function(new OnnxReader().model(file));
        var nests = new Compiler().lowerGraph(function);
        rows.put(form, TARGETS.stream().map(target -> kernels(nests, target)).toList());
        if (form.contains("is_causal") || form.contains("lengths (")) {
            var kernels = new Compiler().lower(nests, Targets.resolve("cuda:sm_80")).kernels();
            assertTrue(
                    kernels.stream().anyMatch(kernel -> keyLoops(kernel.body()) > 1),
                    form + ": keys that are hidden are visited");
            // A part of a row has an end of its own, so that loops there say nothing.
            assertEquals(
                    form.contains("lengths") && !form.contains("symbolic"),
                    kernels.stream().anyMatch(AttentionFormsTest::endsWhereALengthSays),
                    form + ": lengths end loops over keys");
        }
    }

    /// Whether the bounds of a loop over blocks of keys depend on an integer that is read from memory.
    private static boolean endsWhereALengthSays(TileOp.Kernel kernel) {
        var loops = new ArrayList<TileOp.For>();
        var definitions = new IdentityHashMap<Value, Op>();
        collect(kernel.body(), loops, definitions);
        return loops.stream().anyMatch(loop -> reads(loop.lower(), definitions) || reads(loop.upper(), definitions));
    }

    private static void collect(Body body, List<TileOp.For> loops, Map<Value, Op> definitions) {
        for (var op : body.ops()) {
            OpSchema.results(op).forEach(result -> definitions.put(result, op));
            if (op instanceof TileOp.For loop && goesAlongKeys(loop)) {
                loops.add(loop);
            }
            OpSchema.bodies(op).forEach(inner -> collect(inner, loops, definitions));
        }
    }

    private static boolean reads(Value value, Map<Value, Op> definitions) {
        var definition = definitions.get(value);
        return definition instanceof TileOp.Load && value.type().elementType() == ElementType.I64
                || definition != null
                        && OpSchema.operands(definition).stream().anyMatch(operand -> reads(operand, definitions));
    }

    /// The loops over blocks of keys, which all threads go along together.
    private static long keyLoops(Body body) {
        long loops = 0;
        for (var op : body.ops()) {
            loops += op instanceof TileOp.For loop && goesAlongKeys(loop) ? 1 : 0;
            for (var inner : OpSchema.bodies(op)) {
                loops += keyLoops(inner);
            }
        }
        return loops;
    }

    private static boolean goesAlongKeys(TileOp.For loop) {
        return loop.bind() == TileOp.Bind.SERIAL
                && loop.body().ops().stream().anyMatch(TileOp.Barrier.class::isInstance);
    }

    private static long kernels(GraphOp.Function nests, String target) {
        var program = new Compiler().lower(nests, Targets.resolve(target));
        assertEquals(0, program.hostKernels().size(), target);
        return program.kernels().size();
    }

    private static Path checkout() {
        return Optional.of(Path.of("").toAbsolutePath()).map(AttentionFormsTest::root).orElseThrow();
    }

    private static Path root(Path here) {
        return Files.isRegularFile(here.resolve("portolan")) ? here : root(here.getParent());
    }
}
