package org.portolan.runtime;

import org.portolan.runtime.device.StopSignal;

/// Deadline and cancel token of one run.
final class RunControl implements StopSignal {
    static final RunControl NONE = new RunControl(RunOptions.none());
    /// More than anybody waits, and far from overflow.
    private static final long LONGEST_NANOS = Long.MAX_VALUE / 4;

    private final CancelToken token;
    private final boolean limited;
    private final long timeoutNanos;
    private final long deadline;

    private RunControl(RunOptions options) {
        token = options.cancelToken().orElse(null);
        limited = options.timeout().isPresent();
        timeoutNanos = options.timeout().map(timeout -> {
            boolean representable = timeout.getSeconds() < LONGEST_NANOS / 1_000_000_000L;
            return representable ? Math.max(0, timeout.toNanos()) : LONGEST_NANOS;
        }).orElse(LONGEST_NANOS);
        deadline = System.nanoTime() + timeoutNanos;
    }

    static RunControl of(RunOptions options) {
        return options.timeout().isEmpty() && options.cancelToken().isEmpty() ? NONE : new RunControl(options);
    }

    /// Whether anything can end the run early.
    boolean isLimited() {
        return this != NONE;
    }

    long remainingNanos() {
        return limited ? deadline - System.nanoTime() : LONGEST_NANOS;
    }

    @Override
    public boolean stopped() {
        return token != null && token.isCancelled() || limited && deadline - System.nanoTime() <= 0;
    }

    /// Ends the run if it should stop.
    void check() {
        if (stopped()) {
            throw failure();
        }
    }

    PortolanException failure() {
        return token != null && token.isCancelled()
                ? new PortolanException.Cancelled("the run was cancelled")
                : new PortolanException.DeadlineExceeded(
                        "the run did not end within its timeout of " + timeoutNanos / 1_000_000.0 + " ms");
    }
}
