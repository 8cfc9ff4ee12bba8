package org.portolan.cli;

import java.io.IOException;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import org.portolan.cli.report.Table;
import org.portolan.runtime.device.Driver;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// What this machine has, what is missing, and what to do about it.
@Command(name = "doctor", description = "Says what this machine has, what is missing, and what to do about it.")
final class DoctorCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        var out = spec.commandLine().getOut();
        var table = new Table("what", "state", "detail");
        var supported = isSupported();
        table.row("system", supported ? "ok" : "unsupported", system());
        table.row("Java", "ok", Runtime.version() + " (" + System.getProperty("java.vendor") + "), " + System.getProperty("java.home"));
        table.row("processor", "ok", processor() + ", " + Runtime.getRuntime().availableProcessors() + " threads");
        table.row("memory", "ok", memory());
        var devices = 0;
        for (var driver : ServiceLoader.load(Driver.class)) {
            var listing = driver.list();
            devices += listing.devices().size();
            for (var device : listing.devices()) {
                table.row("device " + device.name(), device.emulated() ? "emulated" : "ok", device.label());
            }
            if (!listing.reason().isEmpty()) table.row("driver " + driver.name(), "missing", listing.reason());
        }
        for (var emulator : new String[] {"qemu-aarch64", "qemu-riscv64"}) {
            var found = onPath(emulator);
            table.row(emulator, found == null ? "missing" : "ok", found == null ? "runs foreign programs in tests; package qemu-user" : found);
        }
        table.print(out);
        out.println();
        if (!supported) {
            out.println("This release compiles and runs on Linux x86-64 only.");
        } else if (devices == 0) {
            out.println("No device is present: a backend's jar is missing from the module path.");
        } else {
            out.println("Next: portolan demo, or portolan run MODEL.onnx --shape NAME=1x128");
        }
        out.flush();
        return supported && devices > 0 ? ExitCode.FINE : ExitCode.DEVICE_MISSING;
    }

    private static boolean isSupported() {
        return System.getProperty("os.name").equals("Linux") && System.getProperty("os.arch").equals("amd64");
    }

    private static String system() {
        return System.getProperty("os.name") + " " + System.getProperty("os.version") + ", " + System.getProperty("os.arch");
    }

    private static String processor() {
        try (var lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse("unknown model");
        } catch (IOException _) {
            return "unknown model";
        }
    }

    private static String memory() {
        var heap = Runtime.getRuntime().maxMemory() / (double) (1 << 30);
        var system = ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean bean
                ? bean.getTotalMemorySize() / (double) (1 << 30)
                : Double.NaN;
        return String.format(Locale.ROOT, "%.1f GiB, of which the Java heap may take %.1f", system, heap);
    }

    private static String onPath(String program) {
        for (var folder : System.getenv().getOrDefault("PATH", "").split(":")) {
            var file = Path.of(folder, program);
            if (Files.isExecutable(file)) return file.toString();
        }
        return null;
    }
}
