package org.portolan.ir.interpreter;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.portolan.ir.ArithOp;
import org.portolan.ir.text.IrParser;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// The corners of the numerics contract, and random numbers against arithmetic without limits.
class ArithInterpreterTest {

    /// Evaluates one operation, given as in text, on scalars.
    private static Elements evaluate(String operation, ElementType result, Elements... operands) {
        var text = new StringBuilder();
        for (int i = 0; i < operands.length; i++) {
            var type = operands[i].type();
            text.append("%%v%d = arith.%s <value = %s> : %s\n"
                    .formatted(i, type.isFloat() ? "const" : "integer", type.isFloat() ? "0.0" : "0", type));
        }
        var names = List.of("%v0", "%v1", "%v2").subList(0, operands.length);
        int attributes = operation.indexOf('<');
        var name = attributes < 0 ? operation : operation.substring(0, attributes);
        text.append("%%r = arith.%s %s %s : %s\n"
                .formatted(
                        name,
                        String.join(", ", names),
                        attributes < 0 ? "" : operation.substring(attributes),
                        result));
        var op = (ArithOp) IrParser.parse(text.toString(), "test.ir").getLast();
        var lanes = new ArithInterpreter.Lanes[operands.length];
        for (int i = 0; i < lanes.length; i++) {
            lanes[i] = new ArithInterpreter.Lanes(operands[i], 0);
        }
        var row = Elements.allocate(result, 1);
        ArithInterpreter.apply(op, lanes, row, 0, 1);
        return row;
    }

    private static Elements number(ElementType type, String text) {
        var row = Elements.allocate(type, 1);
        switch (text) {
            case "MIN" -> row.setLong(0, ElementTypes.smallest(type));
            case "MAX" -> row.setLong(0, ElementTypes.largest(type));
            case "NaN", "Infinity", "-Infinity" -> row.setDouble(0, Double.parseDouble(text));
            default -> {
                if (type.isFloat()) {
                    row.setDouble(0, Double.parseDouble(text));
                } else {
                    row.setLong(0, new BigInteger(text).longValue());
                }
            }
        }
        return row;
    }

    /// The same bits; any NaN is as good as another.
    private static void same(Elements expected, Elements found) {
        if (!Double.isNaN(expected.getDouble(0)) || !Double.isNaN(found.getDouble(0))) {
            assertEquals(expected.getBits(0), found.getBits(0), () -> "found " + found.getDouble(0));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "div, i32, 7, 0, 0",
        "div, i32, -7, 2, -3",
        "div, i32, MIN, -1, MIN",
        "div, i8, MIN, -1, MIN",
        "div, i64, MIN, -1, MIN",
        "div, u8, 255, 2, 127",
        "div, u64, MAX, 2, 9223372036854775807",
        "div, u64, 5, 0, 0",
        "rem, i32, 7, 0, 0",
        "rem, i32, -7, 2, -1",
        "rem, i32, MIN, -1, 0",
        "rem, i64, MIN, -1, 0",
        "rem, u64, MAX, 10, 5",
        "mod, i32, -7, 2, 1",
        "mod, i32, 7, -2, -1",
        "mod, i32, 7, 0, 0",
        "mod, i64, MIN, -1, 0",
        "add, i8, 127, 1, -128",
        "add, u8, 255, 1, 0",
        "sub, u32, 0, 1, MAX",
        "mul, i16, 300, 300, 24464",
        "add, i4, 7, 1, -8",
        "shl, i32, 1, 31, MIN",
        "shl, i32, 1, 32, 0",
        "shl, i32, 1, -1, 0",
        "shl, i8, 3, 7, -128",
        "shl, u64, 1, 64, 0",
        "shr, i32, -8, 1, -4",
        "shr, i32, -8, 32, 0",
        "shr, i32, -8, -1, 0",
        "shr, u8, 128, 3, 16",
        "shr, u64, MAX, 63, 1",
        "min, u64, MAX, 1, 1",
        "max, u64, MAX, 1, MAX",
        "max, i64, -1, 1, 1",
        "pow, i32, 2, 31, MIN",
        "pow, i32, 3, -1, 0",
        "pow, i32, -1, -3, -1",
        "pow, i32, 0, 0, 1",
        "pow, u8, 2, 8, 0",
        "add, f32, 16777216, 1, 16777216",
        "min, f32, NaN, 1, NaN",
        "min, f32, 1, NaN, NaN",
        "max, f64, NaN, 1, NaN",
        "max, f32, -0.0, 0.0, 0.0",
        "min, f32, 0.0, -0.0, -0.0",
        "mul, f32, 1e-30, 1e-10, 1e-40",
        "div, f32, 1, 0, Infinity",
        "div, f32, 0, 0, NaN",
        "rem, f32, -7.5, 2, -1.5",
        "rem, f32, 7, 0, NaN",
        "mod, f32, -7.5, 2, 0.5",
        "mod, f32, 7.5, -2, -0.5",
        "mod, f32, -4, 2, 0.0",
        "mod, f64, 4, -2, -0.0",
        "pow, f32, 1, NaN, 1",
        "pow, f32, -1, Infinity, 1",
        "pow, f32, NaN, 0, 1",
        "add, f16, 2048, 1, 2048",
        "add, f16, 65504, 16, Infinity",
        "add, bf16, 256, 1, 256",
        "mul, f16, 6e-8, 1, 5.9604645e-8",
        "and, bool, 1, 0, 0",
        "xor, bool, 1, 1, 0",
    })
    void binaryCorners(String operation, String type, String left, String right, String expected) {
        var element = ElementType.parse(type);
        var result = evaluate(operation, element, number(element, left), number(element, right));
        same(number(element, expected), result);
    }

    @ParameterizedTest
    @CsvSource({
        "abs, i32, MIN, MIN",
        "neg, i8, MIN, MIN",
        "neg, u8, 1, 255",
        "neg, f32, 0.0, -0.0",
        "sign, u64, MAX, 1",
        "sign, i8, -5, -1",
        "sign, f32, NaN, NaN",
        "not, bool, 1, 0",
        "not, u4, 5, 10",
        "not, i64, 0, -1",
        "round, f32, 2.5, 2",
        "round, f32, -3.5, -4",
        "round, f64, -0.4, -0.0",
        "trunc, f32, -2.7, -2",
        "floor, f32, -0.5, -1",
        "sqrt, f32, -1, NaN",
        "erf, f64, Infinity, 1",
        "erf, f64, 0.5, 0.5204998778130465",
        "erf, f64, -2, -0.9953222650189527",
        "asinh, f64, -1, -0.881373587019543",
        "acosh, f64, 1, 0.0",
        "acosh, f64, 0.5, NaN",
        "atanh, f64, 1, Infinity",
        "atanh, f64, 0.5, 0.5493061443340548",
    })
    void unaryCorners(String operation, String type, String operand, String expected) {
        var element = ElementType.parse(type);
        var result = evaluate(operation, element, number(element, operand));
        if (element == ElementType.F64 && Double.isFinite(result.getDouble(0))) {
            double wanted = Double.parseDouble(expected);
            assertEquals(wanted, result.getDouble(0), 2 * Math.ulp(wanted));
        } else {
            same(number(element, expected), result);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "f32, i32, 3.99, 3",
        "f32, i32, -3.99, -3",
        "f32, i32, 1e20, MAX",
        "f32, i32, -Infinity, MIN",
        "f32, i32, NaN, 0",
        "f64, u8, -1, 0",
        "f64, u8, 256, 255",
        "f64, u64, 1e30, MAX",
        "f64, i64, 1e30, MAX",
        "f32, bool, NaN, 1",
        "f32, bool, -0.0, 0",
        "i32, i8, 300, 44",
        "i32, u8, -1, 255",
        "u64, f32, MAX, 18446744073709551616",
        "i64, f32, 16777217, 16777216",
        "i64, f32, 9007199791611905, 9007200328482816",
        "f64, f32, 1e40, Infinity",
        "f32, f16, 65520, Infinity",
        "f32, f16, 65519, 65504",
        "f32, f8e4m3, 1000, 448",
        "f32, f8e5m2, NaN, NaN",
        "bool, f32, 1, 1",
    })
    void conversionCorners(String from, String to, String operand, String expected) {
        var source = ElementType.parse(from);
        var target = ElementType.parse(to);
        var result = evaluate("cast", target, number(source, operand));
        same(number(target, expected), result);
    }

    @ParameterizedTest
    @CsvSource({
        "f8e4m3, infinity, 1000, NaN",
        "f8e5m2, infinity, 1e6, Infinity",
        "f16, up, 1.0001, 1.0009765625",
        "f16, down, -1.0001, -1.0009765625",
        "f16, down, 1e9, 65504",
        "f16, up, 1e-9, 5.9604645e-8",
        "f8e4m3fnuz, up, -1e-9, 0",
    })
    void directedConversions(String to, String how, String operand, String expected) {
        var target = ElementType.parse(to);
        var attribute = how.equals("infinity") ? "overflow" : "rounding";
        var result = evaluate("cast<" + attribute + " = " + how + ">", target, number(ElementType.F32, operand));
        var wanted = Elements.allocate(target, 1);
        wanted.setBits(
                0, ElementTypes.encodeDouble(target, Double.parseDouble(expected), false, ElementTypes.ScaleRounding.UP));
        assertEquals(wanted.getDouble(0), result.getDouble(0));
    }

    @Test
    void comparesWithNaNAndWithoutSign() {
        var nan = number(ElementType.F32, "NaN");
        for (var relation : List.of("equal", "less", "less_or_equal", "greater", "greater_or_equal")) {
            assertEquals(0, evaluate("compare<relation = " + relation + ">", ElementType.BOOL, nan, nan).getLong(0));
        }
        assertEquals(1, evaluate("compare<relation = not_equal>", ElementType.BOOL, nan, nan).getLong(0));
        var large = number(ElementType.U64, "MAX");
        var one = number(ElementType.U64, "1");
        assertEquals(1, evaluate("compare<relation = greater>", ElementType.BOOL, large, one).getLong(0));
    }

    /// Floats of less than 32 bits are computed exactly and rounded once; so are those of 32 and 64 bits.
    @ParameterizedTest
    @EnumSource(names = {"F64", "F32", "F16", "BF16", "F8E4M3", "F8E5M2"})
    void roundsOnce(ElementType type) {
        var random = new SplittableRandom(11);
        record Case(String name, int operands, BiFunction<BigDecimal[], MathContext, BigDecimal> exact) {}
        var cases = List.of(
                new Case("add", 2, (x, _) -> x[0].add(x[1])),
                new Case("sub", 2, (x, _) -> x[0].subtract(x[1])),
                new Case("mul", 2, (x, _) -> x[0].multiply(x[1])),
                new Case("div", 2, (x, context) -> x[0].divide(x[1], context)),
                new Case("fma", 3, (x, _) -> x[0].multiply(x[1]).add(x[2])));
        for (int round = 0; round < 3000; round++) {
            var numbers = new Elements[3];
            var exact = new BigDecimal[3];
            for (int i = 0; i < 3; i++) {
                numbers[i] = Elements.allocate(type, 1);
                numbers[i].setDouble(0, random.nextDouble(-2, 2) * Math.scalb(1.0, random.nextInt(-12, 6)));
                if (numbers[i].getDouble(0) == 0) {
                    numbers[i].setDouble(0, 1);
                }
                exact[i] = new BigDecimal(numbers[i].getDouble(0));
            }
            for (var operation : cases) {
                var operands = Arrays.copyOf(numbers, operation.operands());
                var result = evaluateCached(operation.name(), type, operands);
                var wanted = Elements.allocate(type, 1);
                nearest(wanted, operation.exact().apply(exact, new MathContext(60)));
                assertEquals(
                        wanted.getDouble(0) + 0.0,
                        result.getDouble(0) + 0.0,
                        () -> operation.name() + " of " + List.of(exact) + " in " + type);
            }
        }
    }

    private final Map<String, ArithOp> parsed = new HashMap<>();

    private Elements evaluateCached(String name, ElementType type, Elements... operands) {
        var op = parsed.computeIfAbsent(name, _ -> (ArithOp) IrParser.parse(
                        "%%a = arith.const <value = 0.0> : %s\n%%r = arith.%s %s : %s"
                                .formatted(
                                        type,
                                        name,
                                        operands.length == 2 ? "%a, %a" : "%a, %a, %a",
                                        type),
                        "test.ir")
                .getLast());
        var lanes = new ArithInterpreter.Lanes[operands.length];
        for (int i = 0; i < lanes.length; i++) {
            lanes[i] = new ArithInterpreter.Lanes(operands[i], 0);
        }
        var row = Elements.allocate(type, 1);
        ArithInterpreter.apply(op, lanes, row, 0, 1);
        return row;
    }

    /// Stores the element of the type nearest to a number: found among the neighbours of a first guess, ties to even.
    private static void nearest(Elements into, BigDecimal exact) {
        var type = into.type();
        long guess = ElementTypes.encodeDouble(type, exact.doubleValue());
        if (!Double.isFinite(ElementTypes.decodeDouble(type, guess))) {
            into.setBits(0, guess);
            return;
        }
        long best = guess;
        BigDecimal least = null;
        for (long bits = guess - 1; bits <= guess + 1; bits++) {
            double value = bits < 0 ? Double.NaN : ElementTypes.decodeDouble(type, bits);
            if (!Double.isFinite(value)) {
                continue;
            }
            var distance = new BigDecimal(value).subtract(exact).abs();
            int order = least == null ? -1 : distance.compareTo(least);
            if (order < 0 || order == 0 && (bits & 1) == 0) {
                best = bits;
                least = distance;
            }
        }
        into.setBits(0, best);
    }
}
