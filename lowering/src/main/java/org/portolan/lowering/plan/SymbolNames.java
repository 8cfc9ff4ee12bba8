package org.portolan.lowering.plan;

import java.util.HashSet;
import java.util.Set;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.OpSchema;

/// Names for symbols that the function does not have.
final class SymbolNames {
    private final Set<String> taken = new HashSet<>();

    SymbolNames(GraphOp.Function function) {
        function.symbols().forEach(symbol -> taken.add(symbol.name()));
        collect(function.body());
    }

    private void collect(Body body) {
        for (var op : body.ops()) {
            if (op instanceof GraphOp.Bind bind) {
                taken.addAll(bind.symbols());
            } else if (op instanceof GraphOp.Loop loop) {
                taken.add(loop.trips());
            }
            OpSchema.bodies(op).forEach(this::collect);
        }
    }

    String fresh(String wish) {
        var name = wish;
        for (int i = 1; !taken.add(name); i++) {
            name = wish + "_" + i;
        }
        return name;
    }
}
