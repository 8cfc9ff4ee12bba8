package org.portolan.cuda.driver;

import java.util.Optional;
import java.util.regex.Pattern;

/// The version of a PTX text, as its directive {@code .version} says it.
record PtxVersion(int major, int minor) {
    private static final Pattern DIRECTIVE = Pattern.compile("(?m)^\\s*\\.version\\s+(\\d{1,3})\\.(\\d{1,3})");

    /// @return empty where the text does not say
    static Optional<PtxVersion> of(String text) {
        var found = DIRECTIVE.matcher(text);
        return found.find()
                ? Optional.of(new PtxVersion(Integer.parseInt(found.group(1)), Integer.parseInt(found.group(2))))
                : Optional.empty();
    }

    String text() {
        return major + "." + minor;
    }

    /// The first version of CUDA whose driver takes it (PTX ISA, "Release Notes").
    String toolkit() {
        return switch (major) {
            case 6 -> minor < 3 ? "9." + minor : "10." + (minor - 3);
            case 7 -> "11." + minor;
            // There is no PTX of CUDA 12.6's own.
            case 8 -> "12." + (minor < 6 ? minor : minor + 1);
            default -> major + 4 + "." + minor;
        };
    }
}
