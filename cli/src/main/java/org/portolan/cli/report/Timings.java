package org.portolan.cli.report;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Repeats one piece of work and says how long it took: on the clock, run by run, and of the processor, in batches, since a
/// process's CPU time has no fine grain.
///
/// @param wallNanos each run
/// @param cpuNanos per run, of the whole process: the mean of each batch
public record Timings(List<Long> wallNanos, List<Double> cpuNanos) {
    private static final long BATCH_NANOS = 100_000_000;
    private static final OperatingSystemMXBean SYSTEM =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    /// Repeats the work for a while, at least three times. The first seconds of a process are slower; callers warm up.
    public static Timings repeat(Runnable work, double seconds) {
        var wall = new ArrayList<Long>();
        var cpu = new ArrayList<Double>();
        var end = System.nanoTime() + (long) (seconds * 1e9);
        while (wall.size() < 3 || System.nanoTime() < end) {
            var cpuStart = SYSTEM.getProcessCpuTime();
            var batchStart = System.nanoTime();
            var runs = 0;
            var now = batchStart;
            while (now - batchStart < BATCH_NANOS) {
                work.run();
                var after = System.nanoTime();
                wall.add(after - now);
                now = after;
                runs++;
            }
            cpu.add((SYSTEM.getProcessCpuTime() - cpuStart) / (double) runs);
        }
        return new Timings(wall, cpu);
    }

    /// Members of a JSON document, in milliseconds.
    public Map<String, Object> wallMilliseconds() {
        var sorted = wallNanos.stream().mapToDouble(nanos -> nanos / 1e6).sorted().toArray();
        return Document.of("min", sorted[0], "median", quantile(sorted, 0.5), "p99", quantile(sorted, 0.99));
    }

    public Map<String, Object> cpuMilliseconds() {
        var sorted = cpuNanos.stream().mapToDouble(nanos -> nanos / 1e6).sorted().toArray();
        return Document.of("min", sorted[0], "median", quantile(sorted, 0.5));
    }

    /// The most memory that this process ever held, in MiB; NaN where the system does not say.
    public static double peakResidentMebibytes() {
        try (var lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.filter(line -> line.startsWith("VmHWM:"))
                    .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) / 1024)
                    .findFirst()
                    .orElse(Double.NaN);
        } catch (IOException _) {
            return Double.NaN;
        }
    }

    private static double quantile(double[] sorted, double share) {
        return sorted[(int) Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
    }
}
