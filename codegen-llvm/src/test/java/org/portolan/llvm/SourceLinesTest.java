package org.portolan.llvm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.text.IrPrinter;

/// Instructions know which line of their kernel's text they are from.
class SourceLinesTest {
    private static final Pattern LOCATION = Pattern.compile("\\.loc\\s+1 (\\d+) ");

    private static final TileOp.Kernel KERNEL = HostKernel.kernel("""
            tile.kernel <name = "a/b", symbols = [n], grid = [n], origin = ["Exp_1"]> { (%x: buffer<f32[n], global>, %y: buffer<f32[n], global>) ->
              %zero = arith.integer <value = 0> : index
              %one = arith.integer <value = 1> : index
              %n = tile.dim <expression = n> : index
              tile.for %zero, %n, %one <bind = grid> { (%i: index) ->
                %v = tile.load %x, [%i] : f32
                %e = arith.exp %v : f32
                %w = arith.mul %e, %e : f32
                tile.store %w, %y, [%i]
              }
            }
            """);

    private static MachineOp.Chip chip(boolean lines) {
        var plain = HostKernel.chip(LlvmCompiler.host(), 32);
        return new MachineOp.Chip(
                plain.name(), plain.codegen(), plain.triple(), plain.processor(), plain.features(), plain.vectors(),
                plain.vectorBytes(), plain.vectorRegisters(), plain.fmaPerCycle(), plain.level1Bytes(), plain.level2Bytes(),
                plain.sharedBytes(), plain.blockLimit(), plain.warp(), plain.alignment(), plain.types(),
                plain.narrowProducts(), lines, plain.intrinsics());
    }

    /// What an exponential is made of is from the line of the exponential.
    @Test
    void everyOperationWithInstructionsIsNamed() {
        var assembly = new LlvmCodegen().assembly(List.of(KERNEL), chip(true));
        var lines = LOCATION.matcher(assembly).results()
                .map(found -> Integer.valueOf(found.group(1)))
                .collect(Collectors.toCollection(TreeSet::new));
        lines.remove(0); // of several lines at once
        var text = IrPrinter.print(KERNEL).lines().toList();
        var named = lines.stream().map(line -> text.get(line - 1)).collect(Collectors.joining("\n"));
        for (var operation : List.of("arith.exp", "arith.mul", "tile.store")) {
            assertTrue(named.contains(operation), operation + " is not in\n" + named);
        }
        assertTrue(lines.last() <= text.size(), lines.toString());
    }

    @Test
    void instructionsAreTheSameWithAndWithout() {
        assertEquals(instructions(false), instructions(true));
    }

    private static List<String> instructions(boolean lines) {
        return new LlvmCodegen().assembly(List.of(KERNEL), chip(lines)).lines()
                .map(String::strip)
                .takeWhile(line -> !line.startsWith(".Lfunc_end"))
                .filter(line -> !line.isEmpty() && !line.startsWith(".") && !line.startsWith("#"))
                .toList();
    }

    /// No folder of the machine that compiles is in the file, and the same kernel gives the same bytes.
    @Test
    void anObjectNamesTheTextAndNothingOfThisMachine() {
        var object = new LlvmCodegen().sharedObject(List.of(KERNEL), chip(true));
        assertArrayEquals(object, new LlvmCodegen().sharedObject(List.of(KERNEL), chip(true)));
        var text = new String(object, StandardCharsets.ISO_8859_1);
        assertTrue(text.contains("a_b.tile") && text.contains(".debug_line"));
        assertFalse(text.contains(System.getProperty("user.dir")) || text.contains(System.getProperty("java.io.tmpdir")));
        var plain = new String(new LlvmCodegen().sharedObject(List.of(KERNEL), chip(false)), StandardCharsets.ISO_8859_1);
        assertFalse(plain.contains(".debug_line") || plain.contains(".tile"));
    }
}
