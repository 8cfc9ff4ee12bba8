package org.portolan.lowering.nest;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.NestOp.Otherwise;
import org.portolan.ir.Op;
import org.portolan.ir.Resource;
import org.portolan.ir.ResourceBytes;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Reads of what is the same everywhere become numbers in the body: constants of one element or of one value, and
/// extents as tensors.
final class ScalarConstants {
    private ScalarConstants() {}

    /// Replaces the reads of a constant in a nest; nothing if it has more than one value.
    static void inline(OpenNest nest, GraphOp.Constant constant) {
        var type = constant.result().tensor();
        value(constant.data(), type).ifPresent(number -> {
            var ops = new ArrayList<Op>();
            for (var op : nest.ops()) {
                ops.add(
                        op instanceof NestOp.Read read
                                        && read.source() == constant.result()
                                        && read.otherwise() == Otherwise.PROVEN
                                ? number(number, type.element(), read.result())
                                : op);
            }
            nest.setBody(ops, nest.end());
        });
    }

    /// Replaces the reads of extents at known places in a nest.
    static void inline(OpenNest nest, GraphOp.Dims dims) {
        var ops = new ArrayList<Op>();
        for (var op : nest.ops()) {
            ops.add(
                    op instanceof NestOp.Read read
                                    && read.source() == dims.result()
                                    && read.otherwise() == Otherwise.PROVEN
                                    && place(read).isPresent()
                            ? new NestOp.Index(
                                    List.of(), dims.values().get(place(read).get()), read.result())
                            : op);
        }
        nest.setBody(ops, nest.end());
    }

    private static Optional<Integer> place(NestOp.Read read) {
        if (read.at().isEmpty()) {
            return Optional.of(0);
        }
        return read.at().size() == 1 && read.at().getFirst().isConstant()
                ? Optional.of(Math.toIntExact(read.at().getFirst().constant().getAsLong()))
                : Optional.empty();
    }

    private static ArithOp number(Number number, ElementType element, Value result) {
        return element.isFloat()
                ? new ArithOp.Const(number.doubleValue(), result)
                : new ArithOp.Integer(number.longValue(), result);
    }

    private static Optional<Number> value(Resource data, Type.Tensor type) {
        return switch (data) {
            case Resource.Splat(double value) -> Optional.of(value);
            case Resource.SplatInteger(long value) -> Optional.of(value);
            case Resource.Floats _, Resource.Integers _, Resource.External _, Resource.Random _ -> {
                if (!type.elements().isConstant(1) || type.element() == ElementType.STRING) {
                    yield Optional.empty();
                }
                try (var arena = Arena.ofConfined()) {
                    var bytes = ResourceBytes.rowMajor(data, type.element(), 1, arena);
                    yield Optional.of(
                            type.element().isFloat()
                                    ? (Number) ElementTypes.getDouble(type.element(), bytes, 0)
                                    : (Number) ElementTypes.getLong(type.element(), bytes, 0));
                }
            }
            case Resource.Texts _ -> Optional.empty();
        };
    }
}
