package org.portolan.lowering.math;

import org.portolan.ir.Value;

/// The error function: a polynomial below 1, and above it 1 less the exponential of one.
final class ErrorFunction {
    /// erf(x)/x - 1 over x², for |x| <= 1.
    private static final double[] SMALL_SINGLE = {
        0x1.06eba8p-3, -0x1.81273ep-2, 0x1.ce2cf8p-4, -0x1.b7f90cp-6, 0x1.5405b2p-8, -0x1.a3f7p-11, 0x1.496a3p-14
    };

    private static final double[] SMALL_DOUBLE = {
        0x1.06eba8214db69p-3, -0x1.812746b0379e7p-2, 0x1.ce2f21a042bddp-4, -0x1.b82ce3128899bp-6,
        0x1.565bcd0e64ab7p-8, -0x1.c02db3fed8f6ep-11, 0x1.f9a326bfb725p-14, -0x1.f4d255e147e3ap-17,
        0x1.b9e64d07dab17p-20, -0x1.5f6d6b525301cp-23, 0x1.fc41172162e46p-27, -0x1.4e55ccc9d07b4p-30,
        0x1.7ecbf8379d2bcp-34, -0x1.2928f43a136c6p-38
    };

    /// log(1 - erf(x)), for 1 <= x <= 4 and 1 <= x <= 6.
    private static final double[] LARGE_SINGLE = {
        0x1.8b3f16p-13, -0x1.212c2cp0, -0x1.4434fp-1, -0x1.bc18dp-4, 0x1.9d0bd4p-6, -0x1.1398fap-8, 0x1.ceeaeap-12,
        -0x1.6c068ap-16
    };

    private static final double[] LARGE_DOUBLE = {
        -0x1.7e5deb5aefc98p-23, -0x1.20dd56703c478p0, -0x1.45f42904d93c6p-1, -0x1.a4da81a95209bp-4,
        0x1.38952bc75b138p-6, 0x1.258b5e871603p-12, -0x1.cf93b41291b53p-10, 0x1.4fe47520e4b26p-11,
        -0x1.751c57ee3f596p-15, -0x1.27ead2bb025cep-14, 0x1.7a788ed739134p-15, -0x1.158481e449c97p-16,
        0x1.22e1c1b750d9bp-18, -0x1.c97e7a2b9bbacp-21, 0x1.0e7efe2f30f69p-23, -0x1.d5405ad5437fcp-27,
        0x1.1aa153fa305fdp-30, -0x1.a6fcda4d97f6fp-35, 0x1.284c14cfe6b17p-40
    };

    private final FloatCode code;

    ErrorFunction(FloatCode code) {
        this.code = code;
    }

    Value erf(Value x) {
        var square = code.mul(x, x);
        var small = code.fma(x, code.polynomial(square, code.of(SMALL_SINGLE, SMALL_DOUBLE)), x);
        var magnitude = code.abs(x);
        var limited = code.atMost(magnitude, code.of(4, 6));
        var rest = new Exponentials(code).expOfModerate(code.polynomial(limited, code.of(LARGE_SINGLE, LARGE_DOUBLE)));
        var large = code.withSign(code.sub(1, rest), x);
        return code.select(code.less(magnitude, 1), small, large);
    }
}
