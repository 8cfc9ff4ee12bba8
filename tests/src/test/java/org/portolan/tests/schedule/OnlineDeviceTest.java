package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.GraphOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.onnx.importer.OnnxImporter;
import org.portolan.onnx.reader.OnnxReader;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.data.RandomTensors;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.device.Driver;
import org.portolan.runtime.type.ElementType;
import org.portolan.tests.cli.TinyOnnx;
import org.portolan.tests.cli.TinyOnnx.Input;
import org.portolan.tests.cli.TinyOnnx.Node;

/// Attention compiled into one kernel and run on an emulated device, which checks races, bounds and alignment. The
/// interpreter, with three nests, says what comes out.
class OnlineDeviceTest {
    private static final String DEVICE = "cuda:emulated";
    private static final int FLOAT = 1;
    private static final int LONG = 7;
    /// Which device is emulated, and thus what a block of it may share at most.
    private static final String ARCHITECTURE = "portolan.emulated.sm";

    @TempDir
    private Path folder;

    private final Optional<String> architecture = Optional.ofNullable(System.getProperty(ARCHITECTURE));

    @AfterEach
    void restore() {
        architecture.ifPresentOrElse(
                name -> System.setProperty(ARCHITECTURE, name), () -> System.clearProperty(ARCHITECTURE));
    }

    @ParameterizedTest
    @CsvSource({
        "sm_80,f32,2,20,33,16,24,false", "sm_80,f16,2,70,50,64,40,false", "sm_80,bf16,1,33,130,32,32,true",
        "sm_75,f16,1,16,20,5,7,false", "sm_75,f16,1,64,64,64,64,false", "sm_80,f32,1,5,7,8,3,true"
    })
    void attention(String machine, String element, long heads, long m, long n, long d, long e, boolean turned)
            throws IOException {
        var text = OnlineKernelTest.attention(element, turned, heads, m, n, d, e, false);
        var type = ElementType.parse(element);
        var inputs = inputs(type, heads, m, n, d, e);
        if (turned) {
            inputs.put("k", RandomTensors.random(type, 2, heads, d, n));
        }
        compare(machine, text, 1, inputs, inputs);
    }

    private static Map<String, Tensor> inputs(ElementType type, long heads, long m, long n, long d, long e) {
        return new HashMap<>(Map.of(
                "q", RandomTensors.random(type, 1, heads, m, d),
                "k", RandomTensors.random(type, 2, heads, n, d),
                "v", RandomTensors.random(type, 3, heads, n, e),
                "mask", RandomTensors.random(ElementType.F32, 4, m, n)));
    }

    /// Comparisons of indices hide keys; few rows are divided among blocks.
    @ParameterizedTest
    @CsvSource({
        "sm_80,f16,causal,1,130,130,32,16,1", "sm_80,f32,window,1,70,140,8,8,1", "sm_75,f16,length,3,40,90,16,16,1",
        "sm_90a,bf16,added,2,70,70,16,24,1", "sm_80,f32,causal,2,1,300,16,16,2", "sm_80,f16,mask,2,5,400,64,64,2",
        "sm_75,f16,length,4,2,300,16,16,2"
    })
    void hiddenAndDivided(
            String machine, String element, String form, long heads, long m, long n, long d, long e, int kernels)
            throws IOException {
        var text = form.equals("mask")
                ? OnlineKernelTest.attention(element, false, heads, m, n, d, e, false)
                : HiddenKeysTest.attention(element, form, heads, m, n, d, e, false);
        var inputs = inputs(ElementType.parse(element), heads, m, n, d, e);
        compare(machine, text, kernels, inputs, inputs);
    }

    /// Keys that no row of a block sees are not visited: what lies there may be anything.
    @Test
    void hiddenKeysAreNotVisited() throws IOException {
        long n = 200;
        var text = HiddenKeysTest.attention("f16", "causal", 1, 60, n, 16, 16, false);
        var clean = inputs(ElementType.F16, 1, 60, n, 16, 16);
        var dirty = new HashMap<>(clean);
        for (var name : List.of("k", "v")) {
            var bytes = clean.get(name).data().toArray(ValueLayout.JAVA_SHORT_UNALIGNED);
            Arrays.fill(bytes, 128 * 16, bytes.length, (short) 0x7e00);
            dirty.put(name, Tensor.of(ElementType.F16, MemorySegment.ofArray(bytes), 1, n, 16));
        }
        compare("sm_80", text, 1, clean, dirty);
    }

    /// Batch and heads are one axis to the products, and two where the mask is added, or where rows are normalised as well.
    @ParameterizedTest
    @CsvSource({"2, false", "2, true", "batch, false", "batch, true"})
    void headsAsABatch(String batch, boolean apart) throws IOException {
        var first = batch.equals("batch") ? batch : (Object) 2;
        var nodes = new ArrayList<Node>();
        nodes.add(node("Constant", "split", List.of("value_ints", new long[] {-1, 16, 20, 24})));
        nodes.add(node("Constant", "scores", List.of("value_ints", new long[] {-1, 20, 24})));
        nodes.add(node("Constant", "queries", List.of("value_ints", new long[] {-1, 20, 16})));
        nodes.add(node("Constant", "keys", List.of("value_ints", new long[] {-1, 24, 16})));
        nodes.add(node("Reshape", "q3", List.of(), "q", "queries"));
        nodes.add(node("Reshape", "k3", List.of(), "k", "keys"));
        nodes.add(node("Reshape", "v3", List.of(), "v", "keys"));
        nodes.add(node("Transpose", "kt", List.of("perm", new long[] {0, 2, 1}), "k3"));
        nodes.add(node("MatMul", "s3", List.of(), "q3", "kt"));
        nodes.add(node("Reshape", "s", List.of(), "s3", "split"));
        nodes.add(node("Add", "z", List.of(), "s", "mask"));
        if (apart) {
            nodes.add(node("Softmax", "w4", List.of("axis", -1L), "z"));
            nodes.add(node("Reshape", "w", List.of(), "w4", "scores"));
        } else {
            nodes.add(node("Reshape", "z3", List.of(), "z", "scores"));
            nodes.add(node("Softmax", "w", List.of("axis", -1L), "z3"));
        }
        nodes.add(node("MatMul", "o", List.of(), "w", "v3"));
        var ports = new LinkedHashMap<String, Input>();
        ports.put("q", new Input(FLOAT, first, 16, 20, 16));
        ports.put("k", new Input(FLOAT, first, 16, 24, 16));
        ports.put("v", new Input(FLOAT, first, 16, 24, 16));
        ports.put("mask", new Input(FLOAT, first, 1, 20, 24));
        var inputs = Map.of(
                "q", RandomTensors.random(ElementType.F32, 1, 2, 16, 20, 16),
                "k", RandomTensors.random(ElementType.F32, 2, 2, 16, 24, 16),
                "v", RandomTensors.random(ElementType.F32, 3, 2, 16, 24, 16),
                "mask", RandomTensors.random(ElementType.F32, 4, 2, 1, 20, 24));
        compare("sm_80", imported(nodes, ports), 1, inputs, inputs);
    }

    /// One query with grouped heads and lengths of each batch: rows of a block are the group, and keys are divided.
    @ParameterizedTest
    @CsvSource({"sm_80, 4", "sm_75, 4"})
    void oneQueryOfGroupedHeads(String machine, int kernels) throws IOException {
        var attention = new Node(
                "Attention", List.of("q", "k", "v", "", "", "", "lengths"), List.of("o"), List.of("is_causal", 1L));
        var ports = new LinkedHashMap<String, Input>();
        ports.put("q", new Input(FLOAT, 2, 8, 1, 16));
        ports.put("k", new Input(FLOAT, 2, 2, 1024, 16));
        ports.put("v", new Input(FLOAT, 2, 2, 1024, 16));
        ports.put("lengths", new Input(LONG, 2));
        var lengths = MemorySegment.ofArray(new long[] {170, 1000});
        var inputs = Map.of(
                "q", RandomTensors.random(ElementType.F32, 1, 2, 8, 1, 16),
                "k", RandomTensors.random(ElementType.F32, 2, 2, 2, 1024, 16),
                "v", RandomTensors.random(ElementType.F32, 3, 2, 2, 1024, 16),
                "lengths", Tensor.of(ElementType.I64, lengths, 2));
        compare(machine, imported(List.of(attention), ports), kernels, inputs, inputs);
    }

    private static Node node(String operator, String output, List<Object> attributes, String... inputs) {
        return new Node(operator, List.of(inputs), List.of(output), attributes);
    }

    private GraphOp.Function imported(List<Node> nodes, Map<String, Input> ports) throws IOException {
        var file = TinyOnnx.write(folder.resolve("attention.onnx"), 24, nodes, ports, List.of("o"));
        return new OnnxImporter().function(new OnnxReader().model(file));
    }

    private void compare(
            String machine, String text, int kernels, Map<String, Tensor> inputs, Map<String, Tensor> given)
            throws IOException {
        var function = (GraphOp.Function) IrParser.parse(text, "attention").getFirst();
        compare(machine, function, kernels, inputs, given);
    }

    private void compare(
            String machine, GraphOp.Function function, int kernels, Map<String, Tensor> inputs, Map<String, Tensor> given)
            throws IOException {
        Assumptions.assumeTrue(
                Devices.drivers().stream().map(Driver::list).anyMatch(OnlineDeviceTest::emulates),
                "skipped: there is no " + DEVICE);
        var target = Targets.resolve("cuda:" + machine);
        var nests = new Compiler().lowerGraph(function);
        assertEquals(kernels, new Compiler().lower(nests, target).kernels().size());
        var file = folder.resolve("attention.portolan");
        new Compiler().compile(function, List.of(target), file);
        var expected = new GraphInterpreter(function).run(inputs).get("o");
        double tolerance = inputs.get("q").type() == ElementType.F32 ? OnlineKernelTest.FLOAT : OnlineKernelTest.HALF;
        System.setProperty(ARCHITECTURE, machine);
        try (var device = Devices.open(DEVICE, DeviceOptions.defaults());
                var model = Portolan.load(file, device);
                var outputs = model.run(given)) {
            var found = outputs.get("o");
            for (long i = 0; i < expected.elements(); i++) {
                double wanted = expected.getDouble(i);
                if (!Double.isNaN(wanted) || !Double.isNaN(found.getDouble(i))) {
                    assertEquals(
                            wanted, found.getDouble(i), tolerance * Math.max(1, Math.abs(wanted)), "element " + i);
                }
            }
        }
    }

    private static boolean emulates(Driver.Listing listing) {
        return listing.devices().stream().anyMatch(device -> device.emulated() && device.driver().equals("cuda"));
    }
}
