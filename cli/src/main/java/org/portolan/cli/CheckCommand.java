package org.portolan.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.portolan.cli.check.PortabilityCheck;
import org.portolan.cli.report.Document;
import org.portolan.cli.report.JunitXml;
import org.portolan.cli.report.JunitXml.Outcome;
import org.portolan.cli.report.Progress;
import org.portolan.cli.report.Table;
import org.portolan.ir.GraphOp;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.data.Json;
import org.portolan.runtime.plan.Port;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Compares devices with the interpreter.
@Command(
        name = "check",
        description = {
            "Compares a model on each device with the interpreter, and names the first operation that differs.",
            "Floating-point numbers may differ by 1e-4 of the largest (f32); integers not at all."
        })
final class CheckCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "MODEL", description = "A model, .onnx or .ir.")
    private Path file;

    @Mixin
    private DeviceOption device;

    @Mixin
    private InputOptions inputs;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the results as one JSON document.")
    private Path json;

    @Option(names = "--junit", paramLabel = "FILE", description = "Write the results as JUnit XML.")
    private Path junit;

    @Override
    public Integer call() throws Exception {
        var source = ModelSource.readFor(file, inputs::extents);
        var tensors = inputs.tensors(ports(source.function()), InputOptions.Missing.GENERATED, spec.commandLine().getErr());
        var results = new LinkedHashMap<String, PortabilityCheck.Result>();
        try (var progress = Progress.start("interpreting " + file)) {
            var names = Models.deviceNames(device);
            var check = new PortabilityCheck(source.function(), tensors);
            for (var name : names) {
                results.put(name, check.on((function, given) -> run(name, function, given, progress)));
            }
        }
        print(results, spec.commandLine().getOut());
        write(results);
        var agrees = results.values().stream().allMatch(PortabilityCheck.Result::agrees);
        return agrees ? ExitCode.FINE : ExitCode.NUMBERS_DIFFER;
    }

    /// The inputs of a function that is not compiled yet.
    static List<Port> ports(GraphOp.Function function) {
        return function.body().params().stream()
                .map(value -> new Port(value.hint(), value.tensor().element(), value.tensor().dims(), 0))
                .toList();
    }

    private Map<String, Tensor> run(
            String name, GraphOp.Function function, Map<String, Tensor> given, Progress progress) throws IOException {
        var program = Models.compile(function, Models.describe(name).target(), progress);
        try (var model = Models.load(program, name, device.threads())) {
            progress.now("running on " + name);
            return model.run(given).asMap(); // not closed: the tensors are compared later
        } finally {
            Files.delete(program);
        }
    }

    private static void print(Map<String, PortabilityCheck.Result> results, PrintWriter out) {
        var table = new Table("device", "output", "verdict", "largest error", "relative");
        results.forEach((name, result) -> {
            for (var verdict : result.verdicts()) {
                var comparison = verdict.comparison();
                table.row(
                        name,
                        verdict.output(),
                        comparison.agrees() ? "equal" : "DIFFERS",
                        String.format("%.2e", comparison.largestError()),
                        String.format("%.2e", comparison.relativeError()));
            }
        });
        table.print(out);
        results.forEach((name, result) -> {
            if (!result.agrees()) out.println(name + ": " + where(result));
        });
        out.flush();
    }

    private static String where(PortabilityCheck.Result result) {
        var differing = result.verdicts().stream().filter(verdict -> !verdict.comparison().agrees()).findFirst();
        return result.difference()
                .map(first -> "the first operation that differs is " + first.operation() + ": " + first.comparison().problem())
                .orElseGet(() -> "every operation by itself agrees, but fused they do not: output '"
                        + differing.orElseThrow().output() + "': " + differing.orElseThrow().comparison().problem());
    }

    private void write(Map<String, PortabilityCheck.Result> results) throws IOException {
        if (json != null) {
            var devices = results.entrySet().stream()
                    .map(entry -> Document.of(
                            "device", entry.getKey(),
                            "agrees", entry.getValue().agrees(),
                            "firstDifference", entry.getValue().difference().map(first -> first.operation()).orElse(null),
                            "outputs",
                                    entry.getValue().verdicts().stream()
                                            .map(verdict -> Document.of(
                                                    "name", verdict.output(),
                                                    "agrees", verdict.comparison().agrees(),
                                                    "largestError", verdict.comparison().largestError(),
                                                    "relativeError", verdict.comparison().relativeError(),
                                                    "problem", verdict.comparison().problem()))
                                            .toList()))
                    .toList();
            Files.writeString(json, Json.of(Document.of("model", file.toString(), "devices", devices)).printLines());
        }
        if (junit != null) {
            var report = new JunitXml();
            results.forEach((name, result) -> result.verdicts().forEach(verdict -> report.add(
                    name,
                    file.getFileName() + " " + verdict.output(),
                    0,
                    verdict.comparison().agrees() ? Outcome.PASSED : Outcome.FAILED,
                    verdict.comparison().problem())));
            Files.writeString(junit, report.print());
        }
    }
}
