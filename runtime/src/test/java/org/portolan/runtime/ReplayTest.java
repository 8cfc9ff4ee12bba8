package org.portolan.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.RunFailed;
import org.portolan.runtime.PortolanException.SessionClosed;
import org.portolan.runtime.device.JavaDevice;
import org.portolan.runtime.device.JavaDevice.Body;
import org.portolan.runtime.plan.Plan;

/// What a queue captures once and replays: that it is replayed, and that it never is where it would be wrong.
final class ReplayTest {
    private static final Map<String, Body> KERNELS = Map.of(
            "double",
            (words, begin, end) -> {
                for (long i = begin; i < end; i++) {
                    words.f32(1, i, words.f32(0, i) * 2);
                }
            },
            "add-numbers",
            (words, begin, end) -> {
                for (long i = begin; i < end; i++) {
                    words.f32(0, i, words.f32(0, i) + words.i64(1, i));
                }
            },
            "not-negative",
            (words, begin, end) -> {
                for (long i = begin; i < end; i++) {
                    if (words.f32(0, i) < 0) {
                        words.fail(3, 1);
                    }
                }
            });

    /// y = 8 x: three launches over the shape.
    private static final String CHAIN =
            """
            plan 1
            symbol n 1 100000
            input "x" f32 [n] slot 0
            output "y" f32 [n] slot 1
            slot input 0
            slot output 0
            slot temporary 0 4*n
            slot temporary ceildiv(4*n,64)*64 4*n
            kernel "double"
            kernel "not-negative"
            arena 2*ceildiv(4*n,64)*64
            steps {
              launch 1 [0] [] grid [n] cost n device 0 writes [] "check"
              launch 0 [0, 2] [] grid [n] cost n device 0 writes [1] "first"
              launch 0 [2, 3] [] grid [n] cost n device 0 writes [1] "second"
              launch 0 [3, 1] [] grid [n] cost n device 0 writes [1] "third"
            }
            """;

    private static Session open(String plan, JavaDevice device, SessionOptions options) {
        return Session.open(
                Plan.parse(plan), List.of(device), List.of(MemorySegment.NULL), _ -> MemorySegment.NULL, options);
    }

    private static void assertRun(Session session, int n, float first) {
        var x = new float[n];
        var expected = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = first + i;
            expected[i] = 8 * x[i];
        }
        try (var outputs = session.run(Map.of("x", Tensor.of(x, n)))) {
            assertArrayEquals(expected, outputs.get("y").toFloatArray());
        }
    }

    @Test
    void theThirdRunIsGivenToTheDeviceAtOnce() {
        var device = new JavaDevice(KERNELS, true, 1);
        try (var session = open(CHAIN, device, SessionOptions.defaults())) {
            assertRun(session, 5, 1);
            assertEquals(6, device.submissions(), "two copies and four launches");
            assertEquals(0, device.captures());
            assertRun(session, 5, 2);
            assertEquals(9, device.submissions(), "two copies and the row that was captured");
            assertEquals(1, device.captures());
            for (int run = 3; run < 10; run++) {
                assertRun(session, 5, run);
            }
            assertEquals(1, device.captures());
            assertEquals(9 + 7 * 3, device.submissions());
        }
        assertEquals(0, device.openCaptures());
    }

    @Test
    void eachShapeHasItsOwn() {
        var device = new JavaDevice(KERNELS, true, 1);
        try (var session = open(CHAIN, device, SessionOptions.defaults())) {
            // The largest first, so that memory stays where it is.
            for (int round = 0; round < 4; round++) {
                for (int n : new int[] {900, 100, 7}) {
                    assertRun(session, n, round);
                }
            }
            assertEquals(3, device.captures());
        }
        assertEquals(0, device.openCaptures());
    }

    @Test
    void memoryThatMovesIsNoticed() {
        var device = new JavaDevice(KERNELS, true, 1);
        try (var session = open(CHAIN, device, SessionOptions.defaults())) {
            for (int n : new int[] {5, 5, 5, 50_000, 5, 5, 5}) {
                assertRun(session, n, 1);
            }
            assertEquals(2, device.captures(), "for 5, and for 5 when its memory had moved");
            assertEquals(1, device.openCaptures());
        }
        assertEquals(0, device.openCaptures());
    }

    @Test
    void shapesThatHaveNotComeForLongAreForgotten() {
        var device = new JavaDevice(KERNELS, true, 1);
        try (var session = open(CHAIN, device, SessionOptions.defaults())) {
            for (int n = 60; n > 0; n--) {
                assertRun(session, n, 1);
                assertRun(session, n, 2);
                assertRun(session, n, 3);
            }
            assertEquals(60, device.captures());
            assertEquals(8, device.openCaptures());
        }
        assertEquals(0, device.openCaptures());
    }

    @Test
    void aQueueThatRefusesIsNotAskedAgain() {
        var device = new JavaDevice(KERNELS, true, 1);
        device.captureNothing();
        try (var session = open(CHAIN, device, SessionOptions.defaults())) {
            for (int run = 0; run < 6; run++) {
                assertRun(session, 5, run);
            }
            assertEquals(1, device.captures());
            assertEquals(6 * 6, device.submissions());
        }
    }

    @Test
    void anErrorInAReplayEndsThatRunOnly() {
        var device = new JavaDevice(KERNELS, true, 1);
        try (var session = open(CHAIN, device, SessionOptions.defaults())) {
            for (int run = 0; run < 6; run++) {
                assertRun(session, 5, 1);
                var negative = Map.of("x", Tensor.of(new float[] {1, -1, 1, 1, 1}, 5));
                assertThrows(RunFailed.class, () -> session.run(negative));
            }
            assertEquals(1, device.captures());
        }
    }

    @Test
    void runsWithADeadlineReplayAndKeepIt() {
        var device = new JavaDevice(KERNELS, true, 1);
        var steps = new StringBuilder();
        for (int i = 0; i < 300; i++) {
            steps.append("  launch 0 [0, 2] [] grid [n] cost n device 0 writes [1] \"one of many\"\n");
        }
        var plan = CHAIN.replace("steps {\n", "steps {\n" + steps);
        try (var session = open(plan, device, SessionOptions.defaults())) {
            var options = RunOptions.none().withTimeout(Duration.ofMinutes(10));
            for (int run = 0; run < 4; run++) {
                session.run(Map.of("x", Tensor.of(new float[] {1}, 1)), options).close();
            }
            assertEquals(5, device.captures(), "304 launches, 64 at once at most");
            assertThrows(
                    PortolanException.DeadlineExceeded.class,
                    () -> session.run(
                            Map.of("x", Tensor.of(new float[] {1}, 1)), RunOptions.none().withTimeout(Duration.ZERO)));
            assertRun(session, 1, 3);
        }
        assertEquals(0, device.openCaptures());
    }

    /// The loop's body is one stretch; the count that the loop ends with is not.
    @Test
    void whatARunFindsOutIsNotCaptured() {
        var plan =
                """
                plan 1
                symbol n 1 1000
                symbol i 0 1000
                symbol trips 0 1000
                input "x" f32 [n] slot 0
                output "y" f32 [n] slot 1
                slot input 0
                slot output 0
                slot temporary 0 4*n
                slot temporary ceildiv(4*n,64)*64 64
                kernel "double"
                kernel "add-numbers"
                arena ceildiv(4*n,64)*64+64
                steps {
                  copy 0 0 to 1 0 bytes 4*n
                  loop limit 3 while - iteration i trips trips carry [] {
                    launch 0 [1, 2] [] grid [n] cost n device 0 writes [1] "double"
                    copy 2 0 to 1 0 bytes 4*n
                    write-dims 3 i64 [i]
                    launch 1 [1, 3] [] grid [1] cost 1 device 0 writes [0] "the count"
                  }
                }
                """;
        var device = new JavaDevice(KERNELS, true, 1);
        try (var session = open(plan, device, SessionOptions.defaults())) {
            for (int run = 0; run < 4; run++) {
                try (var outputs = session.run(Map.of("x", Tensor.of(new float[] {1 + run, 10}, 2)))) {
                    assertArrayEquals(
                            new float[] {8 * (1 + run) + 2 + 2, 80}, outputs.get("y").toFloatArray());
                }
            }
            assertEquals(1, device.captures());
        }
    }

    /// Two steps on the host in a row bring what both read once; what the device has written since, by a replay too, is brought
    /// again.
    @Test
    void theHostSeesWhatAReplayHasWritten() {
        var plan =
                """
                plan 1
                symbol n 1 1000
                input "x" f32 [n] slot 0
                output "y" f32 [n] slot 1
                slot input 0
                slot output 0
                slot temporary 0 4*n
                slot temporary ceildiv(4*n,64)*64 4*n
                kernel "double"
                arena 2*ceildiv(4*n,64)*64
                steps {
                  launch 0 [0, 2] [] grid [n] cost n device 0 writes [1] "device"
                  launch 0 [2, 3] [] grid [n] cost n device 0 writes [1] "device"
                  launch 0 [3, 2] [] grid [n] cost n device 1 writes [1] "host"
                  launch 0 [2, 1] [] grid [n] cost n device 1 writes [1] "host"
                  launch 0 [1, 2] [] grid [n] cost n device 0 writes [1] "device"
                  copy 2 0 to 1 0 bytes 4*n
                  launch 0 [1, 3] [] grid [n] cost n device 1 writes [1] "host"
                  launch 0 [3, 1] [] grid [n] cost n device 0 writes [1] "device"
                }
                """;
        var device = new JavaDevice(KERNELS, true, 1);
        var host = new JavaDevice(KERNELS, false, 1);
        try (var session = Session.open(
                Plan.parse(plan), List.of(device, host), List.of(MemorySegment.NULL, MemorySegment.NULL),
                _ -> MemorySegment.NULL, SessionOptions.defaults())) {
            for (int run = 0; run < 4; run++) {
                int before = device.submissions();
                try (var outputs = session.run(Map.of("x", Tensor.of(new float[] {1 + run, -3}, 2)))) {
                    assertArrayEquals(new float[] {128 * (1 + run), -384}, outputs.get("y").toFloatArray());
                }
                // In and out; to the host 3 and 2, then 1 without 2, then 1 anew without 3; back 2, 1 and 3.
                int copies = 2 + 4 + 3;
                assertEquals(copies + (run == 0 ? 5 : 3), device.submissions() - before, "run " + run);
            }
            assertEquals(2, device.captures());
        }
    }

    @Test
    void manyThreadsReplayTheirOwn() throws Exception {
        var device = new JavaDevice(KERNELS, true, 2);
        try (var session = open(CHAIN, device, SessionOptions.defaults().withConcurrentRuns(3));
                var threads = Executors.newFixedThreadPool(6)) {
            List<Future<?>> runs = IntStream.range(0, 200)
                    .<Future<?>>mapToObj(run -> threads.submit(() -> assertRun(session, 1 + run % 3, run)))
                    .toList();
            for (var run : runs) {
                run.get();
            }
        }
        assertEquals(0, device.openCaptures());
    }

    @Test
    void closingWaitsForAReplay() throws Exception {
        var inside = new CountDownLatch(1);
        var goOn = new CountDownLatch(1);
        var runs = new int[1];
        Body slow = (words, begin, end) -> {
            if (begin == 0 && ++runs[0] == 4) {
                inside.countDown();
                try {
                    goOn.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
        };
        var kernels = Map.of("double", KERNELS.get("double"), "not-negative", slow);
        var device = new JavaDevice(kernels, true, 1);
        var session = open(CHAIN, device, SessionOptions.defaults());
        for (int run = 0; run < 3; run++) {
            assertRun(session, 3, run);
        }
        assertEquals(1, device.openCaptures());
        try (var threads = Executors.newCachedThreadPool()) {
            var running = threads.submit(() -> assertRun(session, 3, 9));
            inside.await();
            var closing = threads.submit(session::close);
            Thread.sleep(20);
            assertTrue(!closing.isDone());
            assertEquals(1, device.openCaptures());
            goOn.countDown();
            running.get();
            closing.get();
        }
        assertEquals(0, device.openCaptures());
        assertThrows(SessionClosed.class, () -> assertRun(session, 3, 1));
    }

    @Test
    void aDeviceThatIsLostInBetweenSaysSo() {
        var device = new JavaDevice(KERNELS, true, 1);
        try (var session = open(CHAIN, device, SessionOptions.defaults())) {
            for (int run = 0; run < 3; run++) {
                assertRun(session, 3, run);
            }
            device.lose();
            assertThrows(DeviceLost.class, () -> assertRun(session, 3, 1));
        }
    }
}
