package org.portolan.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.ServiceLoader;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.TextLibrary;
import org.portolan.runtime.device.Device;

/// Each kernel that libraries bring as text, on a device against the same in Java.
final class LibraryKernelsOnDevice {
    private LibraryKernelsOnDevice() {}

    private static List<TileOp.Kernel> kernels() {
        var kernels = new ArrayList<TileOp.Kernel>();
        for (var library : ServiceLoader.load(TextLibrary.class)) {
            library.names().stream()
                    .filter(name -> name.startsWith("kernels/"))
                    .flatMap(name -> IrParser.parse(library.read(name), name).stream())
                    .filter(TileOp.Kernel.class::isInstance)
                    .forEach(op -> kernels.add((TileOp.Kernel) op));
        }
        return kernels;
    }

    /// Runs all of them with these extents; one that has no reference here is an error.
    static void check(Device device, MachineOp.Chip chip, int outer, int n, int inner) {
        for (var kernel : kernels()) {
            switch (kernel.name()) {
                case "scan_sum_f32" -> scanSum(device, chip, kernel, outer, n, inner);
                default -> throw new AssertionError("give the library's kernel " + kernel.name() + " a reference here");
            }
        }
    }

    private static void scanSum(Device device, MachineOp.Chip chip, TileOp.Kernel kernel, int outer, int n, int inner) {
        int count = outer * n * inner;
        var random = new Random(count);
        try (var arena = Arena.ofConfined(); var image = new DeviceKernel(device, List.of(kernel), chip)) {
            var x = arena.allocate(Math.max(4, 4L * count), 64).asSlice(0, 4L * count);
            var y = arena.allocate(Math.max(4, 4L * count), 64).asSlice(0, 4L * count);
            for (int i = 0; i < count; i++) {
                x.setAtIndex(ValueLayout.JAVA_FLOAT, i, random.nextInt(-50, 50));
            }
            var extents = List.of((long) outer, (long) n, (long) inner);
            assertEquals(0, image.run(kernel.name(), List.of(x, y), extents, outer, inner));
            for (int i = 0; i < count; i++) {
                boolean first = i / inner % n == 0;
                float before = first ? 0 : y.getAtIndex(ValueLayout.JAVA_FLOAT, i - inner);
                assertEquals(
                        before + x.getAtIndex(ValueLayout.JAVA_FLOAT, i), y.getAtIndex(ValueLayout.JAVA_FLOAT, i), "at " + i);
            }
        }
    }
}
