package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// The loops bound to the grid. The grid is numbered row-major, and a call of the kernel runs the numbers from
/// `begin` below `end`: one loop, which keeps the trip of every grid loop beside the number and counts them up like
/// an odometer.
final class GridLoop implements Grid {
    private final FunctionBuilder builder;
    private final ControlFlow flow;
    private final List<Operand> extents;
    private List<Operand> trips = List.of();
    private int open;

    GridLoop(FunctionBuilder builder, ControlFlow flow, List<Operand> extents) {
        this.builder = builder;
        this.flow = flow;
        this.extents = extents;
    }

    /// The outermost becomes the loop over the numbers, those inside only take their trip.
    @Override
    public void emit(Operand lower, Operand step, Consumer<Operand> body) {
        if (open == extents.size()) {
            throw new EmitException("the kernel has more nested grid loops than extents of its grid, " + extents.size());
        }
        if (open > 0) {
            inside(lower, step, body);
            return;
        }
        var begin = new Operand(LlvmType.LONG, "%begin");
        var end = new Operand(LlvmType.LONG, "%end");
        builder.markNonNegative(begin);
        flow.count("point", begin, end, Operand.index(1), decompose(begin), _ -> carried -> {
            trips = carried;
            trips.forEach(builder::markNonNegative);
            inside(lower, step, body);
            return advance(carried);
        });
    }

    private void inside(Operand lower, Operand step, Consumer<Operand> body) {
        var trip = trips.get(open++);
        body.accept(builder.add(lower, builder.multiply(trip, step)));
        open--;
    }

    private List<Operand> decompose(Operand point) {
        return decompose(builder, point, extents);
    }

    /// The trips of the grid's axes for a point of it.
    static List<Operand> decompose(FunctionBuilder builder, Operand point, List<Operand> extents) {
        var result = new ArrayList<Operand>();
        var rest = point;
        for (int axis = extents.size() - 1; axis > 0; axis--) {
            var extent = builder.intrinsic("umax", extents.get(axis), Operand.index(1));
            result.addFirst(builder.binary("urem", rest, extent));
            rest = builder.binary("udiv", rest, extent);
        }
        result.addFirst(rest);
        return result;
    }

    private List<Operand> advance(List<Operand> carried) {
        var result = new ArrayList<Operand>();
        Operand carry = Operand.index(1);
        for (int axis = extents.size() - 1; axis > 0; axis--) {
            var next = builder.binary("add nsw", carried.get(axis), carry);
            var wraps = builder.compare("eq", next, extents.get(axis));
            result.addFirst(builder.select(wraps, Operand.index(0), next));
            carry = builder.convert("zext", wraps, LlvmType.LONG);
        }
        result.addFirst(builder.binary("add nsw", carried.getFirst(), carry));
        return result;
    }
}
