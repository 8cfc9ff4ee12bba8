package org.portolan.tests.filetests;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.GraphOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Targets;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.data.RandomTensors;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.device.Driver;
import org.portolan.runtime.device.StopSignal;
import org.portolan.runtime.type.ElementType;

/// The hard case of matrix instructions, compiled and run: fragments, matrices from swizzled shared memory, asynchronous
/// copies three stages deep. The interpreter says what comes out.
class MatrixKernelTest {
    private static final String DEVICE = "cuda:emulated";

    @ParameterizedTest
    @CsvSource({"64, 32, 80", "32, 64, 16", "96, 32, 128", "32, 32, 32"})
    void aProductOnFragments(int m, int n, int k) throws IOException {
        Assumptions.assumeTrue(
                Devices.drivers().stream().map(Driver::list).anyMatch(MatrixKernelTest::emulates),
                "skipped: there is no " + DEVICE);
        var text = Files.readString(Path.of("filetests/cases/matmul-gpu.ir"));
        var module = IrParser.parse(text, "matmul-gpu.ir");
        var function = (GraphOp.Function)
                module.stream().filter(op -> op instanceof GraphOp.Function).findFirst().orElseThrow();
        var kernel = (TileOp.Kernel)
                module.stream().filter(op -> op instanceof TileOp.Kernel).findFirst().orElseThrow();
        var a = RandomTensors.random(ElementType.BF16, 1, m, k);
        var b = RandomTensors.random(ElementType.BF16, 2, k, n);
        var bias = RandomTensors.random(ElementType.F32, 3, n);
        var names = function.body().params();
        var expected = new GraphInterpreter(function)
                .run(Map.of(names.get(0).hint(), a, names.get(1).hint(), b, names.get(2).hint(), bias))
                .values()
                .iterator()
                .next();
        var found = run(kernel, List.of(a, b, bias), m, n, k);
        for (long i = 0; i < expected.elements(); i++) {
            double wanted = expected.getDouble(i);
            assertEquals(wanted, found.getDouble(i), 1e-5 * Math.max(1, Math.abs(wanted)), "element " + i);
        }
    }

    private static boolean emulates(Driver.Listing listing) {
        return listing.devices().stream().anyMatch(device -> device.emulated() && device.driver().equals("cuda"));
    }

    private static Tensor run(TileOp.Kernel kernel, List<Tensor> inputs, int m, int n, int k) {
        var target = Targets.resolve("cuda:sm_80");
        var image = target.codegen().compile(List.of(kernel), target.machine());
        var result = Tensor.allocate(ElementType.F32, Arena.ofAuto(), m, n);
        try (var device = Devices.open(DEVICE, DeviceOptions.defaults());
                var arena = Arena.ofConfined();
                var kernels = device.load(MemorySegment.ofArray(image.bytes()));
                var queue = device.openQueue(StopSignal.NEVER)) {
            var words = new ArrayList<Long>();
            for (var input : inputs) {
                var place = device.allocate(arena, input.data().byteSize(), 64);
                queue.copyIn(input.data(), place.address(), input.data().byteSize());
                words.add(place.address());
            }
            var place = device.allocate(arena, result.data().byteSize(), 64);
            words.addAll(List.of(place.address(), (long) m, (long) n, (long) k));
            var parameters = arena.allocateFrom(
                    ValueLayout.JAVA_LONG, words.stream().mapToLong(word -> word).toArray());
            queue.launch(kernels.kernel(kernel.name()), parameters, words.size(), new long[] {m / 32, n / 32}, 0);
            queue.copyOut(place.address(), result.data(), result.data().byteSize());
            assertEquals(0, queue.takeError());
        }
        return result;
    }
}
