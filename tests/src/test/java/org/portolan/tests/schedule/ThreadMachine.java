package org.portolan.tests.schedule;

import java.util.List;
import org.portolan.ir.MachineOp;
import org.portolan.ir.text.IrParser;

/// Machines whose lanes are threads, of no vendor: what they say is all that the lowering knows of such a chip.
final class ThreadMachine {
    private static final String TEXT =
            """
            machine.chip <name = threads, codegen = none, triple = "", processor = "", vectors = thread, vector_bytes = 16, vector_registers = %d, fma_per_cycle = 1, level1_bytes = 65536, level2_bytes = 4194304, shared_bytes = %d, block_limit = %d, warp = %d, alignment = 16, types = [f32]>
            """;

    private ThreadMachine() {}

    /// Wide warps, large blocks, much shared memory.
    static MachineOp.Chip large() {
        return chip(255, 49152, 1024, 32);
    }

    /// So little of everything that the large schedules do not fit.
    static MachineOp.Chip small() {
        return chip(64, 4096, 64, 8);
    }

    /// Threads that cannot exchange but through memory.
    static MachineOp.Chip apart() {
        return chip(64, 16384, 128, 1);
    }

    static List<MachineOp.Chip> all() {
        return List.of(large(), small(), apart());
    }

    private static MachineOp.Chip chip(int registers, int shared, int block, int warp) {
        return (MachineOp.Chip)
                IrParser.parse(TEXT.formatted(registers, shared, block, warp), "threads").getFirst();
    }
}
