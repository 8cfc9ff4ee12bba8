package org.portolan.ascend.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.device.KernelImage;

/// Ascend C, compiled where it runs, and loaded.
final class AscendImage implements KernelImage {
    private final AscendDevice device;
    private final ImageHeader header;
    private final long binary;
    private final Map<String, AscendKernel> kernels = new HashMap<>();
    private boolean closed;

    private AscendImage(AscendDevice device, ImageHeader header, long binary) {
        this.device = device;
        this.header = header;
        this.binary = binary;
    }

    static AscendImage load(AscendDevice device, MemorySegment image) {
        var source = new String(image.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        var header = ImageHeader.read(source);
        if (!header.chip().equals(device.chip.architecture())) {
            throw new DeviceFailed("the kernels are for " + header.chip() + " and " + device.description().name() + ", "
                    + device.description().label() + ", is " + device.chip.architecture() + "; compile the model for ascend:"
                    + device.chip.machine(), null);
        }
        if (header.kernels().isEmpty()) {
            return new AscendImage(device, header, 0);
        }
        var file = device.builder.build(source, device.chip);
        try (var arena = Arena.ofConfined()) {
            long binary = device.handle(
                    "loading the kernels " + file,
                    "aclrtBinaryLoadFromFile",
                    2,
                    arena.allocateFrom(file.toAbsolutePath().toString()),
                    MemorySegment.NULL);
            return new AscendImage(device, header, binary);
        }
    }

    @Override
    public synchronized Kernel kernel(String name) {
        var entry = header.kernels().get(name);
        if (entry == null) {
            throw new BadProgramFile("the kernels have no '" + name + "'; compile the model again");
        }
        device.choose();
        return kernels.computeIfAbsent(name, _ -> {
            try (var arena = Arena.ofConfined()) {
                long handle = device.handle(
                        "finding kernel " + name,
                        "aclrtBinaryGetFunction",
                        2,
                        AscendDevice.pointer(binary),
                        arena.allocateFrom(entry.function()));
                return new AscendKernel(name, entry, handle);
            }
        });
    }

    @Override
    public synchronized void close() {
        boolean working = device.health() == DeviceHealth.WORKING;
        if (!closed && binary != 0 && working) {
            closed = true;
            device.choose();
            device.call("aclrtBinaryUnLoad", AscendDevice.pointer(binary));
        }
    }
}
