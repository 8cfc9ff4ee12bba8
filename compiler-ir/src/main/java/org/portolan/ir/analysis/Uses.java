package org.portolan.ir.analysis;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;

/// Who defines and who uses each value of some code, all bodies within included.
public final class Uses {
    private final Map<Value, List<Op>> users = new IdentityHashMap<>();
    private final Map<Value, Op> definitions = new IdentityHashMap<>();

    private Uses() {}

    public static Uses of(List<? extends Op> ops) {
        var uses = new Uses();
        uses.collect(ops);
        return uses;
    }

    public static Uses of(Body body) {
        return of(body.ops());
    }

    /// The operations that name the value as an operand, in order; one that names it twice stands there twice.
    public List<Op> users(Value value) {
        return users.getOrDefault(value, List.of());
    }

    public int count(Value value) {
        return users(value).size();
    }

    public boolean isUsed(Value value) {
        return users.containsKey(value);
    }

    /// The operation with that result; empty for parameters and what is defined elsewhere.
    public Optional<Op> definition(Value value) {
        return Optional.ofNullable(definitions.get(value));
    }

    private void collect(List<? extends Op> ops) {
        for (var op : ops) {
            for (var operand : OpSchema.operands(op)) {
                users.computeIfAbsent(operand, _ -> new ArrayList<>(2)).add(op);
            }
            for (var result : OpSchema.results(op)) {
                definitions.put(result, op);
            }
            for (var body : OpSchema.bodies(op)) {
                collect(body.ops());
            }
        }
    }
}
