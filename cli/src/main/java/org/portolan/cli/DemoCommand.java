package org.portolan.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.portolan.cli.report.Comparison;
import org.portolan.cli.report.Comparison.Tolerance;
import org.portolan.cli.report.Progress;
import org.portolan.cli.report.Sizes;
import org.portolan.cli.report.Table;
import org.portolan.cli.report.Timings;
import org.portolan.ir.GraphOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.Devices;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Shows a real model on everything that is here.
@Command(
        name = "demo",
        description = "Fetches MiniLM, compiles it for every target present, runs it, and compares it with the interpreter.")
final class DemoCommand implements Callable<Integer> {
    private static final double SECONDS = 2;

    @Spec
    private CommandSpec spec;

    @Option(names = "--all", description = "Emulated devices too.")
    private boolean all;

    @Override
    public Integer call() throws Exception {
        var model = Progress.during("fetching MiniLM", DemoModel::fetch);
        var inputs = DemoModel.inputs();
        var function = ModelSource.read(model, Map.of()).function();
        var expected = Progress.during("interpreting", () -> new GraphInterpreter(function).run(inputs));
        var table = new Table("target", "compile time", "latency", "largest error", "verdict");
        var exitCode = ExitCode.DEVICE_MISSING;
        for (var device : Devices.list()) {
            if (device.emulated() && !all) continue;
            var agrees = show(device, function, inputs, expected, table);
            if (exitCode == ExitCode.DEVICE_MISSING) exitCode = ExitCode.FINE;
            if (!agrees) exitCode = ExitCode.NUMBERS_DIFFER;
        }
        if (table.isEmpty()) throw new PortolanException.DeviceMissing("no device is here; help: portolan doctor");
        var out = spec.commandLine().getOut();
        out.println("MiniLM (sentence embeddings, fp32), one sentence of " + inputs.get("input_ids").extent(1) + " tokens");
        out.println();
        table.print(out);
        return exitCode;
    }

    private static boolean show(
            DeviceDescription device,
            GraphOp.Function function,
            Map<String, Tensor> inputs,
            Map<String, Tensor> expected,
            Table table)
            throws Exception {
        var start = System.nanoTime();
        Path program;
        try (var progress = Progress.start("compiling for " + device.target())) {
            program = Models.compile(function, device.target(), progress);
        }
        var compileMilliseconds = (System.nanoTime() - start) / 1e6;
        try (var model = Models.load(program, device.name(), Runtime.getRuntime().availableProcessors());
                var outputs = model.run(inputs)) {
            var largest = 0.0;
            var agrees = true;
            for (var output : expected.entrySet()) {
                var comparison = Comparison.of(
                        output.getValue(), outputs.get(output.getKey()), Tolerance.of(output.getValue().type()));
                largest = Math.max(largest, comparison.largestError());
                agrees &= comparison.agrees();
            }
            var timings = Progress.during("measuring on " + device.name(), () -> {
                Timings.repeat(() -> model.run(inputs).close(), SECONDS / 4);
                return Timings.repeat(() -> model.run(inputs).close(), SECONDS);
            });
            table.row(
                    device.driver() + (device.emulated() ? " (emulated)" : ""),
                    Sizes.milliseconds(compileMilliseconds),
                    Sizes.milliseconds((double) timings.wallMilliseconds().get("median")),
                    String.format(Locale.ROOT, "%.1e", largest),
                    agrees ? "equal" : "DIFFERS");
            return agrees;
        } finally {
            Files.delete(program);
        }
    }
}
