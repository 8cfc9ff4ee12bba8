package org.portolan.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.portolan.cli.argument.TensorFiles;
import org.portolan.cli.report.Comparison;
import org.portolan.cli.report.Document;
import org.portolan.cli.report.Progress;
import org.portolan.cli.report.Sizes;
import org.portolan.cli.report.Table;
import org.portolan.runtime.Outputs;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.data.Json;
import org.portolan.runtime.data.NpzFiles;
import org.portolan.runtime.type.ElementType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Runs a model once.
@Command(name = "run", description = "Runs a model once, and compares what it gives where that is asked for.")
final class RunCommand implements Callable<Integer> {
    private static final int SHOWN = 6;

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "MODEL", description = "A program file (.portolan), or a model to compile first (.onnx, .ir).")
    private Path file;

    @Mixin
    private DeviceOption device;

    @Mixin
    private SessionOption session;

    @Mixin
    private InputOptions inputs;

    @Option(names = "--fallback", paramLabel = "cpu", description = "Go on on the processor when the device is lost.")
    private String fallback;

    @Option(names = "--output", paramLabel = "FILE.npz", description = "Write the outputs, by name.")
    private Path output;

    @Option(names = "--expect", paramLabel = "FILE.npz", description = "Compare the outputs with these; exit 3 where they differ.")
    private Path expected;

    @Option(names = "--rtol", defaultValue = "1e-3", description = "Tolerance relative to each element (default: ${DEFAULT-VALUE}).")
    private double relative;

    @Option(names = "--atol", defaultValue = "1e-5", description = "Tolerance on top of that (default: ${DEFAULT-VALUE}).")
    private double absolute;

    @Option(names = "--json", description = "Print one JSON document.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        if (fallback != null && !fallback.equals("cpu")) {
            throw new CommandFailure(ExitCode.WRONG_USAGE, "--fallback: expected cpu, found " + fallback, "");
        }
        boolean fallsBack = fallback != null;
        session.checkSource(file);
        try (var program = Models.program(file, device.device(), inputs::extents, fallsBack);
                var model = Models.load(program, device, session.options().withHostFallback(fallsBack))) {
            var tensors = inputs.tensors(model.inputs(), InputOptions.Missing.REFUSED, spec.commandLine().getErr());
            var start = System.nanoTime();
            try (var outputs = Progress.during("running " + file, () -> model.run(tensors))) {
                var milliseconds = (System.nanoTime() - start) / 1e6;
                if (output != null) NpzFiles.write(output, outputs.asMap());
                var comparisons = expected == null ? Map.<String, Comparison>of() : compare(outputs);
                if (model.fellBack()) noteFallback();
                print(outputs, comparisons, milliseconds, model.fellBack());
                var agrees = comparisons.values().stream().allMatch(Comparison::agrees);
                return agrees ? ExitCode.FINE : ExitCode.NUMBERS_DIFFER;
            }
        }
    }

    private Map<String, Comparison> compare(Outputs outputs) throws IOException {
        var comparisons = new LinkedHashMap<String, Comparison>();
        var tolerance = new Comparison.Tolerance(relative, absolute, false);
        TensorFiles.readArchive(expected).forEach((name, tensor) -> {
            if (!outputs.names().contains(name)) {
                throw new CommandFailure(
                        ExitCode.FAILURE,
                        expected + " has '" + name + "', which is no output of the model",
                        "the outputs are " + String.join(", ", outputs.names()));
            }
            comparisons.put(name, Comparison.of(tensor, outputs.get(name), tolerance));
        });
        return comparisons;
    }

    private void noteFallback() {
        spec.commandLine().getErr().println("note: the device was lost; the processor has run the model");
        spec.commandLine().getErr().flush();
    }

    private void print(Outputs outputs, Map<String, Comparison> comparisons, double milliseconds, boolean fellBack) {
        var out = spec.commandLine().getOut();
        if (json) {
            printJson(outputs, comparisons, milliseconds, fellBack, out);
            return;
        }
        var table = new Table("output", "what", "values", "verdict", "largest error");
        outputs.asMap().forEach((name, tensor) -> {
            var comparison = comparisons.get(name);
            var verdict = comparison == null ? "-" : comparison.agrees() ? "equal" : "DIFFERS: " + comparison.problem();
            table.row(name, tensor, preview(tensor), verdict, comparison == null ? "-" : comparison.largestError());
        });
        table.print(out);
        out.println("run: " + Sizes.milliseconds(milliseconds));
        out.flush();
    }

    private static void printJson(
            Outputs outputs, Map<String, Comparison> comparisons, double milliseconds, boolean fellBack, PrintWriter out) {
        var rows = new ArrayList<Map<String, Object>>();
        outputs.asMap().forEach((name, tensor) -> {
            var row = Document.of("name", name, "type", tensor.type().text(), "shape", shape(tensor), "first", first(tensor));
            var comparison = comparisons.get(name);
            if (comparison != null) {
                row.put("agrees", comparison.agrees());
                row.put("largestError", comparison.largestError());
                row.put("relativeError", comparison.relativeError());
                row.put("problem", comparison.problem());
            }
            rows.add(row);
        });
        out.print(Json.of(Document.of("runMs", milliseconds, "fellBack", fellBack, "outputs", rows)).printLines());
        out.flush();
    }

    private static List<Long> shape(Tensor tensor) {
        return LongStream.of(tensor.shape()).boxed().toList();
    }

    private static String preview(Tensor tensor) {
        var shown = first(tensor).stream().map(Object::toString).collect(Collectors.joining(" "));
        return tensor.elements() > SHOWN ? shown + " ..." : shown;
    }

    private static List<?> first(Tensor tensor) {
        var count = Math.min(SHOWN, tensor.elements());
        if (tensor.type() == ElementType.STRING) return tensor.strings().subList(0, (int) count);
        if (tensor.type().isFloat()) {
            return LongStream.range(0, count).mapToObj(i -> (float) tensor.getDouble(i)).toList();
        }
        return LongStream.range(0, count).mapToObj(tensor::getLong).toList();
    }
}
