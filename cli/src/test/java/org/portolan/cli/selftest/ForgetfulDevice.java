package org.portolan.cli.selftest;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.Event;
import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.device.KernelImage;
import org.portolan.runtime.device.Queue;
import org.portolan.runtime.device.StopSignal;

/// A device that gives zeros in place of results after a number of copies from it. It calls itself emulated, so that nothing on
/// it is measured, and says that its memory is its own, so that results are copied.
final class ForgetfulDevice implements Device {
    private final Device device;
    private final int working;
    private final AtomicInteger copies = new AtomicInteger();

    /// @param working how many copies from it are right
    ForgetfulDevice(Device device, int working) {
        this.device = device;
        this.working = working;
    }

    /// How many there were.
    int copies() {
        return copies.get();
    }

    @Override
    public DeviceDescription description() {
        var real = device.description();
        return new DeviceDescription(
                real.driver(), real.ordinal(), real.label(), true, false, real.memoryBytes(), real.features(),
                real.machine(), real.limits());
    }

    @Override
    public MemorySegment allocate(Arena arena, long bytes, long alignment) {
        return device.allocate(arena, bytes, alignment);
    }

    @Override
    public KernelImage load(MemorySegment image) {
        return device.load(image);
    }

    @Override
    public Queue openQueue(StopSignal stop) {
        return new ForgetfulQueue(device.openQueue(stop));
    }

    @Override
    public DeviceHealth health() {
        return device.health();
    }

    @Override
    public void close() {
        device.close();
    }

    private final class ForgetfulQueue implements Queue {
        private final Queue queue;

        ForgetfulQueue(Queue queue) {
            this.queue = queue;
        }

        @Override
        public void copyIn(MemorySegment host, long address, long bytes) {
            queue.copyIn(host, address, bytes);
        }

        @Override
        public void copyOut(long address, MemorySegment host, long bytes) {
            if (copies.getAndIncrement() < working) {
                queue.copyOut(address, host, bytes);
            } else {
                host.asSlice(0, bytes).fill((byte) 0);
            }
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
}
