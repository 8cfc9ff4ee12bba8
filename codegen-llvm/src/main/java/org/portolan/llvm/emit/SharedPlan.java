package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.TileOp.Bind;
import org.portolan.ir.Type;
import org.portolan.ir.Value;

/// Where the shared buffers of a kernel lie. Two of them may lie in the same place if all threads are done with the one at a
/// barrier, and none has begun with the other: the tiles of a product, and its sums.
final class SharedPlan {
    /// What a thread does, in order, and when each buffer is used first and last in there.
    private final Map<Value, Use> uses = new IdentityHashMap<>();
    private final List<Integer> barriers = new ArrayList<>();
    private final Map<Value, Place> places = new LinkedHashMap<>();
    private long total;
    private long apart;

    private record Use(int first, int last) {}

    private record Place(long offset, long end) {}

    private record Need(long bytes, long alignment) {}

    private SharedPlan() {}

    static SharedPlan of(TileOp.Kernel kernel) {
        var plan = new SharedPlan();
        plan.visit(kernel.body().ops());
        return plan;
    }

    /// The buffer's offset from the first; empty if it is none of those that stand around the loop over threads.
    OptionalLong offset(Value buffer) {
        var place = places.get(buffer);
        return place == null ? OptionalLong.empty() : OptionalLong.of(place.offset());
    }

    /// The bytes of all buffers.
    long total() {
        return total;
    }

    /// The bytes that are used twice.
    long saved() {
        return apart - total;
    }

    /// The operations around the loop over threads, and in it.
    private void visit(List<Op> ops) {
        var buffers = new LinkedHashMap<Value, Need>();
        for (var op : ops) {
            if (op instanceof TileOp.Alloc(Value result) && isShared(result.buffer())) {
                long bytes = LocalMemory.bytes(result.buffer());
                buffers.put(result, new Need(bytes, SharedMemory.alignment(bytes)));
            } else if (op instanceof TileOp.Ring(long _, boolean signals, Value result)
                    && result.type() instanceof Type.Ring ring
                    && isShared(ring.slot())) {
                long bytes = LocalMemory.ringBytes(ring, signals);
                buffers.put(result, new Need(bytes, SharedMemory.alignment(bytes, signals)));
            }
        }
        var loops = ops.stream().filter(TileOp.For.class::isInstance).map(TileOp.For.class::cast).toList();
        if (buffers.isEmpty()) {
            loops.stream().filter(loop -> loop.bind() == Bind.GRID).forEach(loop -> visit(loop.body().ops()));
            return;
        }
        if (loops.size() == 1) {
            thread(loops.getFirst());
        }
        buffers.forEach(this::place);
    }

    private static boolean isShared(Type.Buffer type) {
        return type.space() == Type.Space.SHARED;
    }

    private void thread(TileOp.For loop) {
        var ops = loop.body().ops();
        if (loop.bind() == Bind.WARP && ops.getFirst() instanceof TileOp.For lanes && lanes.bind() == Bind.LANE) {
            thread(lanes);
            return;
        }
        Map<Value, Value> origins = new IdentityHashMap<>();
        for (int i = 0; i < ops.size(); i++) {
            if (ops.get(i) instanceof TileOp.Barrier(var scope) && scope == Bind.BLOCK) {
                barriers.add(i);
            }
            use(ops.get(i), i, origins);
        }
    }

    private void use(Op op, int time, Map<Value, Value> origins) {
        for (var operand : OpSchema.operands(op)) {
            if (operand.type() instanceof Type.Buffer || operand.type() instanceof Type.Ring) {
                var origin = origins.getOrDefault(operand, operand);
                uses.merge(origin, new Use(time, time), (old, _) -> new Use(old.first(), time));
                OpSchema.results(op).stream()
                        .filter(result -> result.type() instanceof Type.Buffer)
                        .forEach(result -> origins.put(result, origin));
            }
        }
        OpSchema.bodies(op).forEach(body -> body.ops().forEach(inner -> use(inner, time, origins)));
    }

    private void place(Value buffer, Need need) {
        long offset = 0;
        for (var other : places.entrySet()) {
            if (!areApart(buffer, other.getKey())) {
                offset = Math.max(offset, other.getValue().end());
            }
        }
        offset = SharedMemory.up(offset, need.alignment());
        long end = offset + SharedMemory.rounded(need.bytes());
        places.put(buffer, new Place(offset, end));
        total = Math.max(total, end);
        apart = SharedMemory.up(apart, need.alignment()) + SharedMemory.rounded(need.bytes());
    }

    private boolean areApart(Value buffer, Value other) {
        var own = uses.get(buffer);
        var use = uses.get(other);
        return own != null
                && use != null
                && barriers.stream()
                        .anyMatch(barrier -> own.last() < barrier && barrier < use.first()
                                || use.last() < barrier && barrier < own.first());
    }
}
