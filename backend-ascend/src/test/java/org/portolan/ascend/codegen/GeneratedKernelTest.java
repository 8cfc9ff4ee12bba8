package org.portolan.ascend.codegen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.portolan.ascend.driver.AscendDriver;
import org.portolan.ascend.emulator.AscendEmulator;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Machines;
import org.portolan.lowering.tile.NestToTile;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.StopSignal;

/// What the code generator writes: it keeps the rules of accuracy, runs on the emulated device, and each barrier in it is
/// needed.
class GeneratedKernelTest {
    private static final int SIZE = 9001;
    private static final String NEST =
            """
            graph.function <name = main> { (%x: f32[9001]) ->
              %y = nest.compute [%x] <axes = [i:9001]> {
                %a = nest.read %x <at = [i]> : f32
                %b = arith.mul %a, %a : f32
                %k = arith.const <value = 1.0> : f32
                %c = arith.add %b, %k : f32
                %d = arith.sqrt %c : f32
                %e = arith.div %a, %d : f32
                nest.yield [%e] <to = [[i]]>
              } : f32[9001]
              graph.return [%y]
            }
            """;

    private static MachineOp.Chip chip(String name) {
        return Machines.find("ascend", name).orElseThrow();
    }

    private static String source(String machine) {
        var function = (GraphOp.Function) IrParser.parse(NEST, "test").getFirst();
        var nest = (NestOp.Compute) function.body().ops().getFirst();
        var kernel = new NestToTile(chip(machine)).lower(nest, "k", _ -> false).kernel();
        return new String(
                new AscendCodegen().compile(List.of(kernel), chip(machine)).bytes(), StandardCharsets.UTF_8);
    }

    @Test
    void textKeepsTheRules() {
        for (var machine : List.of("910b", "310p", "950")) {
            var source = source(machine);
            assertFalse(source.contains("Reciprocal(") || source.contains("Rsqrt("), "coarse functions for " + machine);
            for (var wanted : List.of("TQue<TPosition::VECIN, 1>", "TQue<TPosition::VECOUT, 1>", "Div(", "Sqrt(", "GM_ADDR tiling_memory")) {
                assertTrue(source.contains(wanted), wanted + " is not in the text for " + machine);
            }
        }
    }

    @Test
    void itRunsAndEveryBarrierIsNeeded() {
        assumeTrue(AscendEmulator.missing().isEmpty(), () -> "skipped: " + AscendEmulator.missing().orElseThrow());
        var source = source("910b");
        run(source);
        var barriers = new ArrayList<Integer>();
        int begin = source.indexOf("extern \"C\"");
        for (int at = source.indexOf("PipeBarrier", begin); at >= 0; at = source.indexOf("PipeBarrier", at + 1)) {
            // What fills up the last piece stands after what is read in a loop that runs once.
            if (!source.substring(source.indexOf(';', at) + 1).strip().startsWith("fetch<")) {
                barriers.add(at);
            }
        }
        assertFalse(barriers.isEmpty(), "the kernel has no barriers");
        for (int at : barriers) {
            var without = source.substring(0, at) + source.substring(source.indexOf(';', at) + 1);
            var line = source.substring(at, source.indexOf(')', source.indexOf(';', at)));
            var fault = assertThrows(PortolanException.class, () -> run(without), "without " + line);
            assertTrue(fault.getMessage().contains("wait"), fault.getMessage());
        }
    }

    private static void run(String source) {
        var driver = new AscendDriver();
        int ordinal = driver.list().devices().stream()
                .filter(DeviceDescription::emulated)
                .findFirst()
                .orElseThrow()
                .ordinal();
        var bytes = source.getBytes(StandardCharsets.UTF_8);
        try (var arena = Arena.ofConfined(); var device = driver.open(ordinal, DeviceOptions.defaults())) {
            try (var memory = Arena.ofShared();
                    var image = device.load(MemorySegment.ofArray(bytes));
                    var queue = device.openQueue(StopSignal.NEVER)) {
                var host = arena.allocate(4L * SIZE, 64);
                for (int i = 0; i < SIZE; i++) {
                    host.setAtIndex(ValueLayout.JAVA_FLOAT, i, i / 100f - 40);
                }
                long x = device.allocate(memory, 4L * SIZE, 64).address();
                long y = device.allocate(memory, 4L * SIZE, 64).address();
                queue.copyIn(host, x, 4L * SIZE);
                var words = arena.allocate(16, 8);
                words.setAtIndex(ValueLayout.JAVA_LONG, 0, x);
                words.setAtIndex(ValueLayout.JAVA_LONG, 1, y);
                // One core, so that it goes through the loop several times.
                queue.launch(image.kernel("k"), words, 2, new long[] {1}, 0);
                queue.copyOut(y, host, 4L * SIZE);
                assertEquals(0, queue.takeError());
                for (int i = 0; i < SIZE; i++) {
                    float a = i / 100f - 40;
                    float expected = a / (float) Math.sqrt(a * a + 1);
                    assertEquals(expected, host.getAtIndex(ValueLayout.JAVA_FLOAT, i), 1e-6f, "element " + i);
                }
            }
        }
    }
}
