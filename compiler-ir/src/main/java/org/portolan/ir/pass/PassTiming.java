package org.portolan.ir.pass;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.portolan.ir.Op;

/// How long each pass took.
public final class PassTiming implements PassListener {

    /// One run of a pass.
    public record Entry(String pass, long nanoseconds) {}

    private final List<Entry> entries = new ArrayList<>();

    @Override
    public void after(Pass pass, int position, List<Op> module, long nanoseconds) {
        entries.add(new Entry(pass.name(), nanoseconds));
    }

    public List<Entry> entries() {
        return List.copyOf(entries);
    }

    /// One line for each pass, in milliseconds.
    public String report() {
        var text = new StringBuilder();
        for (var entry : entries) {
            text.append(String.format(Locale.ROOT, "%10.3f ms  %s%n", entry.nanoseconds() / 1e6, entry.pass()));
        }
        return text.toString();
    }
}
