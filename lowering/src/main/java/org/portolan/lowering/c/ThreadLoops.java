package org.portolan.lowering.c;

import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;

/// The loops of a kernel that run over the threads of a block. Loops inside each other share the threads out: the
/// innermost has neighbours.
final class ThreadLoops {
    private final Map<Value, Long> numbers = new IdentityHashMap<>();
    /// Threads of the thread loops inside each such loop.
    private final Map<Body, Long> inside = new IdentityHashMap<>();
    private final long block;

    ThreadLoops(TileOp.Kernel kernel) {
        block = threads(kernel.body());
    }

    /// Threads of a block; 0 where there are no such loops.
    long block() {
        return inside.isEmpty() ? 0 : block;
    }

    /// From one round of the loop to the next, in threads.
    long stride(TileOp.For loop) {
        return inside.get(loop.body());
    }

    private long threads(Body body) {
        long most = 1;
        for (var op : body.ops()) {
            if (op instanceof ArithOp.Integer(long value, Value result)) {
                numbers.put(result, value);
            } else if (op instanceof TileOp.Expression(List<Value> operands, var expression, Value result)
                    && operands.isEmpty()
                    && expression.isConstant()) {
                numbers.put(result, expression.constant().orElseThrow());
            } else if (op instanceof TileOp.For loop) {
                most = Math.max(most, threads(loop));
            } else {
                for (var inner : OpSchema.bodies(op)) {
                    most = Math.max(most, threads(inner));
                }
            }
        }
        return most;
    }

    private long threads(TileOp.For loop) {
        long within = threads(loop.body());
        return switch (loop.bind()) {
            case SERIAL, UNROLL, GRID -> within;
            case BLOCK, WARP, LANE -> {
                inside.put(loop.body(), within);
                yield within * trips(loop);
            }
        };
    }

    long trips(TileOp.For loop) {
        var lower = numbers.get(loop.lower());
        var upper = numbers.get(loop.upper());
        var step = numbers.get(loop.step());
        if (lower == null || upper == null || step == null || step <= 0) {
            throw new EmitException("a loop over threads runs between numbers, found " + OpSchema.of(loop).name() + " from "
                    + loop.lower() + " to " + loop.upper());
        }
        return Math.max(1, Math.ceilDiv(upper - lower, step));
    }
}
