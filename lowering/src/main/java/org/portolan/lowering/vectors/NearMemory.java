package org.portolan.lowering.vectors;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Rewriter;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Makes buffers in near memory that do not live at the same time share their place, and puts all allocations at the
/// beginning. A buffer lives from the first to the last operation that names it; in a loop around which it was allocated,
/// for the whole loop.
final class NearMemory {
    private static final class Interval {
        final Value buffer;
        final int depth;
        int begin = Integer.MAX_VALUE;
        int end = -1;

        Interval(Value buffer, int depth) {
            this.buffer = buffer;
            this.depth = depth;
        }

        void touch(int from, int to) {
            begin = Math.min(begin, from);
            end = Math.max(end, to);
        }
    }

    private record Open(int begin, List<Interval> touched) {}

    private final Map<Value, Interval> intervals = new IdentityHashMap<>();
    private final Map<Value, Value> bases = new IdentityHashMap<>();
    private final List<Interval> order = new ArrayList<>();
    private final List<Open> loops = new ArrayList<>();
    private int position;

    private NearMemory() {}

    static Body share(Body body) {
        var pass = new NearMemory();
        pass.visit(body);
        return pass.rewrite(body);
    }

    private void visit(Body body) {
        for (var op : body.ops()) {
            position++;
            if (op instanceof TileOp.Alloc(Value buffer)) {
                var interval = new Interval(buffer, loops.size());
                intervals.put(buffer, interval);
                order.add(interval);
                continue;
            }
            if (op instanceof TileOp.View(Value buffer, var _, Value view)) {
                bases.put(view, bases.getOrDefault(buffer, buffer));
            }
            OpSchema.operands(op).forEach(operand -> touch(bases.getOrDefault(operand, operand)));
            var bodies = OpSchema.bodies(op);
            boolean structured = !bodies.isEmpty() && !(op instanceof TileOp.Map);
            if (structured) {
                loops.add(new Open(position, new ArrayList<>()));
                bodies.forEach(this::visit);
                position++;
                var open = loops.removeLast();
                for (var interval : open.touched()) {
                    if (interval.depth <= loops.size()) {
                        interval.touch(open.begin(), position);
                        if (!loops.isEmpty()) {
                            loops.getLast().touched().add(interval);
                        }
                    }
                }
            }
        }
    }

    private void touch(Value value) {
        var interval = intervals.get(value);
        if (interval != null) {
            interval.touch(position, position);
            if (!loops.isEmpty()) {
                loops.getLast().touched().add(interval);
            }
        }
    }

    private Body rewrite(Body body) {
        var rewriter = new Rewriter();
        var allocations = new ArrayList<Op>();
        var free = new ArrayList<Interval>();
        var busy = new ArrayList<Interval>();
        Map<Value, Value> place = new IdentityHashMap<>();
        order.sort((left, right) -> Integer.compare(left.begin, right.begin));
        for (var interval : order) {
            if (interval.end < 0) {
                continue;
            }
            // What is read for the last time where this is written first may be the same place: maps work in place.
            busy.removeIf(other -> {
                boolean over = other.end <= interval.begin;
                if (over) {
                    free.add(other);
                }
                return over;
            });
            var type = interval.buffer.type();
            var reused = free.stream()
                    .filter(other -> place.get(other.buffer).type().equals(type))
                    .findFirst();
            if (reused.isPresent()) {
                free.remove(reused.get());
                place.put(interval.buffer, place.get(reused.get().buffer));
                rewriter.replace(interval.buffer, place.get(interval.buffer));
            } else {
                place.put(interval.buffer, interval.buffer);
                allocations.add(new TileOp.Alloc(interval.buffer));
            }
            busy.add(interval);
        }
        var ops = new ArrayList<Op>(allocations);
        ops.addAll(withoutAllocations(rewriter.copy(body)).ops());
        return new Body(body.params(), ops);
    }

    private static Body withoutAllocations(Body body) {
        var ops = new ArrayList<Op>();
        for (var op : body.ops()) {
            if (!(op instanceof TileOp.Alloc) && !isIdle(op)) {
                ops.add(OpSchema.rebuild(op, value -> value, value -> value, NearMemory::withoutAllocations));
            }
        }
        return new Body(body.params(), ops);
    }

    /// A copy of a buffer to what turned out to be the same place.
    private static boolean isIdle(Op op) {
        return op instanceof TileOp.Map map
                && map.from().contains(map.to())
                && map.body().ops().size() == 1;
    }

    /// The bytes that a kernel keeps near, each piece rounded up to {@code unit} bytes.
    static long bytes(Body body, long unit) {
        long bytes = 0;
        for (var op : body.ops()) {
            if (op instanceof TileOp.Alloc(Value buffer)) {
                bytes += bytes(buffer.buffer(), unit);
            } else if (op instanceof TileOp.Ring(long depth, _, Value ring)) {
                bytes += depth * bytes(((Type.Ring) ring.type()).slot(), unit);
            }
            for (var inner : OpSchema.bodies(op)) {
                bytes += bytes(inner, unit);
            }
        }
        return bytes;
    }

    private static long bytes(Type.Buffer type, long unit) {
        long elements = Dim.product(type.dims()).constant().orElseThrow();
        return Math.ceilDiv(type.element().bytes(elements), unit) * unit;
    }
}
