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
    /// How much of the device's memory they take.
    final long bytes;
    /// Kept, so that the garbage collector does not free what only addresses refer to.
    private final List<MemorySegment> inPlace = new ArrayList<>();

    /// @param weights for each slot its bytes, or null
    /// @param arena owns the copies
    /// @throws PortolanException.LimitExceeded if the device is too small
    Weights(MemorySegment[] weights, Device device, Arena arena) {
        addresses = new long[weights.length];
        long total = 0;
        var offsets = new long[weights.length];
        for (int slot = 0; slot < weights.length; slot++) {
            if (weights[slot] != null && !isInPlace(weights[slot], device)) {
                offsets[slot] = total;
                total = Binding.align(total + weights[slot].byteSize());
            }
        }
        this.bytes = total;
        try (var queue = device.openQueue(StopSignal.NEVER)) {
            long base = total == 0 ? 0 : device.allocate(arena, total, Plan.ALIGNMENT).address();
            for (int slot = 0; slot < weights.length; slot++) {
                if (weights[slot] == null) {
                    continue;
                }
                if (isInPlace(weights[slot], device)) {
                    inPlace.add(weights[slot]);
                    addresses[slot] = weights[slot].address();
                } else {
                    addresses[slot] = base + offsets[slot];
                    if (weights[slot].byteSize() > 0) {
                        queue.copyIn(weights[slot], addresses[slot], weights[slot].byteSize());
                    }
                }
            }
            queue.record().await();
        }
    }

    /// How much of a device's memory such weights take.
    static long bytesOn(Device device, MemorySegment[] weights) {
        long total = 0;
        for (var weight : weights) {
            if (weight != null && !isInPlace(weight, device)) {
                total = Binding.align(total + weight.byteSize());
            }
        }
        return total;
    }

    private static boolean isInPlace(MemorySegment weight, Device device) {
        return device.description().sharesHostMemory()
                && weight.isNative()
                && weight.address() % Plan.ALIGNMENT == 0;
    }
}
