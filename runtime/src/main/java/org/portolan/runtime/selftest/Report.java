package org.portolan.runtime.selftest;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.portolan.runtime.data.Json;
import org.portolan.runtime.device.DeviceDescription;

/// What became of a selftest: for people, to be pasted into an issue, and as JSON.
public record Report(
        DeviceDescription device, String target, List<Result> results, List<Timing> timings, List<String> notes) {
    private static final int MOST_NAMED = 4;

    public Report {
        results = List.copyOf(results);
        timings = List.copyOf(timings);
        notes = List.copyOf(notes);
    }

    /// What checks belong together, in the order of the report.
    public enum Part {
        DEVICE("what every device does"),
        OPERATORS("operators"),
        ONNX("ONNX's cases"),
        MODELS("models"),
        LARGE("products and attention");

        private final String title;

        Part(String title) {
            this.title = title;
        }
    }

    /// @param problem empty where it passed
    /// @param skipped why nothing was looked at; empty where something was
    /// @param advice what to do about the problem
    /// @param error the largest one, and what it may be; NaN where nothing was measured
    public record Result(
            Part part, String name, String problem, String skipped, String advice, double error, double limit, double milliseconds) {
        boolean passed() {
            return problem.isEmpty() && skipped.isEmpty();
        }

        boolean failed() {
            return !problem.isEmpty();
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
        return results.stream().noneMatch(Result::failed);
    }

    /// Lines of Markdown.
    public List<String> lines() {
        var lines = new ArrayList<String>();
        lines.add("## Selftest of " + device.name() + (device.emulated() ? " (emulated)" : "") + ": " + verdict());
        lines.add("");
        lines.add("- device: " + device.label() + ", " + (device.memoryBytes() >> 20) + " MiB, features "
                + device.features().stream().sorted().toList());
        lines.add("- target: " + target + "; the device itself says " + device.target());
        lines.add("- system: " + System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                + System.getProperty("os.arch") + ", Java " + Runtime.version());
        lines.addAll(advice());
        lines.addAll(parts());
        if (!passed()) {
            lines.addAll(table(results.stream().filter(Result::failed).toList()));
        }
        if (!timings.isEmpty()) {
            lines.add("");
            lines.add("| what | ms | GFLOP/s | others, ms | others' time / ours |");
            lines.add("|---|---|---|---|---|");
            timings.forEach(timing -> lines.add(line(timing)));
        }
        if (!notes.isEmpty()) {
            lines.add("");
        }
        notes.forEach(note -> lines.add("- " + note));
        lines.add("");
        lines.add("<details><summary>all checks</summary>");
        lines.addAll(table(results));
        lines.add("");
        lines.add("Errors are relative: of a tensor, to its largest expected number; in ONNX's cases, to the expected number itself, "
                + "after the 1e-7 that is always allowed. Whole numbers must be equal. 'ms' counts preparing and comparing, too.");
        lines.add("</details>");
        return lines;
    }

    private static List<String> table(List<Result> results) {
        var lines = new ArrayList<String>(List.of("", "| check | result | largest error | limit | ms |", "|---|---|---|---|---|"));
        results.forEach(result -> lines.add(line(result)));
        return lines;
    }

    /// One line for each part: how much of it passed, and what came nearest to its limit.
    private List<String> parts() {
        var lines = new ArrayList<String>(List.of("", "| part | passed | nearest to its limit: error of what is allowed |", "|---|---|---|"));
        for (var part : Part.values()) {
            var own = results.stream().filter(result -> result.part() == part).toList();
            if (own.isEmpty()) {
                continue;
            }
            var worst = own.stream()
                    .filter(result -> result.error() > 0)
                    .max(Comparator.comparingDouble(result -> result.error() / result.limit()))
                    .map(result -> result.name() + ": " + number(result.error()) + " of " + number(result.limit()));
            lines.add("| " + part.title + " | " + own.stream().filter(Result::passed).count() + " of " + own.size() + " | "
                    + worst.orElse("-") + " |");
        }
        return lines;
    }

    private String verdict() {
        long good = results.stream().filter(Result::passed).count();
        long bad = results.stream().filter(Result::failed).count();
        long skipped = results.size() - good - bad;
        return (bad == 0 ? "passed" : "FAILED") + ", " + good + " of " + results.size() + " checks passed"
                + (bad == 0 ? "" : ", " + bad + " failed") + (skipped == 0 ? "" : ", " + skipped + " do not apply");
    }

    /// What to do, once for each kind of problem.
    private List<String> advice() {
        var names = new LinkedHashMap<String, List<String>>();
        results.stream().filter(Result::failed).forEach(result ->
                names.computeIfAbsent(result.advice(), _ -> new ArrayList<>()).add("'" + result.name() + "'"));
        var lines = new ArrayList<String>();
        names.forEach((advice, rows) -> lines.add("- **what to do** about "
                + String.join(", ", rows.subList(0, Math.min(MOST_NAMED, rows.size())))
                + (rows.size() > MOST_NAMED ? " and " + (rows.size() - MOST_NAMED) + " more" : "") + ": " + advice));
        return lines;
    }

    private static String line(Result result) {
        var verdict = "passed";
        if (result.failed()) {
            verdict = "FAILED: " + result.problem().replaceAll("\\s+", " ").replace("|", "\\|");
        } else if (!result.skipped().isEmpty()) {
            verdict = result.skipped();
        }
        return String.format(
                Locale.ROOT, "| %s | %s | %s | %s | %.1f |", result.name(), verdict, number(result.error()),
                number(result.limit()), result.milliseconds());
    }

    private static String number(double value) {
        return Double.isNaN(value) ? "-" : value == 0 ? "0" : String.format(Locale.ROOT, "%.1e", value);
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
        members.put("results", results.stream().map(Report::members).toList());
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

    /// An error that is no number (a result was infinite, or nothing was measured) is left out.
    private static Map<String, Object> members(Result result) {
        var members = new LinkedHashMap<String, Object>();
        members.put("part", result.part().name().toLowerCase(Locale.ROOT));
        members.put("name", result.name());
        members.put("problem", result.problem());
        members.put("skipped", result.skipped());
        members.put("milliseconds", result.milliseconds());
        if (Double.isFinite(result.error())) {
            members.put("error", result.error());
            members.put("limit", result.limit());
        }
        return members;
    }
}
