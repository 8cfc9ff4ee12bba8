package org.portolan.cuda.driver;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/// A device's generation by its compute capability.
///
/// @param major and minor of the capability: 9 and 0 for {@code sm_90}
record Architecture(int major, int minor) {
    /// What machine files there are, oldest first.
    private static final List<Architecture> DESCRIBED = List.of(
            new Architecture(7, 5),
            new Architecture(8, 0),
            new Architecture(8, 9),
            new Architecture(9, 0),
            new Architecture(10, 0));

    /// The only one whose file has instructions that no later device runs.
    private static final Architecture WITH_OWN_INSTRUCTIONS = new Architecture(9, 0);

    private boolean runs(Architecture older) {
        return major > older.major || major == older.major && minor >= older.minor;
    }

    boolean isSupported() {
        return runs(DESCRIBED.getFirst());
    }

    /// The architectures whose kernels the device runs, its own ones included.
    Set<String> features() {
        var features = new LinkedHashSet<String>();
        DESCRIBED.stream().filter(this::runs).forEach(older -> features.add(older.name()));
        features.add(machine());
        return features;
    }

    /// The machine file that fits best.
    String machine() {
        if (equals(WITH_OWN_INSTRUCTIONS)) {
            return name() + "a";
        }
        return DESCRIBED.reversed().stream()
                .filter(this::runs)
                .findFirst()
                .orElse(DESCRIBED.getFirst())
                .name();
    }

    String name() {
        return "sm_" + major + minor;
    }
}
