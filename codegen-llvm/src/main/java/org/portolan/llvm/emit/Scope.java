package org.portolan.llvm.emit;

import java.util.IdentityHashMap;
import java.util.Map;
import org.portolan.ir.Value;

/// What stands for each value of the IR. Unrolling writes a body out several times, so a value may be bound again.
final class Scope {
    private final Map<Value, Operand> operands = new IdentityHashMap<>();
    private final Map<Value, BufferPlace> buffers = new IdentityHashMap<>();
    private final Map<Value, RingPlace> rings = new IdentityHashMap<>();

    void bind(Value value, Operand operand) {
        operands.put(value, operand);
    }

    void bind(Value value, BufferPlace buffer) {
        buffers.put(value, buffer);
    }

    void bind(Value value, RingPlace ring) {
        rings.put(value, ring);
    }

    Operand operand(Value value) {
        return known(operands.get(value), value);
    }

    BufferPlace buffer(Value value) {
        return known(buffers.get(value), value);
    }

    RingPlace ring(Value value) {
        return known(rings.get(value), value);
    }

    private static <T> T known(T found, Value value) {
        if (found == null) {
            throw new EmitException(value + " is used before it is defined");
        }
        return found;
    }
}
