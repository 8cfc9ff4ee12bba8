package org.portolan.cli.inspect;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.portolan.cli.report.Document;
import org.portolan.cli.report.Sizes;
import org.portolan.lowering.Codegen;
import org.portolan.runtime.plan.Port;
import org.portolan.runtime.program.Manifest;
import org.portolan.runtime.type.Dim;

/// Everything that `inspect` shows.
///
/// @param source the file that was asked for
/// @param operators how often each operator stands in the source model; empty where a program file was asked for
/// @param fileBytes the program file's size
/// @param targets a plan for each target of the program file
public record ModelReport(
        String source, Map<String, Long> operators, long fileBytes, Manifest manifest, List<Target> targets) {

    /// One compiled variant.
    ///
    /// @param imageBytes all kernel images together
    /// @param findings what is known of the device's kernels beyond the plan, by name; empty where nothing is
    public record Target(String name, long imageBytes, PlanView plan, Map<String, Codegen.Finding> findings) {
        /// The names of what is known of kernels beyond the plan, for people; empty if nothing is.
        public List<String> findingNames() {
            if (findings.isEmpty()) return List.of();
            return isAssembled()
                    ? List.of("threads", "shared", "registers", "stack", "spilled")
                    : List.of("threads", "shared");
        }

        /// What is known of a kernel, in the order of the names.
        public List<String> finding(String kernel) {
            var finding = findings.get(kernel);
            if (finding == null) return findingNames().stream().map(name -> "-").toList();
            var cells = new ArrayList<>(List.of(Long.toString(finding.threads()), Sizes.bytes(finding.sharedBytes())));
            if (isAssembled()) {
                cells.add(Long.toString(finding.registers()));
                cells.add(Sizes.bytes(finding.stackBytes()));
                cells.add(Sizes.bytes(finding.spilledBytes()));
            }
            return cells;
        }

        /// Whether the vendor's compiler is installed and has said something.
        public boolean isAssembled() {
            return findings.values().stream().anyMatch(Codegen.Finding::isAssembled);
        }
    }

    /// The report as members of a JSON document.
    public Map<String, Object> members() {
        var variants = new ArrayList<Map<String, Object>>();
        for (var target : targets) {
            var plan = target.plan();
            variants.add(Document.of(
                    "name", target.name(),
                    "imageBytes", target.imageBytes(),
                    "deviceKernels", plan.deviceKernels(),
                    "hostKernels", plan.hostKernels(),
                    "steps", plan.steps().size(),
                    "symbols", plan.symbols(),
                    "arenaBytes", plan.arenaBytes(),
                    "weightBytes", plan.weightBytes(),
                    "kernels", kernels(target)));
        }
        return Document.of(
                "file", source,
                "bytes", fileBytes,
                "inputs", ports(manifest.inputs()),
                "outputs", ports(manifest.outputs()),
                "symbols",
                        manifest.symbols().stream()
                                .map(symbol -> Document.of("name", symbol.name(), "min", symbol.minimum(), "max", symbol.maximum()))
                                .toList(),
                "operators", operators,
                "targets", variants);
    }

    private static List<Map<String, Object>> kernels(Target target) {
        var kernels = new ArrayList<Map<String, Object>>();
        for (var launch : target.plan().launches()) {
            var name = target.plan().plan().kernels().get(launch.kernel());
            var members = Document.of(
                    "name", name,
                    "origin", launch.origin(),
                    "where", launch.device() == 0 ? "device" : "host",
                    "grid", launch.grid().stream().map(Dim::toString).toList(),
                    "costNanos", target.plan().evaluate(launch.cost()));
            var finding = target.findings().get(name);
            if (finding != null) {
                members.put("threads", finding.threads());
                members.put("sharedBytes", finding.sharedBytes());
            }
            if (finding != null && finding.isAssembled()) {
                members.put("registers", finding.registers());
                members.put("stackBytes", finding.stackBytes());
                members.put("spilledBytes", finding.spilledBytes());
            }
            kernels.add(members);
        }
        return kernels;
    }

    private static List<Map<String, Object>> ports(List<Port> ports) {
        return ports.stream()
                .map(port -> Document.of(
                        "name", port.name(),
                        "type", port.type().text(),
                        "shape", port.dims().stream().map(Dim::toString).toList()))
                .toList();
    }
}
