package org.portolan.cli;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.portolan.cli.argument.ShapeArgument;
import org.portolan.cli.inspect.HtmlPage;
import org.portolan.cli.inspect.ModelReport;
import org.portolan.cli.inspect.PlanView;
import org.portolan.cli.report.Sizes;
import org.portolan.cli.report.Table;
import org.portolan.lowering.Codegen;
import org.portolan.onnx.reader.OnnxReader;
import org.portolan.runtime.data.Json;
import org.portolan.runtime.plan.Port;
import org.portolan.runtime.program.Manifest;
import org.portolan.runtime.program.ProgramFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Shows what is in a model or program file.
@Command(
        name = "inspect",
        description = "Shows operators, kernels after fusion, the memory plan, sizes, and what runs where.")
final class InspectCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "MODEL", description = "A program file (.portolan), or a model to compile first (.onnx, .ir).")
    private Path file;

    @Mixin
    private DeviceOption device;

    @Option(
            names = "--shape",
            paramLabel = "NAME=1x128",
            converter = ShapeArgument.Converter.class,
            description = "Show sizes for these extents of an input.")
    private List<ShapeArgument> shapes = List.of();

    @Option(names = "--json", description = "Print one JSON document.")
    private boolean json;

    @Option(names = "--html", paramLabel = "FILE", description = "Write one self-contained page.")
    private Path html;

    @Override
    public Integer call() throws Exception {
        var report = report();
        var out = spec.commandLine().getOut();
        if (html != null) Files.writeString(html, HtmlPage.print(report));
        if (json) {
            out.print(Json.of(report.members()).printLines());
        } else if (html == null) {
            print(report);
        }
        out.flush();
        return ExitCode.FINE;
    }

    private ModelReport report() throws Exception {
        try (var program = Models.program(file, device.device());
                var archive = ProgramFile.open(program.file())) {
            var manifest = archive.manifest();
            var symbols = symbols(manifest.inputs());
            var targets = new ArrayList<ModelReport.Target>();
            for (var target : manifest.targets()) {
                var imageBytes = target.images().stream()
                        .mapToLong(image -> archive.entry(image.entry()).byteSize())
                        .sum();
                targets.add(new ModelReport.Target(
                        target.name(), imageBytes, PlanView.of(archive.plan(target), symbols), findings(archive, target)));
            }
            return new ModelReport(file.toString(), operators(), Files.size(program.file()), manifest, targets);
        }
    }

    private static Map<String, Codegen.Finding> findings(ProgramFile archive, Manifest.Target target) {
        var findings = new TreeMap<String, Codegen.Finding>();
        var family = target.name().split(":")[0];
        for (var codegen : ServiceLoader.load(Codegen.class)) {
            if (!codegen.family().equals(family)) continue;
            var device = archive.entry(target.images().getFirst().entry());
            for (var finding : codegen.examine(device.toArray(ValueLayout.JAVA_BYTE))) findings.put(finding.kernel(), finding);
        }
        return findings;
    }

    private Map<String, Long> symbols(List<Port> inputs) {
        var symbols = new LinkedHashMap<String, Long>();
        for (var shape : shapes) {
            for (var port : inputs) {
                if (!port.name().equals(shape.input())) continue;
                for (var axis = 0; axis < Math.min(port.dims().size(), shape.extents().size()); axis++) {
                    var extent = shape.extents().get(axis);
                    port.dims().get(axis).symbolName().ifPresent(name -> symbols.putIfAbsent(name, extent));
                }
            }
        }
        return symbols;
    }

    private Map<String, Long> operators() {
        var operators = new TreeMap<String, Long>();
        if (!file.toString().endsWith(".onnx")) return operators;
        for (var node : new OnnxReader().model(file).graph().nodes()) {
            var name = node.domain().isEmpty() ? node.operator() : node.domain() + ":" + node.operator();
            operators.merge(name, 1L, Long::sum);
        }
        return operators;
    }

    private void print(ModelReport report) throws IOException {
        var out = spec.commandLine().getOut();
        out.println(report.source() + ": program file of " + Sizes.bytes(report.fileBytes()));
        var ports = new Table("port", "name", "type");
        report.manifest().inputs().forEach(port -> ports.row("input", port.name(), InputOptions.describe(port)));
        report.manifest().outputs().forEach(port -> ports.row("output", port.name(), InputOptions.describe(port)));
        ports.print(out);
        if (!report.operators().isEmpty()) {
            out.println();
            var operators = new Table("operator", "nodes");
            report.operators().forEach(operators::row);
            operators.print(out);
        }
        for (var target : report.targets()) {
            var plan = target.plan();
            out.println();
            out.printf(
                    "target %s: %d kernels on the device, %d on the host, images %s, weights %s, arena %s%s%n",
                    target.name(),
                    plan.deviceKernels(),
                    plan.hostKernels(),
                    Sizes.bytes(target.imageBytes()),
                    Sizes.bytes(plan.weightBytes()),
                    Sizes.bytes(plan.arenaBytes()),
                    plan.symbols().isEmpty() ? "" : " at " + plan.symbols());
            var header = new ArrayList<>(List.of("kernel", "where", "grid"));
            header.addAll(target.findingNames());
            header.add("stands for");
            var kernels = new Table(header.toArray(String[]::new));
            for (var launch : plan.launches()) {
                var name = plan.plan().kernels().get(launch.kernel());
                var cells = new ArrayList<Object>(
                        List.of(name, launch.device() == 0 ? "device" : "host", launch.grid()));
                cells.addAll(target.finding(launch.device() == 0 ? name : ""));
                cells.add(launch.origin());
                kernels.row(cells.toArray());
            }
            kernels.print(out);
            if (!target.findings().isEmpty() && !target.isAssembled()) {
                out.println("Registers and what is spilled are known where the vendor's assembler is installed.");
            }
        }
    }
}
