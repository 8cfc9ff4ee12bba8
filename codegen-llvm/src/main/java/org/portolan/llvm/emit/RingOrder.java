package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;

/// Rings whose slots are published in turns and do not signal: wherever one is published, all of them are, in the same order, and nothing is
/// consumed in between. How many groups of copies came after a slot's then follows from how many slots are published and not
/// consumed, which LLVM mostly knows as a number.
final class RingOrder {
    private final List<Value> order = new ArrayList<>();
    private final Map<Value, Integer> places = new IdentityHashMap<>();
    private boolean holds = true;
    /// Whether the order is complete: some ring came a second time, or a body ended.
    private boolean closed;

    private final List<String> calls = new ArrayList<>();
    private final List<Value> signalling = new ArrayList<>();
    private boolean awaits;

    private RingOrder() {}

    static RingOrder of(Body body) {
        var order = new RingOrder();
        order.visit(body);
        for (int i = 0; i < order.order.size(); i++) {
            order.places.put(order.order.get(i), i);
        }
        return order;
    }

    /// Whether some product reads shared memory by itself.
    boolean isReadByWarpgroups(Map<String, String> spellings) {
        return calls.stream().anyMatch(name -> WarpgroupProducts.spells(spellings.getOrDefault(name, "")));
    }

    /// Whether products that are under way are waited for explicitly.
    boolean awaits() {
        return awaits;
    }

    /// How many rings there are.
    int rings() {
        return order.size();
    }

    /// Which of them is published how early; empty if they are not published in turns.
    OptionalInt place(Value ring) {
        return holds && places.containsKey(ring) ? OptionalInt.of(places.get(ring)) : OptionalInt.empty();
    }

    /// A body publishes each ring once or several times in turns; whatever stands between two of these consumes nothing, unless a
    /// turn is complete.
    private void visit(Body body) {
        var own = new ArrayList<Value>();
        for (var op : body.ops()) {
            awaits |= op instanceof TileOp.Await;
            if (op instanceof TileOp.Ring(_, boolean signals, Value ring) && signals) {
                signalling.add(ring);
            }
            if (op instanceof TileOp.Publish(Value ring) && !signalling.contains(ring)) {
                own.add(ring);
                if (order.size() < own.size() && !order.contains(ring) && !closed) {
                    order.add(ring);
                } else {
                    closed = true;
                }
                holds &= order.get((own.size() - 1) % order.size()) == ring;
            } else if (!own.isEmpty() && (own.size() % order.size() != 0 || !closed)) {
                holds &= !consumes(op);
            }
            if (op instanceof TileOp.Call call) {
                calls.add(call.intrinsic());
            }
            OpSchema.bodies(op).forEach(this::visit);
        }
        closed |= !own.isEmpty();
        holds &= own.isEmpty() || own.size() % order.size() == 0;
    }

    private static boolean consumes(Op op) {
        return op instanceof TileOp.Consume
                || OpSchema.bodies(op).stream().anyMatch(inner -> inner.ops().stream().anyMatch(RingOrder::consumes));
    }
}
