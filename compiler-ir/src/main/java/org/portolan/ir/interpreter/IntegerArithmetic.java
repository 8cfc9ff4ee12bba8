package org.portolan.ir.interpreter;

import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;
import org.portolan.ir.ArithOp;
import org.portolan.ir.IrException;
import org.portolan.runtime.type.ElementType;

/// What the operations mean on integers and truth values. Operands are sign- or zero-extended to a long; results are
/// wrapped to the type by the caller.
public final class IntegerArithmetic {
    private IntegerArithmetic() {}

    /// An operation on one operand of a type.
    ///
    /// @throws IrException for one on floating-point numbers
    public static LongUnaryOperator unary(ArithOp.Unary op, ElementType type) {
        boolean signed = type.isSigned();
        return switch (op) {
            case ArithOp.Neg _ -> x -> -x;
            case ArithOp.Abs _ -> signed ? Math::abs : x -> x;
            case ArithOp.Sign _ -> signed ? x -> Long.signum(x) : x -> x == 0 ? 0 : 1;
            case ArithOp.Not _ -> type == ElementType.BOOL ? x -> x ^ 1 : x -> ~x;
            case ArithOp.Floor _,
                    ArithOp.Ceil _,
                    ArithOp.Round _,
                    ArithOp.Trunc _,
                    ArithOp.Sqrt _,
                    ArithOp.Exp _,
                    ArithOp.Log _,
                    ArithOp.Sin _,
                    ArithOp.Cos _,
                    ArithOp.Tan _,
                    ArithOp.Asin _,
                    ArithOp.Acos _,
                    ArithOp.Atan _,
                    ArithOp.Sinh _,
                    ArithOp.Cosh _,
                    ArithOp.Tanh _,
                    ArithOp.Asinh _,
                    ArithOp.Acosh _,
                    ArithOp.Atanh _,
                    ArithOp.Erf _ ->
                throw new IrException("an operation on floating-point numbers was given integers: " + op);
        };
    }

    /// An operation on two operands of a type, with the corners of the numerics contract.
    public static LongBinaryOperator binary(ArithOp.Binary op, ElementType type) {
        boolean signed = type.isSigned();
        int width = type == ElementType.BOOL ? 1 : type.bits();
        return switch (op) {
            case ArithOp.Add _ -> Long::sum;
            case ArithOp.Sub _ -> (a, b) -> a - b;
            case ArithOp.Mul _ -> (a, b) -> a * b;
            case ArithOp.Div _ ->
                signed ? (a, b) -> b == 0 ? 0 : a / b : (a, b) -> b == 0 ? 0 : Long.divideUnsigned(a, b);
            case ArithOp.Rem _ ->
                signed ? (a, b) -> b == 0 ? 0 : a % b : (a, b) -> b == 0 ? 0 : Long.remainderUnsigned(a, b);
            case ArithOp.Mod _ ->
                signed
                        ? (a, b) -> b == 0 ? 0 : Math.floorMod(a, b)
                        : (a, b) -> b == 0 ? 0 : Long.remainderUnsigned(a, b);
            case ArithOp.Pow _ -> (a, b) -> power(a, b, signed);
            case ArithOp.Min _ -> signed ? Math::min : (a, b) -> Long.compareUnsigned(a, b) <= 0 ? a : b;
            case ArithOp.Max _ -> signed ? Math::max : (a, b) -> Long.compareUnsigned(a, b) >= 0 ? a : b;
            case ArithOp.And _ -> (a, b) -> a & b;
            case ArithOp.Or _ -> (a, b) -> a | b;
            case ArithOp.Xor _ -> (a, b) -> a ^ b;
            case ArithOp.Shl _ -> (a, b) -> b < 0 || b >= width ? 0 : a << b;
            case ArithOp.Shr _ -> (a, b) -> b < 0 || b >= width ? 0 : signed ? a >> b : a >>> b;
        };
    }

    /// The sign of a comparison.
    public static int compare(ElementType type, long left, long right) {
        return type == ElementType.U64 ? Long.compareUnsigned(left, right) : Long.compare(left, right);
    }

    /// The low bits of a power; a negative exponent gives the reciprocal rounded towards zero, and 0 for a base of 0.
    private static long power(long base, long exponent, boolean signed) {
        if (signed && exponent < 0) {
            return base == 1 ? 1 : base == -1 ? ((exponent & 1) == 0 ? 1 : -1) : 0;
        }
        long result = 1;
        long square = base;
        for (long rest = exponent; rest != 0; rest >>>= 1) {
            if ((rest & 1) == 1) {
                result *= square;
            }
            square *= square;
        }
        return result;
    }
}
