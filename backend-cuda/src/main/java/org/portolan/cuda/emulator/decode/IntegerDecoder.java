package org.portolan.cuda.emulator.decode;

import java.util.function.IntBinaryOperator;
import java.util.function.IntUnaryOperator;
import java.util.function.LongBinaryOperator;
import org.portolan.cuda.emulator.run.Carries;
import org.portolan.cuda.emulator.run.Instruction;
import org.portolan.cuda.emulator.run.LongLanes;
import org.portolan.cuda.emulator.run.WordLanes;
import org.portolan.cuda.emulator.text.PtxTypes;

/// Whole-number arithmetic.
final class IntegerDecoder {
    private static final int HALF = 0xFFFF;

    private IntegerDecoder() {}

    static Instruction decode(Operation operation) {
        return switch (operation.name()) {
            case "add", "sub" -> operation.has("cc") ? carries(operation) : binary(operation);
            case "addc", "subc" -> carries(operation);
            case "div", "rem", "min", "max" -> binary(operation);
            case "mul" -> multiply(operation);
            case "mad" -> multiplyAdd(operation);
            case "mul24", "mad24" -> multiply24(operation);
            case "abs", "neg" -> unary(operation);
            case "popc", "clz", "bfind" -> count(operation);
            case "brev" -> reverse(operation);
            case "bfe" -> extract(operation);
            case "bfi" -> insert(operation);
            case "sad" -> sumOfDifferences(operation);
            case "dp4a" -> dot(operation);
            default -> throw operation.unsupported("whole-number instructions");
        };
    }

    private static Instruction binary(Operation operation) {
        var type = operation.type();
        if (PtxTypes.bits(type) == Long.SIZE) {
            return LongLanes.long2(
                    longFunction(operation, type),
                    operation.wideTo(0, type),
                    operation.wide(1, type),
                    operation.wide(2, type));
        }
        return WordLanes.word2(
                wordFunction(operation, type),
                operation.wordTo(0, type),
                operation.word(1, type),
                operation.word(2, type));
    }

    private static LongBinaryOperator longFunction(Operation operation, String type) {
        boolean signed = type.equals("s64");
        return switch (operation.name()) {
            case "add" -> Long::sum;
            case "sub" -> (a, b) -> a - b;
            case "div" -> signed ? Whole::divide : Whole::divideUnsigned;
            case "rem" -> signed ? Whole::remainder : Whole::remainderUnsigned;
            case "min" -> signed ? Math::min : (a, b) -> Long.compareUnsigned(a, b) <= 0 ? a : b;
            case "max" -> signed ? Math::max : (a, b) -> Long.compareUnsigned(a, b) >= 0 ? a : b;
            default -> throw operation.unsupported("add, sub, div, rem, min and max");
        };
    }

    private static IntBinaryOperator wordFunction(Operation operation, String type) {
        if (type.endsWith("x2")) {
            return pairs(operation, type);
        }
        boolean signed = type.startsWith("s");
        if (PtxTypes.bits(type) == Short.SIZE) {
            return halfFunction(operation, signed);
        }
        return switch (operation.name()) {
            case "add" -> operation.has("sat") ? Whole::addSaturating : Integer::sum;
            case "sub" -> operation.has("sat") ? Whole::subtractSaturating : (a, b) -> a - b;
            case "div" -> signed ? Whole::divide : Whole::divideUnsigned;
            case "rem" -> signed ? Whole::remainder : Whole::remainderUnsigned;
            case "min" ->
                operation.has("relu")
                        ? (a, b) -> Math.max(0, Math.min(a, b))
                        : signed ? Math::min : (a, b) -> Integer.compareUnsigned(a, b) <= 0 ? a : b;
            case "max" ->
                operation.has("relu")
                        ? (a, b) -> Math.max(0, Math.max(a, b))
                        : signed ? Math::max : (a, b) -> Integer.compareUnsigned(a, b) >= 0 ? a : b;
            default -> throw operation.unsupported("add, sub, div, rem, min and max");
        };
    }

    private static IntBinaryOperator halfFunction(Operation operation, boolean signed) {
        return switch (operation.name()) {
            case "add" -> (a, b) -> a + b & HALF;
            case "sub" -> (a, b) -> a - b & HALF;
            case "div" ->
                signed
                        ? (a, b) -> Whole.divide((short) a, (short) b) & HALF
                        : (a, b) -> Whole.divideUnsigned(a, b) & HALF;
            case "rem" -> signed ? (a, b) -> Whole.remainder((short) a, (short) b) & HALF : Whole::remainderUnsigned;
            case "min" -> signed ? (a, b) -> Math.min((short) a, (short) b) & HALF : Math::min;
            case "max" -> signed ? (a, b) -> Math.max((short) a, (short) b) & HALF : Math::max;
            default -> throw operation.unsupported("add, sub, div, rem, min and max");
        };
    }

    private static IntBinaryOperator pairs(Operation operation, String type) {
        var half = halfFunction(operation, type.startsWith("s"));
        return (a, b) -> half.applyAsInt(a & HALF, b & HALF) | half.applyAsInt(a >>> 16, b >>> 16) << 16;
    }

    private static Instruction carries(Operation operation) {
        var type = operation.type();
        boolean subtract = operation.name().startsWith("sub");
        boolean in = operation.name().endsWith("c");
        boolean out = operation.has("cc");
        if (PtxTypes.bits(type) == Long.SIZE) {
            return Carries.longs(
                    subtract, in, out, operation.wideTo(0, type), operation.wide(1, type), operation.wide(2, type));
        }
        return Carries.words(
                subtract, in, out, operation.wordTo(0, type), operation.word(1, type), operation.word(2, type));
    }

    private static Instruction multiply(Operation operation) {
        var type = operation.type();
        boolean signed = type.startsWith("s");
        if (operation.has("wide")) {
            return multiplyWide(operation, type, signed);
        }
        boolean high = operation.has("hi");
        return switch (PtxTypes.bits(type)) {
            case 16 ->
                WordLanes.word2(
                        high
                                ? signed
                                        ? (a, b) -> (short) a * (short) b >> 16 & HALF
                                        : (a, b) -> a * b >>> 16
                                : (a, b) -> a * b & HALF,
                        operation.wordTo(0, type),
                        operation.word(1, type),
                        operation.word(2, type));
            case 32 ->
                WordLanes.word2(
                        high
                                ? signed ? Whole::multiplyHigh : Whole::multiplyHighUnsigned
                                : (a, b) -> a * b,
                        operation.wordTo(0, type),
                        operation.word(1, type),
                        operation.word(2, type));
            default ->
                LongLanes.long2(
                        high ? signed ? Math::multiplyHigh : Math::unsignedMultiplyHigh : (a, b) -> a * b,
                        operation.wideTo(0, type),
                        operation.wide(1, type),
                        operation.wide(2, type));
        };
    }

    private static Instruction multiplyWide(Operation operation, String type, boolean signed) {
        if (PtxTypes.bits(type) == Short.SIZE) {
            return WordLanes.word2(
                    signed ? (a, b) -> (short) a * (short) b : (a, b) -> a * b,
                    operation.wordTo(0, "b32"),
                    operation.word(1, type),
                    operation.word(2, type));
        }
        if (PtxTypes.bits(type) == Long.SIZE) {
            throw operation.unsupported("mul.wide of 16 and 32 bits");
        }
        return LongLanes.longOfWords(
                signed ? (a, b) -> (long) a * b : (a, b) -> Integer.toUnsignedLong(a) * Integer.toUnsignedLong(b),
                operation.wideTo(0, "b64"),
                operation.word(1, type),
                operation.word(2, type));
    }

    private static Instruction multiplyAdd(Operation operation) {
        var type = operation.type();
        boolean signed = type.startsWith("s");
        if (operation.has("cc")) {
            throw operation.unsupported("mad without a carry");
        }
        if (operation.has("wide")) {
            if (PtxTypes.bits(type) == Short.SIZE) {
                return WordLanes.word3(
                        signed ? (a, b, c) -> (short) a * (short) b + c : (a, b, c) -> a * b + c,
                        operation.wordTo(0, "b32"),
                        operation.word(1, type),
                        operation.word(2, type),
                        operation.word(3, "b32"));
            }
            return LongLanes.longOfWordsLong(
                    signed
                            ? (a, b, c) -> (long) a * b + c
                            : (a, b, c) -> Integer.toUnsignedLong(a) * Integer.toUnsignedLong(b) + c,
                    operation.wideTo(0, "b64"),
                    operation.word(1, type),
                    operation.word(2, type),
                    operation.wide(3, "b64"));
        }
        boolean high = operation.has("hi");
        if (PtxTypes.bits(type) == Long.SIZE) {
            return LongLanes.long3(
                    high
                            ? signed
                                    ? (a, b, c) -> Math.multiplyHigh(a, b) + c
                                    : (a, b, c) -> Math.unsignedMultiplyHigh(a, b) + c
                            : (a, b, c) -> a * b + c,
                    operation.wideTo(0, type),
                    operation.wide(1, type),
                    operation.wide(2, type),
                    operation.wide(3, type));
        }
        if (PtxTypes.bits(type) == Short.SIZE && high) {
            throw operation.unsupported("mad.lo and mad.wide of 16 bits");
        }
        int mask = PtxTypes.bits(type) == Short.SIZE ? HALF : -1;
        return WordLanes.word3(
                high
                        ? signed
                                ? (a, b, c) -> Whole.multiplyHigh(a, b) + c
                                : (a, b, c) -> Whole.multiplyHighUnsigned(a, b) + c
                        : mask == -1 ? (a, b, c) -> a * b + c : (a, b, c) -> a * b + c & mask,
                operation.wordTo(0, type),
                operation.word(1, type),
                operation.word(2, type),
                operation.word(3, type));
    }

    private static Instruction multiply24(Operation operation) {
        var type = operation.type();
        if (!operation.has("lo")) {
            throw operation.unsupported("the lower half");
        }
        int shift = 8;
        IntBinaryOperator product = type.equals("s32")
                ? (a, b) -> (a << shift >> shift) * (b << shift >> shift)
                : (a, b) -> (a << shift >>> shift) * (b << shift >>> shift);
        if (operation.name().equals("mul24")) {
            return WordLanes.word2(
                    product, operation.wordTo(0, type), operation.word(1, type), operation.word(2, type));
        }
        return WordLanes.word3(
                (a, b, c) -> product.applyAsInt(a, b) + c,
                operation.wordTo(0, type),
                operation.word(1, type),
                operation.word(2, type),
                operation.word(3, type));
    }

    private static Instruction unary(Operation operation) {
        var type = operation.type();
        boolean negative = operation.name().equals("neg");
        if (PtxTypes.bits(type) == Long.SIZE) {
            return LongLanes.long1(
                    negative ? a -> -a : Math::abs, operation.wideTo(0, type), operation.wide(1, type));
        }
        IntUnaryOperator function = PtxTypes.bits(type) == Short.SIZE
                ? negative ? a -> -a & HALF : a -> Math.abs((short) a) & HALF
                : negative ? a -> -a : Math::abs;
        return WordLanes.word1(function, operation.wordTo(0, type), operation.word(1, type));
    }

    private static Instruction count(Operation operation) {
        var type = operation.type();
        int to = operation.wordTo(0, "b32");
        boolean signed = type.startsWith("s");
        if (operation.has("shiftamt")) {
            throw operation.unsupported("bfind without .shiftamt");
        }
        if (PtxTypes.bits(type) == Long.SIZE) {
            return WordLanes.wordOfLong(
                    switch (operation.name()) {
                        case "popc" -> Long::bitCount;
                        case "clz" -> Long::numberOfLeadingZeros;
                        default ->
                            a -> Long.SIZE - 1 - Long.numberOfLeadingZeros(signed && a < 0 ? ~a : a);
                    },
                    to,
                    operation.wide(1, type));
        }
        return WordLanes.word1(
                switch (operation.name()) {
                    case "popc" -> Integer::bitCount;
                    case "clz" -> Integer::numberOfLeadingZeros;
                    default -> a -> Integer.SIZE - 1 - Integer.numberOfLeadingZeros(signed && a < 0 ? ~a : a);
                },
                to,
                operation.word(1, type));
    }

    private static Instruction reverse(Operation operation) {
        var type = operation.type();
        return PtxTypes.bits(type) == Long.SIZE
                ? LongLanes.long1(Long::reverse, operation.wideTo(0, type), operation.wide(1, type))
                : WordLanes.word1(Integer::reverse, operation.wordTo(0, type), operation.word(1, type));
    }

    private static Instruction extract(Operation operation) {
        var type = operation.type();
        boolean signed = type.startsWith("s");
        int position = operation.word(2, "b32");
        int length = operation.word(3, "b32");
        return PtxTypes.bits(type) == Long.SIZE
                ? LongLanes.longOfLongWords(
                        (a, from, count) -> Whole.extract(a, from, count, Long.SIZE, signed),
                        operation.wideTo(0, type),
                        operation.wide(1, type),
                        position,
                        length)
                : WordLanes.word3(
                        signed
                                ? (a, from, count) -> (int) Whole.extract(a, from, count, Integer.SIZE, true)
                                : (a, from, count) -> (int)
                                        Whole.extract(Integer.toUnsignedLong(a), from, count, Integer.SIZE, false),
                        operation.wordTo(0, type),
                        operation.word(1, type),
                        position,
                        length);
    }

    private static Instruction insert(Operation operation) {
        var type = operation.type();
        if (PtxTypes.bits(type) == Long.SIZE) {
            return Carries.insertLong(
                    operation.wideTo(0, type),
                    operation.wide(1, type),
                    operation.wide(2, type),
                    operation.word(3, "b32"),
                    operation.word(4, "b32"));
        }
        return Carries.insertWord(
                operation.wordTo(0, type),
                operation.word(1, type),
                operation.word(2, type),
                operation.word(3, "b32"),
                operation.word(4, "b32"));
    }

    private static Instruction sumOfDifferences(Operation operation) {
        var type = operation.type();
        if (PtxTypes.bits(type) != Integer.SIZE) {
            throw operation.unsupported("sad of 32 bits");
        }
        return WordLanes.word3(
                type.equals("s32")
                        ? (a, b, c) -> c + (a < b ? b - a : a - b)
                        : (a, b, c) -> c + (Integer.compareUnsigned(a, b) < 0 ? b - a : a - b),
                operation.wordTo(0, type),
                operation.word(1, type),
                operation.word(2, type),
                operation.word(3, type));
    }

    private static Instruction dot(Operation operation) {
        var types = operation.types();
        boolean signedLeft = types.getFirst().equals("s32");
        boolean signedRight = types.getLast().equals("s32");
        return WordLanes.word3(
                (a, b, c) -> Whole.dot(a, b, c, signedLeft, signedRight),
                operation.wordTo(0, "b32"),
                operation.word(1, "b32"),
                operation.word(2, "b32"),
                operation.word(3, "b32"));
    }
}
