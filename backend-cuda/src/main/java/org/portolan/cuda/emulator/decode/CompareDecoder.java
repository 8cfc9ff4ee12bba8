package org.portolan.cuda.emulator.decode;

import java.util.List;
import java.util.function.IntToDoubleFunction;
import org.portolan.cuda.emulator.run.Instruction;
import org.portolan.cuda.emulator.run.LaneFunctions.LongTest;
import org.portolan.cuda.emulator.run.LaneFunctions.WordTest;
import org.portolan.cuda.emulator.run.LongLanes;
import org.portolan.cuda.emulator.run.PredicateLogic;
import org.portolan.cuda.emulator.run.SetPredicate;
import org.portolan.cuda.emulator.run.TestLanes;
import org.portolan.cuda.emulator.run.WordLanes;
import org.portolan.cuda.emulator.text.PtxOperand;
import org.portolan.cuda.emulator.text.PtxTypes;

/// Comparisons and choices.
final class CompareDecoder {
    private static final List<String> COMPARISONS = List.of(
            "eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu", "ltu", "leu", "gtu", "geu",
            "num", "nan");
    private static final List<String> CONNECTIVES = List.of("and", "or", "xor");
    private static final String CLASSES = "finite, infinite, number, notanumber, normal, subnormal";
    private static final int ONE = Float.floatToRawIntBits(1.0f);

    private CompareDecoder() {}

    static Instruction decode(Operation operation) {
        return switch (operation.name()) {
            case "setp" -> setPredicate(operation);
            case "set" -> set(operation);
            case "selp" -> select(operation);
            case "slct" -> selectBySign(operation);
            case "testp" -> test(operation);
            default -> throw operation.unsupported("setp, set, selp, slct and testp");
        };
    }

    private static Instruction setPredicate(Operation operation) {
        var type = operation.type();
        var result = operation.operand(0);
        if (type.endsWith("x2")) {
            return pair(operation, type);
        }
        int to;
        int other = -1;
        if (result instanceof PtxOperand.Pair(var first, var second)) {
            to = operation.result(first, Register.Kind.PREDICATE, "pred");
            other = operation.result(second, Register.Kind.PREDICATE, "pred");
        } else {
            to = operation.predicateTo(0);
        }
        var connective = operation.firstOf("", CONNECTIVES);
        boolean simple = other < 0 && connective.isEmpty();
        int direct = simple ? to : operation.names().fresh("pred", operation.step().line()).slot();
        var compare = PtxTypes.bits(type) == Long.SIZE
                ? TestLanes.longTest2(
                        longTest(operation, type), direct, operation.wide(1, type), operation.wide(2, type))
                : TestLanes.test2(wordTest(operation, type), direct, operation.word(1, type), operation.word(2, type));
        if (simple) {
            return compare;
        }
        boolean joined = !connective.isEmpty();
        return new SetPredicate(
                compare,
                direct,
                connective,
                joined ? operation.predicate(3) : direct,
                joined && operation.negated(3),
                to,
                other);
    }

    /// Two comparisons of halves, one result each.
    private static Instruction pair(Operation operation, String type) {
        if (!(operation.operand(0) instanceof PtxOperand.Pair(var first, var second))) {
            throw operation.unsupported("two results for two halves");
        }
        var test = wordTest(operation, type.substring(0, type.length() - 2));
        int a = operation.word(1, type);
        int b = operation.word(2, type);
        return new SetPredicate.Both(
                TestLanes.test2(
                        (x, y) -> test.of(x & 0xFFFF, y & 0xFFFF),
                        operation.result(first, Register.Kind.PREDICATE, "pred"),
                        a,
                        b),
                TestLanes.test2(
                        (x, y) -> test.of(x >>> 16, y >>> 16),
                        operation.result(second, Register.Kind.PREDICATE, "pred"),
                        a,
                        b));
    }

    private static String comparison(Operation operation) {
        var comparison = operation.firstOf("", COMPARISONS);
        if (comparison.isEmpty()) {
            throw operation.unsupported("comparisons " + COMPARISONS);
        }
        return comparison;
    }

    private static WordTest wordTest(Operation operation, String type) {
        var comparison = comparison(operation);
        return switch (type) {
            case "f32" -> floatTest(comparison, operation.has("ftz"));
            case "f16" -> doubles(comparison, Floats::half);
            case "bf16" -> doubles(comparison, Floats::brain);
            case "s16" -> {
                var test = signed(operation, comparison);
                yield (a, b) -> test.of((short) a, (short) b);
            }
            case "s32", "b32", "b16" -> signed(operation, comparison);
            case "u32", "u16" -> unsigned(operation, comparison);
            default -> throw operation.unsupported("comparisons of 16, 32 and 64 bits");
        };
    }

    private static WordTest signed(Operation operation, String comparison) {
        return switch (comparison) {
            case "eq" -> (a, b) -> a == b;
            case "ne" -> (a, b) -> a != b;
            case "lt" -> (a, b) -> a < b;
            case "le" -> (a, b) -> a <= b;
            case "gt" -> (a, b) -> a > b;
            case "ge" -> (a, b) -> a >= b;
            default -> throw operation.unsupported("eq, ne, lt, le, gt and ge of this type");
        };
    }

    private static WordTest unsigned(Operation operation, String comparison) {
        return switch (comparison) {
            case "eq" -> (a, b) -> a == b;
            case "ne" -> (a, b) -> a != b;
            case "lt", "lo" -> (a, b) -> a + Integer.MIN_VALUE < b + Integer.MIN_VALUE;
            case "le", "ls" -> (a, b) -> a + Integer.MIN_VALUE <= b + Integer.MIN_VALUE;
            case "gt", "hi" -> (a, b) -> a + Integer.MIN_VALUE > b + Integer.MIN_VALUE;
            case "ge", "hs" -> (a, b) -> a + Integer.MIN_VALUE >= b + Integer.MIN_VALUE;
            default -> throw operation.unsupported("eq, ne, lt, le, gt, ge, lo, ls, hi and hs of this type");
        };
    }

    private static WordTest floatTest(String comparison, boolean flushing) {
        return switch (comparison + (flushing ? "" : ".")) {
            case "lt." -> (a, b) -> Float.intBitsToFloat(a) < Float.intBitsToFloat(b);
            case "gt." -> (a, b) -> Float.intBitsToFloat(a) > Float.intBitsToFloat(b);
            case "eq." -> (a, b) -> Float.intBitsToFloat(a) == Float.intBitsToFloat(b);
            default -> {
                var test = doubleTest(comparison);
                yield flushing
                        ? (a, b) ->
                                test.of(Floats.flush(Float.intBitsToFloat(a)), Floats.flush(Float.intBitsToFloat(b)))
                        : (a, b) -> test.of(Float.intBitsToFloat(a), Float.intBitsToFloat(b));
            }
        };
    }

    private static WordTest doubles(String comparison, IntToDoubleFunction value) {
        var test = doubleTest(comparison);
        return (a, b) -> test.of(value.applyAsDouble(a), value.applyAsDouble(b));
    }

    /// A question about two f64.
    private interface DoubleTest {
        boolean of(double a, double b);
    }

    private static DoubleTest doubleTest(String comparison) {
        return switch (comparison) {
            case "eq" -> (a, b) -> a == b;
            case "ne" -> (a, b) -> a < b || a > b;
            case "lt" -> (a, b) -> a < b;
            case "le" -> (a, b) -> a <= b;
            case "gt" -> (a, b) -> a > b;
            case "ge" -> (a, b) -> a >= b;
            case "equ" -> (a, b) -> !(a < b || a > b);
            case "neu" -> (a, b) -> a != b;
            case "ltu" -> (a, b) -> !(a >= b);
            case "leu" -> (a, b) -> !(a > b);
            case "gtu" -> (a, b) -> !(a <= b);
            case "geu" -> (a, b) -> !(a < b);
            case "num" -> (a, b) -> a == a && b == b;
            default -> (a, b) -> a != a || b != b;
        };
    }

    private static LongTest longTest(Operation operation, String type) {
        var comparison = comparison(operation);
        if (type.equals("f64")) {
            var test = doubleTest(comparison);
            return (a, b) -> test.of(Double.longBitsToDouble(a), Double.longBitsToDouble(b));
        }
        long flip = type.equals("u64") ? Long.MIN_VALUE : 0;
        return switch (comparison) {
            case "eq" -> (a, b) -> a == b;
            case "ne" -> (a, b) -> a != b;
            case "lt", "lo" -> (a, b) -> (a ^ flip) < (b ^ flip);
            case "le", "ls" -> (a, b) -> (a ^ flip) <= (b ^ flip);
            case "gt", "hi" -> (a, b) -> (a ^ flip) > (b ^ flip);
            case "ge", "hs" -> (a, b) -> (a ^ flip) >= (b ^ flip);
            default -> throw operation.unsupported("eq, ne, lt, le, gt, ge, lo, ls, hi and hs of this type");
        };
    }

    private static Instruction set(Operation operation) {
        var types = operation.types();
        if (types.size() != 2 || !operation.firstOf("", CONNECTIVES).isEmpty()) {
            throw operation.unsupported("set with two types and without a connective");
        }
        int yes = types.getFirst().equals("f32") ? ONE : -1;
        if (PtxTypes.bits(types.getFirst()) != Integer.SIZE || types.getLast().endsWith("x2")) {
            throw operation.unsupported("results of 32 bits");
        }
        int to = operation.wordTo(0, types.getFirst());
        if (PtxTypes.bits(types.getLast()) == Long.SIZE) {
            int answer = operation.names().fresh("pred", operation.step().line()).slot();
            var test = longTest(operation, types.getLast());
            return new SetPredicate.Both(
                    TestLanes.longTest2(
                            test, answer, operation.wide(1, types.getLast()), operation.wide(2, types.getLast())),
                    WordLanes.wordChoice(
                            (a, b, choice) -> choice ? a : b,
                            to,
                            operation.names().wordConstant(yes),
                            operation.names().wordConstant(0),
                            answer));
        }
        var test = wordTest(operation, types.getLast());
        return WordLanes.word2(
                (a, b) -> test.of(a, b) ? yes : 0,
                to,
                operation.word(1, types.getLast()),
                operation.word(2, types.getLast()));
    }

    private static Instruction select(Operation operation) {
        var type = operation.type();
        if (type.equals("pred")) {
            throw operation.unsupported("selp of 16, 32 and 64 bits");
        }
        int choice = operation.predicate(3);
        boolean negated = operation.negated(3);
        int first = negated ? 2 : 1;
        int second = negated ? 1 : 2;
        return PtxTypes.bits(type) == Long.SIZE
                ? LongLanes.longChoice(
                        (a, b, chosen) -> chosen ? a : b,
                        operation.wideTo(0, type),
                        operation.wide(first, type),
                        operation.wide(second, type),
                        choice)
                : WordLanes.wordChoice(
                        (a, b, chosen) -> chosen ? a : b,
                        operation.wordTo(0, type),
                        operation.word(first, type),
                        operation.word(second, type),
                        choice);
    }

    private static Instruction selectBySign(Operation operation) {
        var types = operation.types();
        var type = types.getFirst();
        boolean floats = types.getLast().equals("f32");
        int answer = operation.names().fresh("pred", operation.step().line()).slot();
        var test = TestLanes.test1(
                floats ? a -> Float.intBitsToFloat(a) >= 0 : a -> a >= 0, answer, operation.word(3, types.getLast()));
        var choice = PtxTypes.bits(type) == Long.SIZE
                ? LongLanes.longChoice(
                        (a, b, chosen) -> chosen ? a : b,
                        operation.wideTo(0, type),
                        operation.wide(1, type),
                        operation.wide(2, type),
                        answer)
                : WordLanes.wordChoice(
                        (a, b, chosen) -> chosen ? a : b,
                        operation.wordTo(0, type),
                        operation.word(1, type),
                        operation.word(2, type),
                        answer);
        return new SetPredicate.Both(test, choice);
    }

    private static Instruction test(Operation operation) {
        var type = operation.type();
        int to = operation.predicateTo(0);
        if (type.equals("f64")) {
            return TestLanes.longTest1(
                    switch (operation.step().modifiers().getFirst()) {
                        case "finite" -> a -> Double.isFinite(Double.longBitsToDouble(a));
                        case "infinite" -> a -> Double.isInfinite(Double.longBitsToDouble(a));
                        case "number" -> a -> !Double.isNaN(Double.longBitsToDouble(a));
                        case "notanumber" -> a -> Double.isNaN(Double.longBitsToDouble(a));
                        case "normal" -> a -> {
                            double value = Math.abs(Double.longBitsToDouble(a));
                            return Double.isFinite(value) && value >= Double.MIN_NORMAL;
                        };
                        case "subnormal" -> a -> {
                            double value = Math.abs(Double.longBitsToDouble(a));
                            return value < Double.MIN_NORMAL && value > 0;
                        };
                        default -> throw operation.unsupported(CLASSES);
                    },
                    to,
                    operation.wide(1, type));
        }
        return TestLanes.test1(
                switch (operation.step().modifiers().getFirst()) {
                    case "finite" -> a -> Float.isFinite(Float.intBitsToFloat(a));
                    case "infinite" -> a -> Float.isInfinite(Float.intBitsToFloat(a));
                    case "number" -> a -> !Float.isNaN(Float.intBitsToFloat(a));
                    case "notanumber" -> a -> Float.isNaN(Float.intBitsToFloat(a));
                    case "normal" -> a -> {
                        float value = Math.abs(Float.intBitsToFloat(a));
                        return Float.isFinite(value) && value >= Float.MIN_NORMAL;
                    };
                    case "subnormal" -> a -> {
                        float value = Math.abs(Float.intBitsToFloat(a));
                        return value < Float.MIN_NORMAL && value > 0;
                    };
                    default -> throw operation.unsupported(CLASSES);
                },
                to,
                operation.word(1, type));
    }

    /// {@code mov.pred}.
    static Instruction move(Operation operation) {
        int from = operation.predicate(1);
        boolean negated = operation.negated(1);
        return new PredicateLogic((a, b) -> a, operation.predicateTo(0), from, negated, from, negated);
    }
}
