package org.portolan.ir.pass;

import java.util.List;

/// The passes of this package.
public final class GeneralPasses implements PassLibrary {
    @Override
    public List<Class<? extends Pass>> passes() {
        return List.of(Canonicalize.class, CheckExtents.class, FoldConstants.class, Narrow.class);
    }
}
