package org.portolan.runtime;

import java.util.Arrays;
import org.portolan.runtime.plan.Plan;

/// Everything that follows from the shapes of the inputs: the values of early expressions. Immutable, and shared by all
/// runs with these shapes.
final class Binding {
    /// The values of all symbols; those that no input binds are 0.
    final long[] symbols;
    /// The value of each early expression.
    final long[] values;
    /// For each launch its grid, or null if it is not early.
    final long[][] grids;
    final long arenaBytes;
    /// For each early output the offset in the memory that all of them share; the total stands last.
    final long[] outputOffsets;

    Binding(FlatPlan plan, long[] symbols, SessionOptions options) {
        this.symbols = symbols.clone();
        var expressions = plan.expressions;
        var stack = new long[expressions.stackSize()];
        values = new long[expressions.count()];
        for (int index = 0; index < values.length; index++) {
            if (plan.early[index]) {
                values[index] = expressions.evaluate(index, this.symbols, stack);
            }
        }
        grids = new long[plan.launchGrids.length][];
        for (int launch = 0; launch < grids.length; launch++) {
            int[] grid = plan.launchGrids[launch];
            if (Arrays.stream(grid).allMatch(index -> plan.early[index])) {
                grids[launch] = Arrays.stream(grid).mapToLong(index -> values[index]).toArray();
            }
        }
        arenaBytes = values[plan.arenaBytes];
        outputOffsets = outputOffsets(plan);
        checkMemory(plan, options);
    }

    private long[] outputOffsets(FlatPlan plan) {
        var offsets = new long[plan.outputs.length + 1];
        long offset = 0;
        for (int port = 0; port < plan.outputs.length; port++) {
            offsets[port] = offset;
            var output = plan.outputs[port];
            for (int dim : output.dims()) {
                if (plan.early[dim] && values[dim] < 0) {
                    throw new PortolanException.InvalidInput("output '" + output.name() + "' would have the extent "
                            + plan.expressions.dim(dim) + " = " + values[dim] + "; give the model larger inputs");
                }
            }
            if (plan.isEarlyOutput(port)) {
                offset = align(add(offset, values[output.bytes()]));
            }
        }
        offsets[plan.outputs.length] = offset;
        return offsets;
    }

    private void checkMemory(FlatPlan plan, SessionOptions options) {
        long outputs = outputOffsets[plan.outputs.length];
        if (arenaBytes < 0 || add(arenaBytes, outputs) > options.arenaLimit()) {
            throw new PortolanException.LimitExceeded("a run with these inputs needs " + arenaBytes
                    + " bytes for intermediate results and " + outputs + " for outputs; the limit is "
                    + options.arenaLimit() + " (SessionOptions.withArenaLimit raises it)");
        }
        for (int slot = 0; slot < plan.slotOffset.length; slot++) {
            if (plan.slotOffset[slot] != FlatPlan.NONE) {
                long offset = values[plan.slotOffset[slot]];
                long bytes = values[plan.slotBytes[slot]];
                if (offset < 0 || offset % Plan.ALIGNMENT != 0 || bytes < 0
                        || add(offset, bytes) > arenaBytes) {
                    throw new PortolanException.BadProgramFile("the plan puts slot " + slot + " at " + offset + " with "
                            + bytes + " bytes into an arena of " + arenaBytes + "; compile the model again");
                }
            }
        }
    }

    static long align(long offset) {
        return add(offset, 63) & -64;
    }

    /// @throws PortolanException.LimitExceeded beyond 2^63
    static long add(long left, long right) {
        try {
            return Math.addExact(left, right);
        } catch (ArithmeticException e) {
            throw new PortolanException.LimitExceeded(
                    "a run with these inputs needs more than 2^63 bytes; give the model smaller inputs");
        }
    }

    boolean binds(long[] wanted) {
        return Arrays.equals(symbols, wanted);
    }
}
