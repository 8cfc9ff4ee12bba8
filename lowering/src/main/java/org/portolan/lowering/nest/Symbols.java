package org.portolan.lowering.nest;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.analysis.DimBounds;

/// The symbols of a function: their names, which axes must not have, and what is known about them.
record Symbols(Set<String> names, DimBounds bounds) {

    static Symbols of(GraphOp.Function function) {
        var names = new HashSet<String>();
        function.symbols().forEach(symbol -> names.add(symbol.name()));
        collect(function.body().ops(), names);
        return new Symbols(names, DimBounds.of(function.symbols()));
    }

    private static void collect(List<Op> ops, Set<String> names) {
        for (var op : ops) {
            if (op instanceof GraphOp.Bind bind) {
                names.addAll(bind.symbols());
            } else if (op instanceof GraphOp.Loop loop) {
                names.add(loop.trips());
            }
            OpSchema.bodies(op).forEach(body -> collect(body.ops(), names));
        }
    }
}
