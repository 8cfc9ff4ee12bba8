package org.portolan.runtime;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.StagingMemory;
import org.portolan.runtime.plan.Plan;

/// Host memory on the way to or from a device, which one run state owns and that only grows.
final class HostBlock implements AutoCloseable {
    private final Device device;
    private Arena arena;
    private MemorySegment memory = MemorySegment.NULL;

    HostBlock(Device device) {
        this.device = device;
    }

    /// Whether the device copies faster from such memory than from any other.
    static boolean helps(Device device) {
        return device instanceof StagingMemory;
    }

    /// Makes room for so many bytes; what was there before is lost. No copy may be under way.
    void reserve(long bytes) {
        if (bytes <= memory.byteSize()) {
            return;
        }
        close();
        var larger = Arena.ofShared();
        try {
            memory = device instanceof StagingMemory staging
                    ? staging.allocateStaging(larger, bytes, Plan.ALIGNMENT)
                    : larger.allocate(bytes, Plan.ALIGNMENT);
            arena = larger;
        } catch (RuntimeException | OutOfMemoryError e) {
            larger.close();
            throw e;
        }
    }

    MemorySegment slice(long offset, long bytes) {
        return memory.asSlice(offset, bytes);
    }

    long capacity() {
        return memory.byteSize();
    }

    @Override
    public void close() {
        if (arena != null) {
            arena.close();
            arena = null;
            memory = MemorySegment.NULL;
        }
    }
}
