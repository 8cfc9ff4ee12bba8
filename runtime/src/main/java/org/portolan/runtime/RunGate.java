package org.portolan.runtime;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/// Counts the runs of a session and keeps out those that come after its closing.
final class RunGate {
    private static final int CLOSED = 1 << 31;

    /// The number of runs inside, and the closed bit.
    private final AtomicInteger state = new AtomicInteger();
    private final CountDownLatch empty = new CountDownLatch(1);
    private final CountDownLatch freed = new CountDownLatch(1);

    void enter() {
        if (state.incrementAndGet() < 0) {
            leave();
            throw failure();
        }
    }

    void leave() {
        if (state.decrementAndGet() == CLOSED) {
            empty.countDown();
        }
    }

    /// Ends a run that has not begun its work.
    void check() {
        if (state.get() < 0) {
            throw failure();
        }
    }

    /// Closes the gate and waits until the last run has left.
    ///
    /// @return false if it was closed before; nothing is waited for then
    boolean close() {
        int before = state.getAndUpdate(value -> value | CLOSED);
        if (before < 0) {
            return false;
        }
        if (before > 0) {
            await(empty);
        }
        return true;
    }

    /// Says that everything has been freed.
    void closed() {
        freed.countDown();
    }

    void awaitClosed() {
        await(freed);
    }

    /// Waits even if interrupted: memory must not be freed under a kernel.
    private static void await(CountDownLatch latch) {
        boolean interrupted = false;
        while (true) {
            try {
                latch.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static PortolanException failure() {
        return new PortolanException.SessionClosed("the session is closed; open the model again");
    }
}
