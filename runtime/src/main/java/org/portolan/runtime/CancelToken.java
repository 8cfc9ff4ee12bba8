package org.portolan.runtime;

/// Stops runs from another thread. A run that sees its token cancelled ends with
/// {@link PortolanException.Cancelled}; one token may serve many runs, and stays cancelled.
public final class CancelToken {
    private volatile boolean cancelled;

    public void cancel() {
        cancelled = true;
    }

    public boolean isCancelled() {
        return cancelled;
    }
}
