package org.portolan.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import org.portolan.cli.report.Document;
import org.portolan.cli.report.Table;
import org.portolan.lowering.Codegen;
import org.portolan.lowering.CompileException;
import org.portolan.runtime.data.Json;
import org.portolan.runtime.device.Driver;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// What can be compiled for, and which devices are here.
@Command(name = "targets", description = "Lists what can be compiled for, which devices are here, and why others are not.")
final class TargetsCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--json", description = "Print one JSON document.")
    private boolean json;

    @Override
    public Integer call() {
        var targets = targets();
        var devices = new ArrayList<Map<String, Object>>();
        var missing = new ArrayList<Map<String, Object>>();
        for (var driver : ServiceLoader.load(Driver.class)) {
            var listing = driver.list();
            for (var device : listing.devices()) {
                devices.add(Document.of("name", device.name(), "label", device.label(), "emulated", device.emulated(),
                        "target", device.target(),
                        "memoryBytes", device.memoryBytes(), "features", device.features().stream().sorted().toList()));
            }
            if (!listing.reason().isEmpty()) missing.add(Document.of("driver", driver.name(), "reason", listing.reason()));
        }
        var out = spec.commandLine().getOut();
        if (json) {
            out.print(Json.of(Document.of("targets", targets, "devices", devices, "missing", missing)).printLines());
        } else {
            var targetTable = new Table("target", "means", "vector", "level 1", "level 2");
            targets.forEach(target -> targetTable.row(target.get("name"), target.get("means"), target.get("vectorBytes") + " B",
                    kibibytes(target.get("level1Bytes")), kibibytes(target.get("level2Bytes"))));
            targetTable.print(out);
            out.println();
            var deviceTable = new Table("device", "kind", "target", "what");
            devices.forEach(device -> deviceTable.row(device.get("name"),
                    (boolean) device.get("emulated") ? "emulated" : "real", device.get("target"), device.get("label")));
            missing.forEach(absent -> deviceTable.row(absent.get("driver"), "missing", "-", absent.get("reason")));
            deviceTable.print(out);
        }
        out.flush();
        return ExitCode.FINE;
    }

    private static List<Map<String, Object>> targets() {
        var targets = new ArrayList<Map<String, Object>>();
        for (var codegen : ServiceLoader.load(Codegen.class)) {
            try {
                var chip = codegen.defaultMachine();
                var whose = codegen.hostMachine().isPresent() ? "this machine: " : "by default: ";
                targets.add(Document.of("name", codegen.family(), "means", whose + chip.name(), "vectorBytes", chip.vectorBytes(),
                        "level1Bytes", chip.level1Bytes(), "level2Bytes", chip.level2Bytes()));
            } catch (CompileException absent) {
                targets.add(Document.of("name", codegen.family(), "means", absent.getMessage(), "vectorBytes", 0L, "level1Bytes", 0L,
                        "level2Bytes", 0L));
            }
            for (var chip : codegen.machines()) {
                var means = (chip.triple() + " " + chip.processor()).strip();
                targets.add(Document.of("name", codegen.family() + ":" + chip.name(), "means", means, "vectorBytes",
                        chip.vectorBytes(), "level1Bytes", chip.level1Bytes(), "level2Bytes", chip.level2Bytes()));
            }
        }
        return targets;
    }

    private static String kibibytes(Object bytes) {
        return (long) bytes / 1024 + " KiB";
    }
}
