package org.portolan.runtime;

/// Limits of a session.
///
/// @param concurrentRuns how many runs may work at once, each with memory of its own; further ones wait
/// @param waitingRuns how many may wait before the next gets {@link PortolanException.Overloaded}
/// @param arenaLimit bytes that one run's arena may take
/// @param lateLimit bytes that one run's outputs and temporaries of data-dependent size may take, each
public record SessionOptions(int concurrentRuns, int waitingRuns, long arenaLimit, long lateLimit) {
    private static final SessionOptions DEFAULTS = new SessionOptions(
            Math.max(4, Runtime.getRuntime().availableProcessors()), 1 << 16, 8L << 30, 512L << 20);

    public SessionOptions {
        if (concurrentRuns < 1 || waitingRuns < 0 || arenaLimit < 0 || lateLimit < 0) {
            throw new IllegalArgumentException("a session needs at least one concurrent run and no negative limit, got "
                    + concurrentRuns + " runs, " + waitingRuns + " waiting, " + arenaLimit + " and " + lateLimit
                    + " bytes");
        }
    }

    public static SessionOptions defaults() {
        return DEFAULTS;
    }

    public SessionOptions withConcurrentRuns(int runs) {
        return new SessionOptions(runs, waitingRuns, arenaLimit, lateLimit);
    }

    public SessionOptions withWaitingRuns(int runs) {
        return new SessionOptions(concurrentRuns, runs, arenaLimit, lateLimit);
    }

    public SessionOptions withArenaLimit(long bytes) {
        return new SessionOptions(concurrentRuns, waitingRuns, bytes, lateLimit);
    }

    public SessionOptions withLateLimit(long bytes) {
        return new SessionOptions(concurrentRuns, waitingRuns, arenaLimit, bytes);
    }
}
