package org.portolan.cuda.codegen;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.portolan.cuda.codegen.Ptxas.Assembled;

/// What the vendor's assembler says, read.
class PtxasTest {
    @Test
    void registersAndSpillsAreRead() {
        var said = """
                ptxas info    : 0 bytes gmem
                ptxas info    : Compiling entry function 'kernel_0' for 'sm_80'
                ptxas info    : Function properties for kernel_0
                    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
                ptxas info    : Used 10 registers, used 0 barriers, 376 bytes cmem[0]
                ptxas info    : Compile time = 29.939 ms
                ptxas info    : Function properties for portolan_$_rem_$_f32
                    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
                ptxas info    : Compiling entry function 'kernel_1' for 'sm_80'
                ptxas info    : Function properties for kernel_1
                    16 bytes stack frame, 24 bytes spill stores, 40 bytes spill loads
                ptxas info    : Used 255 registers, used 1 barriers, 2048 bytes smem, 408 bytes cmem[0]
                """;
        assertEquals(
                List.of(new Assembled("kernel_0", 10, 0, 0), new Assembled("kernel_1", 255, 16, 64)), Ptxas.findings(said));
        assertEquals(List.of(), Ptxas.findings(""));
    }

    /// Each kernel asks for the lowest version of PTX that it needs, and the assembler takes one version a text.
    @Test
    void kernelsOfSeveralVersionsAreOneText() {
        var kernels = Stream.of("6.3 one", "6.5 two", "6.4 three")
                .map(kernel -> kernel.split(" "))
                .map(kernel -> "// kernel\n.version " + kernel[0] + "\n.target sm_75\n.address_size 64\n.file 1 \"k.tile\"\n"
                        + ".visible .entry " + kernel[1] + "()\n{\n\t.loc 1 2 0\n\tret;\n}\n")
                .toList();
        assertEquals(
                """
                // kernel
                .version 6.5
                .target sm_75
                .address_size 64
                .visible .entry one()
                {
                \tret;
                }
                .visible .entry two()
                {
                \tret;
                }
                .visible .entry three()
                {
                \tret;
                }
                """,
                Ptxas.joined(kernels));
    }
}
