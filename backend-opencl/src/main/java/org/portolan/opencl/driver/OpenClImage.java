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
        if (!device.facts.exchanges() && header.kernels().values().stream().anyMatch(entry -> entry.warp() > 1)) {
            throw new DeviceFailed("the kernels let the threads of a sub-group exchange what they have, and "
                    + device.facts.name() + " has neither cl_khr_subgroup_shuffle nor cl_intel_subgroups; compile the model for"
                    + " this device, or with +warp=1 behind the target's name", null);
        }
        return new OpenClImage(device, header, Programs.build(device, header, source));
    }

    @Override
    public synchronized Kernel kernel(String name) {
        var entry = header.kernels().get(name);
        if (entry == null) {
            throw new BadProgramFile("the kernels have no '" + name + "'; compile the model again");
        }
        return kernels.computeIfAbsent(name, _ -> {
            long handle = device.noticing(() -> device.library.createKernel(program, entry.function()));
            checkWarp(entry, handle);
            return new OpenClKernel(name, entry, handle);
        });
    }

    /// Threads exchange what they have within a sub-group, which must hold whole warps.
    private void checkWarp(ImageHeader.Entry entry, long handle) {
        if (entry.warp() > 1) {
            long found = device.library.subGroup(handle, device.facts.device(), entry.block());
            if (found % entry.warp() != 0 || found == 0) {
                device.library.releaseKernel(handle);
                throw new DeviceFailed("kernel " + entry.function() + " of " + entry.origin() + " was compiled for sub-groups of "
                        + entry.warp() + " threads, and " + device.facts.name() + " runs it in sub-groups of "
                        + (found == 0 ? "a size that it does not say" : found) + "; compile the model for this device, or with"
                        + " +warp=1 behind the target's name", null);
            }
        }
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
