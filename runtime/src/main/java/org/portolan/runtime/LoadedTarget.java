package org.portolan.runtime;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.KernelImage;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.plan.Slot;

/// A plan whose kernels are loaded and whose weights lie where the devices read them.
final class LoadedTarget implements AutoCloseable {
    final FlatPlan plan;
    /// The device that holds the slots, and the host beside it where the plan has kernels for that.
    final List<Device> devices;
    /// Whether the first device does.
    final boolean sharesHostMemory;
    /// For each slot the address of its weight; 0 for the others.
    final long[] weightAddresses;
    /// The same for the host beside a device that does not share its memory.
    final long[] hostWeightAddresses;
    private final Arena weightArena = Arena.ofShared();
    private final List<KernelImage> images = new ArrayList<>();
    private final List<Weights> weights = new ArrayList<>();

    /// @param devices one for each device number of the plan
    /// @param imageBytes the kernels for each of these devices
    LoadedTarget(Plan plan, List<Device> devices, List<MemorySegment> imageBytes, Session.WeightSource source) {
        this.devices = List.copyOf(devices);
        checkHealth();
        sharesHostMemory = devices.getFirst().description().sharesHostMemory();
        for (var device : devices.subList(1, devices.size())) {
            if (!device.description().sharesHostMemory()) {
                throw new PortolanException.DeviceMissing("kernels beside "
                        + devices.getFirst().description().name() + " run on the host, and "
                        + device.description().name() + " is another device; give the host as the second one");
            }
        }
        try {
            for (int number = 0; number < imageBytes.size(); number++) {
                images.add(devices.get(number).load(imageBytes.get(number)));
            }
            this.plan = new FlatPlan(plan, images.size(), (device, name) -> images.get(device).kernel(name));
            var bytes = weightBytes(plan, source);
            checkFits(Weights.bytesOn(devices.getFirst(), bytes), least(this.plan));
            weights.add(new Weights(bytes, devices.getFirst(), weightArena));
            if (devices.size() > 1 && !sharesHostMemory) {
                weights.add(new Weights(bytes, devices.get(1), weightArena));
            }
            weightAddresses = weights.getFirst().addresses;
            hostWeightAddresses = weights.getLast().addresses;
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private static MemorySegment[] weightBytes(Plan plan, Session.WeightSource source) {
        var bytesOfSlots = new MemorySegment[plan.slots().size()];
        for (int number = 0; number < bytesOfSlots.length; number++) {
            if (plan.slots().get(number) instanceof Slot.Weight(var entry, long offset, long bytes)) {
                var data = source.entry(entry);
                if (bytes > data.byteSize() || offset > data.byteSize() - bytes) {
                    throw new PortolanException.BadProgramFile("the plan has a weight at " + offset + " with " + bytes
                            + " bytes in '" + entry + "', which has " + data.byteSize());
                }
                bytesOfSlots[number] = data.asSlice(offset, bytes);
            }
        }
        return bytesOfSlots;
    }

    /// The bytes of a run that do not depend on its inputs' shapes.
    private static long least(FlatPlan plan) {
        long bytes = plan.expressions.dim(plan.arenaBytes).constant().orElse(0L);
        for (var ports : List.of(plan.inputs, plan.outputs)) {
            for (var port : ports) {
                bytes = Binding.add(bytes, plan.expressions.dim(port.bytes()).constant().orElse(0L));
            }
        }
        return bytes;
    }

    /// Refuses a run that cannot have what it needs, before anything is taken for it.
    ///
    /// @throws PortolanException.LimitExceeded with the numbers
    void checkFits(Binding binding) {
        long bytes = Binding.add(binding.arenaBytes, binding.outputOffsets[plan.outputs.length]);
        for (var input : plan.inputs) {
            bytes = Binding.add(bytes, binding.values[input.bytes()]);
        }
        checkFits(weights.getFirst().bytes, bytes);
    }

    /// The host's own memory is no limit: it may be lent from a disk.
    private void checkFits(long weightBytes, long runBytes) {
        var device = devices.getFirst().description();
        if (!sharesHostMemory && device.memoryBytes() > 0
                && (weightBytes > device.memoryBytes() || runBytes > device.memoryBytes() - weightBytes)) {
            throw new PortolanException.LimitExceeded("the model needs " + weightBytes + " bytes for its weights and "
                    + runBytes + " for a run, and " + device.name() + " has " + device.memoryBytes()
                    + " in all; take a device with more memory, or give the model smaller inputs");
        }
    }

    /// Refuses to go on with a device that has stopped working.
    ///
    /// @throws PortolanException.DeviceLost naming the device
    void checkHealth() {
        for (var device : devices) {
            if (device.health() == DeviceHealth.LOST) {
                throw lost(device, null);
            }
        }
    }

    /// What to throw in place of an exception, if the reason for it is that a device has stopped working.
    RuntimeException explained(RuntimeException failure) {
        if (!(failure instanceof PortolanException.DeviceLost)) {
            for (var device : devices) {
                if (device.health() == DeviceHealth.LOST) {
                    return lost(device, failure);
                }
            }
        }
        return failure;
    }

    private static PortolanException lost(Device device, RuntimeException cause) {
        return new PortolanException.DeviceLost(device.description().name() + " (" + device.description().label()
                + ") has stopped working; load the model on another device, or in a new process", cause);
    }

    @Override
    public void close() {
        images.forEach(KernelImage::close);
        weightArena.close();
    }
}
