package org.example.abacus.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.portolan.ir.IrException;
import org.portolan.ir.TileOp;
import org.portolan.ir.text.IrParser;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.Faults;
import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.device.KernelImage;
import org.portolan.runtime.device.Queue;
import org.portolan.runtime.device.StopSignal;

/// A device; its memory is the host's, but one in another room does not let the host touch it.
final class AbacusDevice implements Device, Faults {
    private final DeviceDescription description;
    private volatile boolean closed;
    private volatile boolean lost;

    AbacusDevice(DeviceDescription description) {
        this.description = description;
    }

    /// A kernel of a loaded image.
    record LoadedKernel(TileOp.Kernel code) implements Kernel {
        @Override
        public String name() {
            return code.name();
        }
    }

    /// The kernels of an image by name.
    private record LoadedImage(Map<String, LoadedKernel> kernels) implements KernelImage {
        @Override
        public Kernel kernel(String name) {
            var kernel = kernels.get(name);
            if (kernel == null) throw new BadProgramFile("the image has no kernel '" + name + "'");
            return kernel;
        }

        @Override
        public void close() {
            // The garbage collector's.
        }
    }

    @Override
    public DeviceDescription description() {
        return description;
    }

    @Override
    public MemorySegment allocate(Arena arena, long bytes, long alignment) {
        checkUsable();
        if (bytes > description.memoryBytes()) {
            throw new LimitExceeded(description.name() + " has " + description.memoryBytes() + " bytes, not " + bytes);
        }
        var memory = arena.allocate(bytes, alignment);
        return description.sharesHostMemory() ? memory : MemorySegment.ofAddress(memory.address());
    }

    @Override
    public KernelImage load(MemorySegment image) {
        checkUsable();
        try {
            var text = new String(image.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
            var kernels = new HashMap<String, LoadedKernel>();
            for (var op : IrParser.parse(text, "kernel image")) {
                if (op instanceof TileOp.Kernel kernel) kernels.put(kernel.name(), new LoadedKernel(kernel));
            }
            if (kernels.isEmpty()) throw new BadProgramFile("the image has no kernels; compile the model again");
            return new LoadedImage(kernels);
        } catch (IrException problem) {
            throw new BadProgramFile("the image is no text of kernels; compile the model again", problem);
        }
    }

    @Override
    public Queue openQueue(StopSignal stop) {
        checkUsable();
        return new AbacusQueue(this, stop);
    }

    void checkUsable() {
        if (closed) throw new DeviceFailed(description.name() + " is closed; open it again", null);
        if (lost) throw new DeviceLost(description.name() + " has lost its beads", null);
    }

    @Override
    public void lose() {
        lost = true;
    }

    @Override
    public DeviceHealth health() {
        return lost ? DeviceHealth.LOST : DeviceHealth.WORKING;
    }

    @Override
    public void close() {
        closed = true;
    }
}
