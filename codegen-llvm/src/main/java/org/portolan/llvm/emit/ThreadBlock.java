package org.portolan.llvm.emit;

import java.util.List;
import java.util.function.Consumer;
import org.portolan.ir.TileOp;
import org.portolan.ir.TileOp.Bind;

/// The threads of a block, side by side: a loop over them takes its index of the thread's number.
final class ThreadBlock {
    private final FunctionBuilder builder;
    private final ControlFlow flow;
    private final ThreadShape shape;
    private final Operand thread;
    private int open;

    /// @param thread its number in the block
    ThreadBlock(FunctionBuilder builder, ControlFlow flow, ThreadShape shape, Operand thread) {
        this.builder = builder;
        this.flow = flow;
        this.shape = shape;
        this.thread = thread;
    }

    /// Writes the body of a loop over threads, for one of them.
    void loop(TileOp.For loop, Operand lower, Operand step, Consumer<Operand> body) {
        if (!loop.initial().isEmpty()) {
            throw new EmitException("a loop over threads carries nothing: its rounds run side by side");
        }
        var part = shape.part(loop);
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
