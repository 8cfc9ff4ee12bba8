package org.portolan.lowering;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.Body;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;

/// Numbers of one device in place of those that its machine file says, by the file's words: {@code shared_bytes},
/// {@code block_limit} and every other whole number of {@link MachineOp.Chip}; those of its {@link MachineOp.Processors}
/// behind {@code processors_}, as {@code processors_count}; and what is allowed or not, as 1 and 0.
final class MachineLimits {
    private static final String PROCESSORS = "processors_";

    private MachineLimits() {}

    /// The chip with these numbers; the chip itself where they are its own.
    ///
    /// @throws CompileException if the chip has no number of that name
    static MachineOp.Chip apply(MachineOp.Chip chip, Map<String, Long> limits) {
        var left = new LinkedHashMap<>(limits);
        var words = new ArrayList<String>();
        var changed = (MachineOp.Chip) changed(chip, "", left, words);
        var body = new ArrayList<Op>();
        for (var op : chip.intrinsics().ops()) {
            body.add(op instanceof MachineOp.Processors ? changed(op, PROCESSORS, left, words) : op);
        }
        if (!left.isEmpty()) {
            throw new CompileException("a machine has no number called '" + left.keySet().iterator().next()
                    + "'; it has " + words);
        }
        boolean same = true;
        for (int i = 0; i < body.size(); i++) {
            same &= body.get(i) == chip.intrinsics().ops().get(i);
        }
        return same
                ? changed
                : (MachineOp.Chip) OpSchema.rebuild(changed, value -> value, value -> value, _ -> new Body(List.of(), body));
    }

    /// The operation with the numbers that are its own; these are taken out of those that are left.
    ///
    /// @param prefix of its words
    private static Op changed(Op op, String prefix, Map<String, Long> left, List<String> words) {
        var schema = OpSchema.of(op);
        var values = new ArrayList<>();
        boolean changed = false;
        for (var component : schema.components()) {
            var value = OpSchema.get(component, op);
            var word = prefix + component.word();
            if (value instanceof Long) {
                words.add(word);
                var limit = left.remove(word);
                changed |= limit != null && !limit.equals(value);
                value = limit == null ? value : limit;
            }
            if (value instanceof Boolean allowed) {
                words.add(word);
                var limit = left.remove(word);
                changed |= limit != null && limit != 0 != allowed;
                value = limit == null ? allowed : limit != 0;
            }
            values.add(value);
        }
        return changed ? schema.create(values.toArray()) : op;
    }

    /// The limits of a target's name: what stands behind each plus sign.
    static Map<String, Long> parse(String name) {
        var limits = new LinkedHashMap<String, Long>();
        var parts = name.split("\\+", -1);
        for (int i = 1; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            try {
                limits.put(parts[i].substring(0, Math.max(0, equals)), Long.valueOf(parts[i].substring(equals + 1)));
            } catch (NumberFormatException e) {
                throw new CompileException(
                        "target '" + name + "': expected +number_of_the_machine=N, as in +shared_bytes=49152, found '+"
                                + parts[i] + "'",
                        e);
            }
        }
        return limits;
    }
}
