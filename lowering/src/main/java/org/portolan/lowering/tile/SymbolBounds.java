package org.portolan.lowering.tile;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.SymbolRange;
import org.portolan.ir.analysis.DimBounds;
import org.portolan.runtime.type.Dim;

/// What a nest knows of its symbols: those that are extents are not negative, any other may be a number out of the data.
final class SymbolBounds {
    private SymbolBounds() {}

    static DimBounds of(NestOp.Compute nest) {
        Set<String> known = new HashSet<>();
        nest.axes().forEach(axis -> extents(axis.extent(), known));
        Stream.of(nest.inputs(), nest.into(), nest.results())
                .flatMap(List::stream)
                .flatMap(tensor -> tensor.tensor().dims().stream())
                .forEach(extent -> extents(extent, known));
        nest.axes().forEach(axis -> known.add(axis.name()));
        var anything = nest.body().ops().stream()
                .flatMap(SymbolBounds::indices)
                .flatMap(index -> index.symbols().stream())
                .distinct()
                .filter(name -> !known.contains(name) && !name.startsWith("$"))
                .map(name -> new SymbolRange(name, Long.MIN_VALUE, Long.MAX_VALUE))
                .toList();
        return DimBounds.of(anything, nest.axes());
    }

    private static void extents(Dim extent, Set<String> names) {
        if (extent instanceof Dim.Symbol(var name)) {
            names.add(name);
        } else if (extent instanceof Dim.Product(_, var factors)) {
            factors.forEach(factor -> extents(factor, names));
        }
    }

    private static Stream<Dim> indices(Op op) {
        if (op instanceof NestOp.Read read) {
            return read.at().stream();
        }
        if (op instanceof NestOp.Index index) {
            return Stream.of(index.value());
        }
        return op instanceof NestOp.Yield yield ? yield.to().stream().flatMap(List::stream) : Stream.of();
    }
}
