package org.portolan.lowering.nest;

import org.portolan.ir.ArithOp;
import org.portolan.ir.Value;

/// A floating-point number that is an integer of few bits times a scale, as models store quantised numbers.
///
/// @param integer converted without rounding
record ScaledInteger(Value integer, SimpleScalar scale) {
    /// Null if the scalar is no such number.
    static ScaledInteger of(NestScalars scalars, Value number) {
        if (!(scalars.definition(number) instanceof ArithOp.Mul product)) return null;
        var found = of(scalars, product.left(), product.right());
        return found != null ? found : of(scalars, product.right(), product.left());
    }

    private static ScaledInteger of(NestScalars scalars, Value number, Value scale) {
        if (!(scalars.definition(number) instanceof ArithOp.Cast cast)
                || !cast.operand().type().elementType().isInteger()) {
            return null;
        }
        var simple = SimpleScalar.of(scalars, scale);
        return simple == null ? null : new ScaledInteger(cast.operand(), simple);
    }
}
