package org.portolan.lowering.vectors;

import org.portolan.ir.Body;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;

/// Kernels for machines whose vectors live in memory.
public final class MemoryKernels {
    private MemoryKernels() {}

    /// The kernel with its vectors in near memory, what depends on what in order.
    public static TileOp.Kernel lower(TileOp.Kernel kernel, MachineOp.Chip machine) {
        var table = new VectorTable(machine);
        var legal = Legalize.apply(kernel.body(), table);
        var near = NearMemory.share(MemoryVectors.apply(legal, table));
        return with(kernel, Dependences.order(CopyQueues.release(near)));
    }

    /// Whether what the kernel keeps near fits the machine.
    public static boolean fits(TileOp.Kernel kernel, MachineOp.Chip machine) {
        return NearMemory.bytes(kernel.body(), VectorTable.COMPARE_BYTES) <= machine.sharedBytes();
    }

    private static TileOp.Kernel with(TileOp.Kernel kernel, Body body) {
        return new TileOp.Kernel(kernel.name(), kernel.symbols(), kernel.grid(), kernel.origin(), body);
    }
}
