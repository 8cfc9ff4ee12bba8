package org.portolan.cpu.driver;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What the kernel says of this machine's processor.
///
/// @param features in LLVM's words, the levels of the x86-64 psABI among them
public record HostProcessor(String label, long memoryBytes, Set<String> features) {
    private static final Path PROCESSOR = Path.of("/proc/cpuinfo");
    private static final Path MEMORY = Path.of("/proc/meminfo");

    /// Where Linux and LLVM use different words.
    private static final Map<String, String> WORDS = Map.ofEntries(
            Map.entry("pni", "sse3"),
            Map.entry("sse4_1", "sse4.1"),
            Map.entry("sse4_2", "sse4.2"),
            Map.entry("lahf_lm", "sahf"),
            Map.entry("abm", "lzcnt"),
            Map.entry("bmi1", "bmi"),
            Map.entry("pclmulqdq", "pclmul"),
            Map.entry("rdrand", "rdrnd"),
            Map.entry("sha_ni", "sha"),
            Map.entry("3dnowprefetch", "prfchw"),
            Map.entry("avx_vnni", "avxvnni"),
            Map.entry("avx_ifma", "avxifma"),
            Map.entry("avx_vnni_int8", "avxvnniint8"),
            Map.entry("avx_ne_convert", "avxneconvert"),
            Map.entry("amx_tile", "amx-tile"),
            Map.entry("amx_int8", "amx-int8"),
            Map.entry("amx_bf16", "amx-bf16"),
            Map.entry("amx_fp16", "amx-fp16"),
            Map.entry("asimd", "neon"),
            Map.entry("asimdhp", "fullfp16"),
            Map.entry("asimddp", "dotprod"),
            Map.entry("atomics", "lse"));

    private static final List<String> LEVEL_2 = List.of("cx16", "sahf", "popcnt", "sse3", "sse4.1", "sse4.2", "ssse3");
    private static final List<String> LEVEL_3 =
            List.of("avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "xsave");
    private static final List<String> LEVEL_4 = List.of("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl");

    private static final class Holder {
        static final HostProcessor VALUE = read();
    }

    public HostProcessor {
        features = Set.copyOf(features);
    }

    /// The processor of this machine; read once.
    public static HostProcessor get() {
        return Holder.VALUE;
    }

    private static HostProcessor read() {
        return parse(System.getProperty("os.arch"), lines(PROCESSOR), lines(MEMORY));
    }

    private static List<String> lines(Path path) {
        try {
            return Files.readAllLines(path);
        } catch (IOException e) {
            return List.of();
        }
    }

    /// @param architecture in Java's words
    /// @param processor lines of {@code /proc/cpuinfo}; the first processor counts
    /// @param memory lines of {@code /proc/meminfo}
    static HostProcessor parse(String architecture, List<String> processor, List<String> memory) {
        var features = new HashSet<String>();
        for (var flag : (value(processor, "flags") + " " + value(processor, "Features")).trim().split("\\s+")) {
            features.add(flag);
            features.add(flag.startsWith("avx512_") ? flag.replace("_", "") : WORDS.getOrDefault(flag, flag));
        }
        if (architecture.equals("amd64") || architecture.equals("x86_64")) {
            addLevels(features);
        }
        features.remove("");
        var label = value(processor, "model name");
        var kibibytes = value(memory, "MemTotal").replaceAll("[^0-9]", "");
        return new HostProcessor(
                label.isEmpty() ? architecture : label,
                kibibytes.isEmpty() ? 0 : Long.parseLong(kibibytes) * 1024,
                features);
    }

    private static void addLevels(Set<String> features) {
        // Every 64-bit processor has these; Linux does not list them.
        features.addAll(List.of("64bit", "x87", "x86-64"));
        var level = "x86-64-v";
        if (features.containsAll(LEVEL_2)) {
            features.add(level + 2);
            if (features.containsAll(LEVEL_3)) {
                features.add(level + 3);
                if (features.containsAll(LEVEL_4)) {
                    features.add(level + 4);
                }
            }
        }
    }

    private static String value(List<String> lines, String key) {
        for (var line : lines) {
            int colon = line.indexOf(':');
            if (colon > 0 && line.substring(0, colon).trim().equals(key)) {
                return line.substring(colon + 1).trim();
            }
        }
        return "";
    }
}
