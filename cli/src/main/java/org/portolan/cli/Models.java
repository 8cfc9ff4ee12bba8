package org.portolan.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.cli.report.Progress;
import org.portolan.ir.GraphOp;
import org.portolan.lowering.CompileOptions;
import org.portolan.lowering.CompileReport;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.runtime.Model;
import org.portolan.runtime.Outputs;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.RunOptions;
import org.portolan.runtime.SessionOptions;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Counters;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.plan.Port;

/// Files and devices, as the commands name them, opened.
final class Models {
    private Models() {}

    /// A program file.
    ///
    /// @param compileMilliseconds how long it took to make; 0 where it was there
    /// @param temporary whether it goes away with this
    record Program(Path file, double compileMilliseconds, boolean temporary) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            if (temporary) Files.deleteIfExists(file);
        }
    }

    /// A model together with the devices that were opened for it.
    private record OpenModel(Model model, List<Device> devices) implements Model {
        @Override
        public List<Port> inputs() {
            return model.inputs();
        }

        @Override
        public List<Port> outputs() {
            return model.outputs();
        }

        @Override
        public Outputs run(Map<String, Tensor> inputs, RunOptions options) {
            return model.run(inputs, options);
        }

        @Override
        public boolean fellBack() {
            return model.fellBack();
        }

        @Override
        public void close() {
            model.close();
            devices.forEach(Device::close);
        }
    }

    /// The file itself where it is a program file, else a temporary one that is compiled from it.
    ///
    /// @param device the name of the device that it is for; empty for the best one
    static Program program(Path file, String device) throws IOException {
        return program(file, device, Map::of, false);
    }

    /// The same for a model that is about to be run.
    ///
    /// @param given extents of what it is given
    /// @param fallsBack whether it is compiled for the host too
    static Program program(Path file, String device, ModelSource.GivenShapes given, boolean fallsBack) throws IOException {
        if (ModelSource.isProgramFile(file)) return new Program(file, 0, false);
        var targets = new LinkedHashSet<String>(List.of(describe(device).target()));
        if (fallsBack) Devices.host().map(DeviceDescription::target).ifPresent(targets::add);
        try (var progress = Progress.start("reading " + file)) {
            var start = System.nanoTime();
            var source = ModelSource.readFor(file, given);
            var program = compile(source.function(), List.copyOf(targets), progress);
            return new Program(program, (System.nanoTime() - start) / 1e6, true);
        }
    }

    /// Compiles for one target into a temporary program file.
    static Path compile(GraphOp.Function function, String target, Progress progress) throws IOException {
        return compile(function, List.of(target), progress);
    }

    private static Path compile(GraphOp.Function function, List<String> targets, Progress progress) throws IOException {
        var program = Files.createTempFile("portolan", ".portolan");
        try {
            compile(function, targets, program, CompileOptions.defaults(), progress);
            return program;
        } catch (RuntimeException | IOException | Error problem) {
            Files.deleteIfExists(program);
            throw problem;
        }
    }

    static CompileReport compile(
            GraphOp.Function function, List<String> targets, Path program, CompileOptions options, Progress progress)
            throws IOException {
        var telling = options.withProgress((stage, done, stages) -> progress.now(stage + " (" + done + " of " + stages + ")"));
        return new Compiler(telling).compile(function, Targets.resolve(targets), program);
    }

    static Model load(Program program, DeviceOption option, SessionOptions options) throws IOException {
        return load(program.file(), option.device(), option.threads(), options);
    }

    /// The device of a model that was loaded here, if it counts what kernels do.
    static Optional<Counters> counters(Model model) {
        return model instanceof OpenModel open
                ? open.devices().stream()
                        .filter(Counters.class::isInstance)
                        .map(Counters.class::cast)
                        .findFirst()
                : Optional.empty();
    }

    /// @param name a device's name; empty for the best one
    static Model load(Path programFile, String name, int threads) throws IOException {
        return load(programFile, name, threads, SessionOptions.defaults());
    }

    private static Model load(Path programFile, String name, int threads, SessionOptions options) throws IOException {
        var devices = new ArrayList<Device>();
        try {
            for (var description : Devices.withHost(describe(name))) {
                devices.add(Devices.open(description.name(), new DeviceOptions(threads)));
            }
            return new OpenModel(Portolan.load(programFile, options, devices.toArray(Device[]::new)), devices);
        } catch (RuntimeException | IOException problem) {
            devices.forEach(Device::close);
            throw problem;
        }
    }

    /// What is known of a device.
    ///
    /// @param name empty for the best one
    static DeviceDescription describe(String name) {
        return name.isEmpty() ? Devices.best().description() : Devices.find(name);
    }

    /// The names that were given, or that of the best device.
    static List<String> deviceNames(DeviceOption option) {
        return option.devices().isEmpty() ? List.of(describe("").name()) : option.devices();
    }
}
