package org.portolan.cuda.codegen;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.cuda.image.CudaImage;
import org.portolan.cuda.image.KernelEntry.Points;
import org.portolan.ir.TileOp;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.CompileException;
import org.portolan.lowering.Machines;

/// Kernels as PTX text and images of it.
class CudaCodegenTest {
    private final CudaCodegen codegen = new CudaCodegen();

    private static List<TileOp.Kernel> kernel(String origin, String parameters, String inside) {
        var text = "tile.kernel <name = k, symbols = [n], grid = [n], origin = [\"" + origin + "\"]> { (" + parameters + ") ->\n"
                + """
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %n = tile.dim <expression = n> : index
                  tile.for %zero, %n, %one <bind = grid> { (%i: index) ->
                """
                + inside + "\n  }\n}";
        return List.of((TileOp.Kernel) IrParser.parse(text, "kernel").getFirst());
    }

    private static List<TileOp.Kernel> copy(String origin) {
        return kernel(
                origin,
                "%x: buffer<f32[n], global>, %y: buffer<f32[n], global>",
                "%v = tile.load %x, [%i] : f32\n tile.store %v, %y, [%i]");
    }

    @ParameterizedTest
    @CsvSource({"sm_75, 6.5", "sm_80, 7.0", "sm_89, 7.8", "sm_90, 7.8", "sm_90a, 8.0", "sm_100, 8.6"})
    void theLowestVersionThatTheInstructionsNeed(String machine, String version) {
        var text = codegen.emit("ptx", copy("Identity_1"), Machines.find("cuda", machine).orElseThrow());
        assertTrue(text.contains(".version " + version + "\n.target " + machine + "\n"), text);
        assertTrue(text.contains("// of Identity_1\n"), text);
        assertTrue(text.contains("ld.global.nc.f32"), "what is only read may come through the read-only cache: " + text);
    }

    @Test
    void anImageSaysHowAKernelIsLaunchedAndIsTheSameEachTime() {
        var machine = codegen.defaultMachine();
        var bytes = codegen.compile(copy("a"), machine).bytes();
        assertArrayEquals(bytes, new CudaCodegen().compile(copy("a"), machine).bytes());
        var module = CudaImage.read(MemorySegment.ofArray(bytes)).modules().getFirst();
        assertEquals("k", module.entry().name());
        assertEquals(Points.THREADS, module.entry().points());
        assertEquals(3, module.entry().words());
        assertEquals(4, module.ptx().split("\\.param \\.u64", -1).length - 1);
        assertTrue(module.cubin().isEmpty(), "machine code only where it is asked for");
    }

    /// A model's names are anybody's text.
    @Test
    void aNameCannotLeaveItsComment() {
        var text = codegen.emit("ptx", copy("evil\\n.entry stolen() { ret; }"), codegen.defaultMachine());
        assertFalse(text.lines().anyMatch(line -> line.startsWith(".entry")), text);
    }

    @Test
    void moreParametersThanALaunchTakesAreRefused() {
        var many = IntStream.range(0, 600)
                .mapToObj(i -> "%b" + i + ": buffer<f32[n], global>")
                .collect(Collectors.joining(", "));
        var kernels = kernel("Sum_1", many, "%v = tile.load %b0, [%i] : f32\n tile.store %v, %b1, [%i]");
        var problem = assertThrows(CompileException.class, () -> codegen.compile(kernels, codegen.defaultMachine()));
        assertTrue(problem.getMessage().contains("Sum_1") && problem.getMessage().contains("544"), problem.getMessage());
    }
}
