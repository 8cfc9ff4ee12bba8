package org.portolan.lowering.plan;

import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.pass.Pass;
import org.portolan.lowering.Target;
import org.portolan.lowering.Targets;
import org.portolan.lowering.nest.RowChains;
import org.portolan.lowering.tile.NestToTile;

/// Puts a product, the rows that it is normalised over, and the product with these into one nest, where the machine has a
/// schedule that goes along such rows once (attention): {@link RowChains}. Where there are few such rows, each of them is divided
/// among blocks of threads, and a second nest combines what these have.
///
/// @param machine a target, as for {@link org.portolan.lowering.plan.NestToTile}
public record FuseRows(String machine) implements Pass {

    @Override
    public List<Op> run(List<Op> module) {
        var chip = Targets.named(machine).machine();
        return module.stream()
                .map(op -> op instanceof GraphOp.Function function ? fused(function, chip) : op)
                .toList();
    }

    private static GraphOp.Function fused(GraphOp.Function function, MachineOp.Chip chip) {
        var joined = RowChains.apply(function, nest -> NestToTile.isOnline(nest, chip));
        return new GraphOp.Function(joined.name(), joined.symbols(), divided(joined.body(), chip));
    }

    private static Body divided(Body body, MachineOp.Chip chip) {
        var ops = new ArrayList<Op>();
        for (var op : body.ops()) {
            if (op instanceof NestOp.Compute nest) {
                ops.addAll(NestToTile.parts(nest, chip));
            } else {
                ops.add(OpSchema.rebuild(op, value -> value, value -> value, inner -> divided(inner, chip)));
            }
        }
        return new Body(body.params(), ops);
    }
}
