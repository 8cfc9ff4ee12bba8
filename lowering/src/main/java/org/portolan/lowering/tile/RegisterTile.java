package org.portolan.lowering.tile;

import java.util.OptionalLong;
import org.portolan.ir.MachineOp;

/// How many rows, and how many vectors of columns, of a contraction are kept in registers. All accumulators, one row of
/// vectors and one broadcast must fit; each broadcast should serve two or more multiply-adds.
record RegisterTile(long rows, long vectors) {
    private static final long MOST_VECTORS = 4;
    /// The price of a load from the second cache, in loads from the first.
    private static final double FAR = 2;

    /// The tile that wastes least: fewest loads for each multiply-add and fewest columns and rows beyond the end.
    ///
    /// @param depth about how many products are summed; a panel of columns that deep comes from the second cache, again for
    ///     each tile of rows, if the first one does not hold it
    static RegisterTile choose(
            MachineOp.Chip machine, long lanes, OptionalLong columns, OptionalLong rows, double depth) {
        var best = new RegisterTile(1, 1);
        double bestRate = 0;
        for (long vectors = 1; vectors <= MOST_VECTORS; vectors++) {
            boolean near = vectors * machine.vectorBytes() * depth <= machine.level1Bytes();
            long most = Math.max(1, (machine.vectorRegisters() - 1 - vectors) / vectors);
            for (long height = 1; height <= most; height++) {
                double rate = rate(height, vectors, near) * used(columns, vectors * lanes) * usedRows(rows, height, vectors, near);
                if (rate > bestRate * 1.001) {
                    bestRate = rate;
                    best = new RegisterTile(height, vectors);
                }
            }
        }
        return best;
    }

    /// Multiply-adds for each two-per-cycle slot of loads or multiply-adds, whichever is scarcer.
    private static double rate(long rows, long vectors, boolean near) {
        double multiplyAdds = rows * vectors;
        double loads = rows + (near ? vectors : FAR * vectors);
        // Fewer than eight chains of accumulators cannot hide the latency of a multiply-add.
        double latency = Math.min(1, multiplyAdds / 8);
        // As many loads as multiply-adds can start in a cycle, no more.
        double ports = Math.min(1, multiplyAdds / (rows + vectors));
        return latency * ports * multiplyAdds / (multiplyAdds + loads * 0.25);
    }

    private static double used(OptionalLong extent, long tile) {
        if (extent.isEmpty()) {
            return 1;
        }
        long points = extent.getAsLong();
        return points == 0 ? 1 : (double) points / (Math.ceilDiv(points, tile) * tile);
    }

    /// Rows that are left over run in a smaller tile, which takes longer for each of them. Unknown numbers of rows are taken to
    /// be a multiple of 8 half of the time.
    private static double usedRows(OptionalLong extent, long rows, long vectors, boolean near) {
        if (extent.isEmpty()) {
            return rows == 8 ? 1 : rows > 8 ? 0.97 : 0.98;
        }
        long points = extent.getAsLong();
        long rest = points % rows;
        if (rest == 0) return 1;
        double longer = rest * (rate(rows, vectors, near) / rate(rest, vectors, near) - 1);
        return points / (points + Math.max(0, longer));
    }
}
