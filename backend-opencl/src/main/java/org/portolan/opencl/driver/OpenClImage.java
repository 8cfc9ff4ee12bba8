package org.portolan.opencl.driver;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.device.KernelImage;

/// A program: source text, built by the vendor's compiler, or what it made of the same text before.
final class OpenClImage implements KernelImage {
    private final OpenClDevice device;
    private final ImageHeader header;
    private long program;
    private final Map<String, OpenClKernel> kernels = new HashMap<>();

    private OpenClImage(OpenClDevice device, ImageHeader header, long program) {
        this.device = device;
        this.header = header;
        this.program = program;
    }

    static OpenClImage load(OpenClDevice device, MemorySegment image) {
        var source = new String(image.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        if (!source.startsWith("//: ") && !source.startsWith("#pragma OPENCL")) {
            throw new DeviceFailed("the kernels are no OpenCL C of this compiler; compile the model again", null);
        }
        var header = ImageHeader.read(source);
        if (header.kernels().isEmpty()) {
            return new OpenClImage(device, header, 0);
        }
        return new OpenClImage(device, header, Programs.build(device, header, source));
    }

    @Override
    public synchronized Kernel kernel(String name) {
        var entry = header.kernels().get(name);
        if (entry == null) {
            throw new BadProgramFile("the kernels have no '" + name + "'; compile the model again");
        }
        return kernels.computeIfAbsent(name, _ -> new OpenClKernel(
                name, entry, device.library.createKernel(program, entry.function())));
    }

    @Override
    public synchronized void close() {
        kernels.values().forEach(kernel -> kernel.release(device.library));
        kernels.clear();
        if (program != 0) {
            device.library.releaseProgram(program);
            program = 0;
        }
    }
}
