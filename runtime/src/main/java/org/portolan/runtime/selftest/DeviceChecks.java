package org.portolan.runtime.selftest;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.StopSignal;

/// What can be asked of a device without kernels.
final class DeviceChecks {
    private static final int MIB = 1 << 20;

    /// A check; gives a problem in words, or nothing.
    interface Check {
        String run(Device device) throws Exception;
    }

    private DeviceChecks() {}

    static Map<String, Check> all() {
        var checks = new LinkedHashMap<String, Check>();
        checks.put("device: memory is aligned", DeviceChecks::alignment);
        checks.put("device: copies at odd places", device -> copies(device, 1000, 200));
        checks.put("device: large copies", device -> copies(device, 64 * MIB, 8));
        checks.put("device: too much memory is refused", DeviceChecks::tooMuch);
        checks.put("device: freed memory is used again", DeviceChecks::again);
        checks.put("device: it works", device -> device.health() == DeviceHealth.WORKING ? "" : "it is " + device.health());
        return checks;
    }

    private static String alignment(Device device) {
        try (var arena = Arena.ofShared()) {
            for (long alignment = 1; alignment <= 4096; alignment *= 2) {
                long address = device.allocate(arena, 100, alignment).address();
                if (address % alignment != 0) {
                    return "memory at " + address + " was asked for at a multiple of " + alignment;
                }
            }
        }
        return "";
    }

    /// Copies in, on the device and out again, and compares.
    private static String copies(Device device, int size, int rounds) {
        var random = new SplittableRandom(3);
        try (var arena = Arena.ofShared(); var queue = device.openQueue(StopSignal.NEVER)) {
            long first = device.allocate(arena, size, 64).address();
            long second = device.allocate(arena, size, 64).address();
            var source = arena.allocate(size, 64);
            var found = arena.allocate(size, 64);
            for (int round = 0; round < rounds; round++) {
                int bytes = size > MIB ? size - random.nextInt(1000) : random.nextInt(size / 2);
                int from = random.nextInt(size - bytes + 1);
                int to = random.nextInt(size - bytes + 1);
                fill(source.asSlice(0, bytes), random);
                queue.copyIn(source, first + from, bytes);
                queue.copy(first + from, second + to, bytes);
                queue.copyOut(second + to, found, bytes);
                queue.record().await();
                long mismatch = source.asSlice(0, bytes).mismatch(found.asSlice(0, bytes));
                if (mismatch >= 0) {
                    return "of " + bytes + " bytes copied from " + from + " to " + to + ", byte " + mismatch + " is wrong";
                }
            }
        }
        return "";
    }

    private static void fill(MemorySegment segment, SplittableRandom random) {
        for (long i = 0; i < segment.byteSize(); i += Math.max(1, segment.byteSize() / 1000)) {
            segment.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
        }
    }

    private static String tooMuch(Device device) {
        try (var arena = Arena.ofShared()) {
            device.allocate(arena, 1L << 60, 64);
            return "2^60 bytes were given";
        } catch (LimitExceeded e) {
            return "";
        }
    }

    private static String again(Device device) {
        // Twice what the device has, a quarter at a time; an emulator's memory is the host's, and is not worth that much.
        // The host itself is not asked for what it has: others need it.
        long all = device.description().memoryBytes();
        boolean real = !device.description().emulated() && !device.description().sharesHostMemory();
        long piece = Math.max(MIB, real ? all / 4 : Math.min(all / 4, 256L * MIB));
        for (int round = 0; round < 8; round++) {
            try (var arena = Arena.ofShared()) {
                device.allocate(arena, piece, 64);
            }
        }
        return "";
    }
}
