package org.portolan.llvm.emit;

/// Floating-point operations that LLVM has no instruction for, or whose instruction has other corners than ours. The
/// operands are `float` or `double`, scalars or vectors.
final class FloatOperations {
    private final FunctionBuilder builder;
    private final Traits traits;

    FloatOperations(FunctionBuilder builder, Traits traits) {
        this.builder = builder;
        this.traits = traits;
    }

    /// The smaller (`olt`) or the larger one (`ogt`); NaN if either is NaN.
    ///
    /// A comparison and a choice is one instruction of most processors and gives its second operand where one is NaN:
    /// with a number as the first operand that is all there is to do.
    Operand extremum(String predicate, Operand left, Operand right) {
        if (isNumber(left)) {
            return builder.select(builder.compare(predicate, left, right), left, right);
        }
        if (isNumber(right)) {
            return builder.select(builder.compare(predicate, right, left), right, left);
        }
        var chosen = builder.select(builder.compare(predicate, left, right), left, right);
        return builder.select(builder.compare("uno", left, left), left, chosen);
    }

    private static boolean isNumber(Operand operand) {
        var text = operand.text();
        int digits = text.indexOf("0x");
        return text.charAt(0) != '%'
                && digits >= 0
                && !Double.isNaN(Double.longBitsToDouble(Long.parseUnsignedLong(text, digits + 2, digits + 18, 16)));
    }

    /// -1, 0 or 1; a NaN stays, and so does the sign of zero.
    Operand sign(Operand value) {
        var zero = Operand.floating(value.type(), 0);
        var one = builder.intrinsic("copysign", Operand.floating(value.type(), 1), value);
        return builder.select(builder.compare("one", value, zero), one, value);
    }

    /// The remainder with the sign of the left operand.
    Operand remainder(Operand left, Operand right) {
        var name = FloatRemainder.declare(builder.module, left.type().element());
        if (!left.type().isVector()) {
            return builder.assign(
                    "rem", left.type(), "call " + left.type() + " @" + name + "(" + left + ", " + right + ")");
        }
        var result = Operand.poison(left.type());
        for (long lane = 0; lane < left.type().lanes(); lane++) {
            var element = remainder(builder.extract(left, lane), builder.extract(right, lane));
            result = builder.insert(result, element, lane);
        }
        return result;
    }

    /// The remainder with the sign of the right operand.
    Operand modulo(Operand left, Operand right) {
        var remainder = remainder(left, right);
        var zero = Operand.floating(left.type(), 0);
        var differ = builder.binary(
                "xor", builder.compare("olt", remainder, zero), builder.compare("olt", right, zero));
        var adjust = builder.binary("and", differ, builder.compare("one", remainder, zero));
        var moved = builder.binary("fadd", remainder, right);
        var result = builder.select(adjust, moved, remainder);
        // A remainder of zero takes the sign of the right operand.
        var signed = builder.intrinsic("copysign", zero, right);
        return builder.select(builder.compare("oeq", remainder, zero), signed, result);
    }

    /// `a * b + c`, rounded once, on every target.
    Operand fma(Operand a, Operand b, Operand c) {
        boolean single = a.type().element().equals("float");
        if (single ? traits.fma32() : traits.fma64()) {
            return builder.intrinsic("fma", a, b, c);
        }
        return single ? fmaInDouble(a, b, c) : fmaInParts(a, b, c);
    }

    /// The product of two floats is exact in double; the sum is rounded to odd there, so that rounding it again to
    /// float is as good as rounding once.
    private Operand fmaInDouble(Operand a, Operand b, Operand c) {
        var wide = a.type().of("double");
        var product = builder.binary("fmul", builder.convert("fpext", a, wide), builder.convert("fpext", b, wide));
        var sum = sumToOdd(product, builder.convert("fpext", c, wide));
        return builder.convert("fptrunc", sum, a.type());
    }

    /// Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums", IEEE Transactions on Computers 57
    /// (2008). Not exact where a product of halves overflows or underflows; there it is the product and the sum, each
    /// rounded.
    private Operand fmaInParts(Operand a, Operand b, Operand c) {
        var high = builder.binary("fmul", a, b);
        var low = productError(a, b, high);
        var first = builder.binary("fadd", c, low);
        var firstError = sumError(c, low, first);
        var second = builder.binary("fadd", high, first);
        var secondError = sumError(high, first, second);
        var exact = builder.binary("fadd", second, sumToOdd(firstError, secondError));
        var plain = builder.binary("fadd", high, c);
        // An exact product needs no more than the sum, which also has the right sign where it is zero.
        var inexact = builder.compare("one", low, Operand.floating(a.type(), 0));
        var usable = builder.binary("and", inexact, builder.compare("ord", exact, exact));
        return builder.select(usable, exact, plain);
    }

    /// The sum of two doubles; where it is not exact, whichever of its two neighbours has an odd last bit.
    Operand sumToOdd(Operand left, Operand right) {
        var type = left.type();
        var integers = type.of("i64");
        var sum = builder.binary("fadd", left, right);
        var error = sumError(left, right, sum);
        var zero = Operand.floating(type, 0);
        var bits = builder.convert("bitcast", sum, integers);
        var even = builder.compare(
                "eq", builder.binary("and", bits, Operand.integer(integers, 1)), Operand.integer(integers, 0));
        var inexact = builder.binary("and", even, builder.compare("one", error, zero));
        // The neighbour on the side of the error: larger in magnitude if sum and error have the same sign.
        var away = builder.compare(
                "sge",
                builder.binary("xor", bits, builder.convert("bitcast", error, integers)),
                Operand.integer(integers, 0));
        var step = builder.select(away, Operand.integer(integers, 1), Operand.integer(integers, -1));
        var odd = builder.select(inexact, builder.binary("add", bits, step), bits);
        return builder.convert("bitcast", odd, type);
    }

    /// What rounding the sum lost (Knuth).
    private Operand sumError(Operand left, Operand right, Operand sum) {
        var rightPart = builder.binary("fsub", sum, left);
        var leftPart = builder.binary("fsub", sum, rightPart);
        return builder.binary(
                "fadd", builder.binary("fsub", left, leftPart), builder.binary("fsub", right, rightPart));
    }

    /// What rounding the product lost (Dekker).
    private Operand productError(Operand left, Operand right, Operand product) {
        var leftHigh = upperHalf(left);
        var leftLow = builder.binary("fsub", left, leftHigh);
        var rightHigh = upperHalf(right);
        var rightLow = builder.binary("fsub", right, rightHigh);
        var error = builder.binary("fsub", builder.binary("fmul", leftHigh, rightHigh), product);
        error = builder.binary("fadd", error, builder.binary("fmul", leftHigh, rightLow));
        error = builder.binary("fadd", error, builder.binary("fmul", leftLow, rightHigh));
        return builder.binary("fadd", error, builder.binary("fmul", leftLow, rightLow));
    }

    private Operand upperHalf(Operand value) {
        var scaled = builder.binary("fmul", value, Operand.floating(value.type(), 0x1p27 + 1));
        return builder.binary("fsub", scaled, builder.binary("fsub", scaled, value));
    }

    /// `floor`, `ceil`, `trunc` or `roundeven`.
    Operand round(String kind, Operand value) {
        if (traits.rounding()) {
            return builder.intrinsic(kind, value);
        }
        // From this magnitude on every number is whole. Adding and subtracting it rounds to the nearest.
        var type = value.type();
        var whole = Operand.floating(type, type.element().equals("float") ? 0x1p23 : 0x1p52);
        var magnitude = builder.intrinsic("fabs", value);
        var nearest = builder.binary("fsub", builder.binary("fadd", magnitude, whole), whole);
        var signed = builder.intrinsic("copysign", nearest, value);
        var zero = Operand.floating(type, 0);
        var one = Operand.floating(type, 1);
        var rounded = switch (kind) {
            case "roundeven" -> signed;
            case "floor" -> builder.binary(
                    "fsub", signed, builder.select(builder.compare("ogt", signed, value), one, zero));
            case "ceil" -> builder.binary(
                    "fadd", signed, builder.select(builder.compare("olt", signed, value), one, zero));
            case "trunc" -> builder.binary(
                    "fsub", nearest, builder.select(builder.compare("ogt", nearest, magnitude), one, zero));
            default -> throw new IllegalArgumentException(kind);
        };
        var result = builder.intrinsic("copysign", rounded, value);
        return builder.select(builder.compare("olt", magnitude, whole), result, value);
    }
}
