package org.portolan.cuda.emulator.run;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.portolan.runtime.device.Counters.KernelCounts;

/// What kernels have executed: instructions of warps by kind, and what their memory requests cost. Threads add to it at
/// once.
public final class LaunchCounts {
    private static final String SHARED = ".shared";

    private final Map<String, Totals> kernels = new TreeMap<>();

    /// Of one kernel.
    private static final class Totals {
        private String origin = "";
        private long launches;
        private final Map<String, Long> executed = new TreeMap<>();
        private long globalRequests;
        private long globalSectors;
        private long sharedRequests;
        private long sharedRounds;
    }

    /// One launch more of a kernel.
    public synchronized void launched(String kernel) {
        totals(kernel).launches++;
    }

    synchronized void add(Program program, Block block) {
        var totals = totals(program.name());
        totals.origin = program.origin().replaceFirst("^ of ", "");
        var code = program.code();
        for (int index = 0; index < code.length; index++) {
            if (block.counts[index] != 0) {
                totals.executed.merge(code[index].kind, block.counts[index], Long::sum);
            }
            var memory = block.memoryCounters;
            if (memory == null || memory.requests[index] == 0) {
                continue;
            }
            if (code[index].kind.endsWith(SHARED) || code[index].kind.endsWith("matrix")) {
                totals.sharedRequests += memory.requests[index];
                totals.sharedRounds += memory.parts[index];
            } else {
                totals.globalRequests += memory.requests[index];
                totals.globalSectors += memory.parts[index];
            }
        }
    }

    private Totals totals(String kernel) {
        return kernels.computeIfAbsent(kernel, _ -> new Totals());
    }

    /// A kernel's count of a kind of instruction.
    public synchronized long executed(String kernel, String kind) {
        return totals(kernel).executed.getOrDefault(kind, 0L);
    }

    /// Sectors of 32 bytes for each request for global memory; 0 without requests.
    public synchronized double sectorsPerRequest(String kernel) {
        var totals = totals(kernel);
        return totals.globalRequests == 0 ? 0 : (double) totals.globalSectors / totals.globalRequests;
    }

    /// Rounds for each request for shared memory, 1 where no banks conflict; 0 without requests.
    public synchronized double roundsPerRequest(String kernel) {
        var totals = totals(kernel);
        return totals.sharedRequests == 0 ? 0 : (double) totals.sharedRounds / totals.sharedRequests;
    }

    /// Of each kernel, the one with the most instructions first.
    public synchronized List<KernelCounts> kernels() {
        return kernels.entrySet().stream()
                .map(entry -> counts(entry.getKey(), entry.getValue()))
                .sorted(Comparator.comparingLong(KernelCounts::instructions).reversed())
                .toList();
    }

    private KernelCounts counts(String kernel, Totals totals) {
        var executed = new LinkedHashMap<String, Long>();
        totals.executed.entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
                .forEach(kind -> executed.put(kind.getKey(), kind.getValue()));
        var figures = new LinkedHashMap<String, Double>();
        figures.put("global requests", (double) totals.globalRequests);
        figures.put("sectors/request", sectorsPerRequest(kernel));
        figures.put("shared requests", (double) totals.sharedRequests);
        figures.put("rounds/request", roundsPerRequest(kernel));
        return new KernelCounts(kernel, totals.origin, totals.launches, executed, figures);
    }

    /// A table with a line for each kernel, those with the most instructions first, and below it the commonest kinds.
    public String report() {
        var lines = new ArrayList<String>();
        lines.add(String.format(
                Locale.ROOT,
                "%-40s %9s %14s %12s %11s %12s %11s",
                "kernel",
                "launches",
                "instructions",
                "global req.",
                "sectors/req",
                "shared req.",
                "rounds/req"));
        kernels().forEach(counts -> lines.addAll(lines(counts)));
        return String.join("\n", lines) + "\n";
    }

    private static List<String> lines(KernelCounts counts) {
        var figures = List.copyOf(counts.figures().values());
        var first = String.format(
                Locale.ROOT,
                "%-40s %9d %14d %12.0f %11.2f %12.0f %11.2f",
                counts.kernel(),
                counts.launches(),
                counts.instructions(),
                figures.get(0),
                figures.get(1),
                figures.get(2),
                figures.get(3));
        var kinds = counts.executed().entrySet().stream()
                .limit(8)
                .map(kind -> kind.getKey() + " " + kind.getValue())
                .collect(Collectors.joining("  "));
        return List.of(first, "    " + kinds);
    }
}
