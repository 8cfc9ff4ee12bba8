package org.portolan.lowering.nest;

import java.util.List;
import org.portolan.ir.pass.Pass;
import org.portolan.ir.pass.PassLibrary;

/// The passes of this package.
public final class NestPasses implements PassLibrary {
    @Override
    public List<Class<? extends Pass>> passes() {
        return List.of(
                GraphToNest.class,
                Fuse.class,
                IntegerProducts.class,
                ChannelsLast.class,
                JoinInPlace.class,
                PaddedReads.class);
    }
}
