package org.portolan.lowering.nest;

import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// A wide integer that is a byte, less a number that is simply read and computed: the same everywhere, or along some axes.
///
/// @param element the byte
/// @param offset what is subtracted; null if nothing is
/// @param offsetOps the operations that compute it
/// @param offsets what it may be
record Bytes(Value element, Value offset, List<Op> offsetOps, Range offsets) {

    /// A scalar as such a number; null if it is none.
    static Bytes of(NestScalars scalars, Value wide, KnownTensors known) {
        var definition = scalars.definition(wide);
        if (definition instanceof ArithOp.Cast cast) {
            return isByte(cast.operand()) ? new Bytes(cast.operand(), null, List.of(), new Range(0, 0)) : null;
        }
        if (definition instanceof ArithOp.Sub difference
                && scalars.definition(difference.left()) instanceof ArithOp.Cast cast
                && isByte(cast.operand())) {
            var ops = scalars.simple(difference.right());
            var range = range(scalars, difference.right(), known);
            return ops == null || range == null ? null : new Bytes(cast.operand(), difference.right(), ops, range);
        }
        return null;
    }

    private static boolean isByte(Value scalar) {
        var type = scalar.type().elementType();
        return type == ElementType.I8 || type == ElementType.U8;
    }

    private static Range range(NestScalars scalars, Value scalar, KnownTensors known) {
        var definition = scalars.definition(scalar);
        if (definition instanceof ArithOp.Integer number) return new Range(number.value(), number.value());
        if (definition instanceof ArithOp.Cast cast && isByte(cast.operand())) {
            return Range.of(cast.operand().type().elementType());
        }
        return definition instanceof NestOp.Read read
                ? known.find(read.source()).map(Range::of).orElse(null)
                : null;
    }

    /// What the difference may be, of bytes of a type.
    Range range(ElementType type) {
        return Range.of(type).minus(offsets);
    }

    /// The symbols by which the offset is read, among them the axes that it varies along.
    Set<String> offsetAxes() {
        var axes = new HashSet<String>();
        for (var op : offsetOps) {
            if (op instanceof NestOp.Read read) read.at().forEach(index -> axes.addAll(index.symbols()));
        }
        return axes;
    }

    /// The offset once more, in another nest.
    ///
    /// @param places what stands there for the axes of this nest
    Value copyOffset(List<Op> into, List<Value> inputs, Map<String, Dim> places) {
        var copies = new IdentityHashMap<Value, Value>();
        for (var op : offsetOps) {
            if (op instanceof NestOp.Read read && !inputs.contains(read.source())) inputs.add(read.source());
            var copy = OpSchema.rebuild(
                    op,
                    operand -> copies.getOrDefault(operand, operand),
                    result -> copies.computeIfAbsent(result, Value::copy),
                    body -> body);
            into.add(copy instanceof NestOp.Read read ? moved(read, places) : copy);
        }
        return copies.get(offset);
    }

    private static NestOp.Read moved(NestOp.Read read, Map<String, Dim> places) {
        var at = read.at().stream().map(index -> index.substitute(places::get)).toList();
        return new NestOp.Read(read.source(), read.indices(), read.other(), at, read.otherwise(), read.result());
    }
}
