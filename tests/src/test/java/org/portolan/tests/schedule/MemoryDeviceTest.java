package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.ir.GraphOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.data.RandomTensors;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.device.Driver;
import org.portolan.runtime.type.ElementType;

/// The classes of operators on an emulated device whose vectors live in memory, in sizes that are no multiples of anything, and
/// with rows that near memory cannot hold. The device checks order, alignment, bounds and what cores write; the interpreter
/// says what comes out.
class MemoryDeviceTest {
    private static final String DEVICE = "ascend:emulated";

    @TempDir
    private Path folder;

    /// Elements go to other places and stay what they are.
    private static final String MOVES =
            """
            graph.function <name = "moves"> { (%x: f32[37,129], %h: f16[131,35], %b: i8[19,45], %l: i64[7,9], %n: i64[11], %t: bool[21,33]) ->
              %turned = nest.compute [%x] <axes = [i:129, j:37]> {
                %a = nest.read %x <at = [j, i]> : f32
                nest.yield [%a] <to = [[i, j]]>
              } : f32[129,37]
              %halves = nest.compute [%h] <axes = [i:35, j:131]> {
                %a = nest.read %h <at = [j, i]> : f16
                nest.yield [%a] <to = [[i, j]]>
              } : f16[35,131]
              %bytes = nest.compute [%b] <axes = [i:45, j:19]> {
                %a = nest.read %b <at = [j, i]> : i8
                nest.yield [%a] <to = [[i, j]]>
              } : i8[45,19]
              %longs = nest.compute [%l] <axes = [i:9, j:7]> {
                %a = nest.read %l <at = [j, i]> : i64
                nest.yield [%a] <to = [[i, j]]>
              } : i64[9,7]
              %heads = nest.compute [%x] <axes = [h:3, i:37, j:43]> {
                %a = nest.read %x <at = [i, 43*h+j]> : f32
                nest.yield [%a] <to = [[h, i, j]]>
              } : f32[3,37,43]
              %steps = nest.compute [%x] <axes = [i:18, j:42]> {
                %a = nest.read %x <at = [2*i+1, 3*j+2]> : f32
                nest.yield [%a] <to = [[i, j]]>
              } : f32[18,42]
              %wide = nest.compute [%x] <axes = [i:41, j:134]> {
                %k = arith.const <value = -1.5> : f32
                %a = nest.read %x, [], %k <at = [i-2, j-3], otherwise = other> : f32
                nest.yield [%a] <to = [[i, j]]>
              } : f32[41,134]
              %edge = nest.compute [%x] <axes = [i:37, j:134]> {
                %a = nest.read %x <at = [i, j-3], otherwise = clamp> : f32
                nest.yield [%a] <to = [[i, j]]>
              } : f32[37,134]
              %apart = nest.compute [%x] <axes = [i:37, j:71]> {
                %k = arith.const <value = 2.5> : f32
                %a = nest.read %x, [], %k <at = [i, 2*j-5], otherwise = other> : f32
                nest.yield [%a] <to = [[i, j]]>
              } : f32[37,71]
              %joined = nest.compute [%x] <axes = [i:74, j:129]> {
                %a = nest.read %x <at = [i, j], otherwise = zero> : f32
                %c = nest.read %x <at = [i-37, j], otherwise = zero> : f32
                %d = arith.neg %c : f32
                %e = arith.add %a, %d : f32
                nest.yield [%e] <to = [[i, j]]>
              } : f32[74,129]
              %rows = nest.compute [%x, %n] <axes = [i:11, j:129]> {
                %k = nest.read %n <at = [i]> : i64
                %a = nest.read %x, [%k] <at = [$0, j], otherwise = zero> : f32
                nest.yield [%a] <to = [[i, j]]>
              } : f32[11,129]
              %columns = nest.compute [%x, %n] <axes = [i:37, j:11]> {
                %k = nest.read %n <at = [j]> : i64
                %a = nest.read %x, [%k] <at = [i, $0], otherwise = zero> : f32
                nest.yield [%a] <to = [[i, j]]>
              } : f32[37,11]
              %alternate = nest.compute [%b] <axes = [i:19, j:22]> {
                %a = nest.read %b <at = [i, 2*j+1]> : i8
                nest.yield [%a] <to = [[i, j]]>
              } : i8[19,22]
              %thirds = nest.compute [%l] <axes = [i:7, j:3]> {
                %a = nest.read %l <at = [i, 3*j]> : i64
                nest.yield [%a] <to = [[i, j]]>
              } : i64[7,3]
              %spaced = nest.compute [%x] <axes = [i:37, j:67]> {
                %a = nest.read %x <at = [i, 2*j-3], otherwise = zero> : f32
                nest.yield [%a] <to = [[i, j]]>
              } : f32[37,67]
              %truths = nest.compute [%t] <axes = [i:33, j:21]> {
                %a = nest.read %t <at = [j, i]> : bool
                nest.yield [%a] <to = [[i, j]]>
              } : bool[33,21]
              %small = nest.compute [%b] <axes = [i:19, j:45]> {
                %a = nest.read %b <at = [i, j]> : i8
                %c = arith.cast %a : i4
                nest.yield [%c] <to = [[i, j]]>
              } : i4[19,45]
              graph.return [%turned, %halves, %bytes, %longs, %heads, %steps, %wide, %edge, %apart, %joined, %rows, %columns, %alternate, %thirds, %spaced, %truths, %small]
            }
            """;

    /// Sums over rows, and windows.
    private static final String SUMS =
            """
            graph.function <name = "sums"> { (%x: f32[5,129], %long: f32[2,50021], %h: f16[3,1001], %w: f32[129], %image: f32[5,13,17], %taps: f32[5,3,3], %q: u8[5,129], %scale: f32[129]) ->
              %softmax = nest.compute [%x] <axes = [i:5, j:129, k:129, l:129]> {
                %a = nest.read %x <at = [i, k]> : f32
                %low = arith.const <value = -1.0e30> : f32
                %m = nest.reduce [%a], [%low] <over = [k]> { (%most: f32, %next: f32) ->
                  %more = arith.max %most, %next : f32
                  nest.yield [%more]
                } : f32
                %b = nest.read %x <at = [i, l]> : f32
                %c = arith.sub %b, %m : f32
                %e = arith.exp %c : f32
                %s = nest.sum %e <over = [l]> : f32
                %d = nest.read %x <at = [i, j]> : f32
                %f = arith.sub %d, %m : f32
                %g = arith.exp %f : f32
                %r = arith.div %g, %s : f32
                nest.yield [%r] <to = [[i, j]]>
              } : f32[5,129]
              %longest = nest.compute [%long] <axes = [i:2, j:50021, k:50021, l:50021]> {
                %a = nest.read %long <at = [i, k]> : f32
                %low = arith.const <value = -1.0e30> : f32
                %m = nest.reduce [%a], [%low] <over = [k]> { (%most: f32, %next: f32) ->
                  %more = arith.max %most, %next : f32
                  nest.yield [%more]
                } : f32
                %b = nest.read %long <at = [i, l]> : f32
                %c = arith.sub %b, %m : f32
                %e = arith.exp %c : f32
                %s = nest.sum %e <over = [l]> : f32
                %d = nest.read %long <at = [i, j]> : f32
                %f = arith.sub %d, %m : f32
                %g = arith.exp %f : f32
                %r = arith.div %g, %s : f32
                nest.yield [%r] <to = [[i, j]]>
              } : f32[2,50021]
              %layer = nest.compute [%x, %w] <axes = [i:5, j:129, k:129, l:129]> {
                %n = arith.const <value = 129.0> : f32
                %small = arith.const <value = 1.0e-5> : f32
                %a = nest.read %x <at = [i, k]> : f32
                %s = nest.sum %a <over = [k]> : f32
                %mean = arith.div %s, %n : f32
                %b = nest.read %x <at = [i, l]> : f32
                %c = arith.sub %b, %mean : f32
                %d = arith.mul %c, %c : f32
                %t = nest.sum %d <over = [l]> : f32
                %variance = arith.div %t, %n : f32
                %v = arith.add %variance, %small : f32
                %root = arith.sqrt %v : f32
                %e = nest.read %x <at = [i, j]> : f32
                %f = arith.sub %e, %mean : f32
                %g = arith.div %f, %root : f32
                %h2 = nest.read %w <at = [j]> : f32
                %r = arith.mul %g, %h2 : f32
                nest.yield [%r] <to = [[i, j]]>
              } : f32[5,129]
              %layers = nest.compute [%long] <axes = [i:2, j:50021, k:50021, l:50021]> {
                %n = arith.const <value = 50021.0> : f32
                %small = arith.const <value = 1.0e-5> : f32
                %a = nest.read %long <at = [i, k]> : f32
                %s = nest.sum %a <over = [k]> : f32
                %mean = arith.div %s, %n : f32
                %b = nest.read %long <at = [i, l]> : f32
                %c = arith.sub %b, %mean : f32
                %d = arith.mul %c, %c : f32
                %t = nest.sum %d <over = [l]> : f32
                %variance = arith.div %t, %n : f32
                %v = arith.add %variance, %small : f32
                %root = arith.sqrt %v : f32
                %e = nest.read %long <at = [i, j]> : f32
                %f = arith.sub %e, %mean : f32
                %g = arith.div %f, %root : f32
                nest.yield [%g] <to = [[i, j]]>
              } : f32[2,50021]
              %roots = nest.compute [%long] <axes = [i:2, j:50021, k:50021]> {
                %n = arith.const <value = 50021.0> : f32
                %a = nest.read %long <at = [i, k]> : f32
                %c = arith.mul %a, %a : f32
                %s = nest.sum %c <over = [k]> : f32
                %d = arith.div %s, %n : f32
                %root = arith.sqrt %d : f32
                %e = nest.read %long <at = [i, j]> : f32
                %g = arith.div %e, %root : f32
                nest.yield [%g] <to = [[i, j]]>
              } : f32[2,50021]
              %rms = nest.compute [%h] <axes = [i:3, j:1001, k:1001]> {
                %n = arith.const <value = 1001.0> : f32
                %a = nest.read %h <at = [i, k]> : f16
                %b = arith.cast %a : f32
                %c = arith.mul %b, %b : f32
                %s = nest.sum %c <over = [k]> : f32
                %d = arith.div %s, %n : f32
                %root = arith.sqrt %d : f32
                %e = nest.read %h <at = [i, j]> : f16
                %f = arith.cast %e : f32
                %g = arith.div %f, %root : f32
                %r = arith.cast %g : f16
                nest.yield [%r] <to = [[i, j]]>
              } : f16[3,1001]
              %totals = nest.compute [%x] <axes = [i:5, k:129]> {
                %a = nest.read %x <at = [i, k]> : f32
                %s = nest.sum %a <over = [k]> : f32
                nest.yield [%s] <to = [[i]]>
              } : f32[5]
              %depth = nest.compute [%image, %taps] <axes = [c:5, i:7, j:9, p:3, q:3]> {
                %a = nest.read %image <at = [c, 2*i+p-1, 2*j+q-1], otherwise = zero> : f32
                %b = nest.read %taps <at = [c, p, q]> : f32
                %d = arith.mul %a, %b : f32
                %s = nest.sum %d <over = [p, q]> : f32
                nest.yield [%s] <to = [[c, i, j]]>
              } : f32[5,7,9]
              %quantised = nest.compute [%x] <axes = [i:5, j:129]> {
                %k = arith.const <value = 0.0371> : f32
                %zero = arith.const <value = 127.0> : f32
                %none = arith.const <value = 0.0> : f32
                %all = arith.const <value = 255.0> : f32
                %a = nest.read %x <at = [i, j]> : f32
                %b = arith.div %a, %k : f32
                %c = arith.round %b : f32
                %d = arith.add %c, %zero : f32
                %e = arith.max %d, %none : f32
                %f = arith.min %e, %all : f32
                %r = arith.cast %f : u8
                nest.yield [%r] <to = [[i, j]]>
              } : u8[5,129]
              %back = nest.compute [%q, %scale] <axes = [i:5, j:129]> {
                %zero = arith.const <value = 127.0> : f32
                %a = nest.read %q <at = [i, j]> : u8
                %b = arith.cast %a : f32
                %c = arith.sub %b, %zero : f32
                %s = nest.read %scale <at = [j]> : f32
                %r = arith.mul %c, %s : f32
                nest.yield [%r] <to = [[i, j]]>
              } : f32[5,129]
              graph.return [%softmax, %longest, %layer, %layers, %roots, %rms, %totals, %depth, %quantised, %back]
            }
            """;

    @Test
    void moves() throws IOException {
        check(MOVES, 0);
    }

    @Test
    void sumsAndWindows() throws IOException {
        check(SUMS, 2e-5);
    }

    /// A hand-written kernel: its rows are taken as many at a time as end where a block of memory does, so that cores share them.
    @Test
    void rowsOfAHandWrittenKernel() throws IOException {
        Assumptions.assumeTrue(
                Devices.drivers().stream().map(Driver::list).anyMatch(MemoryDeviceTest::emulates), "skipped: there is no " + DEVICE);
        var text = """
                graph.function <name = "running"> { (%x: f32[21,5,3]) ->
                  %y = graph.call [%x] <kernel = "scan_sum_f32", options = []> : f32[21,5,3]
                  graph.return [%y]
                }
                """;
        var function = (GraphOp.Function) IrParser.parse(text, "test").getFirst();
        var target = Targets.resolve("ascend:910b");
        var source = new Compiler().emit(function, "ascendc", target);
        assertTrue(source.contains("(outer + 7) >> 3"), source);
        var file = folder.resolve("model.portolan");
        new Compiler().compile(function, List.of(target), file);
        var x = RandomTensors.random(ElementType.F32, 1, 21, 5, 3);
        try (var device = Devices.open(DEVICE, DeviceOptions.defaults());
                var model = Portolan.load(file, device);
                var outputs = model.run(Map.of("x", x))) {
            var found = outputs.get("y").toFloatArray();
            var own = x.toFloatArray();
            for (int i = 0; i < own.length; i++) {
                assertEquals(own[i] + (i / 3 % 5 > 0 ? found[i - 3] : 0), found[i], "element " + i);
            }
        }
    }

    private void check(String text, double tolerance) throws IOException {
        Assumptions.assumeTrue(
                Devices.drivers().stream().map(Driver::list).anyMatch(MemoryDeviceTest::emulates), "skipped: there is no " + DEVICE);
        var function = (GraphOp.Function) IrParser.parse(text, "test").getFirst();
        var file = folder.resolve("model.portolan");
        new Compiler().compile(function, List.of(Targets.resolve("ascend:910b")), file);
        var inputs = new TreeMap<String, Tensor>();
        for (var input : function.body().params()) {
            var shape = input.tensor().dims().stream().mapToLong(dim -> dim.constant().orElseThrow()).toArray();
            boolean rows = input.tensor().element() == ElementType.I64 && shape.length == 1;
            inputs.put(
                    input.hint(),
                    rows
                            ? Tensor.of(LongStream.range(0, shape[0]).map(i -> (i * 17 + 3) % 37).toArray(), shape)
                            : RandomTensors.random(input.tensor().element(), inputs.size() + 1, shape));
        }
        var expected = new GraphInterpreter(function).run(inputs);
        try (var device = Devices.open(DEVICE, DeviceOptions.defaults());
                var model = Portolan.load(file, device);
                var outputs = model.run(inputs)) {
            expected.forEach((name, wanted) -> {
                var found = outputs.get(name);
                for (long i = 0; i < wanted.elements(); i++) {
                    double value = wanted.getDouble(i);
                    double step = found.type() == ElementType.F16 && tolerance > 0 ? 1e-3 : tolerance;
                    assertEquals(value, found.getDouble(i), step * Math.max(Math.abs(value), 1e-3), name + ", element " + i);
                }
            });
        }
    }

    private static boolean emulates(Driver.Listing listing) {
        return listing.devices().stream().anyMatch(device -> device.emulated() && device.driver().equals("ascend"));
    }
}
