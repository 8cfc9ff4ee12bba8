package org.portolan.cuda.emulator;

import java.util.Locale;
import java.util.Optional;

/// How the emulated device behaves. Each setting is a system property {@code portolan.emulated.NAME}, or else an
/// environment variable {@code PORTOLAN_EMULATED_NAME}:
///
/// - {@code sm}: the architecture, {@code sm_80} unless said;
/// - {@code devices}: how many there are, 1 unless said;
/// - {@code memory}: bytes of the device's memory;
/// - {@code checks}: with {@code off}, reads of unwritten memory and races in shared memory are not looked for, which
///   large models gain time by; bounds, alignment and barriers always are;
/// - {@code counters}: a file that gets a table of what kernels have executed when the process ends.
///
/// @param counters the file; empty: nothing is counted
public record Settings(String architecture, long memoryBytes, boolean checked, Optional<String> counters) {
    private static final String PROPERTY_PREFIX = "portolan.emulated.";
    private static final String VARIABLE_PREFIX = "PORTOLAN_EMULATED_";
    private static final long DEFAULT_MEMORY = 8L << 30;

    private static final int MOST_DEVICES = 16;

    /// How many devices this process has.
    static int devices() {
        return (int) Math.min(MOST_DEVICES, setting("devices").flatMap(Settings::number).orElse(1L));
    }

    /// The settings of this process.
    public static Settings ofProcess() {
        return new Settings(
                setting("sm").orElse("sm_80"),
                setting("memory").flatMap(Settings::number).orElse(DEFAULT_MEMORY),
                !setting("checks").orElse("on").equals("off"),
                setting("counters"));
    }

    private static Optional<Long> number(String text) {
        try {
            return Optional.of(Long.parseLong(text.strip())).filter(value -> value > 0);
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    private static Optional<String> setting(String name) {
        var property = System.getProperty(PROPERTY_PREFIX + name);
        var value = property != null ? property : System.getenv(VARIABLE_PREFIX + name.toUpperCase(Locale.ROOT));
        return Optional.ofNullable(value).filter(text -> !text.isBlank());
    }
}
