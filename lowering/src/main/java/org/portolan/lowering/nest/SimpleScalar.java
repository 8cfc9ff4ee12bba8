package org.portolan.lowering.nest;

import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// A scalar of a nest that is simply read and computed, so that another nest can do that as well.
///
/// @param ops what computes it, in order
record SimpleScalar(Value value, List<Op> ops) {

    /// Null if it is more than that.
    static SimpleScalar of(NestScalars scalars, Value value) {
        var ops = scalars.simple(value);
        return ops == null ? null : new SimpleScalar(value, ops);
    }

    /// The symbols by which it is read, among them the axes that it varies along.
    Set<String> symbols() {
        var symbols = new HashSet<String>();
        for (var op : ops) {
            if (op instanceof NestOp.Read read) read.at().forEach(index -> symbols.addAll(index.symbols()));
        }
        return symbols;
    }

    /// The same in another nest.
    ///
    /// @param places what stands there for the axes of this nest
    Value copy(List<Op> into, List<Value> inputs, Map<String, Dim> places) {
        var copies = new IdentityHashMap<Value, Value>();
        for (var op : ops) {
            if (op instanceof NestOp.Read read && !inputs.contains(read.source())) inputs.add(read.source());
            var copy = OpSchema.rebuild(
                    op,
                    operand -> copies.getOrDefault(operand, operand),
                    result -> copies.computeIfAbsent(result, Value::copy),
                    body -> body);
            into.add(copy instanceof NestOp.Read read ? moved(read, places) : copy);
        }
        return copies.get(value);
    }

    private static NestOp.Read moved(NestOp.Read read, Map<String, Dim> places) {
        var at = read.at().stream().map(index -> index.substitute(places::get)).toList();
        return new NestOp.Read(read.source(), read.indices(), read.other(), at, read.otherwise(), read.result());
    }
}
