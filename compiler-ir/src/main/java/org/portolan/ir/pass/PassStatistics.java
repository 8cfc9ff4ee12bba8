package org.portolan.ir.pass;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;

/// How many operations of each kind there are after each pass.
public final class PassStatistics implements PassListener {

    /// The counts after a pass by the operations' names.
    public record Entry(String pass, Map<String, Integer> counts) {}

    private final List<Entry> entries = new ArrayList<>();

    @Override
    public void begin(List<Op> module) {
        entries.add(new Entry("input", count(module)));
    }

    @Override
    public void after(Pass pass, int position, List<Op> module, long nanoseconds) {
        entries.add(new Entry(pass.name(), count(module)));
    }

    public List<Entry> entries() {
        return List.copyOf(entries);
    }

    /// How many operations of each kind there are, bodies included.
    public static Map<String, Integer> count(List<? extends Op> ops) {
        var counts = new TreeMap<String, Integer>();
        count(ops, counts);
        return counts;
    }

    private static void count(List<? extends Op> ops, Map<String, Integer> counts) {
        for (var op : ops) {
            counts.merge(OpSchema.of(op).name(), 1, Integer::sum);
            OpSchema.bodies(op).forEach(body -> count(body.ops(), counts));
        }
    }
}
