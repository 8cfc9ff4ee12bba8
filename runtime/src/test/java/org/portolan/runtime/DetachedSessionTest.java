package org.portolan.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.runtime.PortolanException.Cancelled;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.DeviceMissing;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.device.JavaDevice;
import org.portolan.runtime.device.JavaDevice.Body;
import org.portolan.runtime.plan.Plan;

/// Sessions on a device whose memory the host cannot touch.
final class DetachedSessionTest {
    private static final Map<String, Body> KERNELS = Map.of(
            "double",
            (words, begin, end) -> {
                for (long i = begin; i < end; i++) {
                    words.f32(1, i, words.f32(0, i) * 2);
                }
            },
            "increment-in-place",
            (words, begin, end) -> {
                for (long i = begin; i < end; i++) {
                    words.f32(0, i, words.f32(0, i) + 1);
                }
            },
            "add-numbers", // adds the second buffer's i64 elements to the first's f32
            (words, begin, end) -> {
                for (long i = begin; i < end; i++) {
                    words.f32(0, i, words.f32(0, i) + words.i64(1, i));
                }
            });

    /// Three outputs, one of them twice, and numbers from the host on the way.
    private static final String NUMBERS =
            """
            plan 1
            symbol n 1 100000
            input "x" f32 [n] slot 0
            output "y" f32 [n] slot 1
            output "z" f32 [n] slot 2
            output "again" f32 [n] slot 2
            slot input 0
            slot output 0
            slot output 1
            slot temporary 0 64
            kernel "double"
            kernel "add-numbers"
            arena 64
            steps {
              launch 0 [0, 1] [] grid [n] cost n device 0 writes [1] "y"
              launch 0 [1, 2] [] grid [n] cost n device 0 writes [1] "z"
              write-dims 3 i64 [10*n]
              launch 1 [2, 3] [] grid [1] cost 1 device 0 writes [0] "first"
              write-dims 3 i64 [100*n]
              launch 1 [2, 3] [] grid [1] cost 1 device 0 writes [0] "second"
            }
            """;

    /// The middle kernel runs on the host: it reads the weight and the input there, and updates what the device wrote.
    private static final String BESIDE =
            """
            plan 1
            symbol n 1 1000
            input "x" f32 [n] slot 0
            input "numbers" i64 [n] slot 4
            output "y" f32 [n] slot 1
            slot input 0
            slot output 0
            slot temporary 0 4*n
            slot weight "w" 0 8
            slot input 1
            kernel "double"
            kernel "add-numbers"
            arena ceildiv(4*n,64)*64
            steps {
              launch 0 [0, 2] [] grid [n] cost n device 0 writes [1] "double"
              launch 1 [2, 4] [] grid [n] cost n device 1 WRITES "beside"
              launch 1 [2, 3] [] grid [1] cost 1 device 1 WRITES "weight"
              launch 0 [2, 1] [] grid [n] cost n device 0 writes [1] "double again"
            }
            """;

    private static Session open(String plan, JavaDevice... devices) {
        var weight = Arena.ofAuto().allocate(64, 64);
        weight.set(ValueLayout.JAVA_LONG, 0, 1000);
        return Session.open(
                Plan.parse(plan),
                List.of(devices),
                List.of(devices).stream().map(_ -> MemorySegment.NULL).toList(),
                _ -> weight,
                SessionOptions.defaults());
    }

    private static Tensor ramp(int n) {
        var x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = i;
        }
        return Tensor.of(x, n);
    }

    @Test
    void aRunWaitsOnce() {
        var device = new JavaDevice(KERNELS, true, 1);
        try (var session = open(NUMBERS, device)) {
            for (int run = 1; run <= 3; run++) {
                try (var outputs = session.run(Map.of("x", ramp(5)))) {
                    assertArrayEquals(new float[] {0, 2, 4, 6, 8}, outputs.get("y").toFloatArray());
                    assertArrayEquals(new float[] {550, 4, 8, 12, 16}, outputs.get("z").toFloatArray());
                    assertArrayEquals(new float[] {550, 4, 8, 12, 16}, outputs.get("again").toFloatArray());
                }
                assertEquals(run, device.waits());
            }
        }
    }

    @Test
    void numbersFromTheHostStayUntilTheDeviceHasThem() {
        var steps = new StringBuilder();
        for (int i = 0; i < 500; i++) {
            steps.append("  write-dims 2 i64 [").append(i).append("]\n");
            steps.append("  launch 0 [1, 2] [] grid [1] cost 1 device 0 writes [0] \"add\"\n");
        }
        var plan = """
                plan 1
                input "x" f32 [1] slot 0
                output "y" f32 [1] slot 1
                slot input 0
                slot output 0
                slot temporary 0 64
                kernel "add-numbers"
                arena 64
                steps {
                  copy 0 0 to 1 0 bytes 4
                STEPS}
                """.replace("STEPS", steps);
        try (var session = open(plan, new JavaDevice(KERNELS, true, 1));
                var outputs = session.run(Map.of("x", ramp(1)))) {
            assertArrayEquals(new float[] {500 * 499 / 2}, outputs.get("y").toFloatArray());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"writes [0]", ""})
    void kernelsOnTheHostWorkOnCopies(String writes) {
        var device = new JavaDevice(KERNELS, true, 1);
        var host = new JavaDevice(KERNELS, false, 2);
        try (var session = open(BESIDE.replace("WRITES", writes), device, host)) {
            for (int n : new int[] {3, 100, 7}) {
                var numbers = new long[n];
                var expected = new float[n];
                for (int i = 0; i < n; i++) {
                    numbers[i] = 10L * i;
                    expected[i] = 2 * (2 * i + 10 * i + (i == 0 ? 1000 : 0));
                }
                var inputs = Map.of("x", ramp(n), "numbers", Tensor.of(numbers, n));
                try (var outputs = session.run(inputs)) {
                    assertArrayEquals(expected, outputs.get("y").toFloatArray());
                }
            }
        }
    }

    @Test
    void kernelsBesideADeviceThatSharesMemoryWorkInPlace() {
        var device = new JavaDevice(KERNELS, false, 1);
        try (var session = open(BESIDE.replace("WRITES", ""), device, new JavaDevice(KERNELS, false, 1));
                var outputs = session.run(Map.of("x", ramp(2), "numbers", Tensor.of(new long[] {5, 6}, 2)))) {
            assertArrayEquals(new float[] {2010, 16}, outputs.get("y").toFloatArray());
        }
    }

    @Test
    void theHostIsTheSecondDevice() {
        var error = assertThrows(
                DeviceMissing.class,
                () -> open(BESIDE.replace("WRITES", ""), new JavaDevice(KERNELS, true, 1), new JavaDevice(KERNELS, true, 1)));
        assertTrue(error.getMessage().contains("give the host as the second one"), error.getMessage());
    }

    @Test
    void aLostDeviceEndsRunsAndRefusesLaterOnes() throws InterruptedException {
        var atWork = new CountDownLatch(1);
        var blocked = new CountDownLatch(1);
        Body waits = (_, _, _) -> {
            atWork.countDown();
            try {
                blocked.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        };
        var lost = new JavaDevice(Map.of("double", KERNELS.get("double"), "add-numbers", waits), true, 1);
        try (var session = Session.open(
                Plan.parse(NUMBERS),
                List.of(lost),
                List.of(MemorySegment.NULL),
                _ -> MemorySegment.NULL,
                SessionOptions.defaults().withConcurrentRuns(1))) {
            var failure = new AtomicReference<Throwable>();
            var waiting = new AtomicReference<Throwable>();
            var thread = Thread.ofPlatform().start(() -> {
                try {
                    session.run(Map.of("x", ramp(5))).close();
                } catch (Throwable e) {
                    failure.set(e);
                }
            });
            atWork.await();
            var waiter = Thread.ofPlatform().start(() -> waiting.set(
                    assertThrows(DeviceLost.class, () -> session.run(Map.of("x", ramp(5))))));
            lost.lose();
            waiter.join();
            blocked.countDown();
            thread.join();
            assertTrue(waiting.get() instanceof DeviceLost);
            assertTrue(failure.get() instanceof DeviceLost, () -> "" + failure.get());
            var later = assertThrows(DeviceLost.class, () -> session.run(Map.of("x", ramp(5))));
            assertTrue(later.getMessage().contains("load the model on another device"), later.getMessage());
        }
        assertThrows(DeviceLost.class, () -> open(NUMBERS, lost));
    }

    @Test
    void aRunThatDoesNotFitLeavesTheNextOneAlone() {
        var device = new JavaDevice(KERNELS, true, 1, 100_000);
        try (var session = open(NUMBERS, device)) {
            for (int round = 0; round < 3; round++) {
                var error = assertThrows(LimitExceeded.class, () -> session.run(Map.of("x", ramp(50_000))));
                assertTrue(error.getMessage().contains("java:emulated"), error.getMessage());
                try (var outputs = session.run(Map.of("x", ramp(2)))) {
                    assertArrayEquals(new float[] {0, 2}, outputs.get("y").toFloatArray());
                }
            }
        }
    }

    @Test
    void weightsThatDoNotFitAreRefusedWithTheirSize() {
        var plan = """
                plan 1
                input "x" f32 [1] slot 0
                output "y" f32 [1] slot 1
                slot input 0
                slot output 0
                slot weight "w" 0 64
                kernel "double"
                arena 0
                steps {
                  launch 0 [0, 1] [] grid [1] cost 1 device 0 "double"
                }
                """;
        var device = new JavaDevice(KERNELS, true, 1, 63);
        var error = assertThrows(LimitExceeded.class, () -> open(plan, device));
        assertTrue(error.getMessage().contains("needs 64 bytes"), error.getMessage());
    }

    @Test
    void whatCanBeCancelledIsNotFarAhead() {
        var plan = """
                plan 1
                symbol round 0 1000000
                symbol rounds 0 1000000
                input "x" f32 [1] slot 0
                output "y" f32 [1] slot 1
                slot input 0
                slot output 0
                kernel "increment-in-place"
                arena 0
                steps {
                  copy 0 0 to 1 0 bytes 4
                  loop limit 1000 while - iteration round trips rounds carry [] {
                    launch 0 [1] [] grid [1] cost 1 device 0 "increment"
                  }
                }
                """;
        var device = new JavaDevice(KERNELS, true, 1);
        try (var session = open(plan, device)) {
            var token = new CancelToken();
            var options = RunOptions.none().withCancelToken(token);
            try (var outputs = session.run(Map.of("x", ramp(1)), options)) {
                assertArrayEquals(new float[] {1000}, outputs.get("y").toFloatArray());
            }
            assertTrue(device.mostPending() < 200, () -> device.mostPending() + " pieces of work at once");
            token.cancel();
            assertThrows(Cancelled.class, () -> session.run(Map.of("x", ramp(1)), options));
            try (var outputs = session.run(Map.of("x", ramp(1)))) {
                assertArrayEquals(new float[] {1000}, outputs.get("y").toFloatArray());
            }
        }
    }
}
