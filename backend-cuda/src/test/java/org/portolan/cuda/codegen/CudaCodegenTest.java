package org.portolan.cuda.codegen;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.cuda.image.CudaImage;
import org.portolan.cuda.image.KernelEntry;
import org.portolan.cuda.image.KernelEntry.Points;
import org.portolan.ir.TileOp;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;
import org.portolan.lowering.CompileException;
import org.portolan.lowering.Machines;
import org.portolan.lowering.Targets;

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
    @CsvSource({"sm_75, 6.3", "sm_80, 7.0", "sm_89, 7.8", "sm_90, 7.8", "sm_90a, 8.0", "sm_100, 8.6"})
    void theLowestVersionThatTheInstructionsNeed(String machine, String version) {
        var text = codegen.emit("ptx", copy("Identity_1"), Machines.find("cuda", machine).orElseThrow());
        assertTrue(text.contains(".version " + version + "\n.target " + machine + "\n"), text);
        assertTrue(text.contains("// of Identity_1\n"), text);
        assertTrue(text.contains("ld.global.nc.f32"), "what is only read may come through the read-only cache: " + text);
    }

    /// A profiler shows the text of the kernel, which is beside the directives where people read them.
    @Test
    void theTextSaysWhichLineOfTheKernelItIsFrom() {
        var machine = codegen.defaultMachine();
        var kernels = copy("Identity_1");
        var lines = IrPrinter.print(kernels.getFirst()).lines().toList();
        var read = codegen.emit("ptx", kernels, machine);
        assertTrue(read.contains(".address_size 64\n.file 1 \"k.tile\"\n"), read);
        int load = 1 + IntStream.range(0, lines.size()).filter(i -> lines.get(i).contains("tile.load")).findFirst().orElseThrow();
        assertTrue(read.contains("\t.loc 1 " + load + " 0 // " + lines.get(load - 1).strip() + "\n\tld.global.nc.f32"), read);
        var image = codegen.compile(kernels, machine).bytes();
        var ptx = CudaImage.read(MemorySegment.ofArray(image)).modules().getFirst().ptx();
        assertEquals(read.replaceAll("(\\.loc .*) //.*", "$1").strip(), ptx.strip(), "an image has no comments but its head");
        // Without lines it is the same but for them.
        var plain = codegen.emit("ptx", kernels, Targets.resolve("cuda:sm_80+source_lines=0").machine());
        assertEquals(ptx.replaceAll("(?m)^\\s*\\.(loc|file) .*\n", "").strip(), plain.strip());
    }

    /// Shared memory is counted whether the kernel has it or the launch asks for it; registers are there with the assembler.
    @Test
    void whatIsKnownOfAnImage() {
        var kernels = copy("a");
        var found = codegen.examine(codegen.compile(kernels, codegen.defaultMachine()).bytes()).getFirst();
        assertEquals("k", found.kernel());
        assertEquals(128, found.threads());
        assertEquals(0, found.sharedBytes());
        assertEquals(Ptxas.find().isPresent(), found.isAssembled());
        assertEquals(0, found.spilledBytes());
        var entry = new KernelEntry("k", 64, Points.BLOCKS, 50_000, 0);
        var text = ".version 7.0\n.target sm_80\n.address_size 64\n.extern .shared .align 16 .b8 asked[];\n"
                + ".visible .entry k() {\n\t.shared .align 16 .b8 one[1024];\n// .shared .b8 no[7];\n"
                + "\t.shared .align 4 .b8 two[64];\nret;\n}\n";
        var image = new CudaImage("sm_80", List.of(new CudaImage.Module(entry, text, Optional.empty()))).toBytes();
        var shared = codegen.examine(image).getFirst();
        assertEquals(50_000 + 1024 + 64, shared.sharedBytes());
        assertEquals(64, shared.threads());
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

    /// A copy engine fills the slots of a ring, which say when they are full.
    private static List<TileOp.Kernel> boxes(String slot) {
        var text = """
                tile.kernel <name = k, grid = [1], origin = ["a"]> { (%x: buffer<bf16[256,128], global>, %y: buffer<bf16[32], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %lanes = arith.integer <value = 32> : index
                  tile.for %zero, %one, %one <bind = grid> { (%i: index) ->
                    %ring = tile.ring <depth = 3, signals = true> : ring<buffer<SLOT>, 3>
                    tile.for %zero, %lanes, %one <bind = lane> { (%lane: index) ->
                      %empty = tile.acquire %ring : buffer<SLOT>
                      tile.copy %x, %empty, [%zero, %zero] <async = true>
                      tile.publish %ring
                      %full = tile.consume %ring : buffer<SLOT>
                      %v = tile.load %full, [%one, %lane] : bf16
                      tile.store %v, %y, [%lane]
                      tile.release %ring
                    }
                  }
                }
                """.replace("SLOT", slot);
        return List.of((TileOp.Kernel) IrParser.parse(text, "kernel").getFirst());
    }

    private static final String SMALL_SLOT = "bf16[8,64], shared, (r, c) -> (r, c/8^r%8, c%8), [8,8,8]";

    /// The pieces of a row are exchanged by its address: also small slots begin where the pattern does.
    @Test
    void slotsOfACopyEngineBeginWhereThePatternDoes() {
        var ptx = codegen.emit("ptx", boxes(SMALL_SLOT), Machines.find("cuda", "sm_90a").orElseThrow());
        assertTrue(ptx.contains("cp.async.bulk.tensor.2d"), ptx);
        assertTrue(ptx.contains(".shared .align 1024 .b8 k_shared_ring[3072];"), ptx);
    }

    @ParameterizedTest
    @CsvSource({"sm_75", "sm_80", "sm_90", "sm_100"})
    void slotsSayThatTheyAreFullOnlyWhereThereIsACopyEngine(String machine) {
        var chip = Machines.find("cuda", machine).orElseThrow();
        var problem = assertThrows(CompileException.class, () -> codegen.compile(boxes(SMALL_SLOT), chip));
        assertTrue(problem.getMessage().contains("only where there is a copy engine"), problem.getMessage());
    }

    /// A second strip of four rows begins in the middle of the pattern.
    @Test
    void stripsThatBeginElsewhereAreExchangedByTheirAddress() {
        var chip = Machines.find("cuda", "sm_90a").orElseThrow();
        var strips = "bf16[ROWS,128], shared, (r, c) -> (c/64, r, c%64/8^r%8, c%8), [2,ROWS,8,8]";
        var eight = codegen.emit("ptx", boxes(strips.replace("ROWS", "8")), chip);
        assertEquals(2, eight.split("cp.async.bulk.tensor.2d").length - 1);
        var problem = assertThrows(
                CompileException.class, () -> codegen.compile(boxes(strips.replace("ROWS", "4")), chip));
        assertTrue(problem.getMessage().contains("whose pieces are exchanged"), problem.getMessage());
    }
}
