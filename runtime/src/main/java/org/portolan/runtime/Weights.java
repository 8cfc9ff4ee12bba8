package org.portolan.runtime;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.StopSignal;
import org.portolan.runtime.plan.Plan;

/// The weights of a plan where one device reads them: in place where that is possible, else in one piece of its memory.
final class Weights {
    /// For each slot the address of its weight; 0 for the others.
    final long[] addresses;
    /// Kept, so that the garbage collector does not free what only addresses refer to.
    private final List<MemorySegment> inPlace = new ArrayList<>();

    /// @param bytes for each slot its weight, or null
    /// @param arena owns the copies
    /// @throws PortolanException.LimitExceeded if the device is too small
    Weights(MemorySegment[] bytes, Device device, Arena arena) {
        addresses = new long[bytes.length];
        long total = 0;
        var offsets = new long[bytes.length];
        for (int slot = 0; slot < bytes.length; slot++) {
            if (bytes[slot] != null && !isInPlace(bytes[slot], device)) {
                offsets[slot] = total;
                total = Binding.align(total + bytes[slot].byteSize());
            }
        }
        long there = device.description().memoryBytes();
        if (there > 0 && total > there) {
            throw new PortolanException.LimitExceeded("the weights of the model need " + total + " bytes and "
                    + device.description().name() + " has " + there + "; take a device with more memory");
        }
        try (var queue = device.openQueue(StopSignal.NEVER)) {
            long base = total == 0 ? 0 : device.allocate(arena, total, Plan.ALIGNMENT).address();
            for (int slot = 0; slot < bytes.length; slot++) {
                if (bytes[slot] == null) {
                    continue;
                }
                if (isInPlace(bytes[slot], device)) {
                    inPlace.add(bytes[slot]);
                    addresses[slot] = bytes[slot].address();
                } else {
                    addresses[slot] = base + offsets[slot];
                    if (bytes[slot].byteSize() > 0) {
                        queue.copyIn(bytes[slot], addresses[slot], bytes[slot].byteSize());
                    }
                }
            }
            queue.record().await();
        }
    }

    private static boolean isInPlace(MemorySegment weight, Device device) {
        return device.description().sharesHostMemory()
                && weight.isNative()
                && weight.address() % Plan.ALIGNMENT == 0;
    }
}
