package org.portolan.ir;

import org.portolan.runtime.type.ElementType;

/// Scalar and vector arithmetic inside the bodies of the other dialects. Every operation works lane by lane on scalars
/// and vectors alike; booleans are {@code bool}, and masks where there are lanes.
///
/// Corners have one answer on all targets: integers wrap; {@code x / 0 = 0}, {@code x % 0 = 0}, {@code MIN / -1 = MIN},
/// {@code MIN % -1 = 0}; shifts by at least the width, or by a negative number, give 0; denormals are kept. Floats of
/// fewer than 32 bits are computed exactly and rounded once, to nearest, ties to even.
public sealed interface ArithOp extends Op, Op.Pure {

    Value result();

    /// One operand, and a result of the same type.
    sealed interface Unary extends ArithOp {
        Value operand();
    }

    /// Two operands and a result, all of one type.
    sealed interface Binary extends ArithOp {
        Value left();

        Value right();
    }

    /// A floating-point number; a vector has it in every lane.
    record Const(double value, @Out Value result) implements ArithOp {
        public Const {
            Rules.check(
                    result.type().elementType().isFloat(),
                    "arith.const gives a floating-point number, found " + result + "; use arith.integer");
        }
    }

    /// An integer, index or truth value (0 or 1); a vector has it in every lane.
    record Integer(long value, @Out Value result) implements ArithOp {
        public Integer {
            var element = result.type().elementType();
            Rules.check(
                    element.isInteger() || element == ElementType.BOOL,
                    "arith.integer gives an integer or a truth value, found " + result + "; use arith.const");
        }
    }

    record Neg(Value operand, @Out Value result) implements Unary {
        public Neg {
            Rules.sameType(operand, result, "arith.neg");
        }
    }

    /// The absolute value; the smallest signed integer stays.
    record Abs(Value operand, @Out Value result) implements Unary {
        public Abs {
            Rules.sameType(operand, result, "arith.abs");
        }
    }

    /// -1, 0 or 1; a NaN stays.
    record Sign(Value operand, @Out Value result) implements Unary {
        public Sign {
            Rules.sameType(operand, result, "arith.sign");
        }
    }

    record Floor(Value operand, @Out Value result) implements Unary {
        public Floor {
            floating(operand, result);
        }
    }

    record Ceil(Value operand, @Out Value result) implements Unary {
        public Ceil {
            floating(operand, result);
        }
    }

    /// To the nearest integer, ties to even.
    record Round(Value operand, @Out Value result) implements Unary {
        public Round {
            floating(operand, result);
        }
    }

    record Trunc(Value operand, @Out Value result) implements Unary {
        public Trunc {
            floating(operand, result);
        }
    }

    /// Correctly rounded.
    record Sqrt(Value operand, @Out Value result) implements Unary {
        public Sqrt {
            floating(operand, result);
        }
    }

    record Exp(Value operand, @Out Value result) implements Unary {
        public Exp {
            floating(operand, result);
        }
    }

    /// The natural logarithm.
    record Log(Value operand, @Out Value result) implements Unary {
        public Log {
            floating(operand, result);
        }
    }

    record Sin(Value operand, @Out Value result) implements Unary {
        public Sin {
            floating(operand, result);
        }
    }

    record Cos(Value operand, @Out Value result) implements Unary {
        public Cos {
            floating(operand, result);
        }
    }

    record Tan(Value operand, @Out Value result) implements Unary {
        public Tan {
            floating(operand, result);
        }
    }

    record Asin(Value operand, @Out Value result) implements Unary {
        public Asin {
            floating(operand, result);
        }
    }

    record Acos(Value operand, @Out Value result) implements Unary {
        public Acos {
            floating(operand, result);
        }
    }

    record Atan(Value operand, @Out Value result) implements Unary {
        public Atan {
            floating(operand, result);
        }
    }

    record Sinh(Value operand, @Out Value result) implements Unary {
        public Sinh {
            floating(operand, result);
        }
    }

    record Cosh(Value operand, @Out Value result) implements Unary {
        public Cosh {
            floating(operand, result);
        }
    }

    record Tanh(Value operand, @Out Value result) implements Unary {
        public Tanh {
            floating(operand, result);
        }
    }

    record Asinh(Value operand, @Out Value result) implements Unary {
        public Asinh {
            floating(operand, result);
        }
    }

    record Acosh(Value operand, @Out Value result) implements Unary {
        public Acosh {
            floating(operand, result);
        }
    }

    record Atanh(Value operand, @Out Value result) implements Unary {
        public Atanh {
            floating(operand, result);
        }
    }

    /// The error function.
    record Erf(Value operand, @Out Value result) implements Unary {
        public Erf {
            floating(operand, result);
        }
    }

    /// Every bit inverted; for booleans the logical negation.
    record Not(Value operand, @Out Value result) implements Unary {
        public Not {
            Rules.sameType(operand, result, "arith.not");
            bits(operand);
        }
    }

    record Add(Value left, Value right, @Out Value result) implements Binary {
        public Add {
            same(left, right, result);
        }
    }

    record Sub(Value left, Value right, @Out Value result) implements Binary {
        public Sub {
            same(left, right, result);
        }
    }

    record Mul(Value left, Value right, @Out Value result) implements Binary {
        public Mul {
            same(left, right, result);
        }
    }

    /// The quotient; of integers rounded towards zero.
    record Div(Value left, Value right, @Out Value result) implements Binary {
        public Div {
            same(left, right, result);
        }
    }

    /// The remainder of the quotient rounded towards zero: it has the sign of the left operand, as C's {@code fmod}.
    record Rem(Value left, Value right, @Out Value result) implements Binary {
        public Rem {
            same(left, right, result);
        }
    }

    /// The remainder of the quotient rounded down: it has the sign of the right operand.
    record Mod(Value left, Value right, @Out Value result) implements Binary {
        public Mod {
            same(left, right, result);
        }
    }

    /// The left operand to the power of the right one.
    record Pow(Value left, Value right, @Out Value result) implements Binary {
        public Pow {
            same(left, right, result);
        }
    }

    /// The smaller one; NaN if either is NaN; of two zeros either.
    record Min(Value left, Value right, @Out Value result) implements Binary {
        public Min {
            same(left, right, result);
        }
    }

    /// The larger one; NaN if either is NaN; of two zeros either.
    record Max(Value left, Value right, @Out Value result) implements Binary {
        public Max {
            same(left, right, result);
        }
    }

    record And(Value left, Value right, @Out Value result) implements Binary {
        public And {
            same(left, right, result);
            bits(left);
        }
    }

    record Or(Value left, Value right, @Out Value result) implements Binary {
        public Or {
            same(left, right, result);
            bits(left);
        }
    }

    record Xor(Value left, Value right, @Out Value result) implements Binary {
        public Xor {
            same(left, right, result);
            bits(left);
        }
    }

    /// Shifts to the left.
    record Shl(Value left, Value right, @Out Value result) implements Binary {
        public Shl {
            same(left, right, result);
            bits(left);
        }
    }

    /// Shifts to the right: signed numbers keep their sign, unsigned ones fill with 0. By at least the width: 0.
    record Shr(Value left, Value right, @Out Value result) implements Binary {
        public Shr {
            same(left, right, result);
            bits(left);
        }
    }

    /// {@code a * b + c}, rounded once.
    record Fma(Value a, Value b, Value c, @Out Value result) implements ArithOp {
        public Fma {
            same(a, b, result);
            Rules.sameType(c, result, "arith.fma");
        }
    }

    /// Compares lane by lane; the result is {@code bool}, or a mask for vectors.
    record Compare(Value left, Value right, Relation relation, @Out Value result) implements ArithOp {
        public Compare {
            Rules.sameType(left, right, "arith.compare");
            Rules.check(
                    result.type().equals(left.type().withLaneElement(ElementType.BOOL)),
                    "arith.compare of " + left + " gives " + left.type().withLaneElement(ElementType.BOOL) + ", found "
                            + result);
        }
    }

    /// The second operand where the condition holds, else the third; both are evaluated.
    record Select(Value condition, Value yes, Value no, @Out Value result) implements ArithOp {
        public Select {
            same(yes, no, result);
            Rules.isBoolean(condition, "arith.select");
            Rules.check(
                    condition.type().equals(Type.BOOL) || condition.type().laneCount() == yes.type().laneCount(),
                    "arith.select: " + condition + " has other lanes than " + yes);
        }
    }

    /// Converts to the result's element type. Float to integer rounds towards zero and saturates, NaN gives 0; integer
    /// to a narrower integer keeps the low bits; to {@code bool}, everything but 0 is true. Float to a narrower float
    /// rounds as told; what is too large for an eight-bit or smaller float becomes its largest number with
    /// {@code saturate}, else infinity, or NaN where the type has no infinity.
    record Cast(Value operand, Rounding rounding, Overflow overflow, @Out Value result) implements ArithOp {
        public Cast {
            Rules.check(
                    operand.type().laneCount() == result.type().laneCount(),
                    "arith.cast keeps the lanes, found " + operand + " and " + result);
        }

        public Cast(Value operand, Value result) {
            this(operand, Rounding.NEAREST_EVEN, Overflow.SATURATE, result);
        }
    }

    /// The same bits as another type of the same width.
    record Bitcast(Value operand, @Out Value result) implements ArithOp {
        public Bitcast {
            Rules.check(
                    operand.type().elementType().bits() == result.type().elementType().bits()
                            && operand.type().laneCount() == result.type().laneCount(),
                    "arith.bitcast keeps width and lanes, found " + operand + " and " + result);
        }
    }

    /// How {@link Cast} rounds to a narrower float.
    enum Rounding {
        NEAREST_EVEN,
        UP,
        DOWN
    }

    /// What {@link Cast} makes of numbers too large for an eight-bit or smaller float.
    enum Overflow {
        SATURATE,
        INFINITY
    }

    private static void floating(Value operand, Value result) {
        Rules.sameType(operand, result, "arith");
        Rules.check(
                operand.type().elementType().isFloat(), "arith: expected a floating-point type, found " + operand);
    }

    private static void same(Value left, Value right, Value result) {
        Rules.sameType(left, right, "arith");
        Rules.sameType(left, result, "arith");
    }

    private static void bits(Value operand) {
        Rules.check(!operand.type().elementType().isFloat(), "arith: expected integers or booleans, found " + operand);
    }
}
