package org.portolan.runtime.parallel;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.portolan.runtime.device.StopSignal;

/// A fixed number of threads that help callers with ranges of work. Callers do not hand work over: they take chunks
/// themselves, from the same counter as the workers, so that a worker which is not scheduled costs nothing. Workers
/// spin for a moment when there is nothing to do, then sleep.
public final class WorkerPool implements AutoCloseable {
    private static final long SPIN_NANOS = 50_000;

    private final Worker[] workers;
    private volatile ParallelJob[] jobs = {};
    private volatile boolean closed;

    /// @param threads that work on one range, the caller's included
    /// @param name of the threads
    public WorkerPool(int threads, String name) {
        if (threads < 1) {
            throw new IllegalArgumentException("a pool needs at least one thread, not " + threads);
        }
        workers = new Worker[threads - 1];
        for (int index = 0; index < workers.length; index++) {
            workers[index] = new Worker(name + "-" + (index + 1));
        }
        for (var worker : workers) {
            worker.thread.start();
        }
    }

    /// Threads that work on one range, the caller's included.
    public int threads() {
        return workers.length + 1;
    }

    /// Opens a job, with which one caller at a time runs one range after the other.
    ///
    /// @param stop asked before each chunk
    public synchronized ParallelJob openJob(StopSignal stop) {
        var job = new ParallelJob(this, stop);
        var more = Arrays.copyOf(jobs, jobs.length + 1);
        more[jobs.length] = job;
        jobs = more;
        return job;
    }

    synchronized void forget(ParallelJob job) {
        List<ParallelJob> fewer = new ArrayList<>(Arrays.asList(jobs));
        fewer.remove(job);
        jobs = fewer.toArray(ParallelJob[]::new);
    }

    /// Wakes up to so many sleeping workers.
    void wake(int count) {
        int left = count;
        for (int index = 0; index < workers.length && left > 0; index++) {
            var worker = workers[index];
            if (worker.asleep) {
                worker.asleep = false;
                LockSupport.unpark(worker.thread);
            }
            left--;
        }
    }

    /// Ends the workers; no range may be under way.
    @Override
    public void close() {
        closed = true;
        for (var worker : workers) {
            LockSupport.unpark(worker.thread);
        }
    }

    private final class Worker implements Runnable {
        final Thread thread;
        volatile boolean asleep;

        Worker(String name) {
            thread = Thread.ofPlatform().name(name).daemon(true).unstarted(this);
        }

        @Override
        public void run() {
            long idleSince = System.nanoTime();
            while (!closed) {
                if (help()) {
                    idleSince = System.nanoTime();
                } else if (System.nanoTime() - idleSince < SPIN_NANOS) {
                    Thread.onSpinWait();
                } else {
                    sleep();
                    idleSince = System.nanoTime();
                }
            }
        }

        private boolean help() {
            boolean worked = false;
            for (var job : jobs) {
                worked |= job.help();
            }
            return worked;
        }

        private void sleep() {
            asleep = true;
            // A caller publishes its range first and looks for sleepers afterwards: one of the two sees the other.
            if (!closed && !hasWork()) {
                LockSupport.park(this);
            }
            asleep = false;
        }

        private boolean hasWork() {
            for (var job : jobs) {
                if (job.hasWork()) {
                    return true;
                }
            }
            return false;
        }
    }
}
