package org.portolan.runtime;

import java.lang.foreign.MemorySegment;
import org.portolan.runtime.device.SynchronousQueue;

/// Host memory for the few numbers that a run's steps write to the device and read from it. What is written stays as it is
/// until the device has it: each step gets the next part, and the run waits only where it has gone round.
final class Numbers implements AutoCloseable {
    private static final long SMALLEST = 4096;
    private static final long ALIGNMENT = 64;

    private final RunState state;
    private final HostBlock memory;
    private final long largest;
    private long used;

    /// @param largest bytes that one step takes at most
    Numbers(RunState state, long largest) {
        this.state = state;
        this.largest = Math.ceilDiv(largest, ALIGNMENT) * ALIGNMENT;
        memory = new HostBlock(state.device());
        memory.reserve(this.largest + Math.max(SMALLEST, 4 * this.largest));
    }

    /// Where to put numbers on their way to the device.
    MemorySegment outgoing(long bytes) {
        long aligned = Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
        if (state.queue() instanceof SynchronousQueue) {
            used = 0;
        } else if (largest + used + aligned > memory.capacity()) {
            state.queue().record().await();
            used = 0;
        }
        used += aligned;
        return memory.slice(largest + used - aligned, bytes);
    }

    /// Where numbers from the device arrive; the same place for all.
    MemorySegment incoming(long bytes) {
        return memory.slice(0, bytes);
    }

    /// All copies have ended.
    void settled() {
        used = 0;
    }

    @Override
    public void close() {
        memory.close();
    }
}
