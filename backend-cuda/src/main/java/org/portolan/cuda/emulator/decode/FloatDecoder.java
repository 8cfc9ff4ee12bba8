package org.portolan.cuda.emulator.decode;

import java.util.List;
import org.portolan.cuda.emulator.run.Instruction;
import org.portolan.cuda.emulator.run.LaneFunctions.LongTernary;
import org.portolan.cuda.emulator.run.LaneFunctions.WordTernary;
import org.portolan.cuda.emulator.run.LongLanes;
import org.portolan.cuda.emulator.run.WordLanes;

/// Floating-point arithmetic. Types shorter than f32 are computed in f64 and rounded once.
final class FloatDecoder {
    private static final List<String> ROUNDINGS = List.of("rn", "rz", "rm", "rp");
    private static final String SUPPORTED = "f32, f64, f16, bf16, f16x2 and bf16x2";
    private static final int HALF_SHIFT = 16;
    private static final int BRAIN_EXPONENT = 0x7F80;
    private static final int HALF_EXPONENT = 0x7C00;
    private static final int HALF_MASK = 0xFFFF;
    private static final double LN_2 = Math.log(2);

    private FloatDecoder() {}

    /// One function of up to three f32.
    private interface OfFloats {
        float of(float a, float b, float c);
    }

    /// One function of up to three f64.
    private interface OfDoubles {
        double of(double a, double b, double c);
    }

    static Instruction decode(Operation operation) {
        int sources = operation.count() - 1;
        return switch (operation.type()) {
            case "f32" -> ofWords(operation, sources, singleBits(operation));
            case "f64" -> ofLongs(operation, sources, doubleBits(operation));
            case "f16", "bf16" -> ofWords(operation, sources, halfBits(operation));
            case "f16x2", "bf16x2" -> {
                var half = halfBits(operation);
                yield ofWords(operation, sources, (a, b, c) -> half.of(a & HALF_MASK, b & HALF_MASK, c & HALF_MASK)
                        | half.of(a >>> HALF_SHIFT, b >>> HALF_SHIFT, c >>> HALF_SHIFT) << HALF_SHIFT);
            }
            default -> throw operation.unsupported(SUPPORTED);
        };
    }

    private static Instruction ofWords(Operation operation, int sources, WordTernary function) {
        var type = operation.type();
        int to = operation.wordTo(0, type);
        int a = operation.word(1, type);
        return switch (sources) {
            // Operands that a function does not look at may be any register.
            case 1 -> WordLanes.word3(function, to, a, a, a);
            case 2 -> WordLanes.word3(function, to, a, operation.word(2, type), a);
            case 3 -> WordLanes.word3(function, to, a, operation.word(2, type), operation.word(3, type));
            default -> throw operation.unsupported("up to three operands");
        };
    }

    private static Instruction ofLongs(Operation operation, int sources, LongTernary function) {
        var type = operation.type();
        int to = operation.wideTo(0, type);
        int a = operation.wide(1, type);
        return switch (sources) {
            case 1 -> LongLanes.long3(function, to, a, a, a);
            case 2 -> LongLanes.long3(function, to, a, operation.wide(2, type), a);
            case 3 -> LongLanes.long3(function, to, a, operation.wide(2, type), operation.wide(3, type));
            default -> throw operation.unsupported("up to three operands");
        };
    }

    // f32

    private static WordTernary singleBits(Operation operation) {
        switch (operation.name()) {
            case "neg" -> {
                return (a, b, c) -> a ^ Integer.MIN_VALUE;
            }
            case "abs" -> {
                return (a, b, c) -> a & Integer.MAX_VALUE;
            }
            case "copysign" -> {
                return (a, b, c) -> b & Integer.MAX_VALUE | a & Integer.MIN_VALUE;
            }
            default -> {}
        }
        boolean flushing = operation.has("ftz");
        boolean saturating = operation.has("sat");
        if (!flushing && !saturating && Rounding.of(operation.firstOf("rn", ROUNDINGS)) == Rounding.NEAREST) {
            var plain = plain(operation.name());
            if (plain != null) {
                return plain;
            }
        }
        var function = single(operation);
        if (operation.has("xorsign")) {
            return (a, b, c) -> Floats.signOfProduct(
                    Float.floatToRawIntBits(
                            function.of(Math.abs(Float.intBitsToFloat(a)), Math.abs(Float.intBitsToFloat(b)), 0)),
                    a,
                    b);
        }
        if (flushing) {
            return (a, b, c) -> {
                float result = Floats.flush(function.of(
                        Floats.flush(Float.intBitsToFloat(a)),
                        Floats.flush(Float.intBitsToFloat(b)),
                        Floats.flush(Float.intBitsToFloat(c))));
                return Float.floatToRawIntBits(saturating ? Floats.saturate(result) : result);
            };
        }
        if (saturating) {
            return (a, b, c) -> Float.floatToRawIntBits(Floats.saturate(
                    function.of(Float.intBitsToFloat(a), Float.intBitsToFloat(b), Float.intBitsToFloat(c))));
        }
        return (a, b, c) -> Float.floatToRawIntBits(
                function.of(Float.intBitsToFloat(a), Float.intBitsToFloat(b), Float.intBitsToFloat(c)));
    }

    /// The commonest functions, in one step from bits to bits.
    private static WordTernary plain(String name) {
        return switch (name) {
            case "fma" -> (a, b, c) -> Float.floatToRawIntBits(
                    Math.fma(Float.intBitsToFloat(a), Float.intBitsToFloat(b), Float.intBitsToFloat(c)));
            case "add" -> (a, b, c) -> Float.floatToRawIntBits(Float.intBitsToFloat(a) + Float.intBitsToFloat(b));
            case "sub" -> (a, b, c) -> Float.floatToRawIntBits(Float.intBitsToFloat(a) - Float.intBitsToFloat(b));
            case "mul" -> (a, b, c) -> Float.floatToRawIntBits(Float.intBitsToFloat(a) * Float.intBitsToFloat(b));
            default -> null;
        };
    }

    private static OfFloats single(Operation operation) {
        var rounding = Rounding.of(operation.firstOf("rn", ROUNDINGS));
        boolean nearest = rounding == Rounding.NEAREST;
        boolean approximate = operation.has("approx") || operation.has("full");
        return switch (operation.name()) {
            case "add" -> nearest ? (a, b, c) -> a + b : (a, b, c) -> rounding.add(a, b);
            case "sub" -> nearest ? (a, b, c) -> a - b : (a, b, c) -> rounding.add(a, -b);
            case "mul" -> nearest ? (a, b, c) -> a * b : (a, b, c) -> rounding.multiply(a, b);
            case "fma", "mad" -> nearest ? Math::fma : rounding::fma;
            case "div" -> nearest || approximate ? (a, b, c) -> a / b : (a, b, c) -> rounding.divide(a, b);
            case "rcp" -> nearest || approximate ? (a, b, c) -> 1 / a : (a, b, c) -> rounding.divide(1, a);
            case "sqrt" ->
                nearest || approximate ? (a, b, c) -> (float) Math.sqrt(a) : (a, b, c) -> rounding.squareRoot(a);
            case "rsqrt" -> (a, b, c) -> (float) (1 / Math.sqrt(a));
            case "sin" -> (a, b, c) -> (float) Math.sin(a);
            case "cos" -> (a, b, c) -> (float) Math.cos(a);
            case "lg2" -> (a, b, c) -> (float) (Math.log(a) / LN_2);
            case "ex2" -> (a, b, c) -> (float) Math.pow(2, a);
            case "tanh" -> (a, b, c) -> (float) Math.tanh(a);
            case "min" -> operation.has("NaN") ? (a, b, c) -> Math.min(a, b) : (a, b, c) -> Floats.min(a, b);
            case "max" -> operation.has("NaN") ? (a, b, c) -> Math.max(a, b) : (a, b, c) -> Floats.max(a, b);
            default -> throw operation.unsupported(names());
        };
    }

    private static String names() {
        return "add, sub, mul, fma, mad, div, rcp, sqrt, rsqrt, sin, cos, lg2, ex2, tanh, min, max, neg, abs and"
                + " copysign";
    }

    // f64

    private static LongTernary doubleBits(Operation operation) {
        switch (operation.name()) {
            case "neg" -> {
                return (a, b, c) -> a ^ Long.MIN_VALUE;
            }
            case "abs" -> {
                return (a, b, c) -> a & Long.MAX_VALUE;
            }
            case "copysign" -> {
                return (a, b, c) -> b & Long.MAX_VALUE | a & Long.MIN_VALUE;
            }
            default -> {}
        }
        var function = doubles(operation);
        return (a, b, c) -> Double.doubleToRawLongBits(
                function.of(Double.longBitsToDouble(a), Double.longBitsToDouble(b), Double.longBitsToDouble(c)));
    }

    private static OfDoubles doubles(Operation operation) {
        var rounding = Rounding.of(operation.firstOf("rn", ROUNDINGS));
        boolean nearest = rounding == Rounding.NEAREST;
        return switch (operation.name()) {
            case "add" -> nearest ? (a, b, c) -> a + b : (a, b, c) -> rounding.add(a, b);
            case "sub" -> nearest ? (a, b, c) -> a - b : (a, b, c) -> rounding.add(a, -b);
            case "mul" -> nearest ? (a, b, c) -> a * b : (a, b, c) -> rounding.multiply(a, b);
            case "fma", "mad" -> nearest ? Math::fma : rounding::fma;
            case "div" -> nearest ? (a, b, c) -> a / b : (a, b, c) -> rounding.divide(a, b);
            case "rcp" -> nearest ? (a, b, c) -> 1 / a : (a, b, c) -> rounding.divide(1, a);
            case "sqrt" -> nearest ? (a, b, c) -> Math.sqrt(a) : (a, b, c) -> rounding.squareRoot(a);
            case "rsqrt" -> (a, b, c) -> 1 / Math.sqrt(a);
            case "min" -> (a, b, c) -> Floats.min(a, b);
            case "max" -> (a, b, c) -> Floats.max(a, b);
            default -> throw operation.unsupported(names());
        };
    }

    // f16 and bf16

    private static WordTernary halfBits(Operation operation) {
        boolean brain = operation.type().startsWith("bf");
        int sign = 1 << HALF_SHIFT - 1;
        int nan = HALF_MASK & ~sign;
        switch (operation.name()) {
            case "neg" -> {
                return (a, b, c) -> a ^ sign;
            }
            case "abs" -> {
                return (a, b, c) -> a & nan;
            }
            default -> {}
        }
        var function = half(operation);
        boolean saturating = operation.has("sat");
        boolean positive = operation.has("relu");
        if (operation.has("xorsign")) {
            throw operation.unsupported("forms without .xorsign");
        }
        WordTernary bits = (a, b, c) -> {
            double result = brain
                    ? function.of(Floats.brain(a), Floats.brain(b), Floats.brain(c))
                    : function.of(Floats.half(a), Floats.half(b), Floats.half(c));
            result = saturating ? Floats.saturate(result) : positive && result < 0 ? 0 : result;
            return brain ? Floats.brain(result) : Floats.half(result);
        };
        int exponent = brain ? BRAIN_EXPONENT : HALF_EXPONENT;
        return operation.has("ftz")
                ? (a, b, c) -> flush(bits.of(flush(a, exponent), flush(b, exponent), flush(c, exponent)), exponent)
                : bits;
    }

    /// A number of 16 bits below the normal ones becomes 0 of its sign.
    private static int flush(int bits, int exponent) {
        return (bits & exponent) == 0 ? bits & 1 << HALF_SHIFT - 1 : bits;
    }

    private static OfDoubles half(Operation operation) {
        return switch (operation.name()) {
            case "add" -> (a, b, c) -> Floats.fmaToOdd(a, 1, b);
            case "sub" -> (a, b, c) -> Floats.fmaToOdd(a, 1, -b);
            case "mul" -> (a, b, c) -> a * b;
            case "fma" -> Floats::fmaToOdd;
            case "ex2" -> (a, b, c) -> Math.pow(2, a);
            case "tanh" -> (a, b, c) -> Math.tanh(a);
            case "min" -> operation.has("NaN") ? (a, b, c) -> Math.min(a, b) : (a, b, c) -> Floats.min(a, b);
            case "max" -> operation.has("NaN") ? (a, b, c) -> Math.max(a, b) : (a, b, c) -> Floats.max(a, b);
            default -> throw operation.unsupported("add, sub, mul, fma, ex2, tanh, min, max, neg and abs");
        };
    }
}
