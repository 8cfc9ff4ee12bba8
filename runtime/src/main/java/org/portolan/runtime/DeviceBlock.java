package org.portolan.runtime;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.plan.Plan;

/// Memory of a device that one run state owns and that only grows.
final class DeviceBlock implements AutoCloseable {
    private final RunState state;
    private final Device device;
    private Arena arena;
    private MemorySegment memory = MemorySegment.NULL;
    private long capacity;

    /// @param device whose memory it is
    DeviceBlock(RunState state, Device device) {
        this.state = state;
        this.device = device;
    }

    long capacity() {
        return capacity;
    }

    long address() {
        return memory.address();
    }

    /// A part that the host can touch, if the device shares the host's memory.
    MemorySegment slice(long offset, long bytes) {
        return memory.asSlice(offset, bytes);
    }

    /// Makes room for so many bytes; what was there before is lost if the address changes. No work may use it. Where the
    /// device has not that much left, run states that are idle give back what they have.
    void reserve(long bytes) {
        if (bytes > capacity) {
            close();
            try {
                allocate(bytes);
            } catch (PortolanException.LimitExceeded full) {
                if (!state.reclaim()) {
                    throw full;
                }
                allocate(bytes);
            }
        }
    }

    private void allocate(long bytes) {
        var larger = Arena.ofShared();
        try {
            memory = device.allocate(larger, bytes, Plan.ALIGNMENT);
        } catch (RuntimeException | OutOfMemoryError e) {
            larger.close();
            throw e;
        }
        arena = larger;
        capacity = bytes;
    }

    /// Takes over the memory of another block, which is empty afterwards.
    void replaceBy(DeviceBlock other) {
        close();
        arena = other.arena;
        memory = other.memory;
        capacity = other.capacity;
        other.arena = null;
        other.memory = MemorySegment.NULL;
        other.capacity = 0;
    }

    @Override
    public void close() {
        if (arena != null) {
            arena.close();
            arena = null;
            memory = MemorySegment.NULL;
            capacity = 0;
        }
    }
}
