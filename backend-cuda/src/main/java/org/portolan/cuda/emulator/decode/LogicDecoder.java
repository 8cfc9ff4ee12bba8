package org.portolan.cuda.emulator.decode;

import java.util.List;
import java.util.function.IntBinaryOperator;
import org.portolan.cuda.emulator.run.Instruction;
import org.portolan.cuda.emulator.run.LongLanes;
import org.portolan.cuda.emulator.run.PredicateLogic;
import org.portolan.cuda.emulator.run.WordLanes;
import org.portolan.cuda.emulator.text.PtxOperand;
import org.portolan.cuda.emulator.text.PtxTypes;

/// Bits: logic, shifts, permutations.
final class LogicDecoder {
    private static final List<String> PERMUTE_MODES = List.of("f4e", "b4e", "rc8", "ecl", "ecr", "rc16");

    private LogicDecoder() {}

    static Instruction decode(Operation operation) {
        return switch (operation.name()) {
            case "and", "or", "xor" -> binary(operation);
            case "not", "cnot" -> unary(operation);
            case "shl", "shr" -> shift(operation);
            case "shf" -> funnel(operation);
            case "lop3" -> table(operation);
            case "prmt" -> permute(operation);
            default -> throw operation.unsupported("and, or, xor, not, cnot, shl, shr, shf, lop3 and prmt");
        };
    }

    private static Instruction binary(Operation operation) {
        var type = operation.type();
        IntBinaryOperator function =
                switch (operation.name()) {
                    case "and" -> (a, b) -> a & b;
                    case "or" -> (a, b) -> a | b;
                    default -> (a, b) -> a ^ b;
                };
        if (type.equals("pred")) {
            return new PredicateLogic(
                    function,
                    operation.predicateTo(0),
                    operation.predicate(1),
                    operation.negated(1),
                    operation.predicate(2),
                    operation.negated(2));
        }
        if (PtxTypes.bits(type) == Long.SIZE) {
            return LongLanes.long2(
                    switch (operation.name()) {
                        case "and" -> (a, b) -> a & b;
                        case "or" -> (a, b) -> a | b;
                        default -> (a, b) -> a ^ b;
                    },
                    operation.wideTo(0, type),
                    operation.wide(1, type),
                    operation.wide(2, type));
        }
        return WordLanes.word2(
                function, operation.wordTo(0, type), operation.word(1, type), operation.word(2, type));
    }

    private static Instruction unary(Operation operation) {
        var type = operation.type();
        boolean logical = operation.name().equals("cnot");
        if (type.equals("pred")) {
            int from = operation.predicate(1);
            boolean negated = operation.negated(1);
            return new PredicateLogic((a, b) -> ~a, operation.predicateTo(0), from, negated, from, negated);
        }
        if (PtxTypes.bits(type) == Long.SIZE) {
            return LongLanes.long1(
                    logical ? a -> a == 0 ? 1 : 0 : a -> ~a, operation.wideTo(0, type), operation.wide(1, type));
        }
        int mask = mask(type);
        return WordLanes.word1(
                logical ? a -> a == 0 ? 1 : 0 : a -> ~a & mask, operation.wordTo(0, type), operation.word(1, type));
    }

    private static int mask(String type) {
        return PtxTypes.bits(type) == Short.SIZE ? 0xFFFF : -1;
    }

    /// Counts beyond the width give 0, or the sign.
    private static Instruction shift(Operation operation) {
        var type = operation.type();
        boolean left = operation.name().equals("shl");
        boolean signed = type.startsWith("s");
        int by = operation.word(2, "b32");
        return switch (PtxTypes.bits(type)) {
            case 64 ->
                LongLanes.longOfLongWord(
                        left
                                ? (a, count) -> Integer.compareUnsigned(count, Long.SIZE) >= 0 ? 0 : a << count
                                : signed
                                        ? (a, count) ->
                                                a >> (Integer.compareUnsigned(count, Long.SIZE) >= 0
                                                        ? Long.SIZE - 1
                                                        : count)
                                        : (a, count) ->
                                                Integer.compareUnsigned(count, Long.SIZE) >= 0 ? 0 : a >>> count,
                        operation.wideTo(0, type),
                        operation.wide(1, type),
                        by);
            case 32 ->
                WordLanes.word2(
                        left
                                ? (a, count) -> Integer.compareUnsigned(count, Integer.SIZE) >= 0 ? 0 : a << count
                                : signed
                                        ? (a, count) ->
                                                a >> (Integer.compareUnsigned(count, Integer.SIZE) >= 0
                                                        ? Integer.SIZE - 1
                                                        : count)
                                        : (a, count) ->
                                                Integer.compareUnsigned(count, Integer.SIZE) >= 0 ? 0 : a >>> count,
                        operation.wordTo(0, type),
                        operation.word(1, type),
                        by);
            default ->
                WordLanes.word2(
                        left
                                ? (a, count) ->
                                        Integer.compareUnsigned(count, Short.SIZE) >= 0 ? 0 : a << count & 0xFFFF
                                : signed
                                        ? (a, count) -> (short) a
                                                        >> (Integer.compareUnsigned(count, Short.SIZE) >= 0
                                                                ? Short.SIZE - 1
                                                                : count)
                                                & 0xFFFF
                                        : (a, count) ->
                                                Integer.compareUnsigned(count, Short.SIZE) >= 0 ? 0 : a >>> count,
                        operation.wordTo(0, type),
                        operation.word(1, type),
                        by);
        };
    }

    private static Instruction funnel(Operation operation) {
        boolean left = operation.has("l");
        boolean clamped = operation.has("clamp");
        if (!left && !operation.has("r") || !clamped && !operation.has("wrap")) {
            throw operation.unsupported("shf.l and shf.r with .clamp or .wrap");
        }
        return WordLanes.word3(
                (a, b, c) -> {
                    int count = clamped
                            ? Integer.compareUnsigned(c, Integer.SIZE) > 0 ? Integer.SIZE : c
                            : c & Integer.SIZE - 1;
                    long both = Integer.toUnsignedLong(b) << Integer.SIZE | Integer.toUnsignedLong(a);
                    return (int) (left ? both << count >>> Integer.SIZE : both >>> count);
                },
                operation.wordTo(0, "b32"),
                operation.word(1, "b32"),
                operation.word(2, "b32"),
                operation.word(3, "b32"));
    }

    private static Instruction table(Operation operation) {
        if (operation.operand(0) instanceof PtxOperand.Pair) {
            throw operation.unsupported("lop3.b32 with one result");
        }
        int table = operation.number(4);
        return WordLanes.word3(
                (a, b, c) -> Whole.logic(a, b, c, table),
                operation.wordTo(0, "b32"),
                operation.word(1, "b32"),
                operation.word(2, "b32"),
                operation.word(3, "b32"));
    }

    private static Instruction permute(Operation operation) {
        var mode = operation.firstOf("", PERMUTE_MODES);
        return WordLanes.word3(
                (a, b, c) -> Whole.permute(a, b, c, mode),
                operation.wordTo(0, "b32"),
                operation.word(1, "b32"),
                operation.word(2, "b32"),
                operation.word(3, "b32"));
    }
}
