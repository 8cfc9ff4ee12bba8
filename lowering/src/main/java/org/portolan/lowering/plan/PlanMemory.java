package org.portolan.lowering.plan;

import java.util.List;
import org.portolan.ir.Op;
import org.portolan.ir.PlanOp;
import org.portolan.ir.pass.Pass;

/// Gives the buffers of {@code plan.program} a place in one arena, shared by those that do not live at the same time.
public record PlanMemory() implements Pass {

    @Override
    public List<Op> run(List<Op> module) {
        return module.stream()
                .map(op -> op instanceof PlanOp.Program program ? MemoryPlanner.place(program) : op)
                .toList();
    }
}
