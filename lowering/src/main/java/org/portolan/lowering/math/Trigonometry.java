package org.portolan.lowering.math;

import org.portolan.ir.Relation;
import org.portolan.ir.Type;
import org.portolan.ir.Value;

/// Sine, cosine and tangent: polynomials over an eighth of a turn to either side, chosen and signed by the quadrant.
final class Trigonometry {
    /// (sin(r)/r - 1) / r² over r².
    private static final double[] SINE_SINGLE = {-0x1.555556p-3, 0x1.111108p-7, -0x1.a00f94p-13, 0x1.6cd5ecp-19};

    private static final double[] SINE_DOUBLE = {
        -0x1.5555555555555p-3, 0x1.111111111110bp-7, -0x1.a01a01a018ab3p-13, 0x1.71de3a533562cp-19,
        -0x1.ae645292e09c9p-26, 0x1.61208f33a8266p-33, -0x1.aaa38131fe6afp-41
    };

    /// (cos(r) - 1 + r²/2) / r⁴ over r².
    private static final double[] COSINE_SINGLE = {0x1.55554ap-5, -0x1.6c0c82p-10, 0x1.99ff42p-16};

    private static final double[] COSINE_DOUBLE = {
        0x1.555555555554cp-5, -0x1.6c16c16c1514p-10, 0x1.a01a019cab743p-16, -0x1.27e4f80533d5ap-22,
        0x1.1ee9e890d5151p-29, -0x1.8facd16c1c427p-37
    };

    private final FloatCode code;
    private final AngleReduction reduction;

    Trigonometry(FloatCode code, Type type) {
        this.code = code;
        reduction = new AngleReduction(code, type);
    }

    Value sin(Value x) {
        var parts = reduction.split(code.abs(x));
        var magnitude = code.select(bit(parts.quadrant(), 1), cosine(parts.rest()), sine(parts.rest()));
        var sign = code.xor(signOf(parts.quadrant()), code.signBit(x));
        return finite(x, code.fromBits(code.xor(code.bits(magnitude), sign)));
    }

    Value cos(Value x) {
        var parts = reduction.split(code.abs(x));
        var magnitude = code.select(bit(parts.quadrant(), 1), sine(parts.rest()), cosine(parts.rest()));
        // The cosine is the sine a quarter turn further.
        var sign = signOf(code.add(parts.quadrant(), code.integer(1)));
        return finite(x, code.fromBits(code.xor(code.bits(magnitude), sign)));
    }

    Value tan(Value x) {
        var parts = reduction.split(code.abs(x));
        var sine = sine(parts.rest());
        var cosine = cosine(parts.rest());
        var odd = bit(parts.quadrant(), 1);
        var above = code.select(odd, code.neg(cosine), sine);
        var below = code.select(odd, sine, cosine);
        var result = code.div(above, below);
        return finite(x, code.fromBits(code.xor(code.bits(result), code.signBit(x))));
    }

    private Value sine(Value rest) {
        var square = code.mul(rest, rest);
        var tail = code.mul(square, code.polynomial(square, code.of(SINE_SINGLE, SINE_DOUBLE)));
        return code.fma(rest, tail, rest);
    }

    private Value cosine(Value rest) {
        var square = code.mul(rest, rest);
        var tail = code.polynomial(square, code.of(COSINE_SINGLE, COSINE_DOUBLE));
        // 1 - r²/2 is kept in two parts: what its rounding lost is added to the rest.
        var half = code.mul(square, 0.5);
        var head = code.sub(1, half);
        var lost = code.sub(code.sub(1, head), half);
        return code.add(head, code.fma(code.mul(square, square), tail, lost));
    }

    private Value bit(Value quadrant, long bit) {
        return code.compare(Relation.NOT_EQUAL, code.and(quadrant, code.integer(bit)), code.integer(0));
    }

    /// The bit of the sign in the lower half of the circle.
    private Value signOf(Value quadrant) {
        return code.shiftLeft(code.and(quadrant, code.integer(2)), code.isSingle() ? 30 : 62);
    }

    private Value finite(Value x, Value result) {
        return code.select(code.less(code.abs(x), Double.POSITIVE_INFINITY), result, code.number(Double.NaN));
    }
}
