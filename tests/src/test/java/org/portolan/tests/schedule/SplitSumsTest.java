package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.GraphOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.data.RandomTensors;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.type.ElementType;

/// Long sums of few points are split into parts where the processors of a machine would otherwise have nothing to do, and only
/// there; the parts are added up in order.
class SplitSumsTest {
    private static final String DEVICE = "cuda:emulated";

    @TempDir
    private Path folder;

    private static GraphOp.Function function(String element, long m, long n, long k) {
        var text = FragmentKernelTest.product(element, "f32", false, FragmentKernelTest.PLAIN);
        if (element.equals("f32")) {
            text = text.replaceAll("%pw = arith.cast %pl : f32", "").replaceAll("%qw = arith.cast %q : f32", "")
                    .replace("arith.mul %pw, %qw", "arith.mul %pl, %q");
        }
        return (GraphOp.Function) IrParser.parse(FragmentKernelTest.sized(text, m, n, k, false), "product").getFirst();
    }

    @ParameterizedTest
    @CsvSource({
        "cuda:sm_80,bf16,256,256,16384,2", "cuda:sm_80,f32,16,384,8192,2", "cuda:sm_80,f16,1,1024,8192,2",
        "cuda:sm_90,f16,64,64,8192,2", "cuda:sm_80,bf16,4096,4096,4096,1", "cuda:sm_80,f32,2048,2048,512,1",
        "cuda:sm_80,f16,16,64,128,1", "cuda:sm_80+processors_count=1,bf16,256,256,16384,1"
    })
    void whereProcessorsWouldWait(String target, String element, long m, long n, long k, int kernels) {
        var program = new Compiler().lower(function(element, m, n, k), Targets.resolve(target));
        assertEquals(kernels, program.kernels().size());
    }

    /// The sums of the parts of a number of rows that nobody knows may be any number of bytes.
    @ParameterizedTest
    @CsvSource({"16,2", "9223372036854775807,1"})
    void rowsHaveAnEnd(String most, int kernels) {
        var text = IrPrinter.print(function("f16", 77, 4096, 11008))
                .replaceAll("\\b77\\b", "m")
                .replace("m:0..4096", "m:1.." + most);
        var rows = (GraphOp.Function) IrParser.parse(text, "product").getFirst();
        assertEquals(kernels, new Compiler().lower(rows, Targets.resolve("cuda:sm_80")).kernels().size());
    }

    @ParameterizedTest
    @CsvSource({"f16,16,64,4096", "bf16,40,24,4160", "f32,8,32,4096", "f16,1,256,4096", "f32,3,64,4096"})
    void partsAddUp(String element, long m, long n, long k) throws IOException {
        Assumptions.assumeTrue(
                Devices.drivers().stream()
                        .flatMap(driver -> driver.list().devices().stream())
                        .anyMatch(device -> device.emulated() && device.driver().equals("cuda")),
                "skipped: there is no " + DEVICE);
        var function = function(element, m, n, k);
        var target = Targets.resolve("cuda:sm_80+processors_count=1000");
        var program = new Compiler().lower(function, target);
        assertEquals(2, program.kernels().size());
        var file = folder.resolve("product.portolan");
        new Compiler().compile(function, List.of(target), file);
        var type = ElementType.parse(element);
        var inputs = Map.of(
                "x", RandomTensors.random(type, 1, m, k),
                "y", RandomTensors.random(type, 2, k, n),
                "bias", RandomTensors.random(ElementType.F32, 3, n));
        var expected = new GraphInterpreter(function).run(inputs).get("c").toDoubleArray();
        try (var device = Devices.open(DEVICE, DeviceOptions.defaults());
                var model = Portolan.load(file, device);
                var first = model.run(inputs);
                var second = model.run(inputs)) {
            var found = first.get("c").toDoubleArray();
            assertArrayEquals(expected, found, 1e-3);
            assertArrayEquals(found, second.get("c").toDoubleArray());
        }
    }
}
