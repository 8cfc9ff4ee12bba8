package org.portolan.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.KernelImage;
import org.portolan.runtime.device.Queue;
import org.portolan.runtime.device.StagingMemory;
import org.portolan.runtime.device.StopSignal;

/// One GPU.
final class CudaDevice implements Device, StagingMemory {
    private final CudaContext context;
    private final CudaMemory memory;
    private final Peers peers;

    CudaDevice(DriverCalls calls, DeviceProbe probe) {
        context = new CudaContext(calls, probe);
        peers = new Peers(context);
        try {
            memory = new CudaMemory(context);
        } catch (RuntimeException e) {
            context.close();
            throw e;
        }
    }

    CudaContext context() {
        return context;
    }

    CudaMemory memory() {
        return memory;
    }

    @Override
    public DeviceDescription description() {
        return context.probe.description();
    }

    @Override
    public MemorySegment allocate(Arena arena, long bytes, long alignment) {
        return memory.allocate(arena, bytes, alignment);
    }

    @Override
    public MemorySegment allocateStaging(Arena arena, long bytes, long alignment) {
        return memory.allocateStaging(arena, bytes, alignment);
    }

    @Override
    public KernelImage load(MemorySegment image) {
        return CudaKernels.load(context, image);
    }

    @Override
    public Queue openQueue(StopSignal stop) {
        return new CudaQueue(context, memory, peers, stop);
    }

    @Override
    public DeviceHealth health() {
        return context.isLost() ? DeviceHealth.LOST : DeviceHealth.WORKING;
    }

    @Override
    public void close() {
        memory.close();
        context.close();
    }
}
