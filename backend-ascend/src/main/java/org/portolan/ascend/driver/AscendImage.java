package org.portolan.ascend.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
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
    private final Map<Cores, Long> binaries;
    private final Map<String, AscendKernel> kernels = new HashMap<>();
    private boolean closed;

    private AscendImage(AscendDevice device, ImageHeader header, Map<Cores, Long> binaries) {
        this.device = device;
        this.header = header;
        this.binaries = binaries;
    }

    static AscendImage load(AscendDevice device, MemorySegment image) {
        var source = new String(image.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        var header = ImageHeader.read(source);
        if (!header.chip().equals(device.chip.architecture())) {
            throw new DeviceFailed("the kernels are for " + header.chip() + " and " + device.description().name() + ", "
                    + device.description().label() + ", is " + device.chip.architecture() + "; compile the model for ascend:"
                    + device.chip.machine(), null);
        }
        var binaries = new EnumMap<Cores, Long>(Cores.class);
        try {
            loadParts(device, header, source, binaries);
        } catch (RuntimeException | Error failed) {
            unload(device, binaries, failed);
            throw failed;
        }
        return new AscendImage(device, header, binaries);
    }

    private static void loadParts(AscendDevice device, ImageHeader header, String source, Map<Cores, Long> binaries) {
        for (var part : header.kernels().isEmpty() ? List.<ImageHeader.Part>of() : ImageHeader.parts(source)) {
            var file = device.builder.build(part.source(), device.chip, part.cores());
            try (var arena = Arena.ofConfined()) {
                binaries.put(part.cores(), device.handle(
                        "loading the kernels " + file,
                        "aclrtBinaryLoadFromFile",
                        2,
                        arena.allocateFrom(file.toAbsolutePath().toString()),
                        MemorySegment.NULL));
            }
        }
        for (var entry : header.kernels().values()) {
            if (!binaries.containsKey(entry.kind())) {
                throw new BadProgramFile("the kernels have no source for " + entry.function() + "; compile the model again");
            }
        }
    }

    /// Unloads what was loaded before another part of the image failed.
    private static void unload(AscendDevice device, Map<Cores, Long> binaries, Throwable failed) {
        try {
            if (!binaries.isEmpty() && device.health() == DeviceHealth.WORKING) {
                device.choose();
                binaries.values().forEach(binary -> device.call("aclrtBinaryUnLoad", AscendDevice.pointer(binary)));
            }
        } catch (RuntimeException worse) {
            failed.addSuppressed(worse);
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
                        AscendDevice.pointer(binaries.get(entry.kind())),
                        arena.allocateFrom(entry.function()));
                return new AscendKernel(name, entry, handle);
            }
        });
    }

    @Override
    public synchronized void close() {
        boolean working = device.health() == DeviceHealth.WORKING;
        if (!closed && !binaries.isEmpty() && working) {
            closed = true;
            device.choose();
            binaries.values().forEach(binary -> device.call("aclrtBinaryUnLoad", AscendDevice.pointer(binary)));
        }
    }
}
