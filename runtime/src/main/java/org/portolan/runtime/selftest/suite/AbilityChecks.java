package org.portolan.runtime.selftest.suite;

import static org.portolan.runtime.selftest.suite.Expect.equal;
import static org.portolan.runtime.selftest.suite.Expect.fails;
import static org.portolan.runtime.selftest.suite.Expect.skip;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.device.CapturingQueue;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.device.Queue;

/// What only some devices can do; on the others these checks are skipped, and say so.
final class AbilityChecks {
    private AbilityChecks() {}

    static List<Check> all() {
        return List.of(
                new Check("a captured row is replayed", AbilityChecks::replay),
                new Check("an error in a captured row is reported", AbilityChecks::replayedError),
                new Check("a capture that fails leaves the queue as it was", AbilityChecks::brokenCapture),
                new Check("captured rows of several threads", AbilityChecks::replayingThreads));
    }

    private static CapturingQueue capturing(Queue queue) {
        if (queue instanceof CapturingQueue capturing) {
            return capturing;
        }
        return skip("skipped: the device does not capture");
    }

    private static CapturingQueue.Captured captured(CapturingQueue queue, Runnable steps) {
        return queue.capture(steps).orElseGet(() -> skip("skipped: the driver refuses to capture"));
    }

    private static void replay(Rig rig) {
        try (var image = rig.load(); var plain = rig.queue()) {
            var queue = capturing(plain);
            long x = rig.in(queue, rig.copy(1f, 2f, 3f));
            long y = rig.in(queue, rig.copy(0f, 0f, 0f));
            long z = rig.in(queue, rig.copy(-1f, -1f, -1f));
            try (var row = captured(queue, () -> {
                KernelChecks.launch(rig, queue, image.kernel("add"), new long[] {3}, x, y, y, 3);
                KernelChecks.launch(rig, queue, image.kernel("add"), new long[] {0}, x, y, y, 3);
                KernelChecks.launch(rig, queue, image.kernel("add"), new long[] {3}, x, y, y, 3);
                queue.copy(y + 4, z, 8);
            })) {
                equal(new float[] {0, 0, 0}, rig.floats(queue, y, 3), "nothing is done before it is replayed");
                for (int round = 1; round <= 50; round++) {
                    row.replay();
                }
                equal(new float[] {200, 300, -1}, rig.floats(queue, z, 3));
                // Other data at the same places, and other work in between.
                queue.copyIn(rig.copy(5f, 5f, 5f), x, 12);
                KernelChecks.launch(rig, queue, image.kernel("add"), new long[] {3}, x, x, y, 3);
                row.replay();
                equal(new float[] {20, 20, -1}, rig.floats(queue, z, 3));
                equal(0, queue.takeError());
            }
        }
    }

    private static void replayedError(Rig rig) {
        try (var image = rig.load(); var plain = rig.queue()) {
            var queue = capturing(plain);
            long x = rig.in(queue, rig.copy(10f, 20f, 30f));
            long ids = rig.in(queue, rig.copy(2L, 0L, 1L, 2L));
            long y = rig.in(queue, rig.copy(0f, 0f, 0f, 0f));
            try (var row = captured(
                    queue,
                    () -> KernelChecks.launch(rig, queue, image.kernel("gather"), new long[] {4}, x, ids, y, 3, 4))) {
                for (int round = 0; round < 3; round++) {
                    queue.copyIn(rig.copy(2L, 0L, 1L, 2L), ids, 32);
                    row.replay();
                    equal(0, queue.takeError());
                    equal(new float[] {30, 10, 20, 30}, rig.floats(queue, y, 4));
                    queue.copyIn(rig.copy(2L, 7L, 1L, 2L), ids, 32);
                    row.replay();
                    equal(KernelError.INDEX_OUT_OF_RANGE, KernelError.ofWord(queue.takeError()).code());
                    equal(0, queue.takeError());
                }
            }
        }
    }

    private static void brokenCapture(Rig rig) {
        try (var image = rig.load(); var plain = rig.queue()) {
            var queue = capturing(plain);
            long x = rig.in(queue, rig.copy(1f));
            long y = rig.in(queue, rig.copy(0f));
            fails(
                    IllegalStateException.class,
                    () -> queue.capture(() -> {
                        KernelChecks.launch(rig, queue, image.kernel("add"), new long[] {1}, x, y, y, 1);
                        throw new IllegalStateException("the plan is over");
                    }));
            KernelChecks.launch(rig, queue, image.kernel("add"), new long[] {1}, x, y, y, 1);
            equal(new float[] {1}, rig.floats(queue, y, 1));
            var row = captured(
                    queue, () -> KernelChecks.launch(rig, queue, image.kernel("add"), new long[] {1}, x, y, y, 1));
            row.replay();
            equal(new float[] {2}, rig.floats(queue, y, 1));
            row.close();
            row.close();
            fails(PortolanException.class, row::replay);
        }
    }

    private static void replayingThreads(Rig rig) throws Exception {
        int threads = 4;
        try (var image = rig.load(); var executor = Executors.newFixedThreadPool(threads)) {
            try (var queue = rig.queue()) {
                capturing(queue);
            }
            var results = new ArrayList<Future<float[]>>();
            for (int thread = 0; thread < threads; thread++) {
                float step = thread + 1;
                results.add(executor.submit(() -> {
                    try (var queue = capturing(rig.queue())) {
                        long x = rig.in(queue, rig.copy(step));
                        long y = rig.in(queue, rig.copy(0f));
                        for (int round = 0; round < 10; round++) {
                            // Others take and give back memory meanwhile.
                            rig.allocate(64 << round);
                            try (var row = captured(
                                    queue,
                                    () -> KernelChecks.launch(
                                            rig, queue, image.kernel("add"), new long[] {1}, x, y, y, 1))) {
                                row.replay();
                                row.replay();
                                queue.record().await();
                            }
                        }
                        return rig.floats(queue, y, 1);
                    }
                }));
            }
            for (int thread = 0; thread < threads; thread++) {
                equal(new float[] {20 * (thread + 1)}, results.get(thread).get());
            }
        }
    }
}
