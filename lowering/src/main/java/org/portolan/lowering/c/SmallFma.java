package org.portolan.lowering.c;

import java.util.List;
import org.portolan.ir.ArithOp.Overflow;
import org.portolan.ir.ArithOp.Rounding;
import org.portolan.runtime.type.ElementType;

/// {@code a * b + c} of floats of fewer than 32 bits, rounded once. A wider type holds the product exactly but not always
/// the sum; where it does not, the sum's last bit is made odd (Boldo and Melquiond, "Emulation of a FMA and correctly
/// rounded sums", IEEE Transactions on Computers 57, 2008), so that rounding it again to the short type gives what one
/// rounding would have given.
final class SmallFma {
    private final Builder b;
    private final CType type;
    private final CType words;

    private SmallFma(Builder b, CType type) {
        this.b = b;
        this.type = type;
        words = type.of(type.base().unsigned());
    }

    /// @param operands as their bits
    static Term of(Builder builder, List<Term> operands, ElementType element) {
        int lanes = operands.stream().mapToInt(operand -> operand.type().lanes()).max().orElseThrow();
        var bits = operands.stream().map(operand -> builder.splat(operand, lanes)).toList();
        var result = CType.of(element).withLanes(lanes);
        boolean doubles = builder.words.hasDouble();
        if (doubles) {
            builder.helpers.useDouble();
        }
        var type = new CType(doubles ? CType.Base.F64 : CType.Base.F32, lanes);
        var name = "fma_" + element + (lanes == 1 ? "" : "x" + lanes);
        return builder.helpers.call(name, result, bits, (inner, terms) -> {
            var wide = terms.stream()
                    .map(term -> inner.convert(SmallFloats.widen(inner, term, element), type.base()))
                    .toList();
            var fma = new SmallFma(inner, type);
            var a = inner.let("left", wide.get(0));
            var factor = inner.let("right", wide.get(1));
            var c = inner.let("added", wide.get(2));
            // Of powers of two no sum lies near a tie that it is not.
            var sum = doubles || !hasRangeOfSingles(element)
                    ? fma.sumToOdd(inner.let("product", inner.binary("*", a, factor)), c)
                    : element == ElementType.F8E8M0
                            ? inner.function(Words.Function.FMA, a, factor, c)
                            : fma.awayFromTie(a, factor, c);
            return SmallFloats.narrow(inner, inner.let("sum", sum), element, Rounding.NEAREST_EVEN, Overflow.SATURATE);
        });
    }

    /// Whether products have exponents that {@code f32} has not.
    private static boolean hasRangeOfSingles(ElementType element) {
        return element == ElementType.BF16 || element == ElementType.F8E8M0;
    }

    /// The sum of two numbers; if it is not exact, its neighbour on the side of the error, unless its last bit is odd.
    private Term sumToOdd(Term left, Term right) {
        var sum = b.let("nearest", b.binary("+", left, right));
        var lost = lost(left, right, sum);
        var one = b.integer(words, 1);
        var even = b.compare("==", b.and(b.bits(sum, words), one), b.integer(words, 0));
        return moved(sum, lost, even);
    }

    /// Of {@code bf16} in {@code f32}: rounding twice goes wrong only where the first rounding has made a tie, a number in
    /// the middle between two of {@code bf16}. The product is made exact by powers of two, which move it, the number added
    /// and the tie to where nothing is lost: with 2 to the -16 the smallest number is still one, and with 2 to the 64 the
    /// smallest product that can be near a tie has all its bits.
    private Term awayFromTie(Term a, Term factor, Term c) {
        var sum = b.let("nearest", b.function(Words.Function.FMA, a, factor, c));
        var low = b.and(b.bits(sum, words), b.integer(words, 0xffff));
        var tie = b.let("tie", b.compare("==", low, b.integer(words, 0x8000)));
        var large = b.let("large", b.compare(">=", magnitude(sum), number(1)));
        var inOrder = b.let("ascends", b.compare("<", magnitude(a), magnitude(factor)));
        var smaller = b.binary("*", b.choose(inOrder, a, factor), b.choose(large, number(1), number(0x1p64)));
        var larger = b.binary("*", b.choose(inOrder, factor, a), b.choose(large, number(0x1p-16), number(1)));
        var scale = b.let("scale", b.choose(large, number(0x1p-16), number(0x1p64)));
        var product = b.let("product", b.binary("*", b.let("smaller", smaller), b.let("larger", larger)));
        var added = b.let("moved", b.binary("*", c, scale));
        var near = b.let("near", b.binary("+", product, added));
        var past = b.binary("-", near, b.binary("*", sum, scale));
        var lost = b.let("past", b.binary("+", past, lost(product, added, near)));
        return moved(sum, lost, tie);
    }

    /// What rounding a sum lost (Knuth).
    private Term lost(Term left, Term right, Term sum) {
        var part = b.let("part", b.binary("-", sum, left));
        var first = b.binary("-", left, b.binary("-", sum, part));
        return b.let("lost", b.binary("+", first, b.binary("-", right, part)));
    }

    /// A number's neighbour on the side of an error, where the error is not 0 and a condition holds.
    private Term moved(Term sum, Term error, Term condition) {
        var zero = b.floating(type, 0);
        var above = b.let("above", b.compare(">", error, zero));
        var below = b.let("below", b.compare("<", error, zero));
        var negative = b.compare("<", sum, zero);
        var grows = b.let("grows", b.choose(negative, below, above));
        var shrinks = b.let("shrinks", b.choose(negative, above, below));
        var step = b.binary("-", b.convert(b.and(grows, condition), words.base()), b.convert(b.and(shrinks, condition), words.base()));
        return b.bits(b.let("odd", b.binary("+", b.bits(sum, words), step)), type);
    }

    private Term magnitude(Term value) {
        return b.function(Words.Function.ABS, value);
    }

    private Term number(double value) {
        return b.floating(type, value);
    }
}
