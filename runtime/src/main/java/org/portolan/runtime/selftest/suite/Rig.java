package org.portolan.runtime.selftest.suite;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.device.KernelImage;
import org.portolan.runtime.device.Queue;
import org.portolan.runtime.device.StopSignal;

/// An open device with the suite's kernels, and what makes its use short.
final class Rig implements AutoCloseable {
    final Device device;
    /// For what lies on the device; closed with the rig.
    final Arena arena = Arena.ofShared();
    /// For what lies on the host.
    private final Arena host = Arena.ofAuto();
    private final SuiteImages images;

    Rig(DeviceDescription description, SuiteImages images) {
        this.images = images;
        device = Devices.open(description.name(), new DeviceOptions(2));
    }

    /// The same device, opened once more.
    Rig another() {
        return on(device.description());
    }

    Rig on(DeviceDescription description) {
        return new Rig(description, images);
    }

    KernelImage load() {
        return device.load(copy(images.kernels()));
    }

    KernelImage loadOthers() {
        return device.load(copy(images.others()));
    }

    Queue queue() {
        return device.openQueue(StopSignal.NEVER);
    }

    /// Memory of the device, aligned as a session asks for it.
    long allocate(long bytes) {
        return device.allocate(arena, bytes, 64).address();
    }

    MemorySegment host(long bytes) {
        return host.allocate(bytes, 64);
    }

    MemorySegment copy(byte... bytes) {
        return host(bytes.length).copyFrom(MemorySegment.ofArray(bytes));
    }

    MemorySegment copy(float... values) {
        return host(4L * values.length).copyFrom(MemorySegment.ofArray(values));
    }

    MemorySegment copy(long... values) {
        return host(8L * values.length).copyFrom(MemorySegment.ofArray(values));
    }

    /// A device's copy of host memory; there when the queue's work so far is done.
    long in(Queue queue, MemorySegment data) {
        long address = allocate(data.byteSize());
        queue.copyIn(data, address, data.byteSize());
        return address;
    }

    /// The bytes at an address, after all work so far.
    MemorySegment out(Queue queue, long address, long bytes) {
        var data = host(bytes);
        queue.copyOut(address, data, bytes);
        queue.record().await();
        return data;
    }

    float[] floats(Queue queue, long address, int count) {
        return out(queue, address, 4L * count).toArray(ValueLayout.JAVA_FLOAT);
    }

    @Override
    public void close() {
        arena.close();
        device.close();
    }
}
