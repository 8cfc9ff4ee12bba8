package org.portolan.tests.compile;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Target;
import org.portolan.lowering.Targets;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.data.RandomTensors;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.type.ElementType;

/// Sums of products on a device whose matrix unit is a core of its own: which become kernels of that unit, and that each
/// type, form and odd size gives what the interpreter says.
class MatrixUnitTest {
    private static final String DEVICE = "ascend:emulated";
    /// Relative to the largest: sums of 32 bits in another order.
    private static final double TOLERANCE = 1e-5;

    @TempDir
    private Path folder;

    @BeforeEach
    void isThere() {
        boolean emulated = Devices.list().stream()
                .filter(DeviceDescription::emulated)
                .anyMatch(device -> DEVICE.startsWith(device.driver() + ":"));
        Assumptions.assumeTrue(emulated, "skipped: there is no " + DEVICE);
    }

    /// Sizes around a block of 16, a tile of 128 and the terms of a step; one row; several tiles for several cores.
    @ParameterizedTest
    @CsvSource({
        "f32, f32, 1, 24, 200", "f32, f32, 17, 33, 65", "f32, f32, 130, 257, 70", "f32, f32, 48, 16, 7",
        "f16, f32, 1, 24, 200", "f16, f32, 17, 33, 65", "f16, f32, 130, 257, 131", "f16, f32, 48, 16, 7",
        "bf16, f32, 1, 24, 200", "bf16, f32, 17, 33, 65", "bf16, f32, 130, 257, 131", "bf16, f32, 48, 16, 7",
        "i8, i32, 1, 24, 200", "i8, i32, 17, 33, 65", "i8, i32, 130, 257, 259", "i8, i32, 48, 16, 7"
    })
    void productsOfEachType(String type, String sum, int m, int n, int k) throws IOException {
        for (var columns : List.of("k, n", "n, k")) {
            var right = columns.equals("k, n") ? k + "," + n : n + "," + k;
            check(
                    """
                    graph.function <name = main> { (%%a: %1$s[%3$d,%5$d], %%b: %1$s[%6$s]) ->
                      %%c = nest.compute [%%a, %%b] <axes = [m:%3$d, n:%4$d, k:%5$d]> {
                        %%x = nest.read %%a <at = [m, k]> : %1$s
                        %%y = nest.read %%b <at = [%7$s]> : %1$s
                        %8$s
                        %%s = nest.sum %%r <over = [k]> : %2$s
                        nest.yield [%%s] <to = [[m, n]]>
                      } : %2$s[%3$d,%4$d]
                      graph.return [%%c]
                    }
                    """
                            .formatted(type, sum, m, n, k, right, columns, product(type, sum)),
                    1, Map.of());
        }
    }

    private static String product(String type, String sum) {
        return type.equals(sum)
                ? "%r = arith.mul %x, %y : " + sum
                : "%p = arith.cast %x : " + sum + "\n%q = arith.cast %y : " + sum + "\n%r = arith.mul %p, %q : " + sum;
    }

    /// Both products of attention, with heads side by side in a row, and lengths that are known when it runs.
    @ParameterizedTest
    @CsvSource({"f32, 1, 13", "f32, 2, 40", "f16, 1, 13"})
    void attention(String type, long batch, long length) throws IOException {
        check(
                """
                graph.function <name = main, symbols = [batch:1..8, length:1..512]> { (%%q: %1$s[batch,length,96], %%k: %1$s[batch,length,96], %%v: %1$s[batch,length,96]) ->
                  %%s = nest.compute [%%q, %%k] <axes = [b:batch, h:3, m:length, n:length, l:32]> {
                    %%a = nest.read %%q <at = [b, m, 32*h+l]> : %1$s
                    %%c = nest.read %%k <at = [b, n, 32*h+l]> : %1$s
                    %%x = arith.cast %%a : f32
                    %%y = arith.cast %%c : f32
                    %%r = arith.mul %%x, %%y : f32
                    %%t = nest.sum %%r <over = [l]> : f32
                    %%w = arith.const <value = 5.5> : f32
                    %%d = arith.div %%t, %%w : f32
                    nest.yield [%%d] <to = [[b, h, m, n]]>
                  } : f32[batch,3,length,length]
                  %%o = nest.compute [%%s, %%v] <axes = [b:batch, m:length, h:3, n:32, l:length, l2:length]> {
                    %%a = nest.read %%s <at = [b, h, m, l]> : f32
                    %%e = arith.exp %%a : f32
                    %%f = nest.read %%s <at = [b, h, m, l2]> : f32
                    %%g = arith.exp %%f : f32
                    %%i = nest.sum %%g <over = [l2]> : f32
                    %%j = arith.div %%e, %%i : f32
                    %%n = arith.cast %%j : %1$s
                    %%c = nest.read %%v <at = [b, l, 32*h+n]> : %1$s
                    %%x = arith.cast %%n : f32
                    %%y = arith.cast %%c : f32
                    %%r = arith.mul %%x, %%y : f32
                    %%t = nest.sum %%r <over = [l]> : f32
                    nest.yield [%%t] <to = [[b, m, 32*h+n]]>
                  } : f32[batch,length,96]
                  graph.return [%%o]
                }
                """
                        .formatted(type)
                        .replaceAll("%(\\w) = arith.cast %(\\w+) : f32\n", type.equals("f32") ? "%$1 = arith.abs %$2 : f32\n" : "$0"),
                2,
                Map.of("q", new long[] {batch, length, 96}, "k", new long[] {batch, length, 96}, "v", new long[] {batch, length, 96}));
    }

    /// Windows become a matrix before; pictures of one point, steps, gaps and borders; groups stay with the vector units.
    @ParameterizedTest
    @CsvSource({
        // pictures, in, out, height, width, window, step, gap, border, groups, kernels of the unit
        "2, 5, 20, 9, 11, 3, 1, 1, 1, 1, 1",
        "1, 3, 16, 17, 13, 5, 2, 1, 2, 1, 1",
        "1, 32, 48, 13, 13, 1, 1, 1, 0, 1, 1",
        "3, 32, 48, 7, 8, 1, 1, 1, 0, 1, 1",
        "1, 12, 24, 11, 10, 3, 1, 2, 2, 1, 1",
        "1, 16, 16, 9, 9, 3, 1, 1, 1, 16, 0",
    })
    void convolutions(
            int pictures, int in, int out, int height, int width, int window, int step, int gap, int border, int groups, int kernels)
            throws IOException {
        int reach = (window - 1) * gap + 1;
        int high = (height + 2 * border - reach) / step + 1;
        int wide = (width + 2 * border - reach) / step + 1;
        for (var type : List.of("f32", "f16")) {
            check(
                    """
                    graph.function <name = main> { (%%x: %1$s[%2$d,%3$d,%5$d,%6$d], %%w: %1$s[%4$d,%7$d,%8$d,%8$d], %%b: f32[%4$d]) ->
                      %%y = nest.compute [%%x, %%w, %%b] <axes = [n:%2$d, o:%4$d, y:%9$d, x:%10$d, c:%7$d, k0:%8$d, k1:%8$d]> {
                        %%a = nest.read %%x <at = [n, %11$s, y*%12$d+k0*%13$d-%14$d, x*%12$d+k1*%13$d-%14$d], otherwise = zero> : %1$s
                        %%v = nest.read %%w <at = [o, c, k0, k1]> : %1$s
                        %15$s
                        %%s = nest.sum %%r <over = [c, k0, k1]> : f32
                        %%bias = nest.read %%b <at = [o]> : f32
                        %%z = arith.add %%s, %%bias : f32
                        nest.yield [%%z] <to = [[n, o, y, x]]>
                      } : f32[%2$d,%4$d,%9$d,%10$d]
                      graph.return [%%y]
                    }
                    """
                            .formatted(
                                    type, pictures, in, out, height, width, in / groups, window, high, wide,
                                    groups == 1 ? "c" : "o/" + out / groups + "*" + in / groups + "+c", step, gap, border,
                                    product(type, "f32").replace("%x", "%a").replace("%y", "%v")),
                    kernels, Map.of());
        }
    }

    private void check(String text, long onUnit, Map<String, long[]> shapes) throws IOException {
        var function = (GraphOp.Function) IrParser.parse(text, "test.ir").getFirst();
        var descriptions = Devices.withHost(Devices.find(DEVICE));
        var target = Targets.of(descriptions.getFirst());
        assertEquals(onUnit, onUnit(function, target), "kernels of the matrix unit");
        var inputs = new HashMap<String, Tensor>();
        for (var param : function.body().params()) {
            var shape = shapes.containsKey(param.hint())
                    ? shapes.get(param.hint())
                    : param.tensor().dims().stream().mapToLong(dim -> dim.constant().orElseThrow()).toArray();
            inputs.put(param.hint(), RandomTensors.random(param.tensor().element(), inputs.size() + 1, shape));
        }
        var expected = new GraphInterpreter(function).run(inputs);
        var file = folder.resolve("test.portolan");
        new Compiler().compile(function, List.of(target), file);
        var devices = descriptions.stream().map(one -> Devices.open(one.name(), new DeviceOptions(2))).toList();
        try (var model = Portolan.load(file, devices.toArray(Device[]::new)); var found = model.run(inputs)) {
            expected.forEach((name, wanted) -> compare(wanted, found.get(name)));
        } finally {
            devices.forEach(Device::close);
        }
    }

    private static long onUnit(GraphOp.Function function, Target target) {
        var compiler = new Compiler();
        return compiler.lower(compiler.lowerGraph(function), target).kernels().stream()
                .filter(kernel -> calls(kernel.body()))
                .count();
    }

    private static boolean calls(Body body) {
        return body.ops().stream()
                .anyMatch(op -> op instanceof TileOp.Call || OpSchema.bodies(op).stream().anyMatch(MatrixUnitTest::calls));
    }

    private static void compare(Tensor wanted, Tensor found) {
        double largest = 1;
        for (long i = 0; i < wanted.elements(); i++) {
            largest = Math.max(largest, Math.abs(wanted.getDouble(i)));
        }
        double tolerance = wanted.type() == ElementType.F32 ? TOLERANCE * largest : wanted.type().isFloat() ? 1e-3 * largest : 0;
        for (long i = 0; i < wanted.elements(); i++) {
            assertEquals(wanted.getDouble(i), found.getDouble(i), tolerance, "element " + i);
        }
    }
}
