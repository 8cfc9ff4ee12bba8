package org.example.abacus.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.portolan.ir.TileOp;
import org.portolan.ir.text.IrParser;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.device.KernelImage;
import org.portolan.runtime.device.Queue;
import org.portolan.runtime.device.StopSignal;

/// A device; its memory is the host's, but one in another room does not let the host touch it.
record AbacusDevice(DeviceDescription description) implements Device {

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
    public MemorySegment allocate(Arena arena, long bytes, long alignment) {
        var memory = arena.allocate(bytes, alignment);
        return description.sharesHostMemory() ? memory : MemorySegment.ofAddress(memory.address());
    }

    @Override
    public KernelImage load(MemorySegment image) {
        var text = new String(image.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        var kernels = new HashMap<String, LoadedKernel>();
        for (var op : IrParser.parse(text, "kernel image")) {
            if (op instanceof TileOp.Kernel kernel) kernels.put(kernel.name(), new LoadedKernel(kernel));
        }
        return new LoadedImage(kernels);
    }

    @Override
    public Queue openQueue(StopSignal stop) {
        return new AbacusQueue(stop);
    }

    @Override
    public DeviceHealth health() {
        return DeviceHealth.WORKING;
    }

    @Override
    public void close() {
        // Nothing is held.
    }
}
