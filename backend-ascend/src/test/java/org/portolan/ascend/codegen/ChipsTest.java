package org.portolan.ascend.codegen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ascend.driver.AscendDriver;
import org.portolan.ascend.emulator.AscendEmulator;
import org.portolan.ir.GraphOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.data.RandomTensors;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;

/// One program with an example of each kind of kernel, odd sizes throughout, for each chip: the emulator's header for that
/// chip accepts it, and it computes what the interpreter does.
class ChipsTest {
    private static final String PROGRAM =
            """
            graph.function <name = main> { (%x: f32[3,37], %h: f16[5,19], %b: i8[45], %m: f32[20,37], %n: f32[37,27], %p: f32[1,4,7,9], %w: f32[16,4,3,3], %table: f32[11,13], %ids: i64[7], %g: f16[18,33], %e: f16[33,50], %u: bf16[5,21]) ->
              %rows = nest.compute [%x] <axes = [i:3, j:37, k:37]> {
                %a = nest.read %x <at = [i, j]> : f32
                %ea = arith.exp %a : f32
                %c = nest.read %x <at = [i, k]> : f32
                %ec = arith.exp %c : f32
                %s = nest.sum %ec <over = [k]> : f32
                %d = arith.div %ea, %s : f32
                nest.yield [%d] <to = [[i, j]]>
              } : f32[3,37]
              %across = nest.compute [%x] <axes = [i:37, j:3]> {
                %a = nest.read %x <at = [j, i]> : f32
                nest.yield [%a] <to = [[i, j]]>
              } : f32[37,3]
              %halves = nest.compute [%h] <axes = [i:5, j:19]> {
                %a = nest.read %h <at = [i, j]> : f16
                %c = arith.mul %a, %a : f16
                %d = arith.add %c, %a : f16
                nest.yield [%d] <to = [[i, j]]>
              } : f16[5,19]
              %neighbours = nest.compute [%x] <axes = [i:3, j:37]> {
                %a = nest.read %x <at = [i, j-1], otherwise = zero> : f32
                %c = nest.read %x <at = [i, j+1], otherwise = zero> : f32
                %t = arith.compare %a, %c <relation = less> : bool
                %d = arith.select %t, %a, %c : f32
                nest.yield [%d] <to = [[i, j]]>
              } : f32[3,37]
              %bytes = nest.compute [%b] <axes = [i:45]> {
                %a = nest.read %b <at = [i]> : i8
                %c = arith.cast %a : f32
                %k = arith.const <value = 0.5> : f32
                %d = arith.mul %c, %k : f32
                nest.yield [%d] <to = [[i]]>
              } : f32[45]
              %truths = nest.compute [%x] <axes = [i:3, j:37]> {
                %a = nest.read %x <at = [i, j]> : f32
                %k = arith.const <value = 0.25> : f32
                %t = arith.compare %a, %k <relation = less> : bool
                nest.yield [%t] <to = [[i, j]]>
              } : bool[3,37]
              %product = nest.compute [%m, %n] <axes = [i:20, j:27, k:37]> {
                %a = nest.read %m <at = [i, k]> : f32
                %c = nest.read %n <at = [k, j]> : f32
                %d = arith.mul %a, %c : f32
                %s = nest.sum %d <over = [k]> : f32
                nest.yield [%s] <to = [[i, j]]>
              } : f32[20,27]
              %image = nest.compute [%p, %w] <axes = [o:16, y:7, x:9, c:4, k0:3, k1:3]> {
                %a = nest.read %p <at = [0, c, y+k0-1, x+k1-1], otherwise = zero> : f32
                %c = nest.read %w <at = [o, c, k0, k1]> : f32
                %d = arith.mul %a, %c : f32
                %s = nest.sum %d <over = [c, k0, k1]> : f32
                %z = arith.abs %s : f32
                nest.yield [%z] <to = [[0, o, y, x]]>
              } : f32[1,16,7,9]
              %found = nest.compute [%table, %ids] <axes = [i:7, j:13]> {
                %k = nest.read %ids <at = [i]> : i64
                %v = nest.read %table, [%k] <at = [$0, j], otherwise = error> : f32
                nest.yield [%v] <to = [[i, j]]>
              } : f32[7,13]
              %narrow = nest.compute [%g, %e] <axes = [i:18, j:50, k:33]> {
                %a = nest.read %g <at = [i, k]> : f16
                %c = nest.read %e <at = [k, j]> : f16
                %x1 = arith.cast %a : f32
                %y1 = arith.cast %c : f32
                %d = arith.mul %x1, %y1 : f32
                %s = nest.sum %d <over = [k]> : f32
                nest.yield [%s] <to = [[i, j]]>
              } : f32[18,50]
              %words = nest.compute [%u] <axes = [i:5, j:21]> {
                %a = nest.read %u <at = [i, j]> : bf16
                %c = arith.mul %a, %a : bf16
                %d = arith.add %c, %a : bf16
                %k = arith.const <value = 0.375> : bf16
                %t = arith.compare %d, %k <relation = less> : bool
                %v = arith.select %t, %a, %d : bf16
                nest.yield [%v] <to = [[i, j]]>
              } : bf16[5,21]
              %shortened = nest.compute [%x] <axes = [i:3, j:37]> {
                %a = nest.read %x <at = [i, j]> : f32
                %c = arith.cast %a : bf16
                nest.yield [%c] <to = [[i, j]]>
              } : bf16[3,37]
              graph.return [%rows, %across, %halves, %neighbours, %bytes, %truths, %product, %image, %found, %narrow, %words, %shortened]
            }
            """;

    @TempDir
    private Path folder;

    @BeforeEach
    void isThere() {
        assumeTrue(AscendEmulator.missing().isEmpty(), () -> "skipped: " + AscendEmulator.missing().orElseThrow());
    }

    @AfterEach
    void asBefore() {
        if (AscendEmulator.missing().isEmpty()) {
            become("Ascend910B1");
        }
    }

    /// Makes the emulated device another chip.
    private static void become(String soc) {
        var lookup = SymbolLookup.libraryLookup(AscendEmulator.library(), Arena.global());
        try (var arena = Arena.ofConfined()) {
            var call = Linker.nativeLinker()
                    .downcallHandle(
                            lookup.find("portolan_emulator_soc").orElseThrow(),
                            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
            assertEquals(0, (int) call.invokeExact(arena.allocateFrom(soc)));
        } catch (Throwable failure) {
            throw new AssertionError(soc, failure);
        }
    }

    @ParameterizedTest
    @CsvSource({"910b, Ascend910B1, 3", "310p, Ascend310P3, 0", "950, Ascend950PR, 3"})
    void eachKindOfKernel(String machine, String soc, int products) throws IOException {
        var function = (GraphOp.Function) IrParser.parse(PROGRAM, "chips.ir").getFirst();
        var target = Targets.resolve("ascend:" + machine);
        var compiler = new Compiler();
        var source = compiler.emit(function, "ascendc", target);
        assertEquals(products, source.lines().filter(line -> line.startsWith("//: kernel") && line.contains(" all=1 ")).count());
        var parts = source.split("//: source (vector|cube)\n");
        assertEquals(products == 0 ? 2 : 3, parts.length);
        for (var part : List.of(parts).subList(1, parts.length)) {
            var compiled = AscendEmulator.compile(part, Integer.parseInt(target.machine().processor().substring(4)));
            assertTrue(compiled.toFile().isFile());
        }
        var inputs = new HashMap<String, Tensor>();
        for (var param : function.body().params()) {
            long[] shape = param.tensor().dims().stream().mapToLong(dim -> dim.constant().orElseThrow()).toArray();
            inputs.put(param.hint(), RandomTensors.random(param.tensor().element(), inputs.size() + 1, shape));
        }
        var expected = new GraphInterpreter(function).run(inputs);
        var file = folder.resolve("chips.portolan");
        compiler.compile(function, List.of(target), file);
        var driver = new AscendDriver();
        int ordinal = driver.list().devices().stream().filter(DeviceDescription::emulated).findFirst().orElseThrow().ordinal();
        driver.open(ordinal, DeviceOptions.defaults()).close();
        become(soc);
        try (var device = driver.open(ordinal, DeviceOptions.defaults());
                var model = Portolan.load(file, device);
                var found = model.run(inputs)) {
            expected.forEach((name, wanted) -> {
                var own = found.get(name);
                for (long i = 0; i < wanted.elements(); i++) {
                    assertEquals(wanted.getDouble(i), own.getDouble(i), 1e-4 * Math.max(1, Math.abs(wanted.getDouble(i))), name + " " + i);
                }
            });
        }
    }
}
