package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;

/// Who computes the scalars of a nest.
final class NestScalars {
    private final NestOp.Compute nest;
    private final Map<Value, Op> definitions = new IdentityHashMap<>();

    private NestScalars(NestOp.Compute nest) {
        this.nest = nest;
        for (var op : nest.body().ops()) OpSchema.results(op).forEach(result -> definitions.put(result, op));
    }

    static NestScalars of(NestOp.Compute nest) {
        return new NestScalars(nest);
    }

    Op definition(Value scalar) {
        return definitions.get(scalar);
    }

    /// The operations behind a scalar that is simply read and computed, in order; null if it is not.
    List<Op> simple(Value scalar) {
        var needed = Collections.<Op>newSetFromMap(new IdentityHashMap<>());
        if (!isSimple(scalar, needed)) return null;
        var ops = new ArrayList<Op>(nest.body().ops());
        ops.removeIf(op -> !needed.contains(op));
        return ops;
    }

    private boolean isSimple(Value scalar, Set<Op> needed) {
        var op = definition(scalar);
        if (op instanceof NestOp.Read read) {
            boolean plain = read.otherwise() == NestOp.Otherwise.PROVEN && read.indices().isEmpty();
            if (plain) needed.add(op);
            return plain;
        }
        if (!(op instanceof ArithOp)) return false;
        needed.add(op);
        return Scalars.operands(op).stream().allMatch(operand -> isSimple(operand, needed));
    }
}
