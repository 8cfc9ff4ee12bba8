package org.portolan.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.program.ProgramFile;

/// The front door: loads a model so that it can run.
public final class Portolan {
    private Portolan() {}

    /// Loads a program file, or a source model where a {@link ModelCompiler} that reads it is on the class path or
    /// module path.
    ///
    /// @param devices an accelerator, alone or with the host behind it, or the host; none: the best for which the file
    ///     has a target
    /// @throws PortolanException.BadProgramFile if the file is damaged
    /// @throws PortolanException.DeviceMissing if the file has no target for the devices
    /// @throws PortolanException.CompilationFailed if the source model cannot be compiled
    /// @throws IOException if the file cannot be read
    public static Model load(Path path, Device... devices) throws IOException {
        return load(path, SessionOptions.defaults(), devices);
    }

    /// Like {@link #load(Path, Device...)}, with limits of one's own.
    public static Model load(Path path, SessionOptions options, Device... devices) throws IOException {
        var compiler = ServiceLoader.load(ModelCompiler.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(candidate -> candidate.accepts(path))
                .findFirst();
        if (compiler.isPresent()) {
            if (!options.trustedKeys().isEmpty()) {
                throw new PortolanException.BadProgramFile(path + " is a source model, which carries no signature, and "
                        + "signatures are demanded (SessionOptions.trustedKeys); load a signed program file");
            }
            return compileAndOpen(compiler.get(), path, options, devices);
        }
        if (path.toString().endsWith(".onnx")) {
            throw new PortolanException.CompilationFailed(path + " is a source model and no compiler is on the class "
                    + "path or module path; compile it to a program file first (portolan compile), or add the compiler",
                    List.of(), null);
        }
        return open(path, options, devices);
    }

    private static Model compileAndOpen(
            ModelCompiler compiler, Path path, SessionOptions options, Device... devices) throws IOException {
        var target = devices.length > 0 ? devices[0].description() : Devices.best().description();
        var folder = Files.createTempDirectory("portolan");
        var programFile = folder.resolve("model.portolan");
        var targets = new LinkedHashSet<String>(List.of(target.target()));
        if (options.hostFallback()) {
            Devices.host().map(DeviceDescription::target).ifPresent(targets::add);
        }
        try {
            compiler.compile(new ModelCompiler.Request(path, programFile, List.copyOf(targets), Map.of()));
            // The mapping outlives the name.
            return open(programFile, options, devices);
        } finally {
            Files.deleteIfExists(programFile);
            Files.deleteIfExists(folder);
        }
    }

    private static Model open(Path path, SessionOptions options, Device... devices) throws IOException {
        var file = ProgramFile.open(path, options.trustedKeys());
        try {
            var chosen = devices.length > 0 ? complete(file, List.of(devices)) : choose(file);
            return options.hostFallback()
                    ? withFallback(file, chosen, options)
                    : new LoadedModel(file, Session.open(file, chosen, options));
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static Model withFallback(ProgramFile file, List<Device> devices, SessionOptions options) {
        var host = Devices.host().map(List::of).orElse(List.of());
        var target = file.select(host).orElseThrow(() -> TargetChoice.none(file, host));
        var session = Session.open(file, devices, options);
        boolean updatesInputs = devices.getFirst().description().sharesHostMemory()
                && session.outputs().stream()
                        .anyMatch(output -> session.inputs().stream().anyMatch(input -> input.slot() == output.slot()));
        return new FallbackModel(
                file, session, () -> Session.open(file, target, List.of(host(devices, host.getFirst())), options), updatesInputs);
    }

    /// The host that was given behind an accelerator, with the threads that it was opened with; else the process's own.
    private static Device host(List<Device> devices, DeviceDescription host) {
        return devices.stream()
                .skip(1)
                .filter(device -> device.description().name().equals(host.name()))
                .findFirst()
                .orElseGet(() -> Devices.get(host.name()));
    }

    /// The devices, and behind an accelerator that stands alone the host, if the file needs it.
    private static List<Device> complete(ProgramFile file, List<Device> devices) {
        var descriptions = devices.stream().map(Device::description).toList();
        if (devices.size() > 1 || file.select(descriptions).isPresent()) {
            return devices;
        }
        var pair = Devices.withHost(descriptions.getFirst());
        return pair.size() > 1 && file.select(pair).isPresent()
                ? List.of(devices.getFirst(), Devices.get(pair.get(1).name()))
                : devices;
    }

    /// The best device for which the file has a target, with the host behind it.
    private static List<Device> choose(ProgramFile file) {
        var all = Devices.list();
        for (var candidate : all) {
            var pair = Devices.withHost(candidate);
            if (file.select(pair).isPresent()) {
                return pair.stream().map(device -> Devices.get(device.name())).toList();
            }
        }
        throw TargetChoice.none(file, all);
    }
}
