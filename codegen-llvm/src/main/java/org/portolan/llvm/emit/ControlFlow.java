package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/// Loops and choices as blocks. Values that are carried or chosen become phi instructions.
final class ControlFlow {
    private final FunctionBuilder builder;

    ControlFlow(FunctionBuilder builder) {
        this.builder = builder;
    }

    /// A body that takes the carried values and gives the next ones.
    interface Carrying extends Function<List<Operand>, List<Operand>> {}

    /// Counts from `lower` below `upper` and gives what the last round carried. The test stands at the end, so that
    /// the body is one block if it can be.
    List<Operand> count(
            String hint,
            Operand lower,
            Operand upper,
            Operand step,
            List<Operand> initial,
            Function<Operand, Carrying> body) {
        var loop = builder.fresh(hint + "_loop");
        var exit = builder.fresh(hint + "_end");
        var before = builder.block();
        boolean runs = lower.literal().isPresent()
                && upper.literal().isPresent()
                && lower.literal().getAsLong() < upper.literal().getAsLong();
        if (runs) {
            builder.branch(loop);
        } else {
            builder.branch(builder.compare("slt", lower, upper), loop, exit);
        }
        builder.startBlock(loop);
        var index = later(hint, LlvmType.LONG);
        if (builder.isNonNegative(lower) && builder.isNonNegative(step)) {
            builder.markNonNegative(index);
        }
        var carried = initial.stream().map(value -> later("carried", value.type())).toList();
        int place = builder.mark();
        var next = body.apply(index).apply(carried);
        var stepped = builder.binary("add nsw", index, step);
        var more = builder.compare("slt", stepped, upper);
        var latch = builder.block();
        builder.branch(more, loop, exit);
        var phis = new StringBuilder(phi(index, lower, before, stepped, latch));
        for (int i = 0; i < carried.size(); i++) {
            phis.append(phi(carried.get(i), initial.get(i), before, next.get(i), latch));
        }
        builder.insert(place, phis.toString());
        builder.startBlock(exit);
        if (runs) {
            return next;
        }
        var results = new ArrayList<Operand>();
        for (int i = 0; i < next.size(); i++) {
            results.add(builder.phi(
                    "result", initial.get(i).type(), initial.get(i), before, next.get(i), latch));
        }
        return results;
    }

    /// Repeats the body while the condition holds; gives the values that the condition saw last.
    List<Operand> repeat(List<Operand> initial, Function<List<Operand>, Operand> condition, Carrying body) {
        var test = builder.fresh("while");
        var inside = builder.fresh("while_body");
        var exit = builder.fresh("while_end");
        var before = builder.block();
        builder.branch(test);
        builder.startBlock(test);
        var carried = initial.stream().map(value -> later("carried", value.type())).toList();
        int place = builder.mark();
        builder.branch(condition.apply(carried), inside, exit);
        builder.startBlock(inside);
        var next = body.apply(carried);
        var latch = builder.block();
        builder.branch(test);
        var phis = new StringBuilder();
        for (int i = 0; i < carried.size(); i++) {
            phis.append(phi(carried.get(i), initial.get(i), before, next.get(i), latch));
        }
        builder.insert(place, phis.toString());
        builder.startBlock(exit);
        return carried;
    }

    /// One of two bodies.
    List<Operand> choose(Operand condition, BodyText yes, BodyText no) {
        var yesLabel = builder.fresh("then");
        var noLabel = builder.fresh("else");
        var exit = builder.fresh("join");
        builder.branch(condition, yesLabel, noLabel);
        builder.startBlock(yesLabel);
        var yesResults = yes.emit();
        var yesEnd = builder.block();
        builder.branch(exit);
        builder.startBlock(noLabel);
        var noResults = no.emit();
        var noEnd = builder.block();
        builder.branch(exit);
        builder.startBlock(exit);
        var results = new ArrayList<Operand>();
        for (int i = 0; i < yesResults.size(); i++) {
            results.add(builder.phi(
                    "chosen", yesResults.get(i).type(), yesResults.get(i), yesEnd, noResults.get(i), noEnd));
        }
        return results;
    }

    /// Writes a body and gives what it yields.
    interface BodyText {
        List<Operand> emit();
    }

    /// A loop that carries nothing.
    void count(String hint, Operand upper, Operand step, Consumer<Operand> body) {
        count(hint, Operand.index(0), upper, step, List.of(), index -> carried -> {
            body.accept(index);
            return carried;
        });
    }

    private Operand later(String hint, LlvmType type) {
        return new Operand(type, "%" + builder.fresh(hint));
    }

    private static String phi(Operand result, Operand first, String firstBlock, Operand second, String secondBlock) {
        return "  " + result.text() + " = phi " + result.type() + " [ " + first.text() + ", %" + firstBlock + " ], [ "
                + second.text() + ", %" + secondBlock + " ]\n";
    }
}
