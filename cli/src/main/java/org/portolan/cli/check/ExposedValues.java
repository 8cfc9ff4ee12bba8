package org.portolan.cli.check;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.ElementType;

/// A function that hands out what it computes on the way too, so that two machines can be compared operation by operation.
///
/// @param function the function with more results
/// @param operations what computes each of its results, by the result's name, in the order of the function
record ExposedValues(GraphOp.Function function, Map<String, String> operations) {

    /// Hands out every tensor that an outermost operation computes, constants apart.
    static ExposedValues of(GraphOp.Function original) {
        var operations = new LinkedHashMap<String, String>();
        var ops = new ArrayList<Op>();
        var copies = new ArrayList<Op>();
        var results = new ArrayList<Value>();
        for (var op : original.body().ops()) {
            if (op instanceof GraphOp.Return) continue;
            ops.add(op);
            if (op instanceof GraphOp.Constant) continue;
            for (var value : OpSchema.results(op)) {
                if (!isComparable(value)) continue;
                // A copy: what is handed out needs a name of its own, and nothing may be handed out twice.
                var copy = Value.of(value.type(), "value." + operations.size());
                copies.add(new GraphOp.Reshape(value, copy));
                results.add(copy);
                operations.put(copy.hint(), describe(op, value));
            }
        }
        ops.addAll(copies);
        ops.add(new GraphOp.Return(results));
        var body = new Body(original.body().params(), ops);
        return new ExposedValues(new GraphOp.Function(original.name(), original.symbols(), body), operations);
    }

    private static boolean isComparable(Value value) {
        return value.type() instanceof Type.Tensor tensor && tensor.element() != ElementType.STRING;
    }

    private static String describe(Op op, Value value) {
        var name = OpSchema.of(op).name();
        return value.hint().isEmpty() ? name : name + " of '" + value.hint() + "'";
    }
}
