package org.portolan.runtime.selftest;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.selftest.Report.Timing;

/// The times of single operations: a long chain of them less a short one, so that neither copies nor the start of a run
/// count. Sizes that would take too long are left out, and said. An emulated device has no speed: there the numbers are
/// checked, at the smallest size, and nothing is measured.
final class SpeedTable {
    private static final double LONGEST_NANOSECONDS = 2e9;

    private final PackFile file;
    private final Device[] devices;
    private final boolean emulated;
    private final Consumer<String> progress;
    private final List<Timing> timings;
    private final List<String> notes;
    /// By family, the nanoseconds of one operation at the last size.
    private final Map<String, Double> perOperation = new HashMap<>();

    SpeedTable(PackFile file, Device[] devices, Consumer<String> progress, List<Timing> timings, List<String> notes) {
        this.file = file;
        this.devices = devices;
        emulated = devices[0].description().emulated();
        this.progress = progress;
        this.timings = timings;
        this.notes = notes;
    }

    /// @param attempt runs a check of a name
    void run(BiConsumer<String, Callable<Finding>> attempt) {
        var series = new LinkedHashMap<String, List<Pack.Case>>();
        for (var item : file.pack().cases()) {
            if (item.kind() == Pack.Kind.SPEED) {
                series.computeIfAbsent(item.speed().series(), _ -> new ArrayList<>()).add(item);
            }
        }
        var families = new HashSet<String>();
        series.forEach((name, cases) -> {
            var longest = cases.getLast().speed();
            if (emulated) {
                if (families.add(longest.family())) {
                    attempt.accept(name, () -> measure(name, cases));
                }
                return;
            }
            double expected = perOperation.getOrDefault(longest.family(), 0.0) * longest.operations() * longest.links();
            if (expected > LONGEST_NANOSECONDS) {
                notes.add(String.format("%s was left out: a run would take about %.0f s here", name, expected / 1e9));
            } else {
                attempt.accept(name, () -> measure(name, cases));
            }
        });
    }

    private Finding measure(String name, List<Pack.Case> cases) throws IOException {
        var inputs = new LinkedHashMap<String, Tensor>();
        for (var data : cases.getFirst().inputs()) {
            inputs.put(data.name(), file.tensor(data));
        }
        var times = new ArrayList<Double>();
        var all = Finding.FINE;
        for (var item : cases) {
            progress.accept(name + ", chain of " + item.speed().links());
            try (var model = file.load(item, devices)) {
                try (var outputs = model.run(inputs)) {
                    var finding = ChainCheck.compare(
                            item.speed(),
                            item.tolerance(),
                            List.copyOf(inputs.values()),
                            outputs.asMap().values().iterator().next());
                    all = all.and(finding.during("a chain of " + item.speed().links()));
                    if (!all.isFine()) {
                        return all;
                    }
                }
                if (!emulated) {
                    times.add(Stopwatch.median(() -> model.run(inputs).close()));
                }
            }
        }
        if (!emulated) {
            note(name, cases, times);
        }
        return all;
    }

    private void note(String name, List<Pack.Case> cases, List<Double> times) {
        var speed = cases.getLast().speed();
        double links = speed.links() - cases.getFirst().speed().links();
        double nanoseconds = (times.getLast() - times.getFirst()) / links;
        perOperation.put(speed.family(), times.getLast() / speed.links() / speed.operations());
        if (nanoseconds > 0) {
            timings.add(new Timing(name, nanoseconds / 1e6, speed.operations() / nanoseconds * 1e9, speed.work()));
        } else {
            notes.add(name + " could not be measured: the long chain took no longer than the short one; is the computer idle?");
        }
    }
}
