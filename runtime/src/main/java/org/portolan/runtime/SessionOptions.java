package org.portolan.runtime;

import java.security.PublicKey;
import java.util.List;

/// Limits of a session.
///
/// @param concurrentRuns how many runs may work at once, each with memory of its own; further ones wait
/// @param waitingRuns how many may wait before the next gets {@link PortolanException.Overloaded}
/// @param arenaLimit bytes that one run's arena may take
/// @param lateLimit bytes that one run's outputs and temporaries of data-dependent size may take, each
/// @param trustedKeys Ed25519 keys: {@link Portolan#load} refuses a file that none of their owners has signed; without
///     keys any file will do
/// @param hostFallback whether a model that {@link Portolan#load} gives goes on on the host when its device is lost; the
///     file needs a target for the host
public record SessionOptions(
        int concurrentRuns, int waitingRuns, long arenaLimit, long lateLimit, List<PublicKey> trustedKeys,
        boolean hostFallback) {
    private static final SessionOptions DEFAULTS = new SessionOptions(
            Math.max(4, Runtime.getRuntime().availableProcessors()), 1 << 16, 8L << 30, 512L << 20, List.of(), false);

    public SessionOptions {
        trustedKeys = List.copyOf(trustedKeys);
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
        return new SessionOptions(runs, waitingRuns, arenaLimit, lateLimit, trustedKeys, hostFallback);
    }

    public SessionOptions withWaitingRuns(int runs) {
        return new SessionOptions(concurrentRuns, runs, arenaLimit, lateLimit, trustedKeys, hostFallback);
    }

    public SessionOptions withArenaLimit(long bytes) {
        return new SessionOptions(concurrentRuns, waitingRuns, bytes, lateLimit, trustedKeys, hostFallback);
    }

    public SessionOptions withLateLimit(long bytes) {
        return new SessionOptions(concurrentRuns, waitingRuns, arenaLimit, bytes, trustedKeys, hostFallback);
    }

    public SessionOptions withTrustedKeys(PublicKey... keys) {
        return new SessionOptions(concurrentRuns, waitingRuns, arenaLimit, lateLimit, List.of(keys), hostFallback);
    }

    public SessionOptions withHostFallback(boolean fallback) {
        return new SessionOptions(concurrentRuns, waitingRuns, arenaLimit, lateLimit, trustedKeys, fallback);
    }
}
