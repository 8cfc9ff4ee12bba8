package org.portolan.lowering;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import org.portolan.ir.MachineOp;
import org.portolan.ir.OpSchema;

/// Numbers of one device in place of those that its machine file says, by the file's words: {@code shared_bytes},
/// {@code block_limit} and every other whole number of {@link MachineOp.Chip}; and what is allowed or not, as 1 and 0.
final class MachineLimits {
    private MachineLimits() {}

    /// The chip with these numbers; the chip itself where they are its own.
    ///
    /// @throws CompileException if the chip has no number of that name
    static MachineOp.Chip apply(MachineOp.Chip chip, Map<String, Long> limits) {
        var schema = OpSchema.of(chip);
        var left = new LinkedHashMap<>(limits);
        var values = new ArrayList<>();
        var words = new ArrayList<String>();
        boolean changed = false;
        for (var component : schema.components()) {
            var value = OpSchema.get(component, chip);
            if (value instanceof Long) {
                words.add(component.word());
                var limit = left.remove(component.word());
                changed |= limit != null && !limit.equals(value);
                value = limit == null ? value : limit;
            }
            if (value instanceof Boolean allowed) {
                words.add(component.word());
                var limit = left.remove(component.word());
                changed |= limit != null && limit != 0 != allowed;
                value = limit == null ? allowed : limit != 0;
            }
            values.add(value);
        }
        if (!left.isEmpty()) {
            throw new CompileException("a machine has no number called '" + left.keySet().iterator().next()
                    + "'; it has " + words);
        }
        return changed ? (MachineOp.Chip) schema.create(values.toArray()) : chip;
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
