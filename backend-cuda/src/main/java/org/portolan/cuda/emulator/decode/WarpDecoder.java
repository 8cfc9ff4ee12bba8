package org.portolan.cuda.emulator.decode;

import java.util.List;
import java.util.Locale;
import java.util.function.IntBinaryOperator;
import org.portolan.cuda.emulator.run.Control;
import org.portolan.cuda.emulator.run.Instruction;
import org.portolan.cuda.emulator.run.Matrices;
import org.portolan.cuda.emulator.run.Matrices.Factor;
import org.portolan.cuda.emulator.run.Space;
import org.portolan.cuda.emulator.run.Votes;
import org.portolan.cuda.emulator.run.Votes.ShuffleMode;
import org.portolan.cuda.emulator.run.Votes.VoteMode;
import org.portolan.cuda.emulator.text.PtxOperand;

/// What the lanes of a warp or the threads of a block do together.
final class WarpDecoder {
    private static final List<String> SHUFFLES = List.of("up", "down", "bfly", "idx");
    private static final List<String> VOTES = List.of("all", "any", "uni", "ballot");
    private static final List<String> REDUCTIONS = List.of("add", "min", "max", "and", "or", "xor");
    private static final String MULTIPLICATIONS = "m16n8k8 and m16n8k16 of f16 and bf16, m16n8k4 and m16n8k8 of tf32,"
            + " m16n8k16 and m16n8k32 of s8 and u8, m8n8k16 of s8 and u8, m16n8k32 of e4m3 and e5m2, m8n8k4 of f64, all .row.col";

    private WarpDecoder() {}

    static Instruction barrier(Operation operation) {
        if (operation.has("warp")) {
            return Control.warpBarrier(operation.word(0, "b32"));
        }
        if (operation.has("red") || operation.has("cluster")) {
            throw operation.unsupported("bar.sync, bar.arrive, barrier.sync, barrier.arrive and bar.warp.sync");
        }
        if (!(operation.operand(0) instanceof PtxOperand.Literal literal) || literal.bits() > 15) {
            throw operation.unsupported("barriers 0 to 15, named by a number");
        }
        int number = (int) literal.bits();
        return operation.has("arrive")
                ? Control.arrive(number, operation.word(1, "b32"))
                : Control.barrier(number, operation.count() > 1 ? operation.word(1, "b32") : -1);
    }

    static Instruction shuffle(Operation operation) {
        var mode = operation.firstOf("", SHUFFLES);
        if (mode.isEmpty() || !operation.has("sync")) {
            throw operation.unsupported("shfl.sync with " + SHUFFLES);
        }
        int to;
        int inRange = -1;
        if (operation.operand(0) instanceof PtxOperand.Pair(var first, var second)) {
            to = operation.result(first, Register.Kind.WORD, "b32");
            inRange = operation.result(second, Register.Kind.PREDICATE, "pred");
        } else {
            to = operation.wordTo(0, "b32");
        }
        return Votes.shuffle(
                ShuffleMode.valueOf(mode.toUpperCase(Locale.ROOT)),
                to,
                inRange,
                operation.word(1, "b32"),
                operation.word(2, "b32"),
                operation.word(3, "b32"),
                operation.word(4, "b32"));
    }

    static Instruction vote(Operation operation) {
        var mode = operation.firstOf("", VOTES);
        if (mode.isEmpty() || !operation.has("sync")) {
            throw operation.unsupported("vote.sync with " + VOTES);
        }
        return Votes.vote(
                VoteMode.valueOf(mode.toUpperCase(Locale.ROOT)),
                mode.equals("ballot") ? operation.wordTo(0, "b32") : operation.predicateTo(0),
                operation.predicate(1),
                operation.negated(1),
                operation.word(2, "b32"));
    }

    static Instruction activeMask(Operation operation) {
        return Votes.activeMask(operation.wordTo(0, "b32"));
    }

    static Instruction match(Operation operation) {
        if (!operation.has("any") || !operation.has("b32")) {
            throw operation.unsupported("match.any.sync.b32");
        }
        return Votes.matchAny(operation.wordTo(0, "b32"), operation.word(1, "b32"), operation.word(2, "b32"));
    }

    static Instruction elect(Operation operation) {
        if (!(operation.operand(0) instanceof PtxOperand.Pair(var leader, var chosen))) {
            throw operation.unsupported("two results");
        }
        return Votes.elect(
                leader instanceof PtxOperand.Unused ? -1 : operation.result(leader, Register.Kind.WORD, "b32"),
                operation.result(chosen, Register.Kind.PREDICATE, "pred"),
                operation.word(1, "b32"));
    }

    static Instruction reduce(Operation operation) {
        var type = operation.type();
        boolean signed = type.startsWith("s");
        IntBinaryOperator function =
                switch (operation.firstOf("", REDUCTIONS)) {
                    case "add" -> Integer::sum;
                    case "min" -> signed ? Math::min : (a, b) -> Integer.compareUnsigned(a, b) <= 0 ? a : b;
                    case "max" -> signed ? Math::max : (a, b) -> Integer.compareUnsigned(a, b) >= 0 ? a : b;
                    case "and" -> (a, b) -> a & b;
                    case "or" -> (a, b) -> a | b;
                    case "xor" -> (a, b) -> a ^ b;
                    default -> throw operation.unsupported(REDUCTIONS.toString());
                };
        if (type.startsWith("f")) {
            throw operation.unsupported("whole numbers");
        }
        return Votes.reduce(function, operation.wordTo(0, type), operation.word(1, type), operation.word(2, "b32"));
    }

    static Instruction loadMatrix(Operation operation) {
        var to = operation.wordsTo(operation.operand(0), "b32");
        var space = matrixSpace(operation, to.length);
        return Matrices.load(space, operation.address(1, operation.space()), operation.has("trans"), to);
    }

    static Instruction storeMatrix(Operation operation) {
        var from = operation.words(operation.operand(1), "b32");
        var space = matrixSpace(operation, from.length);
        return Matrices.store(space, operation.address(0, operation.space()), operation.has("trans"), from);
    }

    private static Space matrixSpace(Operation operation, int registers) {
        if (!operation.has("m8n8") || !operation.has("b16")) {
            throw operation.unsupported(operation.name() + ".sync.aligned.m8n8 with .x1, .x2 or .x4, and .trans, of b16");
        }
        if (!operation.has("x" + registers)) {
            throw operation.refuse("the number of registers does not fit");
        }
        return operation.space() == Space.GENERIC ? Space.GENERIC : Space.SHARED;
    }

    static Instruction multiply(Operation operation) {
        var types = operation.step().modifiers().stream()
                .filter(modifier -> modifier.matches("[fbsut]+[0-9]+|e4m3|e5m2"))
                .toList();
        if (types.size() != 4 || !operation.has("row") || !operation.has("col")) {
            throw operation.unsupported(MULTIPLICATIONS);
        }
        var shape = operation.step().modifiers().stream()
                .filter(modifier -> modifier.matches("m[0-9]+n[0-9]+k[0-9]{1,3}"))
                .findFirst()
                .orElseThrow(() -> operation.unsupported(MULTIPLICATIONS));
        if (shape.equals("m8n8k4") && types.get(1).equals("f64")) {
            return Matrices.multiplyDoubles(
                    wides(operation, 0),
                    wides(operation, 1)[0],
                    wides(operation, 2)[0],
                    wides(operation, 3));
        }
        var left = factor(operation, types.get(1));
        var right = factor(operation, types.get(2));
        boolean small = shape.equals("m8n8k16") && left.isWhole();
        if (!small && !shape.startsWith("m16n8k") || left.packed() != right.packed() || left.isWhole() != right.isWhole()) {
            throw operation.unsupported(MULTIPLICATIONS);
        }
        int depth = Integer.parseInt(shape.substring(shape.indexOf('k') + 1));
        boolean halves = types.get(0).equals("f16");
        var to = operation.wordsTo(operation.operand(0), "b32");
        var a = operation.words(operation.operand(1), "b32");
        var b = operation.words(operation.operand(2), "b32");
        var c = operation.words(operation.operand(3), "b32");
        int sums = halves || small ? 2 : 4;
        int tall = small ? 4 : 2;
        boolean sizes = to.length == sums
                && c.length == sums
                && a.length * left.packed() * tall == depth
                && b.length * left.packed() * 4 == depth;
        boolean results = left.isWhole()
                ? types.get(0).equals("s32")
                : types.get(0).equals("f32") || halves && left != Factor.BF16 && left != Factor.TF32;
        if (!sizes || !results || !types.get(0).equals(types.get(3))) {
            throw operation.unsupported(MULTIPLICATIONS);
        }
        return Matrices.multiply(left, right, depth, halves, operation.has("satfinite"), to, a, b, c);
    }

    private static int[] wides(Operation operation, int index) {
        return Operation.parts(operation.operand(index)).stream()
                .mapToInt(part -> operation.wide(part, "f64"))
                .toArray();
    }

    private static Factor factor(Operation operation, String type) {
        return Factor.of(type).orElseThrow(() -> operation.unsupported(MULTIPLICATIONS));
    }
}
