package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;

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
import org.portolan.runtime.type.ElementType;

/// Products whose operands a copy engine brings in boxes, on an emulated device that has one: batches, heads, ragged and symbolic
/// extents, what follows the sum; and those that it cannot bring, which are copied otherwise. Each is run four times and for several
/// extents, so that launches are also replayed.
class BoxDeviceTest {
    private static final String DEVICE = "cuda:emulated";
    private static final String ARCHITECTURE = "portolan.emulated.sm";

    @TempDir
    private Path folder;

    private static String product(String x, String y, String axes, String left, String right, String to, String result) {
        return """
                graph.function <name = product, symbols = [m:1..300, b:1..4, k:1..300, s:0..64]> { (%x: ELEMENT[X], %y: ELEMENT[Y], %bias: f32[40]) ->
                  %c = nest.compute [%x, %y, %bias] <axes = [AXES]> {
                    %p = nest.read %x <at = [LEFT]> : ELEMENT
                    %q = nest.read %y <at = [RIGHT]> : ELEMENT
                    %pw = arith.cast %p : f32
                    %qw = arith.cast %q : f32
                    %r = arith.mul %pw, %qw : f32
                    %s = nest.sum %r <over = [l]> : f32
                    %d = nest.read %bias <at = [j]> : f32
                    %e = arith.add %s, %d : f32
                    %zero = arith.const <value = 0.0> : f32
                    %t = arith.max %e, %zero : f32
                    %n = arith.cast %t : ELEMENT
                    nest.yield [%n] <to = [[TO]]>
                  } : ELEMENT[RESULT]
                  graph.return [%c]
                }
                """
                .replace("LEFT", left)
                .replace("RIGHT", right)
                .replace("AXES", axes)
                .replace("RESULT", result)
                .replace("TO", to)
                .replace("[X]", "[" + x + "]")
                .replace("[Y]", "[" + y + "]");
    }

    private static final Map<String, String> PRODUCTS = Map.of(
            "rows", product("m,72", "72,40", "i:m, j:40, l:72", "i, l", "l, j", "i, j", "m,40"),
            "turned", product("m,72", "40,72", "i:m, j:40, l:72", "i, l", "j, l", "i, j", "m,40"),
            "columns", product("200,136", "200,40", "i:136, j:40, l:200", "l, i", "l, j", "i, j", "136,40"),
            "batches", product("b,m,72", "b,72,40", "h:b, i:m, j:40, l:72", "h, i, l", "h, l, j", "h, i, j", "b,m,40")
                    .replace("40", "120").replace("72", "120"),
            "one matrix", product("b,m,72", "72,40", "h:b, i:m, j:40, l:72", "h, i, l", "l, j", "h, i, j", "b,m,40"),
            "heads", product(
                    "b,m,3,72", "b,40,3,72", "h:b, g:3, i:m, j:40, l:72", "h, i, g, l", "h, j, g, l", "h, g, i, j",
                    "b,3,m,40").replace("40", "120").replace("72", "120"),
            "part", product("m,200", "72,40", "i:m, j:40, l:64", "i, l+24", "l+8, j", "i, j", "m,40"),
            "odd", product("m,70", "70,40", "i:m, j:40, l:70", "i, l", "l, j", "i, j", "m,40"),
            "empty", product("m,8*s", "8*s,40", "i:m, j:40, l:8*s", "i, l", "l, j", "i, j", "m,40")
                    .replace("f32[40])", "f32[40], %sizes: f32[s])"),
            "unknown", product("m,k", "k,40", "i:m, j:40, l:k", "i, l", "l, j", "i, j", "m,40"));

    @ParameterizedTest
    @CsvSource({
        "rows, f16, true", "rows, bf16, true", "turned, bf16, true", "columns, f16, true", "batches, f16, true",
        "one matrix, bf16, true", "heads, f16, true", "part, f16, true", "empty, bf16, true", "odd, f16, false", "unknown, bf16, false"
    })
    void products(String name, String element, boolean boxed) throws IOException {
        Assumptions.assumeTrue(
                Devices.drivers().stream()
                        .flatMap(driver -> driver.list().devices().stream())
                        .anyMatch(device -> device.emulated() && device.driver().equals("cuda")),
                "skipped: there is no " + DEVICE);
        var text = PRODUCTS.get(name).replace("ELEMENT", element);
        var function = (GraphOp.Function) IrParser.parse(text, "product").getFirst();
        // On few processors small products are worth large tiles.
        var target = Targets.resolve("cuda:sm_90a+processors_count=1");
        var nest = (NestOp.Compute) function.body().ops().getFirst();
        var kernel = new NestToTile(target.machine()).lower(nest, "product", _ -> false).kernel();
        assertEquals(boxed, ThreadKernelTest.has(kernel.body().ops(), op -> op instanceof TileOp.Ring ring && ring.signals()));
        var file = folder.resolve("product.portolan");
        new Compiler().compile(function, List.of(target), file);
        System.setProperty(ARCHITECTURE, "sm_90a");
        try (var device = Devices.open(DEVICE, DeviceOptions.defaults());
                var model = Portolan.load(file, device)) {
            // From the third run with the same extents on, launches are replayed.
            for (long rows : new long[] {33, 33, 33, 33, 130, 33}) {
                // A sum over nothing is what follows it, of zero.
                var symbols = Map.of("m", rows, "b", 1 + rows % 4, "k", rows + 5, "s", rows == 130 ? 0 : rows / 3);
                var inputs = new HashMap<String, Tensor>();
                for (var param : function.body().params()) {
                    var dims = param.tensor().dims().stream()
                            .mapToLong(dim -> dim.evaluate(symbols::get))
                            .toArray();
                    inputs.put(param.hint(), RandomTensors.random(param.tensor().element(), rows + dims.length, dims));
                }
                var expected = new GraphInterpreter(function).run(inputs).get("c");
                try (var outputs = model.run(inputs)) {
                    compare(expected, outputs.get("c"), element);
                }
            }
        } finally {
            System.clearProperty(ARCHITECTURE);
        }
    }

    private static void compare(Tensor expected, Tensor found, String element) {
        double bound = ElementType.parse(element) == ElementType.F16 ? 1e-3 : 8e-3;
        for (long i = 0; i < expected.elements(); i++) {
            double wanted = expected.getDouble(i);
            assertEquals(wanted, found.getDouble(i), bound * Math.max(1, Math.abs(wanted)), "element " + i);
        }
    }
}
