package org.portolan.runtime.parallel;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.portolan.runtime.device.StopSignal;

/// A caller's ranges, one at a time, cut into chunks that the caller and the pool's workers claim from one counter.
public final class ParallelJob implements AutoCloseable {
    /// The most chunks of one range.
    public static final int MOST_CHUNKS = 1 << 20;

    private static final int CHUNK_BITS = 24;
    private static final long CHUNK_MASK = (1L << CHUNK_BITS) - 1;
    private static final long SPIN_NANOS = 50_000;

    private final WorkerPool pool;
    private final StopSignal stop;
    /// The number of the range and below it that of the next chunk; all ones there: no chunk can be claimed. The fields
    /// of a range change only while that is so and under a new number, so a claim that succeeds has read the right
    /// ones.
    private final AtomicLong state = new AtomicLong(CHUNK_MASK);
    private final AtomicInteger finished = new AtomicInteger();
    private RangeTask task;
    private long total;
    private int chunks;
    private volatile Throwable failure;
    private volatile Thread waiter;

    ParallelJob(WorkerPool pool, StopSignal stop) {
        this.pool = pool;
        this.stop = stop;
    }

    /// Runs a task over a range and returns when all of it is done, or when the stop signal was seen and no part is
    /// running any more.
    ///
    /// @param total the range is from 0 to this
    /// @param wantedChunks into how many parts to cut it; at most {@link #MOST_CHUNKS}, and one for each number
    public void run(RangeTask rangeTask, long total, long wantedChunks) {
        int count = (int) Math.max(1, Math.min(Math.min(total, wantedChunks), MOST_CHUNKS));
        long number = (state.get() >>> CHUNK_BITS) + 1;
        state.set(number << CHUNK_BITS | CHUNK_MASK);
        task = rangeTask;
        this.total = total;
        chunks = count;
        finished.set(0);
        failure = null;
        state.set(number + 1 << CHUNK_BITS);
        if (count > 1 && pool.threads() > 1) {
            pool.wake(count - 1);
        }
        help();
        int claimed = shut();
        awaitFinished(claimed);
        task = null;
        if (failure != null) {
            throw new IllegalStateException("a kernel's call failed", failure);
        }
    }

    boolean hasWork() {
        long seen = state.get();
        return (seen & CHUNK_MASK) < chunks;
    }

    /// Takes chunks until there are none, and says whether there was one.
    boolean help() {
        boolean worked = false;
        while (true) {
            long seen = state.get();
            int chunk = (int) (seen & CHUNK_MASK);
            int count = chunks;
            long size = total;
            var work = task;
            if (chunk >= count || work == null || stop.stopped()) {
                return worked;
            }
            if (state.compareAndSet(seen, seen + 1)) {
                runChunk(work, begin(chunk, count, size), begin(chunk + 1, count, size));
                worked = true;
            }
        }
    }

    /// Where a chunk begins, so that sizes differ by one at most.
    private static long begin(int chunk, int count, long size) {
        return chunk * (size / count) + Math.min(chunk, size % count);
    }

    private void runChunk(RangeTask work, long begin, long end) {
        try {
            work.run(begin, end);
        } catch (Throwable e) {
            failure = e;
        } finally {
            finished.incrementAndGet();
            var waiting = waiter;
            if (waiting != null) {
                LockSupport.unpark(waiting);
            }
        }
    }

    /// Lets no further chunk be claimed, and says how many have been.
    private int shut() {
        while (true) {
            long seen = state.get();
            if (state.compareAndSet(seen, seen | CHUNK_MASK)) {
                return (int) (seen & CHUNK_MASK);
            }
        }
    }

    private void awaitFinished(int claimed) {
        if (finished.get() == claimed) {
            return;
        }
        long start = System.nanoTime();
        while (System.nanoTime() - start < SPIN_NANOS) {
            if (finished.get() == claimed) {
                return;
            }
            Thread.onSpinWait();
        }
        waiter = Thread.currentThread();
        while (finished.get() != claimed) {
            LockSupport.park(this);
        }
        waiter = null;
    }

    /// Leaves the pool; no range may be under way.
    @Override
    public void close() {
        pool.forget(this);
    }
}
