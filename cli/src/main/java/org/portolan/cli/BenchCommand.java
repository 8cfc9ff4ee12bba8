package org.portolan.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.portolan.cli.report.CountersReport;
import org.portolan.cli.report.Document;
import org.portolan.cli.report.Progress;
import org.portolan.cli.report.Sizes;
import org.portolan.cli.report.Table;
import org.portolan.cli.report.Timings;
import org.portolan.runtime.Model;
import org.portolan.runtime.data.Json;
import org.portolan.runtime.device.Counters.KernelCounts;
import org.portolan.runtime.device.DeviceDescription;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Measures a model.
@Command(name = "bench", description = "Measures a model: load, first run, wall and CPU time of a run, memory.")
final class BenchCommand implements Callable<Integer> {
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

    @Option(names = "--seconds", defaultValue = "5", description = "How long to measure, after a warm-up of a fifth of it (default: ${DEFAULT-VALUE}).")
    private double seconds;

    @Option(names = "--counters", description = "Run once, and print what the device has counted of each kernel in place of times.")
    private boolean counters;

    @Option(names = "--json", description = "Print one JSON document.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        session.checkSource(file);
        try (var program = Models.program(file, device.device(), inputs::extents, false)) {
            var loadStart = System.nanoTime();
            try (var model = Models.load(program, device, session.options())) {
                var loadMilliseconds = (System.nanoTime() - loadStart) / 1e6;
                var tensors = inputs.tensors(model.inputs(), InputOptions.Missing.GENERATED, spec.commandLine().getErr());
                Runnable run = () -> model.run(tensors).close();
                if (counters) {
                    CountersReport.print(count(model, run), json, spec.commandLine().getOut());
                    return ExitCode.FINE;
                }
                var firstStart = System.nanoTime();
                run.run();
                var firstMilliseconds = (System.nanoTime() - firstStart) / 1e6;
                var timings = Progress.during("measuring " + file, () -> {
                    Timings.repeat(run, seconds / 5);
                    return Timings.repeat(run, seconds);
                });
                var document = Document.of(
                        "model", file.toString(),
                        "device", device.device().isEmpty() ? "best" : device.device(),
                        "emulated", device().emulated(),
                        "threads", device.threads(),
                        "compileMs", program.compileMilliseconds(),
                        "loadMs", loadMilliseconds,
                        "firstMs", firstMilliseconds,
                        "runs", timings.wallNanos().size(),
                        "wallMs", timings.wallMilliseconds(),
                        "cpuMs", timings.cpuMilliseconds(),
                        "peakRssMb", Timings.peakResidentMebibytes());
                print(document);
                return ExitCode.FINE;
            }
        }
    }

    private List<KernelCounts> count(Model model, Runnable run) throws Exception {
        var counting = Models.counters(model)
                .orElseThrow(() -> new CommandFailure(
                        ExitCode.WRONG_USAGE,
                        "--counters: the device '" + Models.describe(device.device()).name() + "' does not count",
                        "emulated devices do, for example cuda:emulated"));
        counting.count();
        Progress.during("counting " + file, () -> {
            run.run();
            return null;
        });
        return counting.counts();
    }

    private DeviceDescription device() {
        return Models.describe(device.device());
    }

    private void print(Map<String, Object> document) {
        var out = spec.commandLine().getOut();
        if (json) {
            out.print(Json.of(document).printLines());
        } else {
            var table = new Table("what", "min", "median", "p99");
            var wall = (Map<?, ?>) document.get("wallMs");
            var cpu = (Map<?, ?>) document.get("cpuMs");
            table.row("wall", time(wall, "min"), time(wall, "median"), time(wall, "p99"));
            table.row("cpu", time(cpu, "min"), time(cpu, "median"), "-");
            table.print(out);
            out.printf(
                    "compile %s, load %s, first run %s, %s runs, %s threads, peak %.0f MiB%n",
                    Sizes.milliseconds((double) document.get("compileMs")),
                    Sizes.milliseconds((double) document.get("loadMs")),
                    Sizes.milliseconds((double) document.get("firstMs")),
                    document.get("runs"),
                    document.get("threads"),
                    (double) document.get("peakRssMb"));
            if (device().emulated()) {
                out.println("note: " + device().name() + " is emulated: these are the emulator's times and say nothing of the hardware's;"
                        + " --counters tells what its kernels do");
            }
        }
        out.flush();
    }

    private static String time(Map<?, ?> members, String name) {
        return Sizes.milliseconds((double) members.get(name));
    }
}
