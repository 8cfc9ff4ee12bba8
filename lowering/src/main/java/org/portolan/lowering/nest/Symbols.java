package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.SymbolRange;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.DimBounds;

/// The symbols of a function: their names, which axes must not have, and what is known about them.
record Symbols(Set<String> names, DimBounds bounds) {

    static Symbols of(GraphOp.Function function) {
        var names = new HashSet<String>();
        function.symbols().forEach(symbol -> names.add(symbol.name()));
        var declared = Set.copyOf(names);
        var extents = new HashSet<String>();
        function.body().params().forEach(param -> extents(param, extents));
        var read = new HashSet<String>();
        collect(function.body().ops(), names, read, extents);
        var ranges = new ArrayList<>(function.symbols());
        // What is read from data may be any number, unless it is an extent.
        read.stream()
                .filter(name -> !extents.contains(name) && !declared.contains(name))
                .forEach(name -> ranges.add(new SymbolRange(name, Long.MIN_VALUE, Long.MAX_VALUE)));
        return new Symbols(names, DimBounds.of(ranges));
    }

    private static void collect(List<Op> ops, Set<String> names, Set<String> read, Set<String> extents) {
        for (var op : ops) {
            if (op instanceof GraphOp.Bind bind) {
                names.addAll(bind.symbols());
                read.addAll(bind.symbols());
            } else if (op instanceof GraphOp.Loop loop) {
                names.add(loop.trips());
            }
            OpSchema.results(op).forEach(result -> extents(result, extents));
            OpSchema.bodies(op).forEach(body -> collect(body.ops(), names, read, extents));
        }
    }

    private static void extents(Value value, Set<String> extents) {
        if (value.type() instanceof Type.Tensor tensor) {
            tensor.dims().forEach(extent -> extent.symbolName().ifPresent(extents::add));
        }
    }
}
