package org.portolan.runtime.selftest.suite;

import static org.portolan.runtime.selftest.suite.Expect.equal;
import static org.portolan.runtime.selftest.suite.Expect.fails;
import static org.portolan.runtime.selftest.suite.Expect.holds;
import static org.portolan.runtime.selftest.suite.Expect.only;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.DeviceMissing;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.device.Faults;
import org.portolan.runtime.device.StopSignal;

/// Queues side by side, events, closing, and a device that is lost.
final class LifeChecks {
    private LifeChecks() {}

    static List<Check> all() {
        return List.of(
                new Check("events", LifeChecks::events),
                new Check("queues of several threads", LifeChecks::threads),
                new Check("two devices opened at once", LifeChecks::twice),
                new Check("another ordinal is missing", LifeChecks::missing),
                new Check("closed in any order, and opened again", LifeChecks::closing),
                new Check("use after closing is refused", LifeChecks::afterClosing),
                new Check("a lost device says so", LifeChecks::lost));
    }

    private static void events(Rig rig) {
        try (var image = rig.load(); var queue = rig.queue()) {
            var nothing = queue.record();
            nothing.await();
            holds(nothing.done());
            long y = rig.in(queue, rig.copy(0f));
            KernelChecks.launch(rig, queue, image.kernel("slow"), new long[] {1}, y, 1, 1000);
            var first = queue.record();
            KernelChecks.launch(rig, queue, image.kernel("slow"), new long[] {1}, y, 1, 1000);
            var second = queue.record();
            second.await();
            holds(first.done() && second.done());
            first.await();
            second.await();
            equal(new float[] {2000}, rig.floats(queue, y, 1));
        }
    }

    private static void threads(Rig rig) throws Exception {
        int threads = 4;
        try (var image = rig.load(); var executor = Executors.newFixedThreadPool(threads)) {
            var results = new ArrayList<Future<float[]>>();
            for (int thread = 0; thread < threads; thread++) {
                float seed = thread;
                Callable<float[]> work = () -> {
                    try (var queue = rig.queue()) {
                        long x = rig.in(queue, rig.copy(seed, 1f));
                        long y = rig.in(queue, rig.copy(0f, 0f));
                        for (int i = 0; i < 60; i++) {
                            KernelChecks.launch(rig, queue, image.kernel("add"), new long[] {2}, x, y, y, 2);
                            if (i % 20 == 7) {
                                equal(0, queue.takeError());
                            }
                        }
                        return rig.floats(queue, y, 2);
                    }
                };
                results.add(executor.submit(work));
            }
            for (int thread = 0; thread < threads; thread++) {
                equal(new float[] {60 * thread, 60}, results.get(thread).get());
            }
        }
    }

    private static void twice(Rig rig) {
        try (var image = rig.load(); var queue = rig.queue()) {
            long x = rig.in(queue, rig.copy(4f));
            try (var other = rig.another(); var otherImage = other.load(); var otherQueue = other.queue()) {
                long y = other.in(otherQueue, other.copy(5f));
                KernelChecks.launch(other, otherQueue, otherImage.kernel("add"), new long[] {1}, y, y, y, 1);
                equal(new float[] {10}, other.floats(otherQueue, y, 1));
            }
            KernelChecks.launch(rig, queue, image.kernel("add"), new long[] {1}, x, x, x, 1);
            equal(new float[] {8}, rig.floats(queue, x, 1));
        }
    }

    private static void missing(Rig rig) {
        var driver = rig.device.description().driver();
        for (int ordinal : new int[] {-1, 9999}) {
            var found = Devices.drivers().stream().filter(candidate -> candidate.name().equals(driver)).findFirst();
            var error = fails(DeviceMissing.class, () -> found.orElseThrow().open(ordinal, DeviceOptions.defaults()));
            holds(error.getMessage().contains(driver), error.getMessage());
        }
    }

    private static void closing(Rig rig) {
        for (int round = 0; round < 3; round++) {
            var own = rig.another();
            var image = own.load();
            var queue = own.queue();
            long x = own.in(queue, own.copy(1f));
            KernelChecks.launch(own, queue, image.kernel("add"), new long[] {1}, x, x, x, 1);
            equal(new float[] {2}, own.floats(queue, x, 1));
            if (round % 2 == 0) {
                queue.close();
                image.close();
            } else {
                image.close();
                queue.close();
            }
            own.close();
        }
    }

    private static void afterClosing(Rig rig) {
        var own = rig.another();
        var image = own.load();
        var kernel = image.kernel("single");
        var queue = own.queue();
        long x = own.in(queue, own.copy(1L));
        queue.record().await();
        var words = own.copy(x, x);
        queue.close();
        image.close();
        fails(PortolanException.class, () -> queue.launch(kernel, words, 2, new long[0], 0));
        fails(PortolanException.class, () -> queue.copyOut(x, own.host(8), 8));
        fails(PortolanException.class, () -> queue.copyIn(own.host(8), x, 8));
        own.close();
        try (var arena = Arena.ofConfined()) {
            fails(PortolanException.class, () -> own.device.allocate(arena, 8, 8));
        }
        fails(PortolanException.class, own::load);
        fails(PortolanException.class, () -> own.device.openQueue(StopSignal.NEVER));
    }

    private static void lost(Rig rig) {
        only(
                rig.device instanceof Faults,
                () -> "skipped: " + rig.device.description().name() + " cannot be made to stop working");
        try (var own = rig.another()) {
            var image = own.load();
            var queue = own.queue();
            long x = own.in(queue, own.copy(1f));
            queue.record().await();
            equal(DeviceHealth.WORKING, own.device.health());
            ((Faults) own.device).lose();
            equal(DeviceHealth.LOST, own.device.health());
            fails(DeviceLost.class, () -> {
                KernelChecks.launch(own, queue, image.kernel("add"), new long[] {1}, x, x, x, 1);
                queue.record().await();
            });
            fails(DeviceLost.class, queue::takeError);
            fails(DeviceLost.class, () -> own.allocate(8));
            queue.close();
            image.close();
        }
    }
}
