package org.portolan.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.portolan.cli.conformance.CaseCompiler;
import org.portolan.cli.conformance.CaseResult;
import org.portolan.cli.conformance.CompiledCases;
import org.portolan.cli.conformance.ConformanceCase;
import org.portolan.cli.conformance.ConformancePage;
import org.portolan.cli.conformance.ConformanceRun;
import org.portolan.cli.conformance.InterpretedCases;
import org.portolan.cli.report.Document;
import org.portolan.cli.report.JunitXml;
import org.portolan.cli.report.JunitXml.Outcome;
import org.portolan.cli.report.Progress;
import org.portolan.lowering.Targets;
import org.portolan.runtime.data.Json;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Runs ONNX's test cases through the compiled path.
@Command(
        name = "conformance",
        description = {
            "Runs ONNX's test cases, compiled, on a device.",
            "A case is a folder with model.onnx and test_data_set_*. A model with an operator that is not supported is skipped."
        })
final class ConformanceCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "1..*", paramLabel = "DIR", description = "Folders to search.")
    private List<Path> folders;

    @Mixin
    private DeviceOption device;

    @Option(names = "--filter", paramLabel = "REGEX", defaultValue = "", description = "Only cases in whose name this is found.")
    private Pattern filter;

    @Option(names = "--jobs", paramLabel = "N", description = "Cases at once (default: one for each processor).")
    private int jobs = Runtime.getRuntime().availableProcessors();

    @Option(names = "--limit", paramLabel = "SECONDS", defaultValue = "120", description = "How long one case may take (default: ${DEFAULT-VALUE}).")
    private long limit;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the results as one JSON document.")
    private Path json;

    @Option(names = "--junit", paramLabel = "FILE", description = "Write the results as JUnit XML.")
    private Path junit;

    @Option(names = "--markdown", paramLabel = "FILE", description = "Write the results as a page of Markdown.")
    private Path markdown;

    private final Set<String> emulated = new HashSet<>();

    @Override
    public Integer call() throws Exception {
        if (jobs < 1) throw new CommandFailure(ExitCode.WRONG_USAGE, "--jobs: expected at least 1, found " + jobs, "");
        for (var folder : folders) {
            if (!Files.isDirectory(folder)) throw new CommandFailure(ExitCode.FAILURE, folder + ": no such folder", "");
        }
        var cases = ConformanceCase.find(folders, filter);
        var results = new ArrayList<CaseResult>();
        for (var name : Models.deviceNames(device)) {
            results.addAll(name.equals(InterpretedCases.NAME) ? run(name, new InterpretedCases(), cases, Path.of("")) : run(name, cases));
        }
        write(results);
        var out = spec.commandLine().getOut();
        for (var result : results) {
            if (result.outcome() == Outcome.FAILED) {
                out.println("failed " + result.name() + " on " + result.device() + ": " + result.reason());
            }
        }
        out.printf(
                "%d passed, %d failed, %d skipped%n",
                of(results, Outcome.PASSED).size(), of(results, Outcome.FAILED).size(), of(results, Outcome.SKIPPED).size());
        out.flush();
        return of(results, Outcome.FAILED).isEmpty() ? ExitCode.FINE : ExitCode.FAILURE;
    }

    private List<CaseResult> run(String name, List<ConformanceCase> cases) throws Exception {
        var descriptions = Devices.withHost(Models.describe(name));
        if (descriptions.getFirst().emulated()) emulated.add(name);
        var devices = new ArrayList<Device>();
        var scratch = Files.createTempDirectory("portolan");
        try {
            for (var description : descriptions) {
                devices.add(Devices.open(description.name(), new DeviceOptions(device.threads())));
            }
            var target = Targets.of(descriptions.getFirst());
            return run(name, new CompiledCases(target, devices, scratch), cases, scratch);
        } finally {
            devices.forEach(Device::close);
            deleteFolder(scratch);
        }
    }

    private List<CaseResult> run(String name, CaseCompiler compiler, List<ConformanceCase> cases, Path scratch)
            throws InterruptedException {
        var run = new ConformanceRun(compiler, name, jobs, Duration.ofSeconds(limit), problem -> explain(problem, scratch));
        var done = new AtomicInteger();
        try (var progress = Progress.start("conformance on " + name)) {
            return run.run(
                    cases,
                    result -> progress.now("conformance on " + name + ": " + done.incrementAndGet() + " of " + cases.size()
                            + ", " + result.name()));
        }
    }

    /// The problem in one sentence, without the names of files that are gone.
    private static String explain(Throwable problem, Path scratch) {
        return ErrorReport.explain(problem).sentence().replaceAll(Pattern.quote(scratch + "/") + "\\S*\\.portolan", "program file");
    }

    private static void deleteFolder(Path folder) throws IOException {
        try (var files = Files.newDirectoryStream(folder)) {
            for (var file : files) Files.delete(file);
        }
        Files.delete(folder);
    }

    private void write(List<CaseResult> results) throws IOException {
        if (json != null) {
            var document = Document.of(
                    "passed", members(of(results, Outcome.PASSED)),
                    "failed", members(of(results, Outcome.FAILED)),
                    "skipped", members(of(results, Outcome.SKIPPED)));
            Files.writeString(json, Json.of(document).printLines());
        }
        if (markdown != null) Files.writeString(markdown, ConformancePage.print(results, emulated));
        if (junit != null) {
            var report = new JunitXml();
            results.forEach(result ->
                    report.add(result.device(), result.name(), result.seconds(), result.outcome(), result.reason()));
            Files.writeString(junit, report.print());
        }
    }

    private static List<CaseResult> of(List<CaseResult> results, Outcome outcome) {
        return results.stream().filter(result -> result.outcome() == outcome).toList();
    }

    private static List<Map<String, Object>> members(List<CaseResult> results) {
        return results.stream().map(CaseResult::members).toList();
    }
}
