package org.portolan.cli.selftest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.portolan.cli.conformance.ConformanceCase;
import org.portolan.ir.GraphOp;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.CompileException;
import org.portolan.lowering.Machines;
import org.portolan.lowering.Target;
import org.portolan.onnx.UnsupportedOperators;
import org.portolan.onnx.UnsupportedType;
import org.portolan.onnx.importer.OnnxImporter;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.selftest.Pack;
import org.portolan.runtime.type.ElementType;

/// What a selftest consists of: a case for each kind of operation, an error, a model, and speeds.
public final class SelftestPack {
    /// Where it goes there may be little room.
    private static final long LARGEST = 15L << 20;

    private static final double TOLERANCE = 1e-4;
    private static final double HALF_TOLERANCE = 2e-2;
    private static final int LINKS = 5;
    private static final List<Long> SENTENCES = List.of(1L, 32L);
    private static final long TOKENS = 128;
    private static final List<Integer> SIZES = List.of(128, 512, 1024, 2048, 4096, 8192);
    private static final List<ElementType> TYPES = List.of(ElementType.F32, ElementType.F16, ElementType.BF16);
    private static final List<List<Integer>> ATTENTIONS =
            List.of(List.of(2, 64, 32), List.of(12, 512, 64), List.of(32, 2048, 64), List.of(32, 8192, 128));

    private SelftestPack() {}

    /// Writes the pack for a target.
    ///
    /// @param extras what else is in it
    /// @param progress told what is being compiled
    /// @return the cases of ONNX's that are not in it
    /// @throws IOException if the pack is larger than is promised, or cannot be written
    public static LeftOut write(Target target, Path file, Extras extras, Consumer<String> progress) throws IOException {
        var writer = new PackWriter(target);
        writer.suite();
        for (var function : functions("cases.ir")) {
            progress.accept(function.name());
            var narrow = function.body().params().stream().anyMatch(param -> param.tensor().element().bits() == 16);
            writer.check(function.name(), Pack.Kind.CHECK, function, lowest(function), narrow ? HALF_TOLERANCE : TOLERANCE);
        }
        for (var function : functions("failure.ir")) {
            writer.failure(function.name(), function, KernelError.INDEX_OUT_OF_RANGE);
        }
        for (var model : extras.models().entrySet()) {
            progress.accept(model.getKey());
            writer.check(
                    "model " + model.getKey(), Pack.Kind.MODEL, model.getValue(), lowest(model.getValue()), 10 * TOLERANCE);
        }
        var left = conformance(extras.cases(), writer, progress);
        progress.accept("the structures of SqueezeNet and of PP-OCR's direction of text");
        writer.check(
                "structure of SqueezeNet, 224 x 224", Pack.Kind.MODEL, VisionModels.squeezenet(224), Map.of(), TOLERANCE);
        writer.check(
                "structure of PP-OCR's direction of text, 48 x 192", Pack.Kind.MODEL, VisionModels.textDirection(), Map.of(), TOLERANCE);
        progress.accept("the structure of MiniLM");
        var encoder = SpeedModels.encoder();
        writer.check("structure of MiniLM, 16 tokens", Pack.Kind.MODEL, encoder, Map.of("b", 1L, "n", 16L), 10 * TOLERANCE);
        for (long sentences : SENTENCES) {
            var name = "structure of MiniLM, f32, " + sentences + " x " + TOKENS + " tokens";
            var work = new Pack.Work(Pack.Operation.ENCODER, ElementType.F32, List.of(sentences, TOKENS));
            writer.time(
                    name, encoder, Map.of("b", sentences, "n", TOKENS), 10 * TOLERANCE,
                    new Pack.Speed("encoder", name, 0, 0, 0, work));
        }
        speeds(target, writer, progress);
        writer.peer(resource("pytorch.py"));
        writer.write(file);
        if (Files.size(file) > LARGEST) {
            throw new IOException(file + " has " + Files.size(file) + " bytes, and a pack is promised to have at most " + LARGEST
                    + ": " + (extras.models().isEmpty() ? "say a larger --share" : "the weights of " + extras.models().keySet()
                    + " are too much for it; the structures of MiniLM, SqueezeNet and PP-OCR's classifier are in every pack"));
        }
        return left;
    }

    /// Beside what each pack has.
    ///
    /// @param models by their files' names, with weights that fit into a pack; each runs at its smallest shapes
    /// @param cases of ONNX's
    public record Extras(Map<String, GraphOp.Function> models, List<ConformanceCase> cases) {
        public static final Extras NONE = new Extras(Map.of(), List.of());
    }

    /// Cases that are not in a pack.
    ///
    /// @param unsupported those with an operator or a type that the compiler does not have, or with values that are no numbers
    /// @param failed those that should compile and do not, each with the reason
    public record LeftOut(List<String> unsupported, List<String> failed) {
        public int size() {
            return unsupported.size() + failed.size();
        }

        /// For the reader; nothing where nothing is left out.
        public List<String> lines() {
            var lines = new ArrayList<String>();
            if (!unsupported.isEmpty()) {
                lines.add("left out, not supported (" + unsupported.size() + "): " + String.join(", ", unsupported));
            }
            if (!failed.isEmpty()) {
                lines.add("LEFT OUT, COMPILATION FAILED (" + failed.size() + "):");
                failed.forEach(one -> lines.add("  " + one));
            }
            return lines;
        }
    }

    /// Those whose operators are supported and whose values are numbers.
    private static LeftOut conformance(List<ConformanceCase> cases, PackWriter writer, Consumer<String> progress)
            throws IOException {
        var left = new LeftOut(new ArrayList<>(), new ArrayList<>());
        for (var candidate : cases) {
            progress.accept(candidate.name());
            try {
                var read = candidate.read();
                var data = read.dataSets().getFirst();
                if (Stream.of(data.inputs(), data.outputs())
                        .flatMap(tensors -> tensors.values().stream())
                        .noneMatch(tensor -> tensor.type() == ElementType.STRING)) {
                    writer.conformance(
                            candidate.name(), new OnnxImporter().function(read.model()), data.inputs(), data.outputs());
                } else {
                    left.unsupported().add(candidate.name());
                }
            } catch (UnsupportedOperators | UnsupportedType unsupported) {
                left.unsupported().add(candidate.name());
            } catch (CompileException failed) {
                left.failed().add(candidate.name() + ": " + failed.getMessage());
            }
        }
        return left;
    }

    private static void speeds(Target target, PackWriter writer, Consumer<String> progress) throws IOException {
        var missing = Machines.missingTypes(target.machine());
        for (var type : TYPES) {
            if (missing.contains(type)) continue;
            for (int n : SIZES) {
                var series = "product " + type + " " + n + "x" + n + "x" + n;
                progress.accept(series);
                for (int links : new int[] {1, LINKS}) {
                    writer.speed(
                            SpeedModels.products(type, n, links),
                            type == ElementType.F32 ? TOLERANCE : HALF_TOLERANCE,
                            new Pack.Speed(
                                    "product " + type, series, links, 2.0 * n * n * n, SpeedModels.scale(n),
                                    new Pack.Work(Pack.Operation.PRODUCT, type, List.of((long) n))));
                }
            }
        }
        for (var type : TYPES) {
            if (missing.contains(type)) continue;
            for (var shape : ATTENTIONS) {
                int heads = shape.get(0);
                int length = shape.get(1);
                int size = shape.get(2);
                var series = "attention " + type + ", " + heads + " heads of " + size + ", length " + length;
                progress.accept(series);
                var work = new Pack.Work(
                        Pack.Operation.ATTENTION, type, shape.stream().map(Integer::longValue).toList());
                for (int links : new int[] {1, LINKS}) {
                    writer.speed(
                            SpeedModels.attention(type, heads, length, size, links),
                            type == ElementType.F32 ? TOLERANCE : HALF_TOLERANCE,
                            new Pack.Speed(
                                    "attention " + type, series, links, 4.0 * heads * length * length * size,
                                    SpeedModels.attentionScale(length), work));
                }
            }
        }
    }

    private static Map<String, Long> lowest(GraphOp.Function function) {
        var numbers = new HashMap<String, Long>();
        function.symbols().forEach(symbol -> numbers.put(symbol.name(), symbol.minimum()));
        return numbers;
    }

    private static List<GraphOp.Function> functions(String file) throws IOException {
        var text = new String(resource(file), StandardCharsets.UTF_8);
        return IrParser.parse(text, file).stream().map(GraphOp.Function.class::cast).toList();
    }

    private static byte[] resource(String file) throws IOException {
        try (var stream = SelftestPack.class.getResourceAsStream("/org/portolan/cli/selftest/" + file)) {
            return stream.readAllBytes();
        }
    }
}
