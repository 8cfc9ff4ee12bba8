package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.analysis.FunctionSymbols;
import org.portolan.ir.pass.Pass;

/// Puts nests into their readers until only results worth a trip to memory are left: views vanish, elementwise work
/// goes behind the contraction or reduction that it follows, and reductions over the same rows become one nest.
public record Fuse() implements Pass {

    @Override
    public List<Op> run(List<Op> module) {
        return module.stream()
                .map(op -> op instanceof GraphOp.Function function ? fuse(function) : op)
                .toList();
    }

    private static GraphOp.Function fuse(GraphOp.Function function) {
        var body = fuse(function.body(), FunctionSymbols.of(function));
        return new GraphOp.Function(function.name(), function.symbols(), body);
    }

    /// Nothing moves into or out of a branch or a loop: each body is fused by itself.
    private static Body fuse(Body body, FunctionSymbols symbols) {
        var ops = new ArrayList<Op>(body.ops().size());
        for (var op : body.ops()) {
            boolean nested = op instanceof GraphOp.If || op instanceof GraphOp.Loop;
            ops.add(nested ? OpSchema.rebuild(op, value -> value, value -> value, inner -> fuse(inner, symbols)) : op);
        }
        return new Body(body.params(), new BodyFusion(ops, symbols).run());
    }
}
