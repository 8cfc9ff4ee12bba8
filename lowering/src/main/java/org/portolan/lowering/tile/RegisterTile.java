package org.portolan.lowering.tile;

import java.util.OptionalLong;
import org.portolan.ir.MachineOp;

/// How many rows, and how many vectors of columns, of a contraction are kept in registers. All accumulators, one row of
/// vectors and one broadcast must fit; each broadcast should serve two or more multiply-adds.
record RegisterTile(long rows, long vectors) {
    private static final long MOST_VECTORS = 4;

    /// The tile that wastes least: fewest loads for each multiply-add and fewest columns and rows beyond the end.
    static RegisterTile choose(MachineOp.Chip machine, long lanes, OptionalLong columns, OptionalLong rows) {
        var best = new RegisterTile(1, 1);
        double bestRate = 0;
        for (long vectors = 1; vectors <= MOST_VECTORS; vectors++) {
            long most = Math.max(1, (machine.vectorRegisters() - 1 - vectors) / vectors);
            for (long height = 1; height <= most; height++) {
                double rate = rate(height, vectors) * used(columns, vectors * lanes) * usedRows(rows, height, most);
                if (rate > bestRate * 1.001) {
                    bestRate = rate;
                    best = new RegisterTile(height, vectors);
                }
            }
        }
        return best;
    }

    /// Multiply-adds for each two-per-cycle slot of loads or multiply-adds, whichever is scarcer.
    private static double rate(long rows, long vectors) {
        double multiplyAdds = rows * vectors;
        double loads = rows + vectors;
        // Fewer than eight chains of accumulators cannot hide the latency of a multiply-add.
        double latency = Math.min(1, multiplyAdds / 8);
        return latency * multiplyAdds / (multiplyAdds + loads * 0.25);
    }

    private static double used(OptionalLong extent, long tile) {
        if (extent.isEmpty()) {
            return 1;
        }
        long points = extent.getAsLong();
        return points == 0 ? 1 : (double) points / (Math.ceilDiv(points, tile) * tile);
    }

    /// Rows that are left over run in a smaller tile, at a lower rate rather than in vain. Unknown numbers of rows are
    /// taken to be a multiple of 8 half of the time.
    private static double usedRows(OptionalLong extent, long rows, long most) {
        if (extent.isEmpty()) {
            return rows == 8 ? 1 : rows > 8 ? 0.97 : 0.98;
        }
        long points = extent.getAsLong();
        long rest = points % rows;
        double lost = rest == 0 ? 0 : (1 - rate(rest, 2) / Math.max(rate(rows, 2), 1e-9)) * rest / Math.max(1, points);
        return 1 - lost;
    }
}
