package org.portolan.cuda.codegen;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
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
}
