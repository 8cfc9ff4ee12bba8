package org.portolan.llvm.emit;

import java.util.List;
import java.util.function.Consumer;
import org.portolan.ir.TileOp;
import org.portolan.ir.TileOp.Bind;

/// The threads of a block, side by side: a loop over them takes its index of the thread's number.
final class ThreadBlock {
    private static final long WARP = 32;
    private static final long LAST_LANE = WARP - 1;

    private final FunctionBuilder builder;
    private final ControlFlow flow;
    private final ThreadShape shape;
    private final Operand thread;
    private int open;
    private int lanes;

    /// @param thread its number in the block
    ThreadBlock(FunctionBuilder builder, ControlFlow flow, ThreadShape shape, Operand thread) {
        this.builder = builder;
        this.flow = flow;
        this.shape = shape;
        this.thread = thread;
    }

    Operand thread() {
        return thread;
    }

    /// How many threads the block has.
    long threads() {
        return shape.threads();
    }

    /// The thread's number in its warp.
    Operand lane() {
        return lane(WARP);
    }

    /// The thread's number among so many, a power of two.
    Operand lane(long lanes) {
        var lane = builder.binary("and", thread, Operand.index(lanes - 1));
        builder.markNonNegative(lane);
        return lane;
    }

    /// Whether this is inside a loop over threads.
    boolean isInside() {
        return open > 0;
    }

    /// Whether this is where each thread works for itself.
    boolean isAlone() {
        return lanes > 0;
    }

    /// Writes the body of a loop over threads, for one of them.
    void loop(TileOp.For loop, Operand lower, Operand step, Consumer<Operand> body) {
        if (!loop.initial().isEmpty()) {
            throw new EmitException("a loop over threads carries nothing: its rounds run side by side");
        }
        var part = shape.part(loop);
        lanes += loop.bind() == Bind.LANE ? 1 : 0;
        loop(part, lower, step, body);
        lanes -= loop.bind() == Bind.LANE ? 1 : 0;
    }

    private void loop(ThreadShape.Part part, Operand lower, Operand step, Consumer<Operand> body) {
        boolean outermost = open == 0;
        if (outermost && part.threads() < shape.threads()) {
            // Another loop of the kernel needs more threads than this one.
            var member = builder.compare("ult", thread, Operand.index(part.threads()));
            flow.choose(
                    member,
                    () -> {
                        inside(part, true, lower, step, body);
                        return List.of();
                    },
                    List::of);
        } else {
            inside(part, outermost, lower, step, body);
        }
    }

    private void inside(
            ThreadShape.Part part, boolean outermost, Operand lower, Operand step, Consumer<Operand> body) {
        open++;
        var trip = part.divisor() == 1
                ? thread
                : builder.binary("udiv", thread, Operand.index(part.divisor()));
        if (!outermost) {
            trip = builder.binary("urem", trip, Operand.index(part.trips()));
        }
        builder.markNonNegative(trip);
        body.accept(builder.add(lower, builder.multiply(trip, step)));
        open--;
    }

    /// The scalar that the thread has whose number differs in the bit of the distance. Those that take part are the
    /// neighbours that share all higher bits.
    Operand exchange(Operand value, long distance) {
        int bits = value.type().bits();
        if (bits == 64) {
            var word = builder.convert("bitcast", value, LlvmType.LONG);
            var low = swap(builder.convert("trunc", word, LlvmType.INT), distance);
            var high = swap(
                    builder.convert("trunc", builder.binary("lshr", word, Operand.index(32)), LlvmType.INT), distance);
            var joined = builder.binary(
                    "or",
                    builder.binary("shl", builder.convert("zext", high, LlvmType.LONG), Operand.index(32)),
                    builder.convert("zext", low, LlvmType.LONG));
            return builder.convert("bitcast", joined, value.type());
        }
        var narrow = builder.convert("bitcast", value, value.type().ofBits(bits));
        var swapped = swap(builder.convert("zext", narrow, LlvmType.INT), distance);
        return builder.convert("bitcast", builder.convert("trunc", swapped, narrow.type()), value.type());
    }

    private Operand swap(Operand word, long distance) {
        return builder.call(
                "llvm.nvvm.shfl.sync.bfly.i32",
                LlvmType.INT,
                members(2 * distance),
                word,
                Operand.integer(LlvmType.INT, distance),
                Operand.integer(LlvmType.INT, LAST_LANE));
    }

    /// A bit for each lane of the aligned group that this thread belongs to.
    private Operand members(long count) {
        if (count >= WARP) {
            return Operand.integer(LlvmType.INT, -1);
        }
        var number = builder.convert("trunc", thread, LlvmType.INT);
        var first = builder.binary("and", number, Operand.integer(LlvmType.INT, (WARP - 1) & -count));
        return builder.binary("shl", Operand.integer(LlvmType.INT, (1L << count) - 1), first);
    }

    /// Waits for the others.
    void barrier(Bind scope) {
        switch (scope) {
            case BLOCK -> builder.callVoid("llvm.nvvm.barrier0");
            case WARP -> builder.callVoid("llvm.nvvm.bar.warp.sync", Operand.integer(LlvmType.INT, -1));
            case LANE, SERIAL, UNROLL -> {}
            case GRID -> throw new EmitException("the blocks of a grid cannot wait for each other");
        }
    }
}
