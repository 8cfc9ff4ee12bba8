package org.portolan.tests.compile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.ir.GraphOp;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.device.Driver;
import org.portolan.runtime.device.KernelError;

/// A kernel that refuses its data says whose it is, also on devices where a run waits for all its kernels at once.
class FailedNodeTest {
    private static final String TWO_READS = """
            graph.function <name = "reads"> { (%table: f32[5], %i: i64[2], %j: i64[3]) ->
              %first = graph.gather %table, %i <axis = 0> : f32[2]
              %second = graph.gather %table, %j <axis = 0> : f32[3]
              graph.return [%first, %second]
            }
            """;

    @TempDir
    private Path folder;

    @TestFactory
    Stream<DynamicTest> theNodeThatFailedIsNamed() {
        return Devices.drivers().stream().map(driver -> DynamicTest.dynamicTest(driver.name(), () -> check(driver)));
    }

    private void check(Driver driver) throws IOException {
        var listing = driver.list();
        Assumptions.assumeFalse(listing.devices().isEmpty(), () -> "skipped: no device: " + listing.reason());
        var descriptions = Devices.withHost(listing.devices().getFirst());
        var file = folder.resolve(driver.name() + ".portolan");
        var function = (GraphOp.Function) IrParser.parse(TWO_READS, "reads.ir").getFirst();
        new Compiler().compile(function, List.of(Targets.of(descriptions.getFirst())), file);
        var devices = descriptions.stream()
                .map(description -> Devices.open(description.name(), new DeviceOptions(1)))
                .toArray(Device[]::new);
        try (var model = Portolan.load(file, devices)) {
            var good = Tensor.of(new long[] {4, -5, 0}, 3);
            var bad = Tensor.of(new long[] {1, 5, 0}, 3);
            var table = Tensor.of(new float[] {1, 2, 3, 4, 5}, 5);
            var two = Tensor.of(new long[] {0, 1}, 2);
            var error = assertThrows(
                    PortolanException.RunFailed.class, () -> model.run(Map.of("table", table, "i", two, "j", bad)));
            assertTrue(error.getMessage().contains("in second:"), error::getMessage);
            assertEquals(KernelError.INDEX_OUT_OF_RANGE, error.code());
            try (var outputs = model.run(Map.of("table", table, "i", two, "j", good))) {
                assertEquals(5, outputs.get("second").getDouble(0));
            }
        } finally {
            for (var device : devices) device.close();
        }
    }

    @Test
    void theWordHoldsKernelCodeAndCheck() {
        var error = new KernelError(KernelError.numberOf("kernel_41"), KernelError.INVALID_VALUE, 3);
        assertEquals(42, error.kernel());
        assertEquals(error, KernelError.ofWord(error.word()));
        assertEquals(0, KernelError.numberOf("scan"));
        assertEquals(0, KernelError.numberOf("kernel_99999999"));
    }
}
