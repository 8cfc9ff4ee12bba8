package org.portolan.llvm.emit;

import java.util.List;
import java.util.function.Consumer;

/// The loops bound to the grid where a thread, or a block of threads, runs one point of it: each loop only takes its
/// trip of the point's number.
final class GridPoint implements Grid {
    private final FunctionBuilder builder;
    private final Operand point;
    private final List<Operand> extents;
    private List<Operand> trips = List.of();
    private int open;

    /// @param point its number in the row-major linearised grid
    GridPoint(FunctionBuilder builder, Operand point, List<Operand> extents) {
        this.builder = builder;
        this.point = point;
        this.extents = extents;
    }

    @Override
    public void emit(Operand lower, Operand step, Consumer<Operand> body) {
        if (open == extents.size()) {
            throw new EmitException("the kernel has more nested grid loops than extents of its grid, " + extents.size());
        }
        if (open == 0) {
            trips = GridLoop.decompose(builder, point, extents);
            trips.forEach(builder::markNonNegative);
        }
        var trip = trips.get(open++);
        body.accept(builder.add(lower, builder.multiply(trip, step)));
        open--;
    }
}
