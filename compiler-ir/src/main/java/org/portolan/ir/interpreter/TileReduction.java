package org.portolan.ir.interpreter;

/// How lanes are combined: the halves pairwise, so that every machine can do it in the same order.
final class TileReduction {
    private TileReduction() {}

    /// Combines all lanes into the result's one: lane {@code i} with lane {@code i + n / 2} until one is left. The last
    /// of
    /// an odd number of lanes waits until then; those that wait are combined in the end, the latest first.
    static Elements halves(Elements lanes, Combiner combiner, Elements result) {
        combine(lanes, lanes.size(), combiner);
        lanes.copyTo(0, result, 0, 1);
        return result;
    }

    private static void combine(Elements lanes, int count, Combiner combiner) {
        if (count <= 1) {
            return;
        }
        int half = count / 2;
        for (int i = 0; i < half; i++) {
            combiner.into(lanes, i, lanes, i + half);
        }
        combine(lanes, half, combiner);
        if (count % 2 != 0) {
            combiner.into(lanes, 0, lanes, count - 1);
        }
    }
}
