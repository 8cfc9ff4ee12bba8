package org.portolan.cli.report;

import java.util.Locale;

/// Numbers for people.
public final class Sizes {
    private Sizes() {}

    public static String bytes(long bytes) {
        if (bytes < 1024) return bytes + " B";
        if (bytes < 1L << 20) return String.format(Locale.ROOT, "%.1f KiB", bytes / 1024.0);
        if (bytes < 1L << 30) return String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20));
        return String.format(Locale.ROOT, "%.2f GiB", bytes / (double) (1 << 30));
    }

    /// A duration with three digits or so.
    public static String milliseconds(double milliseconds) {
        if (milliseconds < 1) return String.format(Locale.ROOT, "%.1f µs", milliseconds * 1e3);
        if (milliseconds < 1e3) return String.format(Locale.ROOT, "%.2f ms", milliseconds);
        return String.format(Locale.ROOT, "%.2f s", milliseconds / 1e3);
    }
}
