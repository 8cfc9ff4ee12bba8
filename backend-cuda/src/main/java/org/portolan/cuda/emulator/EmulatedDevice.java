package org.portolan.cuda.emulator;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.portolan.cuda.emulator.run.GlobalMemory;
import org.portolan.cuda.emulator.run.LaunchCounts;
import org.portolan.cuda.image.CudaImage;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.device.Counters;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.Faults;
import org.portolan.runtime.device.KernelImage;
import org.portolan.runtime.device.Queue;
import org.portolan.runtime.device.StopSignal;
import org.portolan.runtime.parallel.WorkerPool;

/// A device in Java: memory at addresses that mean nothing to the host, and host threads that run blocks. After a fault
/// in a kernel it is lost, as real ones are.
final class EmulatedDevice implements Device, Faults, Counters {
    private final DeviceDescription description;
    private final Architecture architecture;
    private final boolean checked;
    private final GlobalMemory memory;
    private final WorkerPool pool;
    /// Null where nobody wants to know.
    private volatile LaunchCounts counts;
    private volatile String lost = "";
    private volatile boolean closed;

    EmulatedDevice(DeviceDescription description, Architecture architecture, Settings settings, int threads) {
        this.description = description;
        this.architecture = architecture;
        checked = settings.checked();
        memory = new GlobalMemory(settings.memoryBytes(), checked);
        pool = new WorkerPool(threads, "portolan-emulated-cuda");
        counts = settings.counters().isPresent() ? new LaunchCounts() : null;
        settings.counters().ifPresent(file -> CountersFile.writeAtExit(file, counts));
    }

    @Override
    public DeviceDescription description() {
        return description;
    }

    Architecture architecture() {
        return architecture;
    }

    GlobalMemory memory() {
        return memory;
    }

    boolean checked() {
        return checked;
    }

    WorkerPool pool() {
        return pool;
    }

    /// What kernels have executed; null if nobody wants to know.
    LaunchCounts launchCounts() {
        return counts;
    }

    @Override
    public void count() {
        counts = new LaunchCounts();
    }

    @Override
    public List<KernelCounts> counts() {
        var counted = counts;
        return counted == null ? List.of() : counted.kernels();
    }

    @Override
    public MemorySegment allocate(Arena arena, long bytes, long alignment) {
        requireWorking();
        var allocation = memory.allocate(Math.max(1, bytes), alignment, "", false);
        if (allocation == null) {
            throw new LimitExceeded("the device has " + memory.left() + " of its " + memory.capacity()
                    + " bytes left, and " + bytes + " are needed; give the model smaller inputs, or let fewer runs work"
                    + " at once");
        }
        return MemorySegment.ofAddress(allocation.address()).reinterpret(arena, _ -> memory.free(allocation));
    }

    @Override
    public KernelImage load(MemorySegment image) {
        requireWorking();
        return EmulatedImage.load(this, CudaImage.read(image));
    }

    @Override
    public Queue openQueue(StopSignal stop) {
        requireWorking();
        return new EmulatedQueue(this, stop);
    }

    @Override
    public DeviceHealth health() {
        return lost.isEmpty() ? DeviceHealth.WORKING : DeviceHealth.LOST;
    }

    /// A kernel has failed: nothing works any more.
    void lose(String why) {
        if (lost.isEmpty()) {
            lost = why;
        }
    }

    @Override
    public void lose() {
        lose("it was told to fail");
    }

    /// @throws DeviceLost if a kernel has failed
    /// @throws DeviceFailed if the device is closed
    void requireWorking() {
        if (closed) {
            throw new DeviceFailed(description.name() + " (emulated) is closed", null);
        }
        var why = lost;
        if (!why.isEmpty()) {
            throw new DeviceLost(description.name() + " (emulated) is lost: " + why, null);
        }
    }

    @Override
    public void close() {
        closed = true;
        pool.close();
    }
}
