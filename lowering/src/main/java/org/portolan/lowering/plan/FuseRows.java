package org.portolan.lowering.plan;

import java.util.List;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.pass.Pass;
import org.portolan.lowering.Target;
import org.portolan.lowering.Targets;
import org.portolan.lowering.nest.RowChains;
import org.portolan.lowering.tile.NestToTile;

/// Puts a product, the rows that it is normalised over, and the product with these into one nest, where the machine has a
/// schedule that goes along such rows once (attention): {@link RowChains}.
///
/// @param machine a target, as for {@link org.portolan.lowering.plan.NestToTile}
public record FuseRows(String machine) implements Pass {

    @Override
    public List<Op> run(List<Op> module) {
        var chip = Targets.named(machine).machine();
        return module.stream()
                .map(op -> op instanceof GraphOp.Function function
                        ? RowChains.apply(function, nest -> NestToTile.isOnline(nest, chip))
                        : op)
                .toList();
    }
}
