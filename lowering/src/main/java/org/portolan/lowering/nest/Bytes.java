package org.portolan.lowering.nest;

import org.portolan.ir.ArithOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Value;
import org.portolan.runtime.type.ElementType;

/// An integer that is a byte, less a number that is simply read and computed.
///
/// @param element the byte
/// @param offset what is subtracted; null if nothing is
/// @param offsets what it may be
record Bytes(Value element, SimpleScalar offset, Range offsets) {
    private static final Range NOTHING = new Range(0, 0);

    /// A scalar as such a number; null if it is none.
    static Bytes of(NestScalars scalars, Value integer, KnownTensors known) {
        if (isByte(integer)) return new Bytes(integer, null, NOTHING);
        var definition = scalars.definition(integer);
        if (definition instanceof ArithOp.Cast cast) {
            boolean kept = isByte(cast.operand())
                    && Range.of(cast.operand().type().elementType()).fits(integer.type().elementType());
            return kept ? new Bytes(cast.operand(), null, NOTHING) : null;
        }
        // In a type that holds less, or no sign, the difference may be another number.
        if (definition instanceof ArithOp.Sub difference
                && integer.type().elementType() == ElementType.I32
                && scalars.definition(difference.left()) instanceof ArithOp.Cast cast
                && isByte(cast.operand())) {
            var offset = SimpleScalar.of(scalars, difference.right());
            var range = range(scalars, difference.right(), known);
            return offset == null || range == null ? null : new Bytes(cast.operand(), offset, range);
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
            return scalars.definition(cast.operand()) instanceof ArithOp.Integer number
                    ? new Range(number.value(), number.value())
                    : Range.of(cast.operand().type().elementType());
        }
        return definition instanceof NestOp.Read read
                ? known.find(read.source()).map(known::range).orElse(null)
                : null;
    }

    /// What the difference may be.
    Range range() {
        return Range.of(element.type().elementType()).minus(offsets);
    }
}
