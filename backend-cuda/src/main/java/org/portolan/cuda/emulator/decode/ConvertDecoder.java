package org.portolan.cuda.emulator.decode;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;
import java.util.function.IntUnaryOperator;
import org.portolan.cuda.emulator.run.Instruction;
import org.portolan.cuda.emulator.run.LongLanes;
import org.portolan.cuda.emulator.run.WordLanes;
import org.portolan.cuda.emulator.text.PtxOperand;
import org.portolan.cuda.emulator.text.PtxTypes;

/// {@code cvt}: from one type to another. A conversion is said in two halves: from the source's bits to a long or a
/// double, and from that to the result's bits.
final class ConvertDecoder {
    private static final List<String> TO_WHOLE = List.of("rni", "rzi", "rmi", "rpi");
    private static final List<String> TO_FLOAT = List.of("rn", "rz", "rm", "rp", "rna");
    private static final int HALF_SHIFT = 16;
    private static final int HALF_MASK = 0xFFFF;
    private static final BigDecimal TWO_TO_64 = new BigDecimal(BigInteger.ONE.shiftLeft(Long.SIZE));

    private ConvertDecoder() {}

    static Instruction decode(Operation operation) {
        if (TinyConversions.are(operation)) {
            return TinyConversions.decode(operation);
        }
        var types = operation.types();
        if (types.size() != 2) {
            throw operation.unsupported("cvt between whole numbers of 8 to 64 bits, f16, bf16, f32, f64, to tf32, and"
                    + " of two f32 to f16x2 or bf16x2");
        }
        var to = types.getFirst();
        var from = types.getLast();
        if (to.equals("f16x2") || to.equals("bf16x2")) {
            return pack(operation, to, from);
        }
        boolean toFloat = floating(to);
        boolean fromFloat = floating(from);
        if (!fromFloat && !toFloat) {
            return whole(operation, to, from);
        }
        if (!fromFloat) {
            return wholeToFloat(operation, to, from);
        }
        return toFloat ? floats(operation, to, from) : floatToWhole(operation, to, from);
    }

    private static boolean floating(String type) {
        return type.startsWith("f") || type.startsWith("bf") || type.equals("tf32");
    }

    /// From the bits of a register to a long.
    private interface Widen {
        long of(long bits);
    }

    private static Widen widen(String type) {
        return switch (type) {
            case "s8" -> bits -> (byte) bits;
            case "s16" -> bits -> (short) bits;
            case "s32" -> bits -> (int) bits;
            case "u8", "b8" -> bits -> bits & 0xFF;
            case "u16", "b16" -> bits -> bits & HALF_MASK;
            case "u32", "b32" -> bits -> bits & 0xFFFF_FFFFL;
            default -> bits -> bits;
        };
    }

    /// Reads the source as a long and writes the result's bits, whatever sizes the two registers have.
    private static Instruction convert(Operation operation, String to, String from, Widen function) {
        var target = operation.anyRegister(operation.operand(0));
        boolean wideTo = target.kind() == Register.Kind.LONG;
        boolean wideFrom = PtxTypes.bits(from) == Long.SIZE;
        if (!wideFrom && operation.operand(1) instanceof PtxOperand.Name name
                && operation.names().variable(name.name()).isEmpty()) {
            wideFrom = operation.anyRegister(name).kind() == Register.Kind.LONG;
        }
        // What is written to a longer register is extended as the result's type says.
        var extend = to.startsWith("s") ? widen(to) : widen("u" + PtxTypes.bits(to));
        long mask = target.bits() >= Integer.SIZE ? -1L : (1L << target.bits()) - 1;
        if (wideFrom) {
            int a = operation.wide(1, "b64");
            return wideTo
                    ? LongLanes.long1(x -> extend.of(function.of(x)), target.slot(), a)
                    : WordLanes.wordOfLong(x -> (int) (extend.of(function.of(x)) & mask), target.slot(), a);
        }
        int a = operation.word(1, from);
        return wideTo
                ? LongLanes.longOfWord(x -> extend.of(function.of(x)), target.slot(), a)
                : WordLanes.word1(x -> (int) (extend.of(function.of(x)) & mask), target.slot(), a);
    }

    private static Instruction whole(Operation operation, String to, String from) {
        var widen = widen(from);
        if (!operation.has("sat")) {
            return convert(operation, to, from, widen::of);
        }
        int bits = PtxTypes.bits(to);
        boolean signedTo = to.startsWith("s");
        boolean unsignedLong = from.equals("u64");
        long most = signedTo ? (1L << bits - 1) - 1 : bits == Long.SIZE ? Long.MAX_VALUE : (1L << bits) - 1;
        long least = signedTo ? -1L << bits - 1 : 0;
        return convert(operation, to, from, x -> {
            long value = widen.of(x);
            if (unsignedLong && value < 0) {
                return bits == Long.SIZE && !signedTo ? value : most;
            }
            return Math.clamp(value, least, most);
        });
    }

    private static Instruction wholeToFloat(Operation operation, String to, String from) {
        var widen = widen(from);
        boolean unsignedLong = from.equals("u64");
        var rounding = Rounding.of(operation.firstOf("rn", TO_FLOAT));
        boolean nearest = rounding == Rounding.NEAREST && !unsignedLong;
        return switch (to) {
            case "f32" ->
                convert(operation, "b32", from, nearest
                        ? x -> Float.floatToRawIntBits((float) widen.of(x))
                        : x -> Float.floatToRawIntBits(rounding.ofLong(exact(widen.of(x), unsignedLong))));
            case "f64" ->
                convert(operation, "b64", from, nearest
                        ? x -> Double.doubleToRawLongBits(widen.of(x))
                        : x -> Double.doubleToRawLongBits(rounding.ofLongToDouble(exact(widen.of(x), unsignedLong))));
            case "f16" -> convert(operation, "b16", from, x -> Floats.half(odd(widen.of(x), unsignedLong)));
            case "bf16" -> convert(operation, "b16", from, x -> Floats.brain(odd(widen.of(x), unsignedLong)));
            default -> throw operation.unsupported("whole numbers to f16, bf16, f32 and f64");
        };
    }

    private static BigDecimal exact(long value, boolean unsigned) {
        var exact = BigDecimal.valueOf(value);
        return unsigned && value < 0 ? exact.add(TWO_TO_64) : exact;
    }

    /// A whole number as f64 whose last bit is set if it is not exact, for one more rounding.
    private static double odd(long value, boolean unsigned) {
        var exact = exact(value, unsigned);
        double near = exact.doubleValue();
        int side = exact.compareTo(new BigDecimal(near));
        if (side == 0 || (Double.doubleToRawLongBits(near) & 1) != 0) {
            return near;
        }
        return side > 0 ? Math.nextUp(near) : Math.nextDown(near);
    }

    /// From the bits of a register to a double.
    private interface Value {
        double of(long bits);
    }

    private static Value value(Operation operation, String type) {
        boolean flushing = operation.has("ftz");
        return switch (type) {
            case "f32" ->
                flushing
                        ? bits -> Floats.flush(Float.intBitsToFloat((int) bits))
                        : bits -> Float.intBitsToFloat((int) bits);
            case "f64" -> Double::longBitsToDouble;
            case "f16" -> bits -> Floats.half((int) bits);
            case "bf16" -> bits -> Floats.brain((int) bits);
            default -> throw operation.unsupported("f16, bf16, f32 and f64 as the source");
        };
    }

    private static Instruction floatToWhole(Operation operation, String to, String from) {
        var value = value(operation, from);
        var mode = operation.firstOf("", TO_WHOLE);
        if (mode.isEmpty()) {
            throw operation.unsupported("rounding by rni, rzi, rmi or rpi");
        }
        var rounding = Rounding.of(mode.substring(0, 2));
        int bits = PtxTypes.bits(to);
        if (to.equals("u64")) {
            return convert(operation, to, from, x -> unsigned(rounding.whole(value.of(x))));
        }
        boolean signed = to.startsWith("s");
        long most = signed ? (1L << bits - 1) - 1 : (1L << bits) - 1;
        long least = signed ? -1L << bits - 1 : 0;
        return convert(operation, to, from, x -> Math.clamp((long) rounding.whole(value.of(x)), least, most));
    }

    private static long unsigned(double value) {
        if (!(value > 0)) {
            return 0;
        }
        if (value < 0x1p63) {
            return (long) value;
        }
        return value >= 0x1p64 ? -1L : (long) (value - 0x1p63) ^ Long.MIN_VALUE;
    }

    private static Instruction floats(Operation operation, String to, String from) {
        var value = value(operation, from);
        var mode = operation.firstOf("", TO_WHOLE);
        boolean saturating = operation.has("sat");
        boolean positive = operation.has("relu");
        var whole = mode.isEmpty() ? null : Rounding.of(mode.substring(0, 2));
        Value prepared = x -> {
            double result = value.of(x);
            result = whole == null ? result : whole.whole(result);
            result = saturating ? Floats.saturate(result) : result;
            return positive && result < 0 ? 0 : result;
        };
        var rounding = Rounding.of(operation.firstOf("rn", TO_FLOAT));
        return switch (to) {
            case "f64" -> convert(operation, "b64", from, x -> Double.doubleToRawLongBits(prepared.of(x)));
            case "f32" ->
                convert(
                        operation,
                        "b32",
                        from,
                        operation.has("ftz")
                                ? x -> Float.floatToRawIntBits(Floats.flush(rounding.shorten(prepared.of(x))))
                                : rounding == Rounding.NEAREST
                                        ? x -> Float.floatToRawIntBits((float) prepared.of(x))
                                        : x -> Float.floatToRawIntBits(rounding.shorten(prepared.of(x))));
            case "f16", "bf16" -> {
                var narrow = narrow(operation, to);
                yield convert(operation, "b16", from, x -> narrow.of(prepared.of(x)));
            }
            case "tf32" -> {
                boolean away = operation.has("rna");
                IntUnaryOperator round = away ? Floats::tf32Away : Floats::tf32Even;
                yield convert(operation, "b32", from, x -> round.applyAsInt(
                        Float.floatToRawIntBits((float) prepared.of(x))));
            }
            default -> throw operation.unsupported("f16, bf16, tf32, f32 and f64 as the result");
        };
    }

    /// From a double to the bits of a short type.
    private interface Narrow {
        int of(double value);
    }

    private static Narrow narrow(Operation operation, String type) {
        var rounding = operation.firstOf("rn", TO_FLOAT);
        boolean brain = type.startsWith("bf");
        return switch (rounding) {
            case "rn" -> brain ? Floats::brain : Floats::half;
            case "rz" -> brain ? Floats::brainTowardsZero : Floats::halfTowardsZero;
            default -> throw operation.unsupported("rounding to 16 bits by rn or rz");
        };
    }

    /// Two f32 into the halves of a word: the first into the upper one.
    private static Instruction pack(Operation operation, String to, String from) {
        if (!from.equals("f32")) {
            throw operation.unsupported("two f32 as the source");
        }
        boolean positive = operation.has("relu");
        var narrow = narrow(operation, to);
        return WordLanes.word2(
                (a, b) -> {
                    double upper = Float.intBitsToFloat(a);
                    double lower = Float.intBitsToFloat(b);
                    upper = positive && upper < 0 ? 0 : upper;
                    lower = positive && lower < 0 ? 0 : lower;
                    return narrow.of(upper) << HALF_SHIFT | narrow.of(lower) & HALF_MASK;
                },
                operation.wordTo(0, to),
                operation.word(1, from),
                operation.word(2, from));
    }
}
