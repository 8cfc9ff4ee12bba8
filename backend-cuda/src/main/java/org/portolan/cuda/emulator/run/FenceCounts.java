package org.portolan.cuda.emulator.run;

import java.util.Arrays;

/// Fences of one kind that the threads of a block have executed, and when: somebody who is told of what a thread did sees
/// what a fence of that thread has made visible only if the fence came before the telling.
final class FenceCounts {
    private static final int FEW = 8;

    private final int[] counts;
    /// Of each thread: its clock at each of its fences.
    private final int[][] clocks;

    FenceCounts(int threads) {
        counts = new int[threads];
        clocks = new int[threads][FEW];
    }

    void begin() {
        Arrays.fill(counts, 0);
    }

    /// A thread executes a fence.
    void add(int thread, int clock) {
        int count = counts[thread]++;
        if (count == clocks[thread].length) {
            clocks[thread] = Arrays.copyOf(clocks[thread], 2 * count);
        }
        clocks[thread][count] = clock;
    }

    /// How many a thread has executed so far.
    int count(int thread) {
        return counts[thread];
    }

    /// Whether a thread has executed one more since it had executed {@code before}, at a clock that others know of.
    ///
    /// @param known up to which clock of the thread
    boolean since(int thread, int before, int known) {
        return counts[thread] > before && clocks[thread][before] <= known;
    }
}
