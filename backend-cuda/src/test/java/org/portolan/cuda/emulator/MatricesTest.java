package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.cuda.emulator.run.KernelFault;
import org.portolan.cuda.emulator.run.TinyFloats;

/// Fragments are spread by hand here, element by element, as the manual's figures show it.
class MatricesTest {
    private static final int LANES = 32;

    private static String registers(int from, int count) {
        return IntStream.range(from, from + count).mapToObj(r -> "%r" + r).collect(Collectors.joining(", ", "{", "}"));
    }

    /// Loads registers r10.., r20.., r30.. of each lane, multiplies, stores four sums.
    private static int[] multiply(String shape, int[] a, int[] b, int[] c) {
        int countA = a.length / LANES;
        int countB = b.length / LANES;
        int countC = c.length / LANES;
        var body = new StringBuilder("mov.u32 %r1, %tid.x;\n");
        int[] counts = {countC, countA, countB, countC};
        for (int operand = 0; operand < 4; operand++) {
            body.append("mul.wide.u32 %rd9, %r1, ").append(4 * counts[operand]).append("; add.s64 %rd").append(operand)
                    .append(", %rd").append(operand).append(", %rd9;\n");
            for (int register = 0; register < counts[operand] && operand > 0; register++) {
                body.append("ld.global.u32 %r").append(operand * 10 + register).append(", [%rd").append(operand)
                        .append('+').append(4 * register).append("];\n");
            }
        }
        body.append("mma.sync.aligned.").append(shape).append(' ').append(registers(40, countC)).append(", ")
                .append(registers(10, countA)).append(", ").append(registers(20, countB)).append(", ")
                .append(registers(30, countC)).append(";\n");
        for (int register = 0; register < countC; register++) {
            body.append("st.global.u32 [%rd0+").append(4 * register).append("], %r").append(40 + register).append(";\n");
        }
        var run = PtxRun.of(4, "", body.toString()).block(LANES);
        var out = run.fresh(4L * c.length);
        run.run(out, run.buffer(a), run.buffer(b), run.buffer(c));
        return PtxRun.ints(out);
    }

    private static int half(float value) {
        return Float.floatToFloat16(value) & 0xFFFF;
    }

    private static int brain(float value) {
        return Float.floatToRawIntBits(value) >>> 16;
    }

    private static float small(Random random) {
        return (random.nextInt(65) - 32) / 8f;
    }

    private static float[][] matrix(int rows, int columns) {
        var random = new Random(rows * 31L + columns);
        var matrix = new float[rows][columns];
        for (var row : matrix) {
            for (int column = 0; column < columns; column++) {
                row[column] = small(random);
            }
        }
        return matrix;
    }

    /// Sixteen bits an element, two in a register, depth 16.
    private static void sixteen(String type, ToIntFunction<Float> bits) {
        var a = matrix(16, 16);
        var b = matrix(16, 8);
        var c = matrix(16, 8);
        int[] as = new int[LANES * 4];
        int[] bs = new int[LANES * 2];
        int[] cs = new int[LANES * 4];
        for (int lane = 0; lane < LANES; lane++) {
            int group = lane / 4;
            int in = lane % 4;
            for (int i = 0; i < 8; i++) {
                int row = i < 2 || i >= 4 && i < 6 ? group : group + 8;
                int column = in * 2 + (i & 1) + (i >= 4 ? 8 : 0);
                as[lane * 4 + i / 2] |= bits.applyAsInt(a[row][column]) << 16 * (i & 1);
            }
            for (int i = 0; i < 4; i++) {
                int row = in * 2 + (i & 1) + (i >= 2 ? 8 : 0);
                bs[lane * 2 + i / 2] |= bits.applyAsInt(b[row][group]) << 16 * (i & 1);
                cs[lane * 4 + i] = Float.floatToRawIntBits(c[i < 2 ? group : group + 8][in * 2 + (i & 1)]);
            }
        }
        int[] found = multiply("m16n8k16.row.col.f32." + type + "." + type + ".f32", as, bs, cs);
        for (int lane = 0; lane < LANES; lane++) {
            for (int i = 0; i < 4; i++) {
                int row = i < 2 ? lane / 4 : lane / 4 + 8;
                int column = lane % 4 * 2 + (i & 1);
                float sum = c[row][column];
                for (int k = 0; k < 16; k++) {
                    sum += a[row][k] * b[k][column];
                }
                assertEquals(sum, Float.intBitsToFloat(found[lane * 4 + i]), "row " + row + ", column " + column);
            }
        }
    }

    @Test
    void halves() {
        sixteen("f16", MatricesTest::half);
    }

    @Test
    void brainFloats() {
        sixteen("bf16", MatricesTest::brain);
    }

    @Test
    void tf32DropsTheLastBits() {
        var a = matrix(16, 8);
        var b = matrix(8, 8);
        int[] as = new int[LANES * 4];
        int[] bs = new int[LANES * 2];
        for (int lane = 0; lane < LANES; lane++) {
            int group = lane / 4;
            int in = lane % 4;
            for (int i = 0; i < 4; i++) {
                as[lane * 4 + i] = Float.floatToRawIntBits(a[(i & 1) == 0 ? group : group + 8][in + (i >= 2 ? 4 : 0)]) | 0xFFF;
            }
            for (int i = 0; i < 2; i++) {
                bs[lane * 2 + i] = Float.floatToRawIntBits(b[in + 4 * i][group]);
            }
        }
        int[] found = multiply("m16n8k8.row.col.f32.tf32.tf32.f32", as, bs, new int[LANES * 4]);
        for (int lane = 0; lane < LANES; lane++) {
            for (int i = 0; i < 4; i++) {
                float sum = 0;
                for (int k = 0; k < 8; k++) {
                    sum += a[i < 2 ? lane / 4 : lane / 4 + 8][k] * b[k][lane % 4 * 2 + (i & 1)];
                }
                assertEquals(sum, Float.intBitsToFloat(found[lane * 4 + i]));
            }
        }
    }

    @Test
    void bytesAreAddedExactly() {
        var random = new Random(5);
        var a = new int[16][32];
        var b = new int[32][8];
        for (var row : a) Arrays.setAll(row, _ -> random.nextInt(256));
        for (var row : b) Arrays.setAll(row, _ -> random.nextInt(256) - 128);
        int[] as = new int[LANES * 4];
        int[] bs = new int[LANES * 2];
        int[] cs = new int[LANES * 4];
        for (int lane = 0; lane < LANES; lane++) {
            for (int i = 0; i < 16; i++) {
                int row = i / 4 % 2 == 0 ? lane / 4 : lane / 4 + 8;
                int column = lane % 4 * 4 + (i & 3) + (i >= 8 ? 16 : 0);
                as[lane * 4 + i / 4] |= a[row][column] << 8 * (i & 3);
            }
            for (int i = 0; i < 8; i++) {
                bs[lane * 2 + i / 4] |= (b[lane % 4 * 4 + (i & 3) + (i >= 4 ? 16 : 0)][lane / 4] & 0xFF) << 8 * (i & 3);
            }
            Arrays.fill(cs, lane * 4, lane * 4 + 4, lane * 1000);
        }
        int[] found = multiply("m16n8k32.row.col.s32.u8.s8.s32", as, bs, cs);
        for (int lane = 0; lane < LANES; lane++) {
            for (int i = 0; i < 4; i++) {
                int sum = lane * 1000;
                for (int k = 0; k < 32; k++) {
                    sum += a[i < 2 ? lane / 4 : lane / 4 + 8][k] * b[k][lane % 4 * 2 + (i & 1)];
                }
                assertEquals(sum, found[lane * 4 + i]);
            }
        }
    }

    /// What Turing has: one register of each operand, two of the sum.
    @Test
    void bytesOfSmallMatricesAreAddedExactly() {
        var random = new Random(6);
        var a = new int[8][16];
        var b = new int[16][8];
        for (var row : a) Arrays.setAll(row, _ -> random.nextInt(256) - 128);
        for (var row : b) Arrays.setAll(row, _ -> random.nextInt(256));
        int[] as = new int[LANES];
        int[] bs = new int[LANES];
        int[] cs = new int[LANES * 2];
        for (int lane = 0; lane < LANES; lane++) {
            for (int i = 0; i < 4; i++) {
                as[lane] |= (a[lane / 4][lane % 4 * 4 + i] & 0xFF) << 8 * i;
                bs[lane] |= b[lane % 4 * 4 + i][lane / 4] << 8 * i;
            }
            Arrays.fill(cs, lane * 2, lane * 2 + 2, lane * 1000);
        }
        int[] found = multiply("m8n8k16.row.col.s32.s8.u8.s32", as, bs, cs);
        for (int lane = 0; lane < LANES; lane++) {
            for (int i = 0; i < 2; i++) {
                int sum = lane * 1000;
                for (int k = 0; k < 16; k++) sum += a[lane / 4][k] * b[k][lane % 4 * 2 + i];
                assertEquals(sum, found[lane * 2 + i]);
            }
        }
    }

    /// Eight bits an element, four in a register, depth 32: all numbers that are exact in both types, and sums that are.
    @ParameterizedTest
    @CsvSource({"e4m3, e4m3", "e5m2, e5m2", "e4m3, e5m2"})
    void tinyFloats(String left, String right) {
        var a = matrix(16, 32);
        var b = matrix(32, 8);
        int[] as = new int[LANES * 4];
        int[] bs = new int[LANES * 2];
        int[] cs = new int[LANES * 4];
        for (int lane = 0; lane < LANES; lane++) {
            for (int i = 0; i < 16; i++) {
                int row = lane / 4 + (i / 4 % 2) * 8;
                int column = lane % 4 * 4 + i % 4 + (i >= 8 ? 16 : 0);
                as[lane * 4 + i / 4] |= tiny(left, a[row][column] = Math.round(a[row][column])) << 8 * (i % 4);
            }
            for (int i = 0; i < 8; i++) {
                int row = lane % 4 * 4 + i % 4 + (i >= 4 ? 16 : 0);
                bs[lane * 2 + i / 4] |= tiny(right, b[row][lane / 4] = Math.round(b[row][lane / 4])) << 8 * (i % 4);
            }
        }
        int[] found = multiply("m16n8k32.row.col.f32." + left + "." + right + ".f32", as, bs, cs);
        for (int lane = 0; lane < LANES; lane++) {
            for (int i = 0; i < 4; i++) {
                int row = i < 2 ? lane / 4 : lane / 4 + 8;
                int column = lane % 4 * 2 + (i & 1);
                float sum = 0;
                for (int k = 0; k < 32; k++) {
                    sum += a[row][k] * b[k][column];
                }
                assertEquals(sum, Float.intBitsToFloat(found[lane * 4 + i]), "row " + row + ", column " + column);
            }
        }
    }

    private static int tiny(String type, float value) {
        return type.equals("e4m3") ? TinyFloats.toE4m3(value) : TinyFloats.toE5m2(value);
    }

    @Test
    void eightBitsAreRoundedAndReadBack() {
        for (int bits = 0; bits < 256; bits++) {
            float e4m3 = TinyFloats.e4m3(bits);
            float e5m2 = TinyFloats.e5m2(bits);
            if (!Float.isNaN(e4m3)) {
                assertEquals(bits, TinyFloats.toE4m3(e4m3), "e4m3 " + e4m3);
            }
            if (Float.isFinite(e5m2)) {
                assertEquals(bits, TinyFloats.toE5m2(e5m2), "e5m2 " + e5m2);
            }
        }
        assertEquals(448, TinyFloats.e4m3(0x7E));
        assertEquals(0x1p-9f, TinyFloats.e4m3(1));
        assertEquals(57344, TinyFloats.e5m2(0x7B));
        // Ties go to even, what is too large becomes the largest.
        assertEquals(0x38, TinyFloats.toE4m3(1.0625f));
        assertEquals(0x3A, TinyFloats.toE4m3(1.1875f));
        assertEquals(0x7E, TinyFloats.toE4m3(1e9f));
        assertEquals(0xFB, TinyFloats.toE5m2(Float.NEGATIVE_INFINITY));
        assertEquals(0, TinyFloats.toE4m3(0x1p-10f));
        assertEquals(1, TinyFloats.toE4m3(0x1.8p-10f));
        assertEquals(0x7F, TinyFloats.toE4m3(Float.NaN) & 0x7F);
    }

    /// Element (row, column) of matrix m is 1000 m + 10 row + column.
    private static int[] load(int matrices, boolean transposed) {
        var run = PtxRun.of(
                        1,
                        ".shared .align 16 .b8 tile[512];",
                        """
                        mov.u32 %r1, %tid.x; mov.u32 %r2, tile; shl.b32 %r3, %r1, 4; add.u32 %r2, %r2, %r3;
                        shr.u32 %r4, %r1, 3; mul.lo.u32 %r4, %r4, 1000; and.b32 %r5, %r1, 7; mad.lo.u32 %r4, %r5, 10, %r4;
                        mov.u32 %r6, 0;
                        FILL:
                        add.u32 %r7, %r4, %r6; cvt.u16.u32 %rs1, %r7; shl.b32 %r8, %r6, 1; add.u32 %r8, %r8, %r2;
                        st.shared.u16 [%r8], %rs1;
                        add.u32 %r6, %r6, 1; setp.lt.u32 %p1, %r6, 8; @%p1 bra FILL;
                        bar.sync 0;
                        ldmatrix.sync.aligned.m8n8.xN.TRANSshared.b16 REGISTERS, [%r2];
                        mul.wide.u32 %rd1, %r1, BYTES; add.s64 %rd0, %rd0, %rd1;
                        """
                                .replace("xN", "x" + matrices)
                                .replace("TRANS", transposed ? "trans." : "")
                                .replace("REGISTERS", registers(20, matrices))
                                .replace("BYTES", Integer.toString(4 * matrices))
                                + IntStream.range(0, matrices)
                                        .mapToObj(m -> "st.global.u32 [%rd0+" + 4 * m + "], %r" + (20 + m) + ";\n")
                                        .collect(Collectors.joining()))
                .block(LANES);
        var out = run.fresh(4L * LANES * matrices);
        run.run(out);
        return PtxRun.ints(out);
    }

    @Test
    void matricesFromSharedMemory() {
        for (int matrices : new int[] {1, 2, 4}) {
            for (boolean transposed : new boolean[] {false, true}) {
                int count = matrices;
                boolean turned = transposed;
                assertArrayEquals(
                        IntStream.range(0, LANES * count)
                                .map(index -> {
                                    int lane = index / count;
                                    int row = lane / 4;
                                    int column = lane % 4 * 2;
                                    int first = index % count * 1000 + (turned ? column * 10 + row : row * 10 + column);
                                    return first | first + (turned ? 10 : 1) << 16;
                                })
                                .toArray(),
                        load(count, turned),
                        count + " matrices, transposed: " + turned);
            }
        }
    }

    /// What was loaded and is stored in the same way comes back; turned in one of the two, it is turned.
    @ParameterizedTest
    @CsvSource({"1, false, false", "2, false, false", "4, false, false", "4, true, true", "4, false, true", "2, true, false"})
    void matricesToSharedMemory(int matrices, boolean loadTurned, boolean storeTurned) {
        var body = """
                mov.u32 %r1, %tid.x; mov.u32 %r2, tile; mov.u32 %r3, other; shl.b32 %r4, %r1, 4; add.u32 %r5, %r2, %r4;
                add.u32 %r6, %r3, %r4; mul.wide.u32 %rd5, %r1, 16; add.s64 %rd1, %rd1, %rd5; add.s64 %rd0, %rd0, %rd5;
                ld.global.v4.b32 {%r10, %r11, %r12, %r13}, [%rd1];
                st.shared.v4.b32 [%r5], {%r10, %r11, %r12, %r13}; st.shared.v4.b32 [%r6], {%r10, %r11, %r12, %r13};
                bar.sync 0;
                ldmatrix.sync.aligned.m8n8.xN.LOADshared.b16 REGISTERS, [%r5];
                stmatrix.sync.aligned.m8n8.xN.STOREshared.b16 [%r6], REGISTERS;
                bar.sync 0;
                ld.shared.v4.b32 {%r10, %r11, %r12, %r13}, [%r6]; st.global.v4.b32 [%rd0], {%r10, %r11, %r12, %r13};
                """
                .replace("xN", "x" + matrices)
                .replace("LOAD", loadTurned ? "trans." : "")
                .replace("STORE", storeTurned ? "trans." : "")
                .replace("REGISTERS", registers(20, matrices));
        var shared = ".shared .align 16 .b8 tile[512]; .shared .align 16 .b8 other[512];";
        var run = PtxRun.of(2, shared, body).block(LANES).assembled();
        var words = IntStream.range(0, 128).map(i -> 2 * i | 2 * i + 1 << 16).toArray();
        var out = run.fresh(512);
        run.run(out, run.buffer(words));
        int[] found = PtxRun.ints(out);
        for (int element = 0; element < 256; element++) {
            int row = element / 8 % 8;
            int column = element % 8;
            boolean turned = element / 64 < matrices && loadTurned != storeTurned;
            int expected = turned ? element / 64 * 64 + column * 8 + row : element;
            assertEquals(expected, found[element / 2] >>> 16 * (element % 2) & 0xFFFF, "element " + element);
        }
    }

    @Test
    void matricesThatAreStoredRace() {
        var body = "mov.u32 %r1, %tid.x; mov.u32 %r2, tile; and.b32 %r4, %r1, 7; shl.b32 %r4, %r4, 4; add.u32 %r5, %r2, %r4;"
                + " stmatrix.sync.aligned.m8n8.x1.shared.b16 [%r5], {%r1}; BARRIER ld.shared.u16 %rs1, [%r2];";
        PtxRun.of(0, ".shared .align 16 .b8 tile[512];", body.replace("BARRIER", "bar.warp.sync -1;")).block(LANES).assembled().run();
        var run = PtxRun.of(0, ".shared .align 16 .b8 tile[512];", body.replace("BARRIER", "")).block(LANES);
        assertTrue(assertThrows(KernelFault.class, () -> run.run()).getMessage().contains("a race: reads"));
    }

    @AfterAll
    static void assemble() {
        Assembler.requireAll();
    }
}
