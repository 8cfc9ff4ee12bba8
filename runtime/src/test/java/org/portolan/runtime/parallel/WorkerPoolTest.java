package org.portolan.runtime.parallel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.portolan.runtime.device.StopSignal;

@Timeout(60)
final class WorkerPoolTest {

    @Test
    void everyNumberIsDoneOnce() {
        for (int threads = 1; threads <= 4; threads++) {
            try (var pool = new WorkerPool(threads, "test"); var job = pool.openJob(StopSignal.NEVER)) {
                for (int round = 0; round < 300; round++) {
                    int size = 1 + round * 7 % 1000;
                    var done = new AtomicIntegerArray(size);
                    job.run((begin, end) -> {
                        for (long i = begin; i < end; i++) {
                            done.incrementAndGet((int) i);
                        }
                    }, size, 1 + round % 40);
                    for (int i = 0; i < size; i++) {
                        assertEquals(1, done.get(i));
                    }
                }
            }
        }
    }

    @Test
    void manyCallersShareThePool() throws Exception {
        try (var pool = new WorkerPool(3, "test"); var executor = Executors.newFixedThreadPool(6)) {
            var callers = new ArrayList<Future<?>>();
            for (int caller = 0; caller < 6; caller++) {
                callers.add(executor.submit(() -> {
                    try (var job = pool.openJob(StopSignal.NEVER)) {
                        for (int round = 0; round < 2000; round++) {
                            var sum = new AtomicLong();
                            job.run((begin, end) -> sum.addAndGet(end - begin), 100 + round, 16);
                            assertEquals(100 + round, sum.get());
                        }
                    }
                }));
            }
            for (var caller : callers) {
                caller.get();
            }
        }
    }

    @Test
    void workersThatSleepAreWoken() {
        try (var pool = new WorkerPool(2, "test"); var job = pool.openJob(StopSignal.NEVER)) {
            for (int round = 0; round < 20; round++) {
                LockSupport.parkNanos(2_000_000);
                var names = new ConcurrentSkipListSet<String>();
                // Two chunks that wait for each other: one thread alone could not end them.
                var both = new CyclicBarrier(2);
                job.run((begin, end) -> {
                    names.add(Thread.currentThread().getName());
                    try {
                        both.await();
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                }, 2, 2);
                assertEquals(2, names.size());
            }
        }
    }

    @Test
    void stopsBetweenChunksAndLeavesNoneRunning() {
        var stop = new AtomicBoolean();
        try (var pool = new WorkerPool(3, "test"); var job = pool.openJob(stop::get)) {
            for (int round = 0; round < 200; round++) {
                stop.set(false);
                var running = new AtomicLong();
                var chunks = new AtomicLong();
                job.run((begin, end) -> {
                    running.incrementAndGet();
                    long number = chunks.incrementAndGet();
                    if (number == 5) {
                        stop.set(true);
                    }
                    // Whoever comes later waits for the signal, so that each thread runs at most one chunk beyond it.
                    while (number > 5 && !stop.get()) {
                        Thread.onSpinWait();
                    }
                    running.decrementAndGet();
                }, 1000, 1000);
                assertEquals(0, running.get());
                assertTrue(chunks.get() >= 5 && chunks.get() <= 8, chunks + " chunks");
            }
        }
    }

    @Test
    void aTasksExceptionReachesTheCallerAndThePoolGoesOn() {
        try (var pool = new WorkerPool(2, "test"); var job = pool.openJob(StopSignal.NEVER)) {
            var error = assertThrows(IllegalStateException.class, () -> job.run((begin, end) -> {
                throw new UnsupportedOperationException("planted");
            }, 10, 10));
            assertEquals("planted", error.getCause().getMessage());
            var sum = new AtomicLong();
            job.run((begin, end) -> sum.addAndGet(end - begin), 10, 10);
            assertEquals(10, sum.get());
        }
    }
}
