package org.portolan.opencl;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
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
        var text = new OpenClCodegen().emit("opencl", kernels, chip);
        boolean exchanges = device.description().features().contains("sub_group_exchange");
        try (var arena = Arena.ofConfined()) {
            var bytes = (exchanges ? text : withoutSubGroups(text)).getBytes(StandardCharsets.UTF_8);
            image = device.load(arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes));
        }
    }

    /// The same kernels where threads exchange by local memory and barriers: what runs where there are no sub-groups. Only
    /// for kernels in which all threads of a group come to each exchange.
    private static String withoutSubGroups(String text) {
        var exchange =
                """
                #undef exchange
                #define exchange(value, distance) ({ \\
                    barrier(CLK_LOCAL_MEM_FENCE); \\
                    exchanged[get_local_id(0)] = (value); \\
                    barrier(CLK_LOCAL_MEM_FENCE); \\
                    exchanged[get_local_id(0) ^ (distance)]; })
                """;
        int kernels = text.indexOf("\n__kernel ") + 1;
        return text.contains(" warp=")
                ? (text.substring(0, kernels) + exchange + text.substring(kernels))
                        .replaceAll("(?m)^(//: .*) warp=\\d+", "$1")
                        .replace("* error) {\n", "* error) {\n    __local uint exchanged[1024];\n")
                : text;
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
