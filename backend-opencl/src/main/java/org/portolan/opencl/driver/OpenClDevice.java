package org.portolan.opencl.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceLost;
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
    private volatile boolean closed;

    OpenClDevice(OpenCl library, DeviceFacts facts, int ordinal) {
        this.library = library;
        this.facts = facts;
        description = facts.description(ordinal);
        if (facts.emulated()) {
            library.callFromOneThread();
        }
        context = library.createContext(facts.device());
        memory = facts.sharesHostMemory() ? new HostMemory(library) : new BufferMemory(library, context, facts.memoryBytes());
    }

    @Override
    public DeviceDescription description() {
        return description;
    }

    @Override
    public MemorySegment allocate(Arena arena, long bytes, long alignment) {
        return noticing(() -> memory.allocate(arena, bytes, alignment));
    }

    @Override
    public KernelImage load(MemorySegment image) {
        return noticing(() -> OpenClImage.load(this, image));
    }

    @Override
    public Queue openQueue(StopSignal stop) {
        return noticing(() -> new OpenClQueue(this, stop));
    }

    @Override
    public DeviceHealth health() {
        return health;
    }

    void lost() {
        health = DeviceHealth.LOST;
    }

    /// What the device gives; a device that is found to be lost stays so.
    <T> T noticing(Supplier<T> work) {
        check();
        try {
            return work.get();
        } catch (DeviceLost e) {
            lost();
            throw e;
        }
    }

    private void check() {
        if (closed) {
            throw new DeviceFailed(description.name() + " has been closed; open it again", null);
        }
        if (health == DeviceHealth.LOST) {
            throw new DeviceLost(description.name() + " is lost; start a new process", null);
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            library.releaseContext(context);
        }
    }
}
