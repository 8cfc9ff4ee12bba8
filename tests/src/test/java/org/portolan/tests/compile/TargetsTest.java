package org.portolan.tests.compile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.portolan.ir.GraphOp;
import org.portolan.ir.pass.Pipeline;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.CompileException;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.Devices;

/// What a device says of itself picks the machine that it is compiled for.
class TargetsTest {

    @Test
    void theDefaultMachineFitsADeviceThatNamesNone() {
        assertEquals(Targets.resolve("cpu").machine(), Targets.of(device("", Map.of())).machine());
    }

    @Test
    void everyDeviceHereHasATarget() {
        for (var device : Devices.list()) {
            assertEquals(device.driver(), Targets.of(device).codegen().family(), device.name());
        }
    }

    @Test
    void theDevicesNumbersReplaceThoseOfItsMachine() {
        var target = Targets.of(device("x86-64-v3", Map.of("level2_bytes", 4096L, "block_limit", 7L)));
        var file = Targets.resolve("cpu:x86-64-v3").machine();
        assertEquals("cpu:x86-64-v3+block_limit=7+level2_bytes=4096", target.name());
        assertEquals(4096, target.machine().level2Bytes());
        assertEquals(7, target.machine().blockLimit());
        assertEquals(file.level1Bytes(), target.machine().level1Bytes());
        assertEquals(file.types(), target.machine().types());
    }

    @Test
    void thePassThatLowersForItFindsTheSameMachine() {
        var target = Targets.of(device("x86-64-v3", Map.of("vector_bytes", 16L)));
        var text = Compiler.toKernels(target).toString();
        assertEquals(text, Pipeline.parse(text).toString());
        var function = (GraphOp.Function) IrParser.parse(
                        """
                        graph.function <name = "twice", symbols = []> { (%x: f32[64]) ->
                          %y = graph.map [%x] { (%a: f32) ->
                            %b = arith.add %a, %a : f32
                            graph.yield [%b]
                          } : f32[64]
                          graph.return [%y]
                        }
                        """,
                        "test")
                .getFirst();
        var compiler = new Compiler();
        var narrow = compiler.emit(function, "tile", target);
        assertTrue(narrow.contains("vec<4xf32>") && !narrow.contains("vec<8xf32>"), narrow);
    }

    @Test
    void unknownMachinesAndNumbersAreNamed() {
        var machine = assertThrows(CompileException.class, () -> Targets.of(device("abacus", Map.of())));
        assertTrue(machine.getMessage().contains("x86-64-v3"), machine.getMessage());
        var number = assertThrows(CompileException.class, () -> Targets.of(device("", Map.of("beads", 10L))));
        assertTrue(number.getMessage().contains("'beads'") && number.getMessage().contains("shared_bytes"), number.getMessage());
        var form = assertThrows(CompileException.class, () -> Targets.resolve("cpu+shared_bytes=many"));
        assertTrue(form.getMessage().contains("+shared_bytes=49152"), form.getMessage());
    }

    private static DeviceDescription device(String machine, Map<String, Long> limits) {
        return new DeviceDescription("cpu", 0, "a processor", false, true, 1L << 30, Set.of(), machine, limits);
    }
}
