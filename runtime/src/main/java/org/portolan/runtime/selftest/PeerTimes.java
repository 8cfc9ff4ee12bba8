package org.portolan.runtime.selftest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.portolan.runtime.PortolanException.BadDataFile;
import org.portolan.runtime.data.Json;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.selftest.Report.PeerTime;
import org.portolan.runtime.selftest.Report.Timing;

/// Lets the pack's script do what was measured, by another library on the same device: its times stand beside ours. It runs
/// only where Python and that library are; where they are not, the report says so. What the script prints are lines of JSON:
/// the time of one piece of work by one way, or a note.
final class PeerTimes {
    private static final String PYTHON = "python3";
    private static final long LONGEST_SECONDS = 300;

    private final PackFile file;
    private final DeviceDescription device;
    private final Consumer<String> progress;
    private final List<String> notes;

    PeerTimes(PackFile file, DeviceDescription device, Consumer<String> progress, List<String> notes) {
        this.file = file;
        this.device = device;
        this.progress = progress;
        this.notes = notes;
    }

    /// The timings, each with the others' times that could be had.
    List<Timing> beside(List<Timing> timings) {
        if (file.pack().peer().isEmpty() || device.emulated()) {
            return timings;
        }
        progress.accept("the same by another library");
        try {
            var found = run(timings);
            return timings.stream()
                    .map(timing -> new Timing(
                            timing.name(), timing.milliseconds(), timing.operationsPerSecond(), timing.work(),
                            found.getOrDefault(timing.name(), List.of())))
                    .toList();
        } catch (IOException | BadDataFile e) {
            notes.add("nothing was measured beside ours: " + e.getMessage());
            return timings;
        }
    }

    private Map<String, List<PeerTime>> run(List<Timing> timings) throws IOException {
        var script = Files.createTempFile("portolan", ".py");
        var output = Files.createTempFile("portolan", ".jsonl");
        Process process = null;
        try {
            Files.write(script, file.entry(file.pack().peer()));
            process = new ProcessBuilder(PYTHON, script.toString(), request(timings))
                    .redirectOutput(output.toFile())
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            process.getOutputStream().close();
            if (!process.waitFor(LONGEST_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
                notes.add("the other library was stopped after " + LONGEST_SECONDS + " s; what it had measured is in the table");
            } else if (process.exitValue() != 0) {
                notes.add("the other library's script ended with the status " + process.exitValue());
            }
            return read(Files.readAllLines(output, StandardCharsets.UTF_8));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            if (process != null) {
                process.destroyForcibly();
            }
            Files.delete(script);
            Files.delete(output);
        }
    }

    private String request(List<Timing> timings) {
        var work = new ArrayList<Object>();
        for (var timing : timings) {
            if (timing.work().operation() != Pack.Operation.NONE) {
                work.add(PackJson.members("name", timing.name(), "work", PackJson.of(timing.work())));
            }
        }
        return Json.of(PackJson.members("driver", device.driver(), "ordinal", device.ordinal(), "work", work)).print();
    }

    private Map<String, List<PeerTime>> read(List<String> lines) {
        var found = new HashMap<String, List<PeerTime>>();
        for (var line : lines) {
            try {
                var members = Json.parse(line).asMembers();
                if (members.members().containsKey("note")) {
                    notes.add(members.get("note").asText());
                } else {
                    found.computeIfAbsent(members.get("name").asText(), _ -> new ArrayList<>())
                            .add(new PeerTime(members.get("way").asText(), members.get("milliseconds").asDouble()));
                }
            } catch (IllegalArgumentException | BadDataFile e) {
                notes.add("the other library's script printed a line that is no JSON: " + line);
            }
        }
        return found;
    }
}
