package org.portolan.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.Callable;
import org.portolan.cli.report.Progress;
import org.portolan.cli.report.Sizes;
import org.portolan.cli.selftest.SelftestPack;
import org.portolan.lowering.Targets;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.selftest.Report;
import org.portolan.runtime.selftest.Selftest;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Tries a device, or writes what another computer needs to try its own.
@Command(
        name = "selftest",
        description = {
            "Tries a device: memory, a case for each kind of operation, errors, many runs at once, and speeds.",
            "With --target and --pack it writes one file for a computer without the compiler; with --pack alone it runs that file."
        })
final class SelftestCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private DeviceOption device;

    @Option(names = "--pack", paramLabel = "FILE", description = "The compiled cases: written with --target, else read.")
    private Path pack;

    @Option(names = "--target", paramLabel = "TARGET", description = "Write a pack for this target, for example cuda:sm_90.")
    private String target;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the report as one JSON document.")
    private Path json;

    @Override
    public Integer call() throws Exception {
        if (target != null) {
            if (pack == null) {
                throw new CommandFailure(ExitCode.WRONG_USAGE, "--target writes a pack, and --pack FILE is missing", "");
            }
            write(target, pack);
            spec.commandLine().getOut().println(pack + ": " + Sizes.bytes(Files.size(pack)) + " for " + target);
            spec.commandLine().getOut().flush();
            return ExitCode.FINE;
        }
        if (pack != null) return run(pack);
        var made = Files.createTempFile("portolan", ".pack");
        try {
            write(Models.describe(device.device()).target(), made);
            return run(made);
        } finally {
            Files.delete(made);
        }
    }

    private static void write(String name, Path file) throws Exception {
        try (var progress = Progress.start("compiling for " + name)) {
            SelftestPack.write(Targets.resolve(name), file, progress::now);
        }
    }

    private int run(Path file) throws Exception {
        var devices = new ArrayList<Device>();
        try (var progress = Progress.start("selftest")) {
            for (var description : Devices.withHost(Models.describe(device.device()))) {
                devices.add(Devices.open(description.name(), new DeviceOptions(device.threads())));
            }
            try (var selftest = new Selftest(file, devices, progress::now)) {
                return print(selftest.run());
            }
        } finally {
            devices.forEach(Device::close);
        }
    }

    private int print(Report report) throws Exception {
        var out = spec.commandLine().getOut();
        report.lines().forEach(out::println);
        out.flush();
        if (json != null) Files.writeString(json, report.json().printLines());
        return report.passed() ? ExitCode.FINE : ExitCode.FAILURE;
    }
}
