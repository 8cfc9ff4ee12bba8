package org.portolan.lowering.nest;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;

/// The symbols of a function: their names, which axes must not have, and the smallest value of each (0 if not declared).
record Symbols(Set<String> names, Map<String, Long> minima) {

    /// All symbols that the operations declare, those in their bodies included.
    static Symbols of(List<Op> ops) {
        var symbols = new Symbols(new HashSet<>(), new HashMap<>());
        symbols.collect(ops);
        return symbols;
    }

    private void collect(List<Op> ops) {
        for (var op : ops) {
            if (op instanceof GraphOp.Function function) {
                function.symbols().forEach(symbol -> {
                    names.add(symbol.name());
                    minima.merge(symbol.name(), symbol.minimum(), Math::min);
                });
            } else if (op instanceof GraphOp.Bind bind) {
                names.addAll(bind.symbols());
            } else if (op instanceof GraphOp.Loop loop) {
                names.add(loop.trips());
            }
            OpSchema.bodies(op).forEach(body -> collect(body.ops()));
        }
    }
}
