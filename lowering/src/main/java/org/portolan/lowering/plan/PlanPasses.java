package org.portolan.lowering.plan;

import java.util.List;
import org.portolan.ir.pass.Pass;
import org.portolan.ir.pass.PassLibrary;

/// The passes of this package.
public final class PlanPasses implements PassLibrary {
    @Override
    public List<Class<? extends Pass>> passes() {
        return List.of(FuseRows.class, NestToTile.class, PlanMemory.class);
    }
}
