package org.portolan.cpu.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.KernelImage;
import org.portolan.runtime.device.Queue;
import org.portolan.runtime.device.StopSignal;
import org.portolan.runtime.parallel.WorkerPool;

/// The host processor with a pool of threads.
final class CpuDevice implements Device {
    private final DeviceDescription description;
    private final WorkerPool pool;
    private volatile boolean closed;

    CpuDevice(DeviceDescription description, int threads) {
        this.description = description;
        pool = new WorkerPool(threads, "portolan-cpu");
    }

    @Override
    public DeviceDescription description() {
        return description;
    }

    @Override
    public MemorySegment allocate(Arena arena, long bytes, long alignment) {
        checkOpen();
        if (bytes > description.memoryBytes()) {
            throw new LimitExceeded("a run needs " + bytes + " bytes and the host has " + description.memoryBytes()
                    + "; give the model smaller inputs");
        }
        var pages = HugePages.allocate(arena, bytes);
        if (pages.isPresent()) {
            return pages.get();
        }
        try {
            return arena.allocate(bytes, alignment);
        } catch (OutOfMemoryError e) {
            throw new LimitExceeded("the host has not the " + bytes + " bytes that a run needs; "
                    + "give the model smaller inputs, or let fewer runs work at once");
        }
    }

    @Override
    public KernelImage load(MemorySegment image) {
        checkOpen();
        return SharedObject.load(image);
    }

    @Override
    public Queue openQueue(StopSignal stop) {
        checkOpen();
        return new CpuQueue(pool, stop);
    }

    @Override
    public DeviceHealth health() {
        return DeviceHealth.WORKING;
    }

    private void checkOpen() {
        if (closed) {
            throw new DeviceFailed(description.name() + " is closed; open it again", null);
        }
    }

    @Override
    public void close() {
        closed = true;
        pool.close();
    }
}
