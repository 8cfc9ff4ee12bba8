package org.portolan.lowering.math;

import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.Relation;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.ElementType;

/// An angle less the nearest multiple of a quarter turn, exact for all magnitudes (Payne and Hanek, "Radian reduction
/// for trigonometric functions", 1983): the number's mantissa is multiplied, in integers, with those bits of 2/π that
/// decide the quadrant and the fraction. The bits of higher weight only add whole turns.
final class AngleReduction {
    /// 2/π; the first word is 0, for numbers whose bits begin in front of the point.
    private static final long[] TWO_OVER_PI = {
        0, 0xa2f9836e4e441529L, 0xfc2757d1f534ddc0L, 0xdb6295993c439041L, 0xfe5163abdebbc561L, 0xb7246e3a424dd2e0L,
        0x06492eea09d1921cL, 0xfe1deb1cb129a73eL, 0xe88235f52ebb4484L, 0xe99c7026b45f7e41L, 0x3991d639835339f4L,
        0x9c845f8bbdf9283bL, 0x1ff897ffde05980fL, 0xef2f118b5a0a6d1fL, 0x6d367ecf27cb09b7L, 0x4f463f669e5fea2dL,
        0x7527bac7ebe5f17bL, 0x3d0739f78a5292eaL, 0x6bfb5fb11f8d5d08L, 0x56033046fc7b6babL
    };

    private final FloatCode code;
    private final Type words;

    AngleReduction(FloatCode code, Type type) {
        this.code = code;
        words = type.withLaneElement(ElementType.U64);
    }

    /// @param quadrant 0 to 3, of the float's width
    /// @param rest the angle from there, at most an eighth of a turn to either side
    record Parts(Value quadrant, Value rest) {}

    /// Splits a number that is not negative.
    Parts split(Value magnitude) {
        var small = code.less(magnitude, 0x1.921fb4p-1);
        int digits = code.mantissaBits();
        var bits = code.bits(magnitude);
        var exponent = code.shiftRight(bits, digits);
        var mantissa = word(code.or(code.and(bits, code.integer((1L << digits) - 1)), code.integer(1L << digits)));

        // The number is mantissa * 2^(exponent - bias - digits). Of 2/π, bit i after the point counts from
        // i = exponent - bias - digits - 1 on; in the table it stands 63 bits further.
        var first = code.add(exponent, code.integer(62 - code.bias() - digits));
        first = code.select(small, code.integer(0), first);
        int count = code.isSingle() ? 2 : 3;
        var window = window(word(first), code.isSingle() ? 3 : 17, count);

        // The product, without the multiples of a whole turn: two bits of quadrant, then the fraction of one.
        var high = code.mul(mantissa, window.get(0));
        Value low = null;
        if (count == 2) {
            high = code.add(high, upperProduct(mantissa, window.get(1)));
        } else {
            var middle = code.mul(mantissa, window.get(1));
            low = code.add(middle, upperProduct(mantissa, window.get(2)));
            var carry = code.cast(code.compare(Relation.LESS, low, middle), words);
            high = code.add(code.add(high, upperProduct(mantissa, window.get(1))), carry);
        }
        var quadrant = code.shiftRight(code.add(high, constant(1L << 61)), 62);
        // π/2 in two parts.
        var turn = fraction(high, low);
        var rest = code.fma(
                turn,
                code.of(0x1.921fb6p0, 0x1.921fb54442d18p0),
                code.mul(turn, code.of(-0x1.777a5cp-25, 0x1.1a62633145c07p-54)));
        var zero = code.integer(0);
        return new Parts(
                code.select(small, zero, code.cast(quadrant, zero.type())), code.select(small, magnitude, rest));
    }

    /// The fraction behind the quadrant, as a signed number: -1/2 to 1/2.
    private Value fraction(Value high, Value low) {
        var signed = words.withLaneElement(ElementType.I64);
        if (low == null) {
            return code.mul(code.toFloat(code.cast(code.shiftLeft(high, 2), signed)), 0x1p-64);
        }
        var top = code.or(code.shiftLeft(high, 2), code.shiftRight(low, 62));
        var bottom = code.shiftRight(code.shiftLeft(low, 2), 1);
        var result = code.mul(code.toFloat(code.cast(top, signed)), 0x1p-64);
        return code.fma(code.toFloat(code.cast(bottom, signed)), 0x1p-127, result);
    }

    /// Words of the table from a bit on. Which words is decided bit by bit of their number, from the highest: after
    /// each, half as many candidates are left.
    private List<Value> window(Value firstBit, int positions, int count) {
        var number = code.shiftRight(firstBit, 6);
        List<Value> candidates = new ArrayList<>();
        for (int i = 0; i < positions + count; i++) {
            candidates.add(constant(TWO_OVER_PI[i]));
        }
        for (int step = Integer.highestOneBit(positions - 1); step > 0; step >>= 1) {
            var moved = code.compare(
                    Relation.NOT_EQUAL, code.and(number, constant(step)), constant(0));
            int left = Math.min(candidates.size(), step + count);
            var next = new ArrayList<Value>();
            for (int i = 0; i < left; i++) {
                next.add(i + step < candidates.size()
                        ? code.select(moved, candidates.get(i + step), candidates.get(i))
                        : candidates.get(i));
            }
            candidates = next;
        }
        var distance = code.and(firstBit, constant(63));
        var opposite = code.xor(distance, constant(63));
        var result = new ArrayList<Value>();
        for (int i = 0; i < count; i++) {
            var following = code.shiftRight(code.shiftRight(candidates.get(i + 1), 1), opposite);
            result.add(code.or(code.shiftLeft(candidates.get(i), distance), following));
        }
        return result;
    }

    /// The upper 64 of the 128 bits of a product.
    private Value upperProduct(Value left, Value right) {
        var leftLow = code.and(left, constant(0xffff_ffffL));
        var leftHigh = code.shiftRight(left, 32);
        var rightLow = code.and(right, constant(0xffff_ffffL));
        var rightHigh = code.shiftRight(right, 32);
        var low = code.shiftRight(code.mul(leftLow, rightLow), 32);
        var middle = code.add(code.mul(leftHigh, rightLow), low);
        var other = code.add(code.mul(leftLow, rightHigh), code.and(middle, constant(0xffff_ffffL)));
        var high = code.add(code.mul(leftHigh, rightHigh), code.shiftRight(middle, 32));
        return code.add(high, code.shiftRight(other, 32));
    }

    private Value word(Value integer) {
        return code.cast(integer, words);
    }

    private Value constant(long value) {
        return code.integer(words, value);
    }
}
