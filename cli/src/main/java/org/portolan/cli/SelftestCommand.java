package org.portolan.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.portolan.cli.argument.ShapeArgument;
import org.portolan.cli.conformance.ConformanceCase;
import org.portolan.cli.report.Progress;
import org.portolan.cli.report.Sizes;
import org.portolan.cli.selftest.SelftestPack;
import org.portolan.ir.GraphOp;
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
    private static final List<String> INTO_A_PACK = List.of("--model", "--shape", "--cases", "--share");

    @Spec
    private CommandSpec spec;

    @Mixin
    private DeviceOption device;

    @Option(names = "--pack", paramLabel = "FILE", description = "The compiled cases: written with --target, else read.")
    private Path pack;

    @Option(names = "--target", paramLabel = "TARGET", description = "Write a pack for this target, for example cuda:sm_90.")
    private String target;

    @Option(
            names = "--model",
            paramLabel = "FILE",
            description = "Also a model of yours, against the interpreter; its weights must fit into the pack. May be repeated.")
    private List<Path> models = List.of();

    @Option(
            names = "--shape",
            paramLabel = "NAME=1x128",
            converter = ShapeArgument.Converter.class,
            description = "Fix the extents of an input of these models; else they are the smallest. May be repeated.")
    private List<ShapeArgument> shapes = List.of();

    @Option(
            names = "--cases",
            paramLabel = "DIR",
            description = {
                "ONNX's cases in a folder, one in --share of them. May be repeated.",
                "Else those that PORTOLAN_ONNX_TESTDATA names and those of Debian's libonnx-testdata, where they are here."
            })
    private List<Path> cases = List.of();

    @Option(names = "--share", paramLabel = "N", defaultValue = "8", description = "One case in so many (default: ${DEFAULT-VALUE}).")
    private int share;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the report as one JSON document.")
    private Path json;

    @Override
    public Integer call() throws Exception {
        if (target != null) {
            if (pack == null) {
                throw new CommandFailure(ExitCode.WRONG_USAGE, "--target writes a pack, and --pack FILE is missing", "");
            }
            var extras = extras();
            var left = write(target, pack, extras);
            spec.commandLine().getOut().println(pack + ": " + Sizes.bytes(Files.size(pack)) + " for " + target);
            print(extras, left);
            return ExitCode.FINE;
        }
        for (var option : INTO_A_PACK) {
            if (pack != null && spec.commandLine().getParseResult().hasMatchedOption(option)) {
                throw new CommandFailure(
                        ExitCode.WRONG_USAGE, option + " goes into a pack that is written, and " + pack + " is read",
                        "say it together with --target");
            }
        }
        if (pack != null) return run(pack);
        var made = Files.createTempFile("portolan", ".pack");
        try {
            var extras = extras();
            print(extras, write(Models.describe(device.device()).target(), made, extras));
            return run(made);
        } finally {
            Files.delete(made);
        }
    }

    private void print(SelftestPack.Extras extras, SelftestPack.LeftOut left) {
        var out = spec.commandLine().getOut();
        out.println(extras.cases().isEmpty()
                ? "without ONNX's cases, which are not on this computer: name a folder with --cases, or install libonnx-testdata"
                : "with " + (extras.cases().size() - left.size()) + " of ONNX's cases, one in " + share);
        left.lines().forEach(out::println);
        out.flush();
    }

    private SelftestPack.LeftOut write(String name, Path file, SelftestPack.Extras extras)
            throws Exception {
        try (var progress = Progress.start("compiling for " + name)) {
            return SelftestPack.write(Targets.resolve(name), file, extras, progress::now);
        }
    }

    private SelftestPack.Extras extras() throws IOException {
        if (share < 1) throw new CommandFailure(ExitCode.WRONG_USAGE, "--share: expected at least 1, found " + share, "");
        if (!shapes.isEmpty() && models.size() != 1) {
            throw new CommandFailure(ExitCode.WRONG_USAGE, "--shape needs exactly one --model", "");
        }
        var fixed = new HashMap<String, List<Long>>();
        shapes.forEach(shape -> fixed.put(shape.input(), shape.extents()));
        var functions = new LinkedHashMap<String, GraphOp.Function>();
        for (var model : models) {
            var name = model.getFileName().toString();
            if (functions.containsKey(name)) {
                throw new CommandFailure(
                        ExitCode.WRONG_USAGE, "--model: two files have the name " + name + ", and a case has its file's",
                        "give one of them another name");
            }
            functions.put(name, ModelSource.read(model, fixed).function());
        }
        var found = ConformanceCase.find(cases.isEmpty() ? ConformanceCase.usualFolders() : cases, Pattern.compile(""));
        var chosen = found.stream()
                .filter(candidate -> Math.floorMod(candidate.name().hashCode(), share) == 0)
                .toList();
        if (!cases.isEmpty() && chosen.isEmpty()) {
            throw new CommandFailure(
                    ExitCode.WRONG_USAGE,
                    "--cases: " + cases + " holds " + found.size() + " of ONNX's cases, and one in " + share + " of them is none",
                    found.isEmpty() ? "name a folder of folders with model.onnx" : "say --share 1");
        }
        return new SelftestPack.Extras(functions, chosen);
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
