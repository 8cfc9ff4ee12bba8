package org.portolan.onnx.importer;

import java.util.List;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Picks out the elements for which something holds: how many they are, only the run knows.
final class Selecting {
    private Selecting() {}

    /// The places of the true elements of a line, ascending, as many as the run finds.
    ///
    /// Every element is stored at a place of its own: true ones at the number of true ones before them, the others behind
    /// all true ones. So no two stores meet, and the first part is the result.
    static Operand places(GraphWriter writer, Operand truths) {
        var length = truths.dim(0);
        var numbers = writer.iota(ElementType.I64, List.of(length), 0);
        var upTo = RunningSums.count(writer, truths);
        var total = writer.reduce(
                writer.cast(truths, ElementType.I64), Combine.SUM, List.of(0), ElementType.I64, ElementType.I64);
        var target = writer.mapTo(
                List.of(length), ElementType.I64, List.of(truths, upTo, numbers, total), (s, v) -> s.select(
                        v.get(0), s.add(v.get(1), -1), s.add(v.get(3), s.sub(v.get(2), v.get(1)))));
        var partitioned = SortingOperators.scattered(writer, target, numbers, length);
        return writer.slice(partitioned, List.of(Dim.ZERO), List.of(Dim.ONE), List.of(size(writer, total)));
    }

    /// A number of at least 0 that the run computes, as an extent.
    static Dim size(GraphWriter writer, Operand number) {
        if (number.elements().isPresent()) {
            return Elements.dim(number.elements().get().getFirst());
        }
        var name = writer.symbols().size();
        writer.block().add(new GraphOp.Bind(number.value(), List.of(name)));
        return Dim.symbol(name);
    }
}
