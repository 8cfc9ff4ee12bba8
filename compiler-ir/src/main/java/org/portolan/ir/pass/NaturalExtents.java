package org.portolan.ir.pass;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Type;
import org.portolan.ir.analysis.DimBounds;
import org.portolan.ir.analysis.FunctionSymbols;
import org.portolan.runtime.type.Dim;

/// Checks numbers that are read from data and that extents are: they must not be negative. The check stands right behind
/// what reads them, so that it holds for all that follows.
///
/// Only extents in the steps that follow in the same body count. Those in a branch may never come to be, and the run must
/// not fail for them.
final class NaturalExtents {
    private final DimBounds bounds;

    private NaturalExtents(DimBounds bounds) {
        this.bounds = bounds;
    }

    static GraphOp.Function of(GraphOp.Function function) {
        var natural = new NaturalExtents(FunctionSymbols.of(function).bounds());
        return new GraphOp.Function(function.name(), function.symbols(), natural.body(function.body()));
    }

    private Body body(Body body) {
        var ops = new ArrayList<Op>(body.ops().size());
        for (int place = 0; place < body.ops().size(); place++) {
            var op = body.ops().get(place);
            ops.add(
                    op instanceof GraphOp.If || op instanceof GraphOp.Loop
                            ? OpSchema.rebuild(op, value -> value, value -> value, this::body)
                            : op);
            if (op instanceof GraphOp.Bind bind) {
                var extents = extents(body.ops().subList(place + 1, body.ops().size()));
                bind.symbols().stream()
                        .filter(extents::contains)
                        .filter(symbol -> !bounds.isNonNegative(Dim.symbol(symbol)))
                        .forEach(symbol -> ops.add(FunctionSymbols.natural(symbol)));
            }
        }
        return new Body(body.params(), ops);
    }

    private static Set<String> extents(List<Op> ops) {
        var extents = new HashSet<String>();
        for (var op : ops) {
            for (var result : OpSchema.results(op)) {
                if (result.type() instanceof Type.Tensor tensor) {
                    tensor.dims().forEach(extent -> extent.symbolName().ifPresent(extents::add));
                }
            }
        }
        return extents;
    }
}
