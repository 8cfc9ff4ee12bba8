package org.portolan.runtime.selftest.suite;

import static org.portolan.runtime.selftest.suite.Expect.equal;
import static org.portolan.runtime.selftest.suite.Expect.fails;
import static org.portolan.runtime.selftest.suite.Expect.holds;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.device.Queue;

/// Memory and copies.
final class MemoryChecks {
    private static final int MIB = 1 << 20;
    private static final String EMULATED_MEMORY = "portolan.emulated.memory";

    private MemoryChecks() {}

    static List<Check> all() {
        return List.of(
                new Check("memory is aligned as asked", MemoryChecks::alignment),
                new Check("pieces do not overlap", MemoryChecks::apart),
                new Check("nothing is no problem", MemoryChecks::nothing),
                new Check("what never fits is refused with a number", MemoryChecks::huge),
                new Check("freed memory is used again", MemoryChecks::again),
                new Check("the host touches what is shared, and nothing else", MemoryChecks::touch),
                new Check("copies at odd places", MemoryChecks::oddCopies),
                new Check("large copies", MemoryChecks::largeCopies),
                new Check("copies are done in order", MemoryChecks::order));
    }

    private static void alignment(Rig rig) {
        for (long alignment = 1; alignment <= 4096; alignment *= 2) {
            for (long bytes : new long[] {1, 63, 64, 65, 5000}) {
                var memory = rig.device.allocate(rig.arena, bytes, alignment);
                equal(0, memory.address() % alignment, "alignment " + alignment);
                holds(memory.address() != 0, "the address 0");
            }
        }
    }

    private static void apart(Rig rig) {
        var seen = new HashSet<Long>();
        for (int i = 0; i < 100; i++) {
            long begin = rig.allocate(100);
            for (long at = begin; at < begin + 100; at++) {
                holds(seen.add(at), "two pieces share an address");
            }
        }
    }

    private static void nothing(Rig rig) {
        long empty = rig.allocate(0);
        try (var queue = rig.queue()) {
            queue.copyIn(rig.host(8), empty, 0);
            queue.copyOut(empty, rig.host(8), 0);
            queue.copy(empty, rig.allocate(8), 0);
            queue.record().await();
            equal(0, queue.takeError());
        }
    }

    private static void huge(Rig rig) {
        long there = rig.device.description().memoryBytes();
        holds(there > 0, "the device does not say how much memory it has");
        // A driver that asks the host for what it has not could bring the machine down: the sizes are far from possible.
        for (long bytes : new long[] {Long.MAX_VALUE - 4096, 1L << 60, 16 * there}) {
            var error = fails(LimitExceeded.class, () -> rig.allocate(bytes));
            holds(error.getMessage().contains(Long.toString(bytes)), error.getMessage());
        }
        try (var queue = rig.queue()) {
            long after = rig.in(queue, rig.copy(1f, 2f));
            equal(new float[] {1, 2}, rig.floats(queue, after, 2));
        }
    }

    /// More than the device has, but never at once. An emulated device may be told to be small; the host's memory is not
    /// ours to fill, and what is shown there is only that memory can be taken and given back many times.
    private static void again(Rig rig) {
        var description = rig.device.description();
        if (description.sharesHostMemory()) {
            take(rig, 16 * MIB, 64);
        } else if (description.emulated()) {
            System.setProperty(EMULATED_MEMORY, Long.toString(64 * MIB));
            try (var small = rig.on(Devices.find(description.name()))) {
                long all = small.device.description().memoryBytes();
                boolean obeys = 0 < all && all <= 64 * MIB;
                take(small, obeys ? all / 4 : 16 * MIB, obeys ? 9 : 64);
            } finally {
                System.clearProperty(EMULATED_MEMORY);
            }
        } else {
            take(rig, Math.max(MIB, description.memoryBytes() / 4), 9);
        }
    }

    private static void take(Rig rig, long bytes, int rounds) {
        for (int round = 0; round < rounds; round++) {
            try (var arena = Arena.ofConfined()) {
                holds(rig.device.allocate(arena, bytes, 64).address() != 0);
            }
        }
    }

    private static void touch(Rig rig) {
        var memory = rig.device.allocate(rig.arena, 64, 64);
        if (rig.device.description().sharesHostMemory()) {
            memory.set(ValueLayout.JAVA_INT, 60, 7);
            equal(7, memory.get(ValueLayout.JAVA_INT, 60));
        } else {
            fails(IndexOutOfBoundsException.class, () -> memory.get(ValueLayout.JAVA_BYTE, 0));
        }
    }

    private static void oddCopies(Rig rig) {
        var random = new Random(5);
        int size = 300;
        try (var queue = rig.queue()) {
            long first = rig.allocate(size);
            long second = rig.allocate(size);
            var expected = new byte[size];
            queue.copyIn(rig.host(size), first, size);
            queue.copyIn(rig.host(size), second, size);
            for (int round = 0; round < 100; round++) {
                int bytes = random.nextInt(round < 50 ? 18 : 120);
                int from = random.nextInt(size - bytes);
                int to = random.nextInt(size - bytes);
                var data = new byte[bytes];
                random.nextBytes(data);
                queue.copyIn(rig.copy(data), first + from, bytes);
                queue.copy(first + from, second + to, bytes);
                System.arraycopy(data, 0, expected, to, bytes);
                equal(data, bytes(rig, queue, first + from, bytes), "round " + round);
            }
            equal(expected, bytes(rig, queue, second, size));
        }
    }

    private static byte[] bytes(Rig rig, Queue queue, long address, long bytes) {
        return rig.out(queue, address, bytes).toArray(ValueLayout.JAVA_BYTE);
    }

    private static void largeCopies(Rig rig) {
        var data = new byte[4 * MIB + 7];
        new Random(7).nextBytes(data);
        try (var queue = rig.queue()) {
            long first = rig.in(queue, rig.copy(data));
            long second = rig.allocate(data.length);
            queue.copy(first, second, data.length);
            equal(data, bytes(rig, queue, second, data.length));
        }
    }

    private static void order(Rig rig) {
        try (var queue = rig.queue()) {
            long place = rig.allocate(8);
            var found = rig.host(8 * 100);
            for (long i = 0; i < 100; i++) {
                queue.copyIn(rig.copy(i), place, 8);
                queue.copyOut(place, found.asSlice(i * 8, 8), 8);
            }
            queue.record().await();
            for (long i = 0; i < 100; i++) {
                equal(i, found.getAtIndex(ValueLayout.JAVA_LONG, i));
            }
        }
    }
}
