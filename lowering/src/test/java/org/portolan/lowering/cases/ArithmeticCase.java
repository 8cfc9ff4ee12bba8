package org.portolan.lowering.cases;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.SplittableRandom;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Operations on the elements {@code %x} and {@code %y} of two buffers that give {@code %z}, and the same in Java.
///
/// @param body with {@code T:f32} where the type of a value stands
public record ArithmeticCase(String left, String right, String result, String body, Reference reference) {
    /// What a reference gives where any result will do.
    public static final long UNCHECKED = 0x7ff4_dead_0000_0000L;

    private static final long[] INTEGERS = {0, 1, -1, 2, -2, 3, 7, -7, 31, 32, 63, 64, 127, -128, 255, Integer.MAX_VALUE,
        Integer.MIN_VALUE, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 53, (1L << 53) + 1, 0xFFFF_FFFFL, 16777217, 65519, 65520};
    private static final double[] FLOATS = {0.0, -0.0, 1, -1, 0.5, 1.5, 2.5, -2.5, 3, 7, 0.1, 1e10, -1e10, 65504, 65519,
        65520, 448, 480, 57344, 6, 5, 1e-8, 0x1p-24, 0x1p-25, 0x1.8p-25, 0x1p-149, 0x1p-126, 0x1p-127, 0x1.8p-127, 1e38,
        3.4e38, 1e300, Double.MIN_VALUE, Double.MAX_VALUE, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Double.NaN,
        2147483647.0, 2147483648.0, -2147483648.0, 9.3e18, 1.9e19, 255, 256, -128, -129, 0x1.000001p0, 0x1.0000010000001p0};
    private static final long GUARD = 64;

    /// What one element should be, as bits.
    public interface Reference {
        long apply(long left, long right);
    }

    /// Runs a kernel on a number of points of its grid; gives the error word.
    public interface Runner {
        long run(List<MemorySegment> buffers, long count, long points);
    }

    /// A kernel named {@code apply}: it works element by element, or in vectors, the last of which is masked.
    ///
    /// @param lanes 1 for element by element
    public String text(int lanes) {
        return text(left, right, result, body, lanes);
    }

    /// The kernel alone, for results that are compared in another way.
    public static String text(String left, String right, String result, String body, int lanes) {
        boolean vectors = lanes > 1;
        var sized = body.replaceAll("T:(\\w+)", vectors ? "vec<" + lanes + "x$1>" : "$1")
                .replace("vec<" + lanes + "xbool>", "mask<" + lanes + ">");
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
        text = text.replace("BODY", sized)
                .replace("MASK", vectors ? "%mask = tile.mask %i, %n : mask<" + lanes + ">" : "")
                .replace("OPTIONAL", vectors ? ", %mask " : "")
                .replace("STEP", Integer.toString(lanes))
                .replace("GRID", vectors ? "ceildiv(n, " + lanes + ")" : "n");
        for (var word : new String[][] {{"LEFT", left}, {"RIGHT", right}, {"RESULT", result}}) {
            text = text.replace("T" + word[0], vectors ? vector(lanes, word[1]) : word[1]).replace(word[0], word[1]);
        }
        return text;
    }

    private static String vector(int lanes, String element) {
        return element.equals("bool") ? "mask<" + lanes + ">" : "vec<" + lanes + "x" + element + ">";
    }

    /// Runs the kernel on many numbers, corners among them, and fails where it differs from the reference.
    public void check(Runner kernel, int count, int lanes) {
        try (var arena = Arena.ofConfined()) {
            var leftType = ElementType.parse(left);
            var rightType = ElementType.parse(right);
            var type = ElementType.parse(result);
            var a = inputs(arena, leftType, count, 1);
            var b = inputs(arena, rightType, count, 2);
            var r = arena.allocate(type.bytes(count) + GUARD, 64);
            r.fill((byte) 0x5a);
            assertEquals(0, kernel.run(List.of(a, b, r), count, Math.ceilDiv(count, lanes)));
            for (int i = 0; i < count; i++) {
                long x = ElementTypes.getBits(leftType, a, i);
                long y = ElementTypes.getBits(rightType, b, i);
                long expected = reference.apply(x, y);
                long actual = ElementTypes.getBits(type, r, i);
                if (expected != actual && expected != UNCHECKED && !(isNan(type, expected) && isNan(type, actual))) {
                    fail(body + (lanes > 1 ? " in vectors" : "") + " of " + Long.toHexString(x) + " = "
                            + ElementTypes.decodeDouble(leftType, x) + " and " + Long.toHexString(y) + " = "
                            + ElementTypes.decodeDouble(rightType, y) + ": expected " + Long.toHexString(expected)
                            + ", found " + Long.toHexString(actual));
                }
            }
            if (type.bits() >= 8) {
                assertEquals((byte) 0x5a, r.get(ValueLayout.JAVA_BYTE, type.bytes(count)), "written behind the end");
            }
        }
    }

    static boolean isNan(ElementType type, long bits) {
        return type.isFloat() && Double.isNaN(ElementTypes.decodeDouble(type, bits));
    }

    private static MemorySegment inputs(Arena arena, ElementType type, int count, int seed) {
        var segment = arena.allocate(type.bytes(count) + GUARD, 64);
        var random = new SplittableRandom(seed);
        for (int i = 0; i < count; i++) {
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
}
