package org.portolan.opencl.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.KernelImage;
import org.portolan.runtime.device.Queue;
import org.portolan.runtime.device.StopSignal;

/// A device of an OpenCL driver, in a context of its own.
final class OpenClDevice implements Device {
    final OpenCl library;
    final DeviceFacts facts;
    final long context;
    final DeviceMemory memory;
    private final DeviceDescription description;
    private volatile DeviceHealth health = DeviceHealth.WORKING;

    OpenClDevice(OpenCl library, DeviceFacts facts, int ordinal) {
        this.library = library;
        this.facts = facts;
        description = facts.description(ordinal);
        if (facts.emulated()) {
            library.callFromOneThread();
        }
        context = library.createContext(facts.device());
        memory = facts.sharesHostMemory() ? new HostMemory(library) : new BufferMemory(library, context);
    }

    @Override
    public DeviceDescription description() {
        return description;
    }

    @Override
    public MemorySegment allocate(Arena arena, long bytes, long alignment) {
        return memory.allocate(arena, bytes, alignment);
    }

    @Override
    public KernelImage load(MemorySegment image) {
        return OpenClImage.load(this, image);
    }

    @Override
    public Queue openQueue(StopSignal stop) {
        return new OpenClQueue(this, stop);
    }

    @Override
    public DeviceHealth health() {
        return health;
    }

    void lost() {
        health = DeviceHealth.LOST;
    }

    @Override
    public void close() {
        library.releaseContext(context);
    }
}
