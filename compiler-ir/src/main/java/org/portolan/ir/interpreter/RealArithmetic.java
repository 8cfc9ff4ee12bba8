package org.portolan.ir.interpreter;

import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import org.portolan.ir.ArithOp;
import org.portolan.ir.IrException;
import org.portolan.ir.Relation;

/// What the operations mean on floating-point numbers. The operands are exact in double; for types of up to 32 bits the
/// double's own rounding of a sum, product, quotient or root is never seen after the rounding to the type, because 53
/// bits are more than twice 24 and two.
public final class RealArithmetic {
    private RealArithmetic() {}

    /// An operation on one operand.
    ///
    /// @throws IrException for one on bits
    public static DoubleUnaryOperator unary(ArithOp.Unary op) {
        return switch (op) {
            case ArithOp.Neg _ -> x -> -x;
            case ArithOp.Abs _ -> Math::abs;
            case ArithOp.Sign _ -> x -> Double.isNaN(x) || x == 0 ? x : Math.copySign(1, x);
            case ArithOp.Floor _ -> Math::floor;
            case ArithOp.Ceil _ -> Math::ceil;
            case ArithOp.Round _ -> Math::rint;
            case ArithOp.Trunc _ -> x -> x < 0 ? Math.ceil(x) : Math.floor(x);
            case ArithOp.Sqrt _ -> Math::sqrt;
            case ArithOp.Exp _ -> StrictMath::exp;
            case ArithOp.Log _ -> StrictMath::log;
            case ArithOp.Sin _ -> StrictMath::sin;
            case ArithOp.Cos _ -> StrictMath::cos;
            case ArithOp.Tan _ -> StrictMath::tan;
            case ArithOp.Asin _ -> StrictMath::asin;
            case ArithOp.Acos _ -> StrictMath::acos;
            case ArithOp.Atan _ -> StrictMath::atan;
            case ArithOp.Sinh _ -> StrictMath::sinh;
            case ArithOp.Cosh _ -> StrictMath::cosh;
            case ArithOp.Tanh _ -> StrictMath::tanh;
            case ArithOp.Asinh _ -> ElementaryFunctions::asinh;
            case ArithOp.Acosh _ -> ElementaryFunctions::acosh;
            case ArithOp.Atanh _ -> ElementaryFunctions::atanh;
            case ArithOp.Erf _ -> ElementaryFunctions::erf;
            case ArithOp.Not _ -> throw notForReals(op);
        };
    }

    /// An operation on two operands.
    ///
    /// @throws IrException for one on bits
    public static DoubleBinaryOperator binary(ArithOp.Binary op) {
        return switch (op) {
            case ArithOp.Add _ -> Double::sum;
            case ArithOp.Sub _ -> (a, b) -> a - b;
            case ArithOp.Mul _ -> (a, b) -> a * b;
            case ArithOp.Div _ -> (a, b) -> a / b;
            case ArithOp.Rem _ -> (a, b) -> a % b;
            case ArithOp.Mod _ -> RealArithmetic::modulo;
            case ArithOp.Pow _ -> ElementaryFunctions::pow;
            case ArithOp.Min _ -> Math::min;
            case ArithOp.Max _ -> Math::max;
            case ArithOp.And _, ArithOp.Or _, ArithOp.Xor _, ArithOp.Shl _, ArithOp.Shr _ -> throw notForReals(op);
        };
    }

    /// Whether a relation holds; of a NaN only that it differs.
    public static boolean holds(Relation relation, double left, double right) {
        return switch (relation) {
            case EQUAL -> left == right;
            case NOT_EQUAL -> left != right;
            case LESS -> left < right;
            case LESS_OR_EQUAL -> left <= right;
            case GREATER -> left > right;
            case GREATER_OR_EQUAL -> left >= right;
        };
    }

    private static double modulo(double dividend, double divisor) {
        double remainder = dividend % divisor;
        if (remainder == 0) {
            return Math.copySign(0, divisor);
        }
        return remainder < 0 != divisor < 0 ? remainder + divisor : remainder;
    }

    private static IrException notForReals(ArithOp op) {
        return new IrException("an operation on bits was given floating-point numbers: " + op);
    }
}
