package org.portolan.runtime.selftest;

import java.util.ArrayList;
import java.util.List;

/// Measures work that can be repeated.
final class Stopwatch {
    private static final long WARM_UP = 200_000_000;
    private static final long ENOUGH = 1_000_000_000;
    private static final int FEWEST = 3;
    private static final int MOST = 200;

    private Stopwatch() {}

    /// The median of the wall clock in nanoseconds, after a warm-up.
    static double median(Runnable work) {
        long start = System.nanoTime();
        do {
            work.run();
        } while (System.nanoTime() - start < WARM_UP);
        List<Long> times = new ArrayList<>();
        start = System.nanoTime();
        while (times.size() < MOST && (times.size() < FEWEST || System.nanoTime() - start < ENOUGH)) {
            long before = System.nanoTime();
            work.run();
            times.add(System.nanoTime() - before);
        }
        times.sort(null);
        return times.get(times.size() / 2);
    }
}
