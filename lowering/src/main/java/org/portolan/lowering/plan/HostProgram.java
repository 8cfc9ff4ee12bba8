package org.portolan.lowering.plan;

import java.util.List;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;

/// A model for one machine: what the host does, and the kernels that it launches by name.
public record HostProgram(PlanOp.Program plan, List<TileOp.Kernel> kernels) {
    public HostProgram {
        kernels = List.copyOf(kernels);
    }
}
