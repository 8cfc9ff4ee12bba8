package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.GraphOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.data.RandomTensors;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.device.Driver;
import org.portolan.runtime.type.ElementType;

/// Attention compiled into one kernel and run on an emulated device, which checks races, bounds and alignment. The
/// interpreter, with three nests, says what comes out.
class OnlineDeviceTest {
    private static final String DEVICE = "cuda:emulated";
    /// Which device is emulated, and thus what a block of it may share at most.
    private static final String ARCHITECTURE = "portolan.emulated.sm";

    @TempDir
    private Path folder;

    private final Optional<String> architecture = Optional.ofNullable(System.getProperty(ARCHITECTURE));

    @AfterEach
    void restore() {
        architecture.ifPresentOrElse(
                name -> System.setProperty(ARCHITECTURE, name), () -> System.clearProperty(ARCHITECTURE));
    }

    @ParameterizedTest
    @CsvSource({
        "sm_80,f32,2,20,33,16,24,false", "sm_80,f16,2,70,50,64,40,false", "sm_80,bf16,1,33,130,32,32,true",
        "sm_75,f16,1,16,20,5,7,false", "sm_75,f16,1,64,64,64,64,false", "sm_80,f32,1,5,7,8,3,true"
    })
    void attention(String machine, String element, long heads, long m, long n, long d, long e, boolean turned)
            throws IOException {
        Assumptions.assumeTrue(
                Devices.drivers().stream().map(Driver::list).anyMatch(OnlineDeviceTest::emulates),
                "skipped: there is no " + DEVICE);
        var text = OnlineKernelTest.attention(element, turned, heads, m, n, d, e, false);
        var function = (GraphOp.Function) IrParser.parse(text, "attention").getFirst();
        var target = Targets.resolve("cuda:" + machine);
        assertEquals(1, new Compiler().lower(function, target).kernels().size());
        var file = folder.resolve("attention.portolan");
        new Compiler().compile(function, List.of(target), file);
        var type = ElementType.parse(element);
        var inputs = Map.of(
                "q", RandomTensors.random(type, 1, heads, m, d),
                "k", turned ? RandomTensors.random(type, 2, heads, d, n) : RandomTensors.random(type, 2, heads, n, d),
                "v", RandomTensors.random(type, 3, heads, n, e),
                "mask", RandomTensors.random(ElementType.F32, 4, m, n));
        var expected = new GraphInterpreter(function).run(inputs).get("o");
        double tolerance = type == ElementType.F32 ? OnlineKernelTest.FLOAT : OnlineKernelTest.HALF;
        System.setProperty(ARCHITECTURE, machine);
        try (var device = Devices.open(DEVICE, DeviceOptions.defaults());
                var model = Portolan.load(file, device);
                var outputs = model.run(inputs)) {
            var found = outputs.get("o");
            for (long i = 0; i < expected.elements(); i++) {
                double wanted = expected.getDouble(i);
                if (!Double.isNaN(wanted) || !Double.isNaN(found.getDouble(i))) {
                    assertEquals(
                            wanted, found.getDouble(i), tolerance * Math.max(1, Math.abs(wanted)), "element " + i);
                }
            }
        }
    }

    private static boolean emulates(Driver.Listing listing) {
        return listing.devices().stream().anyMatch(device -> device.emulated() && device.driver().equals("cuda"));
    }
}
