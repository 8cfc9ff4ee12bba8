package org.portolan.opencl.codegen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.portolan.ir.TileOp;
import org.portolan.opencl.DeviceKernel;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Every operation on scalars, on whole vectors and on masked ones, on a device, against the same in Java. The vectors have
/// 12 lanes, so that each is two vectors of OpenCL C. Some types stand for the others, since drivers compile each kernel
/// when it is launched: with `-Dportolan.arithmetic=all` all types are tested.
class OpenClArithmeticTest {
    private static final boolean ALL = System.getProperty("portolan.arithmetic", "").equals("all");
    private static final int COUNT = 251;

    private static final long[] INTEGERS = {0, 1, -1, 2, -2, 3, 7, -7, 31, 32, 63, 64, 127, -128, 255, Integer.MAX_VALUE,
        Integer.MIN_VALUE, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 53, (1L << 53) + 1, 0xFFFF_FFFFL, 16777217, 65519, 65520};
    private static final double[] FLOATS = {0.0, -0.0, 1, -1, 0.5, 1.5, 2.5, -2.5, 3, 7, 0.1, 1e10, -1e10, 65504, 65519,
        65520, 448, 480, 57344, 6, 5, 1e-8, 0x1p-24, 0x1p-25, 0x1.8p-25, 0x1p-149, 0x1p-126, 0x1p-127, 0x1.8p-127, 1e38,
        3.4e38, 1e300, Double.MIN_VALUE, Double.MAX_VALUE, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Double.NaN,
        2147483647.0, 2147483648.0, -2147483648.0, 9.3e18, 1.9e19, 255, 256, -128, -129, 0x1.000001p0, 0x1.0000010000001p0};

    /// A kernel that applies operations to two buffers, element by element: in vectors of 12, the last one masked, or
    /// one by one.
    static String kernel(String left, String right, String result, boolean vectors, String body) {
        var text = """
                tile.kernel <name = apply, symbols = [n], grid = [GRID], origin = ["test"]> { (%a: buffer<LEFT[n], global>, %b: buffer<RIGHT[n], global>, %r: buffer<RESULT[n], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %n = tile.dim <expression = n> : index
                  %points = tile.dim <expression = GRID> : index
                  tile.for %zero, %points, %one <bind = grid> { (%point: index) ->
                    %i = tile.dim [%point] <expression = STEP*$0> : index
                    MASK
                    %x = tile.load %a, [%i] OPTIONAL: TLEFT
                    %y = tile.load %b, [%i] OPTIONAL: TRIGHT
                    BODY
                    tile.store %z, %r, [%i] OPTIONAL
                  }
                }
                """;
        text = text.replace("BODY", body)
                .replace("MASK", vectors ? "%mask = tile.mask %i, %n : mask<12>" : "")
                .replace("OPTIONAL", vectors ? ", %mask " : "")
                .replace("STEP*", vectors ? "12*" : "")
                .replace("GRID", vectors ? "ceildiv(n, 12)" : "n");
        for (var word : new String[][] {{"LEFT", left}, {"RIGHT", right}, {"RESULT", result}}) {
            text = text.replace("T" + word[0], vectors ? vector(word[1]) : word[1]).replace(word[0], word[1]);
        }
        return text;
    }

    private static String vector(String element) {
        return element.equals("bool") ? "mask<12>" : "vec<12x" + element + ">";
    }

    /// What one element should be, as bits.
    interface Reference {
        long apply(long left, long right);
    }

    private record Case(String left, String right, String result, String body, Reference reference) {
        String text(boolean vectors) {
            var sized = body.replaceAll("T:(\\w+)", vectors ? "vec<12x$1>" : "$1").replace("vec<12xbool>", "mask<12>");
            return kernel(left, right, result, vectors, sized);
        }

        /// Scalars take the same way through the emitter as vectors do, but for what C promotes.
        boolean runsAsScalars() {
            return ALL || left.equals("i32") || left.equals("f16") && !body.contains("cast");
        }

        void run(DeviceKernel kernel, String name, boolean vectors) {
            try (var arena = Arena.ofConfined()) {
                var leftType = ElementType.parse(left);
                var rightType = ElementType.parse(right);
                var type = ElementType.parse(result);
                var a = inputs(arena, leftType, 1);
                var b = inputs(arena, rightType, 2);
                var r = arena.allocate(type.bytes(COUNT) + 64, 64);
                r.fill((byte) 0x5a);
                long points = vectors ? (COUNT + 11) / 12 : COUNT;
                assertEquals(0, kernel.run(name, List.of(a, b, r), List.of((long) COUNT), points));
                for (int i = 0; i < COUNT; i++) {
                    long x = ElementTypes.getBits(leftType, a, i);
                    long y = ElementTypes.getBits(rightType, b, i);
                    long expected = reference.apply(x, y);
                    long actual = ElementTypes.getBits(type, r, i);
                    if (expected != actual && !(isNan(type, expected) && isNan(type, actual))) {
                        fail(body + (vectors ? " in vectors" : "") + " of " + Long.toHexString(x) + " = "
                                + ElementTypes.decodeDouble(leftType, x) + " and " + Long.toHexString(y) + " = "
                                + ElementTypes.decodeDouble(rightType, y) + ": expected " + Long.toHexString(expected)
                                + ", found " + Long.toHexString(actual));
                    }
                }
                if (type.bits() >= 8) {
                    assertEquals((byte) 0x5a, r.get(ValueLayout.JAVA_BYTE, type.bytes(COUNT)), "written behind the end");
                }
            }
        }

        private static boolean isNan(ElementType type, long bits) {
            return type.isFloat() && Double.isNaN(ElementTypes.decodeDouble(type, bits));
        }
    }

    private final List<Case> cases = new ArrayList<>();

    private void check(String left, String right, String result, String body, Reference reference) {
        cases.add(new Case(left, right, result, body, reference));
    }

    /// All cases of a test are compiled at once.
    @AfterEach
    void runAll() {
        if (cases.isEmpty()) {
            return;
        }
        var kernels = new ArrayList<TileOp.Kernel>();
        for (int i = 0; i < 2 * cases.size(); i++) {
            if (i % 2 == 1 || cases.get(i / 2).runsAsScalars()) {
                kernels.add(DeviceKernel.kernel(
                        cases.get(i / 2).text(i % 2 == 1).replace("name = apply", "name = apply" + i)));
            }
        }
        assumeTrue(DeviceKernel.isThere(), "no OpenCL device");
        try (var library = new DeviceKernel(DeviceKernel.device(), kernels, DeviceKernel.chip("opencl-cpu"))) {
            for (int i = 0; i < 2 * cases.size(); i++) {
                if (i % 2 == 1 || cases.get(i / 2).runsAsScalars()) {
                    cases.get(i / 2).run(library, "apply" + i, i % 2 == 1);
                }
            }
        }
    }

    private static MemorySegment inputs(Arena arena, ElementType type, int seed) {
        var segment = arena.allocate(type.bytes(COUNT) + 64, 64);
        var random = new SplittableRandom(seed);
        for (int i = 0; i < COUNT; i++) {
            long bits;
            if (type == ElementType.BOOL) {
                bits = random.nextInt(2);
            } else if (random.nextInt(4) == 0) {
                bits = type.bits() == 64 ? random.nextLong() : random.nextLong() & (1L << type.bits()) - 1;
            } else if (type.isFloat()) {
                double value = random.nextInt(3) == 0 ? random.nextInt(-20, 20) + 0.5 * random.nextInt(2)
                        : FLOATS[random.nextInt(FLOATS.length)];
                bits = ElementTypes.encodeDouble(type, value, false, ElementTypes.ScaleRounding.UP);
            } else {
                bits = ElementTypes.encodeLong(type, INTEGERS[random.nextInt(INTEGERS.length)]);
            }
            ElementTypes.setBits(type, segment, i, bits);
        }
        return segment;
    }

    static Stream<String> integers() {
        return ALL
                ? Stream.of("i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "i4", "u4", "i2", "u2")
                : Stream.of("i8", "i32", "u64", "i4");
    }

    @ParameterizedTest
    @MethodSource("integers")
    void integerOperations(String name) {
        var type = ElementType.parse(name);
        record Operation(String op, Reference reference) {}
        var cases = new ArrayList<Operation>();
        cases.add(new Operation("add", (x, y) -> x + y));
        cases.add(new Operation("sub", (x, y) -> x - y));
        cases.add(new Operation("mul", (x, y) -> x * y));
        boolean signed = type.isSigned();
        cases.add(new Operation("div", (x, y) -> y == 0 ? 0 : signed ? x / y : Long.divideUnsigned(x, y)));
        cases.add(new Operation("rem", (x, y) -> y == 0 ? 0 : signed ? x % y : Long.remainderUnsigned(x, y)));
        cases.add(new Operation(
                "mod", (x, y) -> y == 0 ? 0 : signed ? Math.floorMod(x, y) : Long.remainderUnsigned(x, y)));
        cases.add(new Operation("min", (x, y) -> signed ? Math.min(x, y) : Long.compareUnsigned(x, y) < 0 ? x : y));
        cases.add(new Operation("max", (x, y) -> signed ? Math.max(x, y) : Long.compareUnsigned(x, y) > 0 ? x : y));
        cases.add(new Operation("and", (x, y) -> x & y));
        cases.add(new Operation("or", (x, y) -> x | y));
        cases.add(new Operation("xor", (x, y) -> x ^ y));
        int width = type.bits();
        cases.add(new Operation("shl", (x, y) -> inWidth(type, y, width) ? x << y : 0));
        cases.add(new Operation("shr", (x, y) -> !inWidth(type, y, width) ? 0 : signed ? x >> y : x >>> y));
        for (var each : cases) {
            check(name, name, name, "%z = arith." + each.op() + " %x, %y : T:" + name, (x, y) -> ElementTypes.encodeLong(
                    type, each.reference().apply(ElementTypes.decodeLong(type, x), ElementTypes.decodeLong(type, y))));
        }
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

    private static boolean inWidth(ElementType type, long distance, int width) {
        return distance >= 0 && distance < width || type == ElementType.U64 && Long.compareUnsigned(distance, 64) < 0;
    }

    private interface FloatReference {
        double apply(double left, double right);
    }

    private void checkFloat(String name, String body, FloatReference reference) {
        var type = ElementType.parse(name);
        check(name, name, name, body, (x, y) -> {
            double expected = reference.apply(ElementTypes.decodeDouble(type, x), ElementTypes.decodeDouble(type, y));
            // The sign of a NaN means nothing, and differs between processors.
            return ElementTypes.encodeDouble(type, Double.isNaN(expected) ? Double.NaN : expected);
        });
    }

    @ParameterizedTest
    @MethodSource("floats")
    void floatOperations(String name) {
        boolean single = name.equals("f32");
        boolean wide = single || name.equals("f64");
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
        if (single) {
            checkFloat(name, "%z = arith.fma %x, %y, %x" + t, (x, y) -> Math.fma((float) x, (float) y, (float) x));
        } else if (wide) {
            checkFloat(name, "%z = arith.fma %x, %y, %x" + t, (x, y) -> Math.fma(x, y, x));
        }
        check(name, name, "bool", "%z = arith.compare %x, %y <relation = not_equal> : T:bool", (x, y) ->
                ElementTypes.decodeDouble(ElementType.parse(name), x)
                                != ElementTypes.decodeDouble(ElementType.parse(name), y)
                        ? 1
                        : 0);
    }

    static Stream<String> floats() {
        return ALL
                ? Stream.of("f32", "f64", "f16", "bf16", "f8e4m3", "f8e5m2", "f8e4m3fnuz", "f8e5m2fnuz", "f4e2m1")
                : Stream.of("f32", "f64", "f16", "f8e5m2fnuz");
    }

    static Stream<String> sources() {
        return ALL ? casts() : Stream.of("f64", "f16", "i64");
    }

    @Test
    void reluKeepsNan() {
        var body = "%c = arith.const <value = 0.0> : T:f32 \n%z = arith.max %x, %c : T:f32";
        checkFloat("f32", body, (x, _) -> Double.isNaN(x) ? Double.NaN : x > 0 ? x : x == 0 ? x : 0);
    }

    static Stream<String> casts() {
        return Stream.of(ElementType.values())
                .filter(type -> type != ElementType.STRING && type != ElementType.INDEX)
                .map(ElementType::text);
    }

    @ParameterizedTest
    @MethodSource("sources")
    void castsToEveryType(String from) {
        var type = ElementType.parse(from);
        for (var to : casts().filter(to -> !to.equals(from) && !to.equals("f8e8m0")).toList()) {
            var element = ElementType.parse(to);
            check(from, "bool", to, "%z = arith.cast %x : T:" + to, (x, _) -> Case.isNan(type, x)
                    ? ElementTypes.encodeDouble(element, Double.NaN)
                    : ElementTypes.convert(type, element, x));
        }
    }

    @ParameterizedTest
    @CsvSource({"up, saturate", "nearest_even, infinity"})
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
