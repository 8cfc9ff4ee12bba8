package org.portolan.cli.selftest;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.portolan.ir.GraphOp;
import org.portolan.ir.PlanOp;
import org.portolan.ir.Resource;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Target;
import org.portolan.lowering.plan.ProgramBuilder;
import org.portolan.onnx.conformance.Comparison;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.data.RandomTensors;
import org.portolan.runtime.plan.Slot;
import org.portolan.runtime.program.ProgramFile;
import org.portolan.runtime.program.ProgramFileWriter;
import org.portolan.runtime.selftest.Pack;
import org.portolan.runtime.selftest.PackJson;
import org.portolan.runtime.type.Dim;

/// Compiles cases for one target and collects them in a pack. Weights and inputs are random and travel as seeds.
public final class PackWriter {
    /// A constant, and where it stands in the program file.
    private record Written(PlanOp.Constant constant, Slot.Weight slot) {}

    private static final FileTime TIME = FileTime.fromMillis(315_532_800_000L);

    private final Target target;
    private final List<Pack.Case> cases = new ArrayList<>();
    private final Map<String, byte[]> entries = new LinkedHashMap<>();
    private String peer = "";
    private Pack.Suite suite = Pack.Suite.NONE;

    public PackWriter(Target target) {
        this.target = target;
    }

    /// Adds a case whose outputs are those of the interpreter.
    ///
    /// @param symbols numbers for the function's symbols
    public void check(String name, Pack.Kind kind, GraphOp.Function function, Map<String, Long> symbols, double tolerance)
            throws IOException {
        var inputs = inputs(function, symbols);
        var given = new LinkedHashMap<String, Tensor>();
        for (var data : inputs) {
            var shape = data.shape().stream().mapToLong(Long::longValue).toArray();
            given.put(data.name(), RandomTensors.random(data.type(), data.seed().orElseThrow(), shape));
        }
        var outputs = stored(new GraphInterpreter(function).run(given));
        add(name, kind, function, inputs, outputs, 0, tolerance, Pack.Speed.NONE);
    }

    /// Adds a case of ONNX's, with its recorded values.
    void conformance(String name, GraphOp.Function function, Map<String, Tensor> inputs, Map<String, Tensor> outputs)
            throws IOException {
        add(
                name, Pack.Kind.CONFORMANCE, function, stored(inputs), stored(outputs), 0, Comparison.ONNX.relative(),
                Pack.Speed.NONE);
    }

    private List<Pack.Data> stored(Map<String, Tensor> tensors) {
        var stored = new ArrayList<Pack.Data>();
        for (var named : tensors.entrySet()) {
            var tensor = named.getValue();
            var shape = new ArrayList<Long>();
            for (long extent : tensor.shape()) shape.add(extent);
            var entry = entry(tensor.data().toArray(ValueLayout.JAVA_BYTE));
            stored.add(new Pack.Data(named.getKey(), tensor.type(), shape, OptionalLong.empty(), entry));
        }
        return stored;
    }

    /// Adds a case that is measured, and compared with others of its family only.
    void time(String name, GraphOp.Function function, Map<String, Long> symbols, double tolerance, Pack.Speed speed)
            throws IOException {
        add(name, Pack.Kind.MODEL, function, inputs(function, symbols), List.of(), 0, tolerance, speed);
    }

    /// The device suite.
    void suite() {
        var images = SuiteKernels.compile(target);
        suite = new Pack.Suite(entry(images.kernels()), entry(images.others()));
    }

    /// The script that does the measured work by another library.
    void peer(byte[] script) {
        peer = entry(script);
    }

    /// Adds a case that must fail.
    void failure(String name, GraphOp.Function function, int code) throws IOException {
        add(name, Pack.Kind.FAILURE, function, inputs(function, Map.of()), List.of(), code, 0, Pack.Speed.NONE);
    }

    /// Adds a chain.
    void speed(GraphOp.Function function, double tolerance, Pack.Speed speed) throws IOException {
        var name = speed.series() + " x" + speed.links();
        add(name, Pack.Kind.SPEED, function, inputs(function, Map.of()), List.of(), 0, tolerance, speed);
    }

    private static List<Pack.Data> inputs(GraphOp.Function function, Map<String, Long> symbols) {
        var inputs = new ArrayList<Pack.Data>();
        for (var param : function.body().params()) {
            var shape = param.tensor().dims().stream().map(extent -> extent.evaluate(symbols::get)).toList();
            var seed = OptionalLong.of(inputs.size() + 1);
            inputs.add(new Pack.Data(param.hint(), param.tensor().element(), shape, seed, ""));
        }
        return inputs;
    }

    private void add(
            String name,
            Pack.Kind kind,
            GraphOp.Function function,
            List<Pack.Data> inputs,
            List<Pack.Data> outputs,
            int failure,
            double tolerance,
            Pack.Speed speed)
            throws IOException {
        var compiler = new Compiler();
        var program = compiler.lower(compiler.lowerGraph(function), target);
        var constants = new ArrayList<Written>();
        var file = Files.createTempFile("portolan", ".portolan");
        try {
            try (var writer = new ProgramFileWriter(file)) {
                new ProgramBuilder(writer, (constant, slot) -> constants.add(new Written(constant, slot))).add(
                        target, program, target.codegen().compile(program.kernels(), target.machine()), Compiler.hostImage(program));
                writer.finish();
            }
            try (var written = ProgramFile.open(file)) {
                var made = written.manifest().targets().getFirst();
                var images = new ArrayList<Pack.Image>();
                for (var image : made.images()) {
                    images.add(new Pack.Image(image.driver(), image.requires(), entry(bytes(written.entry(image.entry())))));
                }
                var weights = new ArrayList<Pack.Weight>();
                for (var constant : constants) {
                    weights.add(weight(constant.constant(), constant.slot(), written));
                }
                var plan = entry(bytes(written.entry(made.plan())));
                cases.add(new Pack.Case(name, kind, plan, images, weights, inputs, outputs, failure, tolerance, speed));
            }
        } finally {
            Files.delete(file);
        }
    }

    private Pack.Weight weight(PlanOp.Constant constant, Slot.Weight slot, ProgramFile written) {
        var type = constant.result().buffer();
        if (constant.data() instanceof Resource.Random(long seed)) {
            var data = new Pack.Data("", type.element(), numbers(type.dims()), OptionalLong.of(seed), "");
            return type.layout()
                    .map(layout -> new Pack.Weight(data, layout.inputs(), layout.results(), numbers(type.physical())))
                    .orElseGet(() -> new Pack.Weight(data, List.of(), List.of(), List.of()));
        }
        var stored = entry(bytes(written.entry(slot.entry()).asSlice(slot.offset(), slot.bytes())));
        var data = new Pack.Data("", type.element(), numbers(type.storage()), OptionalLong.empty(), stored);
        return new Pack.Weight(data, List.of(), List.of(), List.of());
    }

    private static List<Long> numbers(List<Dim> extents) {
        return extents.stream().map(extent -> extent.constant().orElseThrow()).toList();
    }

    private static byte[] bytes(MemorySegment segment) {
        return segment.toArray(ValueLayout.JAVA_BYTE);
    }

    private String entry(byte[] content) {
        var name = "data/" + entries.size();
        entries.put(name, content);
        return name;
    }

    /// Writes the pack; the same cases give the same bytes.
    public void write(Path file) throws IOException {
        try (var zip = new ZipOutputStream(Files.newOutputStream(file))) {
            zip.setLevel(Deflater.BEST_COMPRESSION);
            put(zip, Pack.CONTENTS, PackJson.print(new Pack(target.name(), cases, peer, suite)).getBytes(StandardCharsets.UTF_8));
            for (var entry : entries.entrySet()) put(zip, entry.getKey(), entry.getValue());
        }
    }

    private static void put(ZipOutputStream zip, String name, byte[] content) throws IOException {
        var entry = new ZipEntry(name);
        entry.setLastModifiedTime(TIME);
        zip.putNextEntry(entry);
        zip.write(content);
        zip.closeEntry();
    }
}
