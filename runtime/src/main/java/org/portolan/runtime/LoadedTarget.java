package org.portolan.runtime;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.KernelImage;
import org.portolan.runtime.device.StopSignal;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.plan.Slot;

/// A plan whose kernels are loaded and whose weights lie where the device reads them.
final class LoadedTarget implements AutoCloseable {
    final FlatPlan plan;
    final List<Device> devices;
    final boolean sharesHostMemory;
    /// For each slot the address of its weight; 0 for the others.
    final long[] weightAddresses;
    private final Arena weightArena = Arena.ofShared();
    private final List<KernelImage> images = new ArrayList<>();
    /// Kept, so that the garbage collector does not free what only addresses refer to.
    private final List<MemorySegment> weightsInPlace = new ArrayList<>();

    /// @param devices one for each device number of the plan
    /// @param imageBytes the kernels for each of these devices
    LoadedTarget(Plan plan, List<Device> devices, List<MemorySegment> imageBytes, Session.WeightSource weights) {
        this.devices = List.copyOf(devices);
        sharesHostMemory = devices.stream().allMatch(device -> device.description().sharesHostMemory());
        if (devices.size() > 1 && !sharesHostMemory) {
            throw new PortolanException.DeviceMissing("kernels on the host beside "
                    + devices.getFirst().description().name()
                    + " need a device that shares the host's memory, and this one does not");
        }
        try {
            for (int number = 0; number < imageBytes.size(); number++) {
                images.add(devices.get(number).load(imageBytes.get(number)));
            }
            this.plan = new FlatPlan(plan, images.size(), (device, name) -> images.get(device).kernel(name));
            weightAddresses = new long[plan.slots().size()];
            placeWeights(plan, weights);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private void placeWeights(Plan plan, Session.WeightSource weights) {
        for (int number = 0; number < weightAddresses.length; number++) {
            if (plan.slots().get(number) instanceof Slot.Weight(var entry, long offset, long bytes)) {
                var data = weights.entry(entry);
                if (bytes > data.byteSize() || offset > data.byteSize() - bytes) {
                    throw new PortolanException.BadProgramFile("the plan has a weight at " + offset + " with " + bytes
                            + " bytes in '" + entry + "', which has " + data.byteSize());
                }
                weightAddresses[number] = place(data.asSlice(offset, bytes));
            }
        }
    }

    private long place(MemorySegment weight) {
        boolean inPlace = sharesHostMemory && weight.isNative() && weight.address() % Plan.ALIGNMENT == 0;
        if (inPlace) {
            weightsInPlace.add(weight);
            return weight.address();
        }
        var copy = devices.getFirst().allocate(weightArena, weight.byteSize(), Plan.ALIGNMENT);
        try (var queue = devices.getFirst().openQueue(StopSignal.NEVER)) {
            queue.copyIn(weight, copy.address(), weight.byteSize());
            queue.record().await();
        }
        return copy.address();
    }

    @Override
    public void close() {
        images.forEach(KernelImage::close);
        weightArena.close();
    }
}
