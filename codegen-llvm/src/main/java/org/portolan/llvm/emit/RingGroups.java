package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;

/// Rings that signal and always go together: wherever a slot of one is acquired, published, consumed or released, so is one of each
/// other, in the same order, before the next turn begins. They need one pair of barrier objects for each slot, not one each, and count
/// once.
final class RingGroups {
    private final List<Value> rings = new ArrayList<>();
    private final List<Value> order = new ArrayList<>();
    private boolean holds = true;

    private RingGroups() {}

    static RingGroups of(Body body) {
        var groups = new RingGroups();
        groups.collect(body);
        groups.holds = groups.rings.stream().map(ring -> ((Type.Ring) ring.type()).depth()).distinct().count() == 1;
        groups.check(body);
        return groups;
    }

    /// The rings that go together with one, itself among them, in the order of a turn.
    List<Value> with(Value ring) {
        return holds && order.size() == rings.size() ? List.copyOf(order) : List.of(ring);
    }

    private void collect(Body body) {
        for (var op : body.ops()) {
            if (op instanceof TileOp.Ring(_, boolean signals, Value ring) && signals) {
                rings.add(ring);
            }
            OpSchema.bodies(op).forEach(this::collect);
        }
    }

    /// What is done to rings in a body itself is whole turns.
    private void check(Body body) {
        var acquired = new ArrayList<Value>();
        var published = new ArrayList<Value>();
        var consumed = new ArrayList<Value>();
        var released = new ArrayList<Value>();
        for (var op : body.ops()) {
            switch (op) {
                case TileOp.Acquire(Value ring, _) when rings.contains(ring) -> {
                    acquired.add(ring);
                    // A turn begins when the one before it has ended.
                    holds &= order.isEmpty() || published.size() / order.size() == (acquired.size() - 1) / order.size();
                }
                case TileOp.Publish(Value ring) when rings.contains(ring) -> {
                    if (order.size() < rings.size() && !order.contains(ring)) {
                        order.add(ring);
                    }
                    published.add(ring);
                }
                case TileOp.Consume(Value ring, _) when rings.contains(ring) -> consumed.add(ring);
                case TileOp.Release(Value ring) when rings.contains(ring) -> released.add(ring);
                case Op other -> OpSchema.bodies(other).forEach(this::check);
            }
        }
        for (var turns : List.of(acquired, published, consumed, released)) {
            holds &= turns.isEmpty() || order.size() == rings.size() && turns.size() % order.size() == 0;
            for (int i = 0; holds && i < turns.size(); i++) {
                holds = turns.get(i) == order.get(i % order.size());
            }
        }
    }

    /// The bytes that come to a slot of each ring of a group, if copies fill them whole.
    static long bytes(List<Value> group) {
        return group.stream().mapToLong(ring -> LocalMemory.bytes(((Type.Ring) ring.type()).slot())).sum();
    }
}
