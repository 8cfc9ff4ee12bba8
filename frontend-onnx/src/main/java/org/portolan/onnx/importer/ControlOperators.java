package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.several;

import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Value;
import org.portolan.onnx.OnnxGraph;
import org.portolan.runtime.type.Dim;

/// Branches and loops.
final class ControlOperators {
    static final List<Operator> ROWS = List.of(several(1, "If", ControlOperators::branch));

    private ControlOperators() {}

    /// A branch that is chosen while importing leaves no operation.
    private static List<Operand> branch(Call call) {
        var writer = call.writer();
        var yes = call.graph("then_branch");
        var no = call.graph("else_branch");
        if (yes.outputs().size() != no.outputs().size()) {
            throw call.error("the branches give %d and %d values"
                    .formatted(yes.outputs().size(), no.outputs().size()));
        }
        var condition = writer.reshape(call.input(0), List.of());
        var known = call.constants(condition);
        if (known.isPresent()) {
            return call.bodies().graph(known.get().getFirst() != 0 ? yes : no, List.of());
        }
        var value = condition.value();
        var left = inBlock(call, yes);
        var right = inBlock(call, no);
        var results = new ArrayList<Value>();
        for (int i = 0; i < left.values.size(); i++) {
            results.add(joined(call, left.values.get(i), right.values.get(i)));
        }
        writer.block()
                .add(new GraphOp.If(
                        value,
                        left.body(),
                        right.body(),
                        results));
        return results.stream().map(Operand::of).toList();
    }

    private record Branch(Block block, List<Operand> values) {
        Body body() {
            block.add(new GraphOp.Yield(values.stream().map(Operand::value).toList()));
            return new Body(List.of(), block.ops());
        }
    }

    private static Branch inBlock(Call call, OnnxGraph graph) {
        var writer = call.writer();
        var inner = new Block(writer.block());
        var outer = writer.enter(inner);
        try {
            var values = call.bodies().graph(graph, List.of());
            return new Branch(inner, values);
        } finally {
            writer.enter(outer);
        }
    }

    private static Value joined(Call call, Operand left, Operand right) {
        if (left.element() != right.element()) {
            throw call.error("the branches give %s and %s: expected equal types".formatted(left.type(), right.type()));
        }
        if (left.rank() != right.rank()) {
            throw new Unsupported("branches that give %s and %s".formatted(left.type(), right.type()));
        }
        var dims = new ArrayList<Dim>();
        for (int axis = 0; axis < left.rank(); axis++) {
            if (!left.dim(axis).equals(right.dim(axis))) {
                throw new Unsupported("branches that give %s and %s".formatted(left.type(), right.type()));
            }
            dims.add(left.dim(axis));
        }
        return call.writer().fresh(left.element(), dims);
    }
}
