package org.portolan.runtime.selftest;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.portolan.runtime.data.Json;
import org.portolan.runtime.device.DeviceDescription;

/// What became of a selftest: for people, to be pasted into an issue, and as JSON.
public record Report(
        DeviceDescription device, String target, List<Result> results, List<Timing> timings, List<String> notes) {
    public Report {
        results = List.copyOf(results);
        timings = List.copyOf(timings);
        notes = List.copyOf(notes);
    }

    /// @param problem empty where it passed
    public record Result(String name, String problem, double milliseconds) {
        boolean passed() {
            return problem.isEmpty();
        }
    }

    /// @param milliseconds the median
    /// @param operationsPerSecond 0 where that makes no sense
    /// @param work what was measured, so that others can do the same
    /// @param others how long that took them
    public record Timing(
            String name, double milliseconds, double operationsPerSecond, Pack.Work work, List<PeerTime> others) {
        public Timing {
            others = List.copyOf(others);
        }

        Timing(String name, double milliseconds, double operationsPerSecond, Pack.Work work) {
            this(name, milliseconds, operationsPerSecond, work, List.of());
        }
    }

    /// The time of another library for the same work on the same device.
    ///
    /// @param way which of its ways, for example {@code torch.matmul}
    public record PeerTime(String way, double milliseconds) {}

    public boolean passed() {
        return results.stream().allMatch(Result::passed);
    }

    /// Lines of Markdown.
    public List<String> lines() {
        var lines = new ArrayList<String>();
        long good = results.stream().filter(Result::passed).count();
        lines.add("## Selftest of " + device.name() + (device.emulated() ? " (emulated)" : ""));
        lines.add("");
        lines.add("- device: " + device.label() + ", " + (device.memoryBytes() >> 20) + " MiB, features "
                + device.features().stream().sorted().toList());
        lines.add("- target: " + target + "; the device itself says " + device.target());
        lines.add("- system: " + System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                + System.getProperty("os.arch") + ", Java " + Runtime.version());
        lines.add("- result: " + good + " of " + results.size() + " passed");
        lines.add("");
        lines.add("| check | result | ms |");
        lines.add("|---|---|---|");
        for (var result : results) {
            var verdict = result.passed() ? "passed" : "FAILED: " + result.problem().replaceAll("\\s+", " ").replace("|", "\\|");
            lines.add(String.format(Locale.ROOT, "| %s | %s | %.1f |", result.name(), verdict, result.milliseconds()));
        }
        if (!timings.isEmpty()) {
            lines.add("");
            lines.add("| what | ms | GFLOP/s | others, ms | others' time / ours |");
            lines.add("|---|---|---|---|---|");
            timings.forEach(timing -> lines.add(line(timing)));
        }
        notes.forEach(note -> lines.add("- " + note));
        return lines;
    }

    private static String line(Timing timing) {
        var others = new ArrayList<String>();
        var ratios = new ArrayList<String>();
        for (var other : timing.others()) {
            others.add(String.format(Locale.ROOT, "%s %.4f", other.way(), other.milliseconds()));
            ratios.add(String.format(Locale.ROOT, "%.2f", other.milliseconds() / timing.milliseconds()));
        }
        return String.format(
                Locale.ROOT,
                "| %s | %.4f | %s | %s | %s |",
                timing.name(),
                timing.milliseconds(),
                timing.operationsPerSecond() == 0
                        ? "-"
                        : String.format(Locale.ROOT, "%.1f", timing.operationsPerSecond() / 1e9),
                others.isEmpty() ? "-" : String.join(", ", others),
                others.isEmpty() ? "-" : String.join(", ", ratios));
    }

    public Json json() {
        var members = new LinkedHashMap<String, Object>();
        members.put("device", device.name());
        members.put("label", device.label());
        members.put("emulated", device.emulated());
        members.put("memoryBytes", device.memoryBytes());
        members.put("features", device.features().stream().sorted().toList());
        members.put("target", target);
        members.put("java", Runtime.version().toString());
        members.put("passed", passed());
        members.put("results", results.stream()
                .map(result -> Map.of(
                        "name", result.name(), "problem", result.problem(), "milliseconds", result.milliseconds()))
                .toList());
        members.put("timings", timings.stream()
                .map(timing -> Map.of("name", timing.name(), "milliseconds", timing.milliseconds(),
                        "operationsPerSecond", timing.operationsPerSecond(),
                        "others", timing.others().stream()
                                .map(other -> Map.of("way", other.way(), "milliseconds", other.milliseconds()))
                                .toList()))
                .toList());
        members.put("notes", notes);
        return Json.of(members);
    }
}
