package org.portolan.lowering.cases;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Every operation on scalars, on whole vectors and on masked ones, against the same in Java. A code generator's own test
/// says how kernels are compiled and run, and which types it tests.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class ArithmeticSuite {
    private final List<ArithmeticCase> cases = new ArrayList<>();

    /// Compiles and runs the cases of one test, all at once.
    protected abstract void run(List<ArithmeticCase> cases);

    /// Whether the result of a fused operation in {@code f64} is the one that rounding once gives.
    protected boolean fusesExactly(double left, double right) {
        return true;
    }

    protected Stream<String> integers() {
        return Stream.of("i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "i4", "u4", "i2", "u2");
    }

    protected Stream<String> floats() {
        return Stream.of("f32", "f64", "f16", "bf16", "f8e4m3", "f8e5m2", "f8e4m3fnuz", "f8e5m2fnuz", "f4e2m1");
    }

    /// What is cast to every other type.
    protected Stream<String> sources() {
        return types();
    }

    private static Stream<String> types() {
        return Stream.of(ElementType.values())
                .filter(type -> type != ElementType.STRING && type != ElementType.INDEX)
                .map(ElementType::text);
    }

    @AfterEach
    void runAll() {
        if (!cases.isEmpty()) {
            run(takeCases());
        }
    }

    /// What a test has asked for so far.
    protected List<ArithmeticCase> takeCases() {
        var taken = List.copyOf(cases);
        cases.clear();
        return taken;
    }

    protected void check(String left, String right, String result, String body, ArithmeticCase.Reference reference) {
        cases.add(new ArithmeticCase(left, right, result, body, reference));
    }

    @ParameterizedTest
    @MethodSource("integers")
    public void integerOperations(String name) {
        var type = ElementType.parse(name);
        boolean signed = type.isSigned();
        int width = type.bits();
        whole(name, "add", (x, y) -> x + y);
        whole(name, "sub", (x, y) -> x - y);
        whole(name, "mul", (x, y) -> x * y);
        whole(name, "div", (x, y) -> y == 0 ? 0 : signed ? x / y : Long.divideUnsigned(x, y));
        whole(name, "rem", (x, y) -> y == 0 ? 0 : signed ? x % y : Long.remainderUnsigned(x, y));
        whole(name, "mod", (x, y) -> y == 0 ? 0 : signed ? Math.floorMod(x, y) : Long.remainderUnsigned(x, y));
        whole(name, "min", (x, y) -> signed ? Math.min(x, y) : Long.compareUnsigned(x, y) < 0 ? x : y);
        whole(name, "max", (x, y) -> signed ? Math.max(x, y) : Long.compareUnsigned(x, y) > 0 ? x : y);
        whole(name, "and", (x, y) -> x & y);
        whole(name, "or", (x, y) -> x | y);
        whole(name, "xor", (x, y) -> x ^ y);
        whole(name, "shl", (x, y) -> inWidth(type, y, width) ? x << y : 0);
        whole(name, "shr", (x, y) -> !inWidth(type, y, width) ? 0 : signed ? x >> y : x >>> y);
        check(name, name, name, "%z = arith.neg %x : T:" + name, (x, _) ->
                ElementTypes.encodeLong(type, -ElementTypes.decodeLong(type, x)));
        check(name, name, name, "%z = arith.abs %x : T:" + name, (x, _) -> {
            long value = ElementTypes.decodeLong(type, x);
            return ElementTypes.encodeLong(type, signed ? Math.abs(value) : value);
        });
        check(name, name, name, "%z = arith.sign %x : T:" + name, (x, _) -> {
            long value = ElementTypes.decodeLong(type, x);
            return ElementTypes.encodeLong(type, signed ? Long.signum(value) : value == 0 ? 0 : 1);
        });
        check(name, name, "bool", "%z = arith.compare %x, %y <relation = less> : T:bool", (x, y) -> {
            long left = ElementTypes.decodeLong(type, x);
            long right = ElementTypes.decodeLong(type, y);
            return (signed ? left < right : Long.compareUnsigned(left, right) < 0) ? 1 : 0;
        });
    }

    private void whole(String name, String op, ArithmeticCase.Reference reference) {
        var type = ElementType.parse(name);
        check(name, name, name, "%z = arith." + op + " %x, %y : T:" + name, (x, y) -> ElementTypes.encodeLong(
                type, reference.apply(ElementTypes.decodeLong(type, x), ElementTypes.decodeLong(type, y))));
    }

    private static boolean inWidth(ElementType type, long distance, int width) {
        return distance >= 0 && distance < width || type == ElementType.U64 && Long.compareUnsigned(distance, 64) < 0;
    }

    /// What one element should be.
    protected interface FloatReference {
        double apply(double left, double right);
    }

    protected void checkFloat(String name, String body, FloatReference reference) {
        var type = ElementType.parse(name);
        check(name, name, name, body, (x, y) -> {
            double expected = reference.apply(ElementTypes.decodeDouble(type, x), ElementTypes.decodeDouble(type, y));
            // The sign of a NaN means nothing, and differs between processors.
            return ElementTypes.encodeDouble(type, Double.isNaN(expected) ? Double.NaN : expected);
        });
    }

    @ParameterizedTest
    @MethodSource("floats")
    public void floatOperations(String name) {
        boolean single = name.equals("f32");
        var t = " : T:" + name;
        checkFloat(name, "%z = arith.add %x, %y" + t, (x, y) -> single ? (float) x + (float) y : x + y);
        checkFloat(name, "%z = arith.mul %x, %y" + t, (x, y) -> single ? (float) x * (float) y : x * y);
        checkFloat(name, "%z = arith.div %x, %y" + t, (x, y) -> single ? (float) x / (float) y : x / y);
        checkFloat(name, "%z = arith.min %x, %y" + t, (x, y) ->
                Double.isNaN(x) || Double.isNaN(y) ? Double.NaN : x < y ? x : y);
        checkFloat(name, "%z = arith.max %x, %y" + t, (x, y) ->
                Double.isNaN(x) || Double.isNaN(y) ? Double.NaN : x > y ? x : y);
        checkFloat(name, "%z = arith.rem %x, %y" + t, (x, y) -> x % y);
        checkFloat(name, "%z = arith.sqrt %x" + t, (x, _) -> Math.sqrt(x));
        checkFloat(name, "%z = arith.neg %x" + t, (x, _) -> -x);
        checkFloat(name, "%z = arith.floor %x" + t, (x, _) -> Math.floor(x));
        checkFloat(name, "%z = arith.ceil %x" + t, (x, _) -> Math.ceil(x));
        checkFloat(name, "%z = arith.round %x" + t, (x, _) -> Math.rint(x));
        checkFloat(name, "%z = arith.trunc %x" + t, (x, _) -> x < 0 ? Math.ceil(x) : Math.floor(x));
        checkFloat(name, "%z = arith.sign %x" + t, (x, _) -> Math.signum(x));
        check(name, name, "bool", "%z = arith.compare %x, %y <relation = not_equal> : T:bool", (x, y) ->
                ElementTypes.decodeDouble(ElementType.parse(name), x)
                                != ElementTypes.decodeDouble(ElementType.parse(name), y)
                        ? 1
                        : 0);
        fused(name);
    }

    // ------------------------------------------------------------------------------------------------ fused operations

    private void fused(String name) {
        var body = "%z = arith.fma %x, %y, %x : T:" + name;
        if (name.equals("f32")) {
            checkFloat(name, body, (x, y) -> Math.fma((float) x, (float) y, (float) x));
        } else if (name.equals("f64")) {
            check(name, name, name, body, (xBits, yBits) -> {
                double x = Double.longBitsToDouble(xBits);
                double y = Double.longBitsToDouble(yBits);
                return fusesExactly(x, y) ? Double.doubleToRawLongBits(Math.fma(x, y, x)) : ArithmeticCase.UNCHECKED;
            });
        } else {
            checkFloat(name, body, (x, y) -> fmaToOdd(x, y, x));
            fusedTies(name);
        }
    }

    /// Products that are ties of a short type, and numbers added that are far too small to be seen, except that they say
    /// which way the tie goes. A wider type that rounds first forgets them.
    private void fusedTies(String name) {
        var type = ElementType.parse(name);
        double step = switch (type) {
            case F16 -> 0x1p-10;
            case BF16 -> 0x1p-7;
            default -> Double.NaN;
        };
        if (Double.isNaN(step)) {
            return;
        }
        double least = type == ElementType.F16 ? 0x1p-24 : 0x1p-133;
        for (double sign : new double[] {1, -1}) {
            for (double added : new double[] {least, 0x1p-20}) {
                for (double factor : new double[] {3, 0x1.8p7}) {
                    // What is loaded makes no constant of it: 0 * x is 0 or NaN.
                    var body = constant("none", 0, name) + "%off = arith.mul %x, %none : T:" + name + "\n"
                            + constant("first", 1 + step, name) + constant("factor", factor, name)
                            + constant("added", sign * added, name) + "%left = arith.add %first, %off : T:" + name
                            + "\n%z = arith.fma %left, %factor, %added : T:" + name;
                    checkFloat(name, body, (x, _) ->
                            x - x == 0 ? fmaToOdd(1 + step, factor, sign * added) : Double.NaN);
                }
            }
        }
    }

    private static String constant(String name, double value, String type) {
        return "%" + name + " = arith.const <value = " + value + "> : T:" + type + "\n";
    }

    /// The exact sum, rounded to a double whose last bit is odd where that is not exact: rounded again, to fewer than half
    /// as many digits, it is what rounding the exact sum once gives.
    private static double fmaToOdd(double a, double b, double c) {
        double nearest = Math.fma(a, b, c);
        if (!Double.isFinite(nearest) || nearest == 0) {
            return nearest;
        }
        var exact = new BigDecimal(a).multiply(new BigDecimal(b)).add(new BigDecimal(c));
        int order = exact.compareTo(new BigDecimal(nearest));
        boolean odd = (Double.doubleToRawLongBits(nearest) & 1) != 0;
        return order == 0 || odd ? nearest : order > 0 ? Math.nextUp(nearest) : Math.nextDown(nearest);
    }

    @Test
    void reluKeepsNan() {
        var body = "%c = arith.const <value = 0.0> : T:f32 \n%z = arith.max %x, %c : T:f32";
        checkFloat("f32", body, (x, _) -> Double.isNaN(x) ? Double.NaN : x > 0 ? x : x == 0 ? x : 0);
    }

    // ----------------------------------------------------------------------------------------------------------- casts

    @ParameterizedTest
    @MethodSource("sources")
    public void castsToEveryType(String from) {
        var type = ElementType.parse(from);
        for (var to : types().filter(to -> !to.equals(from) && !to.equals("f8e8m0")).toList()) {
            var element = ElementType.parse(to);
            check(from, "bool", to, "%z = arith.cast %x : T:" + to, (x, _) -> ArithmeticCase.isNan(type, x)
                    ? ElementTypes.encodeDouble(element, Double.NaN)
                    : ElementTypes.convert(type, element, x));
        }
    }

    @ParameterizedTest
    @CsvSource({"up, saturate", "down, saturate", "nearest_even, saturate", "up, infinity", "nearest_even, infinity"})
    void castsOfScalesRoundAsTold(String rounding, String overflow) {
        var scaleRounding = switch (rounding) {
            case "up" -> ElementTypes.ScaleRounding.UP;
            case "down" -> ElementTypes.ScaleRounding.DOWN;
            default -> ElementTypes.ScaleRounding.NEAREST;
        };
        var body = "%z = arith.cast %x <rounding = " + rounding + ", overflow = " + overflow + "> : T:f8e8m0";
        check("f32", "bool", "f8e8m0", body, (x, _) -> ElementTypes.encodeDouble(
                ElementType.F8E8M0, Float.intBitsToFloat((int) x), overflow.equals("saturate"), scaleRounding));
    }
}
