package org.portolan.cuda.emulator;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.portolan.cuda.emulator.decode.KernelDecoder;
import org.portolan.cuda.emulator.run.Allocation;
import org.portolan.cuda.emulator.run.Program;
import org.portolan.cuda.emulator.text.PtxModule;
import org.portolan.cuda.emulator.text.PtxReader;
import org.portolan.cuda.emulator.text.PtxRefused;
import org.portolan.cuda.emulator.text.PtxVariable;
import org.portolan.cuda.image.CudaImage;
import org.portolan.cuda.image.KernelEntry;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.device.KernelImage;

/// Decoded kernels, with their modules' variables in the device's memory.
final class EmulatedImage implements KernelImage {
    private final EmulatedDevice device;
    private final Map<String, EmulatedKernel> kernels = new HashMap<>();
    private final List<Allocation> variables = new ArrayList<>();

    /// A kernel that can be launched.
    record EmulatedKernel(KernelEntry entry, Program program) implements Kernel {
        @Override
        public String name() {
            return entry.name();
        }
    }

    private EmulatedImage(EmulatedDevice device) {
        this.device = device;
    }

    static EmulatedImage load(EmulatedDevice device, CudaImage image) {
        var loaded = new EmulatedImage(device);
        for (var module : image.modules()) {
            try {
                loaded.add(module);
            } catch (PtxRefused refused) {
                loaded.close();
                throw new DeviceFailed("kernel '" + module.entry().name() + "': " + refused.getMessage(), refused);
            }
        }
        return loaded;
    }

    private void add(CudaImage.Module module) {
        var entry = module.entry();
        var text = PtxReader.read(module.ptx());
        if (!device.architecture().runs().contains(text.architecture())) {
            throw new DeviceFailed(
                    "kernel '" + entry.name() + "' was compiled for " + text.architecture()
                            + "; the emulated device is " + device.architecture().name() + " and runs " + device.architecture().runs(),
                    null);
        }
        var function = text.function(entry.name())
                .filter(PtxModule.Function::entry)
                .orElseThrow(() -> new BadProgramFile("the PTX of kernel '" + entry.name() + "' has no such entry"));
        var addresses = new HashMap<String, Long>();
        for (var variable : text.variables()) {
            if (!variable.space().equals("shared")) {
                addresses.put(variable.name(), place(variable));
            }
        }
        var program = KernelDecoder.decode(text, function, addresses);
        if (program.parameterBytes() != entry.parameterBytes()) {
            throw new BadProgramFile("the PTX of kernel '" + entry.name() + "' takes " + program.parameterBytes()
                    + " bytes of parameters, and its entry says " + entry.parameterBytes());
        }
        kernels.put(entry.name(), new EmulatedKernel(entry, program));
    }

    private long place(PtxVariable variable) {
        var allocation = device.memory()
                .allocate(
                        Math.max(1, variable.bytes()),
                        variable.alignmentOrNatural(),
                        variable.name(),
                        variable.space().equals("const"));
        if (allocation == null) {
            throw new LimitExceeded("the device has not the " + variable.bytes() + " bytes of variable "
                    + variable.name() + " left");
        }
        variables.add(allocation);
        // What the text gives no value for is 0.
        var bytes = new byte[Math.toIntExact(variable.bytes())];
        int width = variable.elementBytes();
        for (int index = 0; index < variable.initial().size(); index++) {
            for (int part = 0; part < width; part++) {
                bytes[index * width + part] = (byte) (variable.initial().get(index) >>> part * Byte.SIZE);
            }
        }
        allocation.copyIn(MemorySegment.ofArray(bytes), 0, bytes.length);
        return allocation.address();
    }

    @Override
    public Kernel kernel(String name) {
        var kernel = kernels.get(name);
        if (kernel == null) {
            throw new BadProgramFile("the image has no kernel '" + name + "'");
        }
        return kernel;
    }

    @Override
    public void close() {
        variables.forEach(device.memory()::free);
    }
}
