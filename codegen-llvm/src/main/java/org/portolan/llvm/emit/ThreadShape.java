package org.portolan.llvm.emit;

import java.util.IdentityHashMap;
import java.util.Map;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.TileOp.Bind;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// How a kernel's loops over the threads of a block share the number of a thread: the innermost loop counts fastest.
/// A loop over warps without a loop over lanes inside counts whole warps.
final class ThreadShape {
    private final Map<Value, Long> numbers = new IdentityHashMap<>();
    private final Map<TileOp.For, Part> parts = new IdentityHashMap<>();
    private final long warp;
    private long threads = 1;
    private long sharedBytes;

    /// @param divisor how many threads the loops inside take together
    /// @param trips of this loop
    /// @param threads of this loop and those inside
    record Part(long divisor, long trips, long threads) {}

    private ThreadShape(long warp) {
        this.warp = warp;
    }

    static ThreadShape of(TileOp.Kernel kernel, long warp) {
        var shape = new ThreadShape(warp);
        shape.visit(kernel.body());
        return shape;
    }

    /// Whether there are loops over threads at all.
    boolean hasThreads() {
        return !parts.isEmpty();
    }

    /// How many threads a block needs.
    long threads() {
        return threads;
    }

    /// What the shared buffers take together, each rounded up.
    long sharedBytes() {
        return sharedBytes;
    }

    Part part(TileOp.For loop) {
        return parts.get(loop);
    }

    private void visit(Body body) {
        for (var op : body.ops()) {
            switch (op) {
                case ArithOp.Integer(long value, Value result) -> numbers.put(result, value);
                case TileOp.Expression(_, Dim.Constant(long value), Value result) -> numbers.put(result, value);
                case TileOp.Alloc(Value result) -> reserve(result.buffer(), LocalMemory.bytes(result.buffer()));
                case TileOp.Ring(long depth, boolean signals, Value result) -> {
                    if (result.type() instanceof Type.Ring ring) {
                        reserve(ring.slot(), LocalMemory.ringBytes(ring, signals));
                        sharedBytes += signals ? SharedMemory.rounded(SharedMemory.barrierBytes(depth)) : 0;
                    }
                }
                case TileOp.For loop when isOverThreads(loop) -> threadLoop(loop);
                case Op other -> OpSchema.bodies(other).forEach(this::visit);
            }
        }
    }

    private void reserve(Type.Buffer type, long bytes) {
        if (type.space() == Type.Space.SHARED) {
            sharedBytes += SharedMemory.rounded(bytes);
        }
    }

    private void threadLoop(TileOp.For loop) {
        long before = threads;
        threads = 1;
        visit(loop.body());
        long inside = threads == 1 && loop.bind() == Bind.WARP ? warp : threads;
        long lower = number(loop.lower(), loop);
        long upper = number(loop.upper(), loop);
        long step = number(loop.step(), loop);
        long trips = Math.max(0, Math.ceilDiv(upper - lower, step));
        parts.put(loop, new Part(inside, trips, trips * inside));
        threads = Math.max(before, trips * inside);
    }

    private long number(Value value, TileOp.For loop) {
        var number = numbers.get(value);
        if (number == null) {
            throw new EmitException("a loop over threads (" + loop.bind() + ") runs between numbers, found " + value);
        }
        return number;
    }

    private static boolean isOverThreads(TileOp.For loop) {
        return switch (loop.bind()) {
            case BLOCK, WARP, LANE -> true;
            case SERIAL, UNROLL, GRID -> false;
        };
    }
}
