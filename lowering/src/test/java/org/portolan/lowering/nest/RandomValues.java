package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.portolan.ir.Op;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// The operations written so far, and the values among which the next finds its operands.
abstract class RandomValues {
    final Random random;
    final List<Op> ops = new ArrayList<>();
    final List<Value> values = new ArrayList<>();
    final List<Value> numbers = new ArrayList<>();
    int names;

    RandomValues(long seed) {
        random = new Random(seed);
    }

    final Value param(List<Dim> dims) {
        return value(ElementType.F32, dims);
    }

    final Value value(ElementType element, List<Dim> dims) {
        return Value.of(Type.tensor(element, dims), "v" + names++);
    }

    final Value add(Op op, Value result) {
        ops.add(op);
        (result.tensor().element().isFloat() ? values : numbers).add(result);
        return result;
    }

    final Value pick() {
        // Late values are picked more often, so that chains grow.
        int size = values.size();
        return values.get(Math.max(random.nextInt(size), random.nextInt(size)));
    }

    final Value pick(Function<Value, Boolean> condition) {
        for (int i = 0; i < 8; i++) {
            var value = pick();
            if (condition.apply(value)) {
                return value;
            }
        }
        return values.stream().filter(condition::apply).findAny().orElse(null);
    }

    final int axis(Value value) {
        return random.nextInt(value.tensor().rank());
    }
}
