package org.portolan.cuda.emulator.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/// What kernels have executed: instructions of warps by kind, and what their memory requests cost. Threads add to it at
/// once.
public final class LaunchCounts {
    private static final String SHARED = ".shared";

    private final Map<String, Totals> kernels = new TreeMap<>();

    /// Of one kernel.
    private static final class Totals {
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
        var code = program.code();
        for (int index = 0; index < code.length; index++) {
            if (block.counts[index] != 0) {
                totals.executed.merge(code[index].kind, block.counts[index], Long::sum);
            }
            var memory = block.memoryCounters;
            if (memory == null || memory.requests[index] == 0) {
                continue;
            }
            if (code[index].kind.endsWith(SHARED) || code[index].kind.equals("ldmatrix")) {
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

    /// A table with a line for each kernel, those with the most instructions first, and below it the commonest kinds.
    public synchronized String report() {
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
        kernels.entrySet().stream()
                .sorted((a, b) -> Long.compare(sum(b.getValue()), sum(a.getValue())))
                .forEach(entry -> lines.addAll(lines(entry.getKey(), entry.getValue())));
        return String.join("\n", lines) + "\n";
    }

    private List<String> lines(String kernel, Totals totals) {
        var first = String.format(
                Locale.ROOT,
                "%-40s %9d %14d %12d %11.2f %12d %11.2f",
                kernel,
                totals.launches,
                sum(totals),
                totals.globalRequests,
                sectorsPerRequest(kernel),
                totals.sharedRequests,
                roundsPerRequest(kernel));
        var kinds = new StringBuilder("    ");
        totals.executed.entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
                .limit(8)
                .forEach(kind -> kinds.append(kind.getKey()).append(' ').append(kind.getValue()).append("  "));
        return List.of(first, kinds.toString().stripTrailing());
    }

    private static long sum(Totals totals) {
        return totals.executed.values().stream().mapToLong(Long::longValue).sum();
    }
}
