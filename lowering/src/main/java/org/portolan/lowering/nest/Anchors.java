package org.portolan.lowering.nest;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;

/// Which values could be the tail of a contraction: elementwise work, or another shape, on its result, point by
/// point, that waits for no other reduction. Such a value is better stored by the contraction than computed by its
/// readers.
final class Anchors {
    private static final int NONE = -1;

    /// The position of the contraction that a value is a tail of.
    private final Map<Value, Integer> tails = new IdentityHashMap<>();
    /// The position of the last reduction, or other operation of weight, that a value waits for.
    private final Map<Value, Integer> latest = new IdentityHashMap<>();
    /// Views of all elements of a tail, in any order.
    private final Set<Value> views = Collections.newSetFromMap(new IdentityHashMap<>());

    /// Operations are shown in order.
    void visit(Producer producer, int position) {
        var result = producer.result();
        if (producer.reduces()) {
            latest.put(result, position);
            if (producer.isContraction()) {
                tails.put(result, position);
            }
            return;
        }
        int last = NONE;
        for (var input : producer.nest().inputs()) {
            last = Math.max(last, latest.getOrDefault(input, NONE));
        }
        latest.put(result, last);
        if (last == NONE) {
            return;
        }
        boolean tail = true;
        for (var input : producer.nest().inputs()) {
            if (latest.getOrDefault(input, NONE) == last) {
                tail &= tails.getOrDefault(input, NONE) == last
                        && producer.facts().reads(input).stream().allMatch(producer::keepsOrder);
            }
        }
        if (tail) {
            tails.put(result, last);
        }
        if (producer.isView()) {
            var source = producer.read().source();
            boolean all = source.tensor().elements().equals(result.tensor().elements());
            if (all && (tails.containsKey(source) || views.contains(source))) {
                views.add(result);
            }
        }
    }

    void visit(Op other, int position) {
        if (!OpSchema.operands(other).isEmpty() || !OpSchema.bodies(other).isEmpty()) {
            OpSchema.results(other).forEach(result -> latest.put(result, position));
        }
    }

    /// Whether the value could be stored by a contraction.
    boolean isTail(Value value) {
        return tails.containsKey(value);
    }

    /// Whether the value holds the elements of such a tail in another order.
    boolean isViewOfTail(Value value) {
        return views.contains(value);
    }
}
