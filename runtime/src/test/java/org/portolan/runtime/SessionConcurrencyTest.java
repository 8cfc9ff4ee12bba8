package org.portolan.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.portolan.runtime.PortolanException.Cancelled;
import org.portolan.runtime.PortolanException.DeadlineExceeded;
import org.portolan.runtime.PortolanException.Overloaded;
import org.portolan.runtime.PortolanException.SessionClosed;
import org.portolan.runtime.device.JavaDevice;
import org.portolan.runtime.plan.Plan;

@Timeout(60)
class SessionConcurrencyTest {
    private static final String SCALE = """
            plan 1
            symbol n 1 100000
            input "x" f32 [n] slot 0
            output "y" f32 [n] slot 1
            slot input 0
            slot output 0
            slot temporary 0 n*4
            kernel "double"
            arena n*4
            steps {
              launch 0 [0, 2] [] grid [n] cost n*100 device 0 "a"
              launch 0 [2, 1] [] grid [n] cost n*100 device 0 "b"
            }
            """;

    private final AtomicInteger running = new AtomicInteger();
    private final AtomicInteger mostRunning = new AtomicInteger();
    private final CountDownLatch started = new CountDownLatch(1);
    private volatile boolean released;

    private final JavaDevice device = new JavaDevice(
            Map.of(
                    "double",
                    (words, begin, end) -> {
                        mostRunning.accumulateAndGet(running.incrementAndGet(), Math::max);
                        for (long i = begin; i < end; i++) {
                            words.f32(1, i, words.f32(0, i) * 2);
                        }
                        running.decrementAndGet();
                    },
                    "wait",
                    (words, begin, end) -> {
                        started.countDown();
                        while (!released) {
                            Thread.onSpinWait();
                        }
                    }),
            detached(),
            2);

    /// Whether the device's memory is its own.
    boolean detached() {
        return false;
    }

    @AfterEach
    void closeDevice() {
        device.close();
    }

    private Session open(String plan, SessionOptions options) {
        return Session.open(Plan.parse(plan), List.of(device), List.of(MemorySegment.NULL), _ -> MemorySegment.NULL,
                options);
    }

    private static Tensor input(int n, int seed) {
        var values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = seed + i;
        }
        return Tensor.of(values, n);
    }

    private static void runOnce(Session session, int n, int seed) {
        try (var outputs = session.run(Map.of("x", input(n, seed)))) {
            var y = outputs.get("y").asFloatBuffer();
            assertEquals(n, y.remaining());
            for (int i = 0; i < n; i++) {
                assertEquals(4f * (seed + i), y.get(i));
            }
        }
    }

    @Test
    void runsOfManyThreadsDoNotDisturbEachOther() throws Exception {
        try (var session = open(SCALE, SessionOptions.defaults().withConcurrentRuns(3));
                var executor = Executors.newFixedThreadPool(8)) {
            var futures = new ArrayList<Future<?>>();
            for (int thread = 0; thread < 8; thread++) {
                int seed = thread * 1000;
                futures.add(executor.submit(() -> {
                    for (int round = 0; round < 200; round++) {
                        runOnce(session, 1 + (round * 37 + seed) % 500, seed + round);
                    }
                }));
            }
            for (var future : futures) {
                future.get();
            }
        }
        assertTrue(mostRunning.get() >= 1);
    }

    @Test
    void closingWhileEightThreadsRunEndsEachRunWholeOrWithATypedError() throws Exception {
        try (var executor = Executors.newFixedThreadPool(9)) {
            for (int round = 0; round < 100; round++) {
                var session = open(SCALE, SessionOptions.defaults().withConcurrentRuns(2));
                var ready = new CountDownLatch(8);
                Callable<Throwable> client = () -> {
                    ready.countDown();
                    try {
                        while (true) {
                            runOnce(session, 64, 3);
                        }
                    } catch (SessionClosed e) {
                        return e;
                    } catch (Throwable e) {
                        return new AssertionError("not a typed error", e);
                    }
                };
                var futures = new ArrayList<Future<Throwable>>();
                for (int thread = 0; thread < 8; thread++) {
                    futures.add(executor.submit(client));
                }
                ready.await();
                session.close();
                assertEquals(0, running.get());
                for (var future : futures) {
                    assertInstanceOf(SessionClosed.class, future.get());
                }
                session.close();
            }
        }
    }

    @Test
    void aDeadlineEndsARunAndAWait() throws Exception {
        var session = open(SCALE.replace("double", "wait"), SessionOptions.defaults().withConcurrentRuns(1));
        try (var executor = Executors.newFixedThreadPool(2)) {
            try {
                var options = RunOptions.none().withTimeout(Duration.ofMillis(30));
                var first = executor.submit(() -> session.run(Map.of("x", input(8, 0)), options));
                started.await();
                assertThrows(DeadlineExceeded.class, () -> session.run(Map.of("x", input(8, 0)), options));
                released = true;
                assertInstanceOf(DeadlineExceeded.class, assertThrows(ExecutionException.class, first::get).getCause());
            } finally {
                released = true;
            }
        }
        session.close();
    }

    @Test
    void waitingRunsAreLimitedAndCanBeCancelled() throws Exception {
        var limits = SessionOptions.defaults().withConcurrentRuns(1).withWaitingRuns(1);
        var session = open(SCALE.replace("double", "wait"), limits);
        try (var executor = Executors.newFixedThreadPool(3)) {
            try {
                executor.submit(() -> session.run(Map.of("x", input(8, 0))));
                started.await();
                var token = new CancelToken();
                Callable<Outputs> waiter =
                        () -> session.run(Map.of("x", input(8, 0)), RunOptions.none().withCancelToken(token));
                var waiters = List.of(executor.submit(waiter), executor.submit(waiter));
                // One of the two waits, so the other is one too many.
                while (waiters.stream().noneMatch(Future::isDone)) {
                    Thread.onSpinWait();
                }
                token.cancel();
                var kinds = new HashSet<Class<?>>();
                for (var future : waiters) {
                    kinds.add(assertThrows(ExecutionException.class, future::get).getCause().getClass());
                }
                assertEquals(Set.of(Overloaded.class, Cancelled.class), kinds);
            } finally {
                released = true;
            }
        }
        session.close();
    }

    @Test
    void aTokenStopsARunBetweenChunks() throws Exception {
        var token = new CancelToken();
        var chunks = new AtomicInteger();
        var counting = new JavaDevice(
                Map.of("double", (words, begin, end) -> {
                    if (chunks.incrementAndGet() == 3) {
                        token.cancel();
                    }
                }),
                false,
                1);
        try (var session = Session.open(Plan.parse(SCALE), List.of(counting), List.of(MemorySegment.NULL),
                _ -> MemorySegment.NULL, SessionOptions.defaults())) {
            var options = RunOptions.none().withCancelToken(token);
            assertThrows(Cancelled.class, () -> session.run(Map.of("x", input(1000, 0)), options));
            assertEquals(3, chunks.get());
        }
    }
}
