package org.portolan.cuda.emulator.decode;

import java.util.function.IntUnaryOperator;
import org.portolan.cuda.emulator.run.Instruction;
import org.portolan.cuda.emulator.run.TinyFloats;
import org.portolan.cuda.emulator.run.WordLanes;

/// {@code cvt} between pairs of 8-bit floating-point numbers and pairs of f32 or f16.
final class TinyConversions {
    private static final String E4M3 = "e4m3x2";
    private static final String E5M2 = "e5m2x2";
    private static final String SUPPORTED = "cvt.rn.satfinite to e4m3x2 and e5m2x2 of two f32 or of f16x2, and cvt.rn to f16x2"
            + " of these";
    private static final int HALF_SHIFT = 16;
    private static final int HALF_MASK = 0xFFFF;

    private TinyConversions() {}

    /// Whether an instruction is one of them.
    static boolean are(Operation operation) {
        return operation.has(E4M3) || operation.has(E5M2);
    }

    static Instruction decode(Operation operation) {
        var modifiers = operation.step().modifiers();
        boolean narrow = operation.has(E4M3);
        boolean positive = operation.has("relu");
        var last = modifiers.getLast();
        if (!operation.has("rn") || operation.has("scaled::n2::ue8m0")) {
            throw operation.unsupported(SUPPORTED);
        }
        if (last.equals(E4M3) || last.equals(E5M2)) {
            return widen(operation, narrow, positive);
        }
        if (!operation.has("satfinite")) {
            throw operation.unsupported(SUPPORTED);
        }
        return switch (last) {
            case "f32" ->
                WordLanes.word2(
                        (a, b) -> tiny(Float.intBitsToFloat(a), narrow, positive) << Byte.SIZE
                                | tiny(Float.intBitsToFloat(b), narrow, positive),
                        operation.wordTo(0, "b16"),
                        operation.word(1, "f32"),
                        operation.word(2, "f32"));
            case "f16x2" ->
                WordLanes.word1(
                        a -> tiny((float) Floats.half(a >>> HALF_SHIFT), narrow, positive) << Byte.SIZE
                                | tiny((float) Floats.half(a & HALF_MASK), narrow, positive),
                        operation.wordTo(0, "b16"),
                        operation.word(1, "f16x2"));
            default -> throw operation.unsupported(SUPPORTED);
        };
    }

    private static Instruction widen(Operation operation, boolean narrow, boolean positive) {
        if (!operation.has("f16x2")) {
            throw operation.unsupported(SUPPORTED);
        }
        IntUnaryOperator one = bits -> {
            float value = narrow ? TinyFloats.e4m3(bits) : TinyFloats.e5m2(bits);
            return Floats.half(positive && value <= 0 ? 0.0 : value);
        };
        return WordLanes.word1(
                a -> one.applyAsInt(a >>> Byte.SIZE) << HALF_SHIFT | one.applyAsInt(a),
                operation.wordTo(0, "b32"),
                operation.word(1, "b16"));
    }

    private static int tiny(float value, boolean narrow, boolean positive) {
        float clipped = positive && value <= 0 ? 0 : value;
        return narrow ? TinyFloats.toE4m3(clipped) : TinyFloats.toE5m2(clipped);
    }
}
