package org.portolan.lowering.c;

import java.util.List;
import org.portolan.ir.ArithOp.Overflow;
import org.portolan.ir.ArithOp.Rounding;
import org.portolan.runtime.type.ElementType;

/// From one element type to another. Every conversion rounds once.
final class Casts {
    private Casts() {}

    static Term cast(
            Builder builder, Term value, ElementType from, ElementType to, Rounding rounding, Overflow overflow) {
        if (from == to) {
            return value;
        }
        if (to == ElementType.BOOL) {
            var wide = wide(builder, value, from);
            return builder.compare("!=", wide, builder.zero(wide.type()));
        }
        return from.isFloat()
                ? fromFloat(builder, wide(builder, value, from), to, rounding, overflow)
                : fromInteger(builder, value, from, to, rounding, overflow);
    }

    private static Term wide(Builder builder, Term value, ElementType element) {
        return CType.isSmallFloat(element) ? SmallFloats.widen(builder, value, element) : value;
    }

    private static Term fromFloat(Builder builder, Term value, ElementType to, Rounding rounding, Overflow overflow) {
        if (CType.isSmallFloat(to)) {
            return SmallFloats.narrow(builder, value, to, rounding, overflow);
        }
        return to.isFloat() ? builder.convert(value, CType.of(to).base()) : toInteger(builder, value, to);
    }

    /// Rounds towards zero and saturates; NaN gives 0.
    private static Term toInteger(Builder builder, Term value, ElementType to) {
        var type = value.type().of(CType.of(to).base());
        return builder.helpers.call(
                value.type().word() + "_to_" + to, type, List.of(value), (inner, terms) -> {
                    var a = terms.getFirst();
                    int bits = to.bits();
                    long largest = to.isUnsigned()
                            ? bits == 64 ? -1 : (1L << bits) - 1
                            : bits == 64 ? Long.MAX_VALUE : (1L << bits - 1) - 1;
                    long smallest = to.isUnsigned() ? 0 : bits == 64 ? Long.MIN_VALUE : -(1L << bits - 1);
                    // Powers of two, so that they are exact; what lies between the bounds converts without a corner.
                    var above = inner.floating(a.type(), Math.scalb(1.0, to.isUnsigned() ? bits : bits - 1));
                    var below = inner.floating(
                            a.type(), to.isUnsigned() ? -1 : -Math.scalb(1.0, bits - 1) - (a.type().bits() > bits ? 1 : 0));
                    boolean open = to.isUnsigned() || a.type().bits() > bits;
                    var low = inner.let("low", inner.compare(open ? "<=" : "<", a, below));
                    var high = inner.let("high", inner.compare(">=", a, above));
                    var not = inner.let("is_nan", inner.compare("!=", a, a));
                    var outside = inner.or(inner.or(low, high), not);
                    var inside = inner.let(
                            "inside", inner.choose(outside, inner.floating(a.type(), 0), a));
                    var number = inner.let("number", inner.convert(inside, type.base()));
                    var limited = inner.choose(high, inner.integer(type, largest), number);
                    return inner.choose(low, inner.integer(type, smallest), limited);
                });
    }

    private static Term fromInteger(
            Builder builder, Term value, ElementType from, ElementType to, Rounding rounding, Overflow overflow) {
        if (!to.isFloat()) {
            return Integers.wrap(builder, builder.convert(value, CType.of(to).base()), to);
        }
        if (!CType.isSmallFloat(to)) {
            return builder.convert(value, CType.of(to).base());
        }
        if (value.type().bits() < 32 || from == ElementType.BOOL) {
            return SmallFloats.narrow(builder, builder.convert(value, CType.Base.F32), to, rounding, overflow);
        }
        return SmallFloats.narrow(builder, oddFloat(builder, value), to, rounding, overflow);
    }

    /// An integer as a float of 32 bits whose last bit says that something was lost; the target has far fewer digits. The
    /// magnitude's leading 24 bits are exact, and the first bits below them are joined to the last one.
    private static Term oddFloat(Builder builder, Term value) {
        var result = value.type().of(CType.Base.F32);
        return builder.helpers.call(value.type().word() + "_to_odd_f32", result, List.of(value), (inner, terms) -> {
            var a = terms.getFirst();
            var type = a.type();
            boolean signed = type.base().isSigned();
            var word = type.of(type.base().unsigned());
            var zero = inner.integer(type, 0);
            Term magnitude = inner.bits(a, word);
            if (signed) {
                var negated = inner.binary("-", inner.integer(word, 0), inner.bits(a, word));
                magnitude = inner.choose(inner.compare("<", a, zero), negated, inner.bits(a, word));
            }
            magnitude = inner.let("magnitude", magnitude);
            // The leading bit at the top, then the upper 24 bits and whether any other was set.
            var zeros = inner.let("zeros", inner.function(
                    Words.Function.MIN,
                    inner.function(Words.Function.LEADING_ZEROS, magnitude),
                    inner.integer(word, type.bits() - 24)));
            var top = inner.let("top", inner.binary("<<", magnitude, zeros));
            var cut = inner.integer(word, type.bits() - 24);
            var head = inner.binary(">>", top, cut);
            var tail = inner.and(top, inner.integer(word, (1L << type.bits() - 24) - 1));
            var lost = inner.convert(inner.compare("!=", tail, inner.integer(word, 0)), word.base());
            var odd = inner.let("odd", inner.or(head, lost));
            // Exact: 24 bits times a power of two.
            var scale = inner.let("scale", inner.binary("<<", inner.integer(word, 1), inner.binary("-", cut, zeros)));
            var number = inner.binary(
                    "*", inner.convert(odd, CType.Base.F32), inner.convert(scale, CType.Base.F32));
            return signed
                    ? inner.choose(
                            inner.compare("<", a, zero),
                            inner.binary("*", number, inner.floating(result, -1)),
                            number)
                    : number;
        });
    }
}
