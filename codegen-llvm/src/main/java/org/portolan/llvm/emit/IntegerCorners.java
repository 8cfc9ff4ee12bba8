package org.portolan.llvm.emit;

/// Integer division, remainder and shifts with the one answer that the numerics contract has for each corner. LLVM's
/// own instructions have none there, and some processors trap.
final class IntegerCorners {
    private final FunctionBuilder builder;

    IntegerCorners(FunctionBuilder builder) {
        this.builder = builder;
    }

    /// `x / 0 = 0` and `MIN / -1 = MIN`.
    Operand divide(Operand left, Operand right, boolean signed) {
        if (isPlainDivisor(right)) {
            return builder.binary(signed ? "sdiv" : "udiv", left, right);
        }
        var zero = isZero(right);
        if (!signed) {
            var quotient = builder.binary("udiv", left, builder.select(zero, one(right), right));
            return builder.select(zero, zero(left), quotient);
        }
        var minusOne = isMinusOne(right);
        var quotient = builder.binary("sdiv", left, builder.select(either(zero, minusOne), one(right), right));
        var negated = builder.select(minusOne, builder.negate(left), quotient);
        return builder.select(zero, zero(left), negated);
    }

    /// `x % 0 = 0` and `MIN % -1 = 0`; the sign is that of the left operand.
    Operand remainder(Operand left, Operand right, boolean signed) {
        if (isPlainDivisor(right)) {
            return builder.binary(signed ? "srem" : "urem", left, right);
        }
        var zero = isZero(right);
        var corner = signed ? either(zero, isMinusOne(right)) : zero;
        var remainder = builder.binary(
                signed ? "srem" : "urem", left, builder.select(corner, one(right), right));
        return builder.select(corner, zero(left), remainder);
    }

    /// As the remainder, with the sign of the right operand.
    Operand modulo(Operand left, Operand right, boolean signed) {
        var remainder = remainder(left, right, signed);
        if (!signed) {
            return remainder;
        }
        var differ = builder.compare("slt", builder.binary("xor", remainder, right), zero(left));
        var adjust = builder.binary("and", differ, builder.compare("ne", remainder, zero(left)));
        return builder.binary("add", remainder, builder.select(adjust, right, zero(left)));
    }

    /// `shl`, `lshr` or `ashr`; 0 for distances of the width and more, and for negative ones.
    Operand shift(String opcode, Operand value, Operand distance) {
        long width = value.type().bits();
        var number = distance.literal();
        if (number.isPresent() && number.getAsLong() >= 0 && number.getAsLong() < width) {
            return builder.binary(opcode, value, distance);
        }
        // A negative distance is a large unsigned one. Of i2 and i4 every distance that fits is compared as unsigned too.
        var inside = builder.compare("ult", distance, Operand.integer(distance.type(), width));
        if (distance.type().bits() < 8) {
            var wide = builder.convert("zext", distance, distance.type().ofBits(8));
            inside = builder.compare("ult", wide, Operand.integer(wide.type(), width));
        }
        var safe = builder.select(inside, distance, zero(distance));
        return builder.select(inside, builder.binary(opcode, value, safe), zero(value));
    }

    private static boolean isPlainDivisor(Operand divisor) {
        var text = divisor.text();
        return text.matches("(splat \\(i\\d+ )?[1-9]\\d*\\)?");
    }

    private Operand isZero(Operand value) {
        return builder.compare("eq", value, zero(value));
    }

    private Operand isMinusOne(Operand value) {
        return builder.compare("eq", value, Operand.integer(value.type(), -1));
    }

    private Operand either(Operand left, Operand right) {
        return builder.binary("or", left, right);
    }

    private static Operand zero(Operand like) {
        return Operand.integer(like.type(), 0);
    }

    private static Operand one(Operand like) {
        return Operand.integer(like.type(), 1);
    }
}
