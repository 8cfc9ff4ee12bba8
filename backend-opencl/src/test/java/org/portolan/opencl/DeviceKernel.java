package org.portolan.opencl;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Machines;
import org.portolan.opencl.codegen.OpenClCodegen;
import org.portolan.opencl.driver.OpenClDriver;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.KernelImage;
import org.portolan.runtime.device.StopSignal;

/// Kernels in the text form, compiled for a machine and loaded onto the first device.
public final class DeviceKernel implements AutoCloseable {
    private static Device shared;

    private final Device device;
    private final KernelImage image;

    public DeviceKernel(Device device, List<TileOp.Kernel> kernels, MachineOp.Chip chip) {
        this.device = device;
        try (var arena = Arena.ofConfined()) {
            image = device.load(arena.allocateFrom(
                    ValueLayout.JAVA_BYTE, new OpenClCodegen().compile(kernels, chip).bytes()));
        }
    }

    /// Whether there is a device; where not, tests are skipped and say so.
    public static boolean isThere() {
        return !new OpenClDriver().list().devices().isEmpty();
    }

    /// The first device, opened once.
    public static synchronized Device device() {
        if (shared == null) {
            shared = new OpenClDriver().open(0, DeviceOptions.defaults());
        }
        return shared;
    }

    public static MachineOp.Chip chip(String name) {
        return Machines.find("opencl", name).orElseThrow();
    }

    public static TileOp.Kernel kernel(String text) {
        return (TileOp.Kernel) IrParser.parse(text, "test").getFirst();
    }

    /// Copies buffers in, runs a grid, and copies all buffers out; gives the error word.
    public long run(String name, List<MemorySegment> buffers, List<Long> symbols, long... grid) {
        try (var arena = Arena.ofShared();
                var queue = device.openQueue(StopSignal.NEVER)) {
            var words = new ArrayList<Long>();
            for (var buffer : buffers) {
                var place = device.allocate(arena, Math.max(1, buffer.byteSize()), 64).address();
                queue.copyIn(buffer, place, buffer.byteSize());
                words.add(place);
            }
            words.addAll(symbols);
            var parameters = arena.allocate(8L * Math.max(1, words.size()), 8);
            for (int i = 0; i < words.size(); i++) {
                parameters.setAtIndex(ValueLayout.JAVA_LONG, i, words.get(i));
            }
            queue.launch(image.kernel(name), parameters, words.size(), grid, 0);
            for (int i = 0; i < buffers.size(); i++) {
                if (!buffers.get(i).isReadOnly()) {
                    queue.copyOut(words.get(i), buffers.get(i), buffers.get(i).byteSize());
                }
            }
            return queue.takeError();
        }
    }

    @Override
    public void close() {
        image.close();
    }
}
