package org.portolan.lowering.math;

import org.portolan.ir.Value;

/// Arc sine, arc cosine and arc tangent.
final class InverseTrigonometry {
    /// (atan(t)/t - 1) / t² over t², for |t| <= tan(π/8).
    private static final double[] TANGENT_SINGLE = {
        -0x1.55554ap-2, 0x1.9991a6p-3, -0x1.23b636p-3, 0x1.b1fa18p-4, -0x1.f22b18p-5
    };

    private static final double[] TANGENT_DOUBLE = {
        -0x1.5555555555554p-2, 0x1.9999999999652p-3, -0x1.2492492475991p-3, 0x1.c71c71b75b52dp-4,
        -0x1.745d14bba556ap-4, 0x1.3b136e507c38ep-4, -0x1.110c746449256p-4, 0x1.e1721821d2da0p-5,
        -0x1.ab7df4da4ce55p-5, 0x1.70ee988b27e6ap-5, -0x1.1239b6335e3bdp-5, 0x1.f1ecc1e322938p-7
    };

    /// (asin(s)/s - 1) / s² over s², for |s| <= 1/2.
    private static final double[] SINE_SINGLE = {
        0x1.55554cp-3, 0x1.333892p-4, 0x1.6cabb6p-5, 0x1.04ab02p-5, 0x1.d7a7d8p-7, 0x1.33d72ap-5
    };

    private static final double[] SINE_DOUBLE = {
        0x1.5555555555578p-3, 0x1.333333332df05p-4, 0x1.6db6db722bfb7p-5, 0x1.f1c71a8b6e463p-6, 0x1.6e8bdfeaf295fp-6,
        0x1.1c49ddbd3e676p-6, 0x1.ca2149f8945b3p-7, 0x1.7577636ff9967p-7, 0x1.618b8e38acd01p-7, 0x1.e14fde7fa52d9p-9,
        0x1.65052eb647357p-6, -0x1.59faa89cf9753p-6, 0x1.0be599a4bf145p-5
    };

    private final FloatCode code;
    private final double quarter;
    private final double quarterRest;

    InverseTrigonometry(FloatCode code) {
        this.code = code;
        quarter = code.of(0x1.921fb6p0, 0x1.921fb54442d18p0);
        quarterRest = code.of(-0x1.777a5cp-25, 0x1.1a62633145c07p-54);
    }

    Value atan(Value x) {
        // Large numbers by atan(x) = π/2 - atan(1/x), those around 1 by atan(x) = π/4 + atan((x - 1) / (x + 1)).
        var magnitude = code.abs(x);
        var large = code.greater(magnitude, 0x1.3504f4p1);
        var around = code.greater(magnitude, 0x1.a8279ap-2);
        var above = code.select(large, -1, code.select(around, code.sub(magnitude, 1), magnitude));
        var below = code.select(large, magnitude, code.select(around, code.add(magnitude, 1), code.number(1)));
        var t = code.div(above, below);
        var square = code.mul(t, t);
        var tail = code.mul(square, code.polynomial(square, code.of(TANGENT_SINGLE, TANGENT_DOUBLE)));
        var base = code.select(large, quarter, code.select(around, quarter / 2, code.number(0)));
        var rest = code.select(large, quarterRest, code.select(around, quarterRest / 2, code.number(0)));
        var result = code.add(base, code.add(code.fma(t, tail, t), rest));
        return code.withSign(result, x);
    }

    Value asin(Value x) {
        var magnitude = code.abs(x);
        var small = code.less(magnitude, 0.5);
        var core = core(magnitude, small);
        // asin(x) = π/2 - 2 asin(sqrt((1 - x) / 2))
        var large = code.sub(quarter, code.sub(code.add(core, core), quarterRest));
        return code.withSign(code.select(small, core, large), x);
    }

    Value acos(Value x) {
        var magnitude = code.abs(x);
        var small = code.less(magnitude, 0.5);
        var core = core(magnitude, small);
        var signed = code.withSign(core, x);
        var middle = code.sub(quarter, code.sub(signed, quarterRest));
        var twice = code.add(core, core);
        var negative = code.sub(2 * quarter, code.sub(twice, 2 * quarterRest));
        var side = code.select(code.less(x, 0), negative, twice);
        return code.select(small, middle, side);
    }

    /// The arc sine of the magnitude where it is small, else of the root of half its distance to 1.
    private Value core(Value magnitude, Value small) {
        var square = code.select(
                small, code.mul(magnitude, magnitude), code.mul(code.sub(1, magnitude), 0.5));
        var s = code.select(small, magnitude, code.sqrt(square));
        var tail = code.mul(square, code.polynomial(square, code.of(SINE_SINGLE, SINE_DOUBLE)));
        return code.fma(s, tail, s);
    }
}
