package org.portolan.runtime.selftest;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.Event;
import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.device.KernelImage;
import org.portolan.runtime.device.Queue;
import org.portolan.runtime.device.StagingMemory;
import org.portolan.runtime.device.StopSignal;

/// A device that captures nothing: each run starts kernel by kernel, so that it can be seen what replays save.
record WalkingDevice(Device device) implements Device, StagingMemory {
    /// A queue without the abilities that the device's may have.
    private record Plain(Queue queue) implements Queue {
        @Override
        public void copyIn(MemorySegment host, long to, long bytes) {
            queue.copyIn(host, to, bytes);
        }

        @Override
        public void copyOut(long from, MemorySegment host, long bytes) {
            queue.copyOut(from, host, bytes);
        }

        @Override
        public void copy(long from, long to, long bytes) {
            queue.copy(from, to, bytes);
        }

        @Override
        public void launch(Kernel kernel, MemorySegment parameters, int words, long[] grid, long cost) {
            queue.launch(kernel, parameters, words, grid, cost);
        }

        @Override
        public Event record() {
            return queue.record();
        }

        @Override
        public long takeError() {
            return queue.takeError();
        }

        @Override
        public void close() {
            queue.close();
        }
    }

    @Override
    public DeviceDescription description() {
        return device.description();
    }

    @Override
    public MemorySegment allocate(Arena arena, long bytes, long alignment) {
        return device.allocate(arena, bytes, alignment);
    }

    @Override
    public MemorySegment allocateStaging(Arena arena, long bytes, long alignment) {
        return device instanceof StagingMemory staging
                ? staging.allocateStaging(arena, bytes, alignment)
                : arena.allocate(bytes, alignment);
    }

    @Override
    public KernelImage load(MemorySegment image) {
        return device.load(image);
    }

    @Override
    public Queue openQueue(StopSignal stop) {
        return new Plain(device.openQueue(stop));
    }

    @Override
    public DeviceHealth health() {
        return device.health();
    }

    @Override
    public void close() {
        device.close();
    }
}
