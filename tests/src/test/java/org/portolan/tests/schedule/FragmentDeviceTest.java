package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.lowering.tile.NestToTile;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.data.RandomTensors;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.device.Driver;
import org.portolan.runtime.type.ElementType;

/// Contractions that the scheduler gives to matrix instructions, compiled and run on an emulated device, which checks
/// races, bounds and alignment. The interpreter says what comes out.
class FragmentDeviceTest {
    private static final String DEVICE = "cuda:emulated";
    private static final String ARCHITECTURE = "portolan.emulated.sm";

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "sm_80,f32,64,48,72,plain", "sm_80,f32,33,40,40,plain turned", "sm_80,f32,40,64,32,computed",
        "sm_90a,f16,128,64,192,plain", "sm_90a,bf16,100,72,130,plain turned", "sm_90a,f16,70,256,64,plain",
        "sm_90a,i8,100,72,272,plain turned", "sm_90a,i8,64,64,130,plain turned", "sm_90a,f32,100,72,100,plain turned",
        "sm_80,f16,64,64,192,plain", "sm_80,bf16,40,24,100,plain turned", "sm_80,i8,64,48,160,plain turned",
        "sm_80,f16,64,64,64,computed", "sm_80,bf16,40,24,33,computed turned", "sm_80,i8,32,48,96,computed", "sm_80,i8,20,40,70,computed turned",
        "sm_75,f16,33,64,40,computed", "sm_75,i8,40,48,96,plain turned", "sm_75,i8,20,40,70,computed turned",
        "sm_80,bf16,128,64,64,computed", "sm_80,bf16,330,200,64,plain"
    })
    void products(String machine, String element, long m, long n, long k, String how) throws IOException {
        Assumptions.assumeTrue(
                Devices.drivers().stream().map(Driver::list).anyMatch(FragmentDeviceTest::emulates),
                "skipped: there is no " + DEVICE);
        var sum = element.equals("i8") ? "i32" : "f32";
        boolean transposed = how.contains("turned");
        var left = how.contains("plain") ? FragmentKernelTest.PLAIN : "%pl = arith.abs %p : ELEMENT";
        var text = FragmentKernelTest.product(element, sum, transposed, left);
        boolean narrows = element.equals("f32");
        if (narrows) {
            text = text.replaceAll("%pw = arith.cast %pl : f32", "").replaceAll("%qw = arith.cast %q : f32", "")
                    .replace("arith.mul %pw, %qw", "arith.mul %pl, %q");
        }
        var function = (GraphOp.Function)
                IrParser.parse(FragmentKernelTest.sized(text, m, n, k, false), "product").getFirst();
        // On few processors small products are worth large tiles.
        var target = Targets.resolve("cuda:" + machine + "+processors_count=1" + (narrows ? "+narrow_products=1" : ""));
        var nest = (NestOp.Compute) function.body().ops().getFirst();
        var kernel = new NestToTile(target.machine()).lower(nest, "product", _ -> false).kernel();
        assertTrue(ThreadKernelTest.has(
                kernel.body().ops(), op -> op instanceof TileOp.Call call
                        && call.intrinsic().startsWith(machine.equals("sm_90a") ? "wgmma" : "mma")));
        if (narrows) {
            var exact = new NestToTile(Targets.resolve("cuda:" + machine).machine()).lower(nest, "product", _ -> false);
            assertFalse(ThreadKernelTest.has(exact.kernel().body().ops(), TileOp.Call.class::isInstance));
        }
        var file = folder.resolve("product.portolan");
        new Compiler().compile(function, List.of(target), file);
        var type = ElementType.parse(element);
        var inputs = Map.of(
                "x", RandomTensors.random(type, 1, m, k),
                "y", transposed ? RandomTensors.random(type, 2, n, k) : RandomTensors.random(type, 2, k, n),
                "bias", RandomTensors.random(ElementType.parse(sum), 3, n));
        var expected = new GraphInterpreter(function).run(narrows ? narrowed(inputs, machine) : inputs).get("c");
        System.setProperty(ARCHITECTURE, machine);
        try (var device = Devices.open(DEVICE, DeviceOptions.defaults());
                var model = Portolan.load(file, device);
                var outputs = model.run(inputs)) {
            var found = outputs.get("c");
            for (long i = 0; i < expected.elements(); i++) {
                double wanted = expected.getDouble(i);
                assertEquals(wanted, found.getDouble(i), 1e-5 * Math.max(1, Math.abs(wanted)), "element " + i);
            }
        } finally {
            System.clearProperty(ARCHITECTURE);
        }
    }

    /// Factors of single precision as TF32 has them, 10 bits behind the point: {@code mma.sync} gets them rounded, {@code wgmma} reads
    /// them in shared memory and leaves the other bits away.
    private static Map<String, Tensor> narrowed(Map<String, Tensor> inputs, String machine) {
        var narrow = new HashMap<>(inputs);
        for (var name : List.of("x", "y")) {
            var given = inputs.get(name);
            var values = new float[Math.toIntExact(given.elements())];
            for (int i = 0; i < values.length; i++) {
                int half = machine.equals("sm_90a") ? 0 : 1 << 12;
                values[i] = Float.intBitsToFloat(Float.floatToRawIntBits((float) given.getDouble(i)) + half & -1 << 13);
            }
            narrow.put(name, Tensor.of(values, given.shape()));
        }
        return narrow;
    }

    private static boolean emulates(Driver.Listing listing) {
        return listing.devices().stream().anyMatch(device -> device.emulated() && device.driver().equals("cuda"));
    }
}
