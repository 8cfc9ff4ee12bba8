package org.portolan.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.device.JavaDevice;
import org.portolan.runtime.device.JavaDevice.Body;
import org.portolan.runtime.plan.Plan;

/// A device with little memory.
final class DeviceMemoryTest {
    private static final String PLAN =
            """
            plan 1
            symbol n 1 100000
            input "x" f32 [n] slot 0
            output "y" f32 [n] slot 1
            slot input 0
            slot output 0
            slot temporary 0 4*n
            slot weight "w" 0 WEIGHT
            kernel "double"
            arena ceildiv(4*n,64)*64
            steps {
              launch 0 [0, 2] [] grid [n] cost n device 0 writes [1] "first"
              launch 0 [2, 1] [] grid [n] cost n device 0 writes [1] "second"
            }
            """;

    private static final Body DOUBLE = (words, begin, end) -> {
        for (long i = begin; i < end; i++) {
            words.f32(1, i, words.f32(0, i) * 2);
        }
    };

    private static Session open(String plan, JavaDevice device) {
        return Session.open(
                Plan.parse(plan),
                List.of(device),
                List.of(MemorySegment.NULL),
                _ -> Arena.ofAuto().allocate(100_000),
                SessionOptions.defaults().withConcurrentRuns(2));
    }

    private static void run(Session session, int n) {
        var x = new float[n];
        x[n - 1] = 3;
        try (var outputs = session.run(Map.of("x", Tensor.of(x, n)))) {
            var y = outputs.get("y").toFloatArray();
            assertEquals(n, y.length);
            assertArrayEquals(new float[] {12}, new float[] {y[n - 1]});
        }
    }

    @Test
    void weightsThatDoNotFitAreRefusedBeforeAnythingIsTaken() {
        var device = new JavaDevice(Map.of("double", DOUBLE), true, 1, 65_536);
        var error = assertThrows(LimitExceeded.class, () -> open(PLAN.replace("WEIGHT", "70000"), device));
        assertTrue(error.getMessage().contains("70016") && error.getMessage().contains("65536"), error.getMessage());
        assertEquals(65_536, device.freeBytes());
    }

    @Test
    void aPlanWithoutSymbolsIsRefusedWhenItIsLoaded() {
        var device = new JavaDevice(Map.of("double", DOUBLE), true, 1, 65_536);
        var plan = PLAN.replace("symbol n 1 100000\n", "").replace("[n]", "[5000]").replace("4*n", "20000")
                .replace("cost n", "cost 1").replace("WEIGHT", "8000");
        var error = assertThrows(LimitExceeded.class, () -> open(plan, device));
        assertTrue(error.getMessage().contains("needs 8000 bytes"), error.getMessage());
        assertTrue(error.getMessage().contains("60032") && error.getMessage().contains("65536"), error.getMessage());
        assertEquals(65_536, device.freeBytes());
    }

    @Test
    void aRunThatDoesNotFitIsRefusedBeforeAnythingIsTaken() {
        var device = new JavaDevice(Map.of("double", DOUBLE), true, 1, 65_536);
        try (var session = open(PLAN.replace("WEIGHT", "8000"), device)) {
            run(session, 1000);
            long free = device.freeBytes();
            var error = assertThrows(LimitExceeded.class, () -> run(session, 5000));
            assertTrue(error.getMessage().contains("65536"), error.getMessage());
            assertEquals(free, device.freeBytes());
            run(session, 1000);
        }
        assertEquals(65_536, device.freeBytes());
    }

    /// Two runs at once leave two states behind; a larger run needs the memory of both.
    @Test
    void idleRunStatesGiveTheirMemoryToOneThatNeedsIt() throws Exception {
        var together = new CyclicBarrier(2);
        var meet = new boolean[] {true};
        Body meeting = (words, begin, end) -> {
            if (meet[0] && begin == 0) {
                try {
                    together.await(10, TimeUnit.SECONDS);
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }
            DOUBLE.run(words, begin, end);
        };
        var device = new JavaDevice(Map.of("double", meeting), true, 1, 65_536);
        try (var session = open(PLAN.replace("WEIGHT", "8000"), device)) {
            try (var threads = Executors.newFixedThreadPool(2)) {
                var first = threads.submit(() -> run(session, 2000));
                var second = threads.submit(() -> run(session, 2000));
                first.get();
                second.get();
            }
            meet[0] = false;
            assertTrue(device.freeBytes() < 12_000, () -> "both states hold memory, and " + device.freeBytes() + " are left");
            run(session, 4000);
            run(session, 4000);
            assertTrue(device.freeBytes() > 0);
        }
        assertEquals(65_536, device.freeBytes());
    }
}
