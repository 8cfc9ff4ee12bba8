package org.portolan.lowering.nest;

import org.portolan.ir.ArithOp;

/// Roughly how many simple vector operations a scalar operation takes.
public final class Costs {
    private static final double CONSTANT = 0;
    private static final double SIMPLE = 1;
    private static final double DIVISION = 4;
    private static final double ELEMENTARY = 15;

    private Costs() {}

    /// Of one operation, in simple ones.
    public static double of(ArithOp op) {
        return switch (op) {
            case ArithOp.Const _, ArithOp.Integer _ -> CONSTANT;
            case ArithOp.Neg _, ArithOp.Abs _, ArithOp.Sign _, ArithOp.Floor _, ArithOp.Ceil _, ArithOp.Round _ ->
                SIMPLE;
            case ArithOp.Trunc _, ArithOp.Not _, ArithOp.Add _, ArithOp.Sub _, ArithOp.Mul _, ArithOp.Min _ -> SIMPLE;
            case ArithOp.Max _, ArithOp.And _, ArithOp.Or _, ArithOp.Xor _, ArithOp.Shl _, ArithOp.Shr _ -> SIMPLE;
            case ArithOp.Fma _, ArithOp.Compare _, ArithOp.Select _, ArithOp.Cast _, ArithOp.Bitcast _ -> SIMPLE;
            case ArithOp.Sqrt _, ArithOp.Div _, ArithOp.Rem _, ArithOp.Mod _ -> DIVISION;
            case ArithOp.Exp _, ArithOp.Log _, ArithOp.Sin _, ArithOp.Cos _, ArithOp.Tan _, ArithOp.Asin _ ->
                ELEMENTARY;
            case ArithOp.Acos _, ArithOp.Atan _, ArithOp.Sinh _, ArithOp.Cosh _, ArithOp.Tanh _ -> ELEMENTARY;
            case ArithOp.Asinh _, ArithOp.Acosh _, ArithOp.Atanh _, ArithOp.Erf _, ArithOp.Pow _ -> ELEMENTARY;
        };
    }
}
