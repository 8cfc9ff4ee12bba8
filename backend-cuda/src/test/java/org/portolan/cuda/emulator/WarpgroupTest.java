package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.cuda.emulator.run.KernelFault;
import org.portolan.cuda.emulator.run.TinyFloats;

/// Products of a warpgroup. Matrices are laid out in shared memory by hand here, as the manual's figures show it, and
/// each check has a kernel that breaks it.
class WarpgroupTest {
    private static final int THREADS = 128;
    private static final int ROWS = 64;
    private static final int ROW_BYTES = 32;
    /// The left operand lies first, the right one from here on.
    private static final int RIGHT = 16 << 10;
    private static final int BYTES = 48 << 10;
    private static final String SHARED = ".shared .align 1024 .b8 tile[" + BYTES + "];";

    /// Threads copy the image of shared memory, so many bytes, from %rd1.
    private static final String FILL =
            """
            mov.u32 %r1, %tid.x; mov.u32 %r2, tile; shl.b32 %r3, %r1, 2; add.u32 %r4, %r2, %r3;
            cvt.u64.u32 %rd5, %r3; add.s64 %rd6, %rd1, %rd5; mov.u32 %r5, 0;
            FILL:
            ld.global.u32 %r6, [%rd6]; st.shared.u32 [%r4], %r6;
            add.s64 %rd6, %rd6, 512; add.u32 %r4, %r4, 512; add.u32 %r5, %r5, 512;
            setp.lt.u32 %p1, %r5, BYTES; @%p1 bra FILL;
            """
                    .replace("BYTES", Integer.toString(BYTES));
    private static final String ORDER = "fence.proxy.async.shared::cta;\nbar.sync 0;\nwgmma.fence.sync.aligned;\n";
    private static final String END = "wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;\n";

    /// How a matrix lies: swizzle width (16: none; 0: plain rows that no descriptor can name), and whether elements along M or N lie side by side.
    private record Layout(int width, boolean turned) {
        int leading() {
            // Without a swizzle blocks of 128 bytes follow each other along M or N, then along K.
            return width == 16 ? turned ? 128 : 8192 : turned ? 2048 : 16;
        }

        int stride() {
            return width == 16 ? turned ? 256 : 128 : 8 * width;
        }

        long descriptor(int start) {
            long swizzle = switch (width) {
                case 128 -> 1;
                case 64 -> 2;
                case 32 -> 3;
                default -> 0;
            };
            return start >> 4 | (long) (leading() >> 4) << 16 | (long) (stride() >> 4) << 32 | swizzle << 62;
        }

        /// Where byte {@code b} of row {@code r} of 32 bytes goes; turned, two bytes are one element.
        int place(int r, int b) {
            if (!turned) {
                int piece = b / 16;
                return switch (width) {
                    case 128 -> r * 128 + (piece ^ r % 8) * 16 + b % 16;
                    case 64 -> r * 64 + (piece ^ r / 2 % 4) * 16 + b % 16;
                    case 32 -> r * 32 + (piece ^ r / 4 % 2) * 16 + b % 16;
                    case 0 -> r * 32 + b;
                    default -> piece * 8192 + r / 8 * 128 + r % 8 * 16 + b % 16;
                };
            }
            int k = b / 2;
            int each = width / 2;
            int piece = r % each / 8;
            int in = r % 8 * 2 + b % 2;
            return switch (width) {
                case 128 -> r / each * 2048 + k * 128 + (piece ^ k % 8) * 16 + in;
                case 64 -> r / each * 2048 + k * 64 + (piece ^ k / 2 % 4) * 16 + in;
                case 32 -> r / each * 2048 + k * 32 + (piece ^ k / 4 % 2) * 16 + in;
                default -> r / 8 * 256 + k / 8 * 128 + k % 8 * 16 + in;
            };
        }
    }

    /// Numbers of a type, small enough that all sums are exact.
    private record Type(String name, int bytes) {
        int depth() {
            return ROW_BYTES / bytes;
        }

        float some(Random random) {
            return switch (name) {
                case "u8" -> random.nextInt(256);
                case "s8" -> random.nextInt(256) - 128;
                case "e4m3", "e5m2" -> (random.nextInt(9) - 4) / 4f;
                default -> (random.nextInt(65) - 32) / 8f;
            };
        }

        void put(ByteBuffer to, int at, float value) {
            switch (name) {
                case "f16" -> to.putShort(at, Float.floatToFloat16(value));
                case "bf16" -> to.putShort(at, (short) (Float.floatToRawIntBits(value) >>> 16));
                // The bits below those of tf32 are dropped.
                case "tf32" -> to.putFloat(at, Float.intBitsToFloat(Float.floatToRawIntBits(value) | 0xFFF));
                case "e4m3" -> to.put(at, (byte) TinyFloats.toE4m3(value));
                case "e5m2" -> to.put(at, (byte) TinyFloats.toE5m2(value));
                default -> to.put(at, (byte) value);
            }
        }
    }

    private static float[][] matrix(Type type, int rows, int seed) {
        var random = new Random(seed);
        var matrix = new float[rows][type.depth()];
        for (var row : matrix) {
            for (int k = 0; k < row.length; k++) {
                row[k] = type.some(random);
            }
        }
        return matrix;
    }

    private static void lay(ByteBuffer image, int start, Layout layout, Type type, float[][] matrix) {
        var row = ByteBuffer.allocate(ROW_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int r = 0; r < matrix.length; r++) {
            for (int k = 0; k < matrix[r].length; k++) {
                type.put(row, k * type.bytes(), matrix[r][k]);
            }
            for (int b = 0; b < ROW_BYTES; b++) {
                image.put(start + layout.place(r, b), row.get(b));
            }
        }
    }

    private static String registers(String prefix, int from, int count) {
        return IntStream.range(from, from + count).mapToObj(r -> prefix + r).collect(Collectors.joining(", ", "{", "}"));
    }

    /// Two products one after the other, the first of which ignores the sums: the result is twice the product.
    private static float[][] multiply(
            String sum, Type a, Type b, int columns, Layout left, Layout right, boolean fromRegisters, String signs) {
        boolean whole = sum.equals("s32");
        boolean halves = sum.equals("f16");
        int sums = halves ? columns / 4 : columns / 2;
        var image = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        lay(image, 0, left, a, matrix(a, ROWS, 1));
        lay(image, RIGHT, right, b, matrix(b, columns, 2));
        boolean sixteen = a.bytes() == 2;
        var options = (whole ? "" : ", " + signs) + (!sixteen ? "" : (fromRegisters ? "" : ", " + (left.turned() ? 1 : 0))
                + ", " + (right.turned() ? 1 : 0));
        var product = "wgmma.mma_async.sync.aligned.m64n" + columns + "k" + a.depth() + "." + sum + "." + a.name() + "."
                + b.name() + " " + registers("%d", 0, sums) + ", "
                + (fromRegisters ? registers("%a", 0, 4) : "%rd10") + ", %rd11, PREDICATE" + options + ";\n";
        var body = new StringBuilder(FILL);
        if (fromRegisters) {
            body.append("bar.sync 0; shr.u32 %r10, %r1, 5; and.b32 %r11, %r1, 31; shr.u32 %r12, %r11, 2; and.b32 %r13, %r11, 3;"
                    + " shl.b32 %r10, %r10, 4; add.u32 %r10, %r10, %r12; shl.b32 %r10, %r10, 5; shl.b32 %r13, %r13, 2;"
                    + " add.u32 %r10, %r10, %r13; add.u32 %r10, %r10, %r2;\n");
            // The image holds the left operand in plain rows then.
            for (int register = 0; register < 4; register++) {
                body.append("ld.shared.b32 %a").append(register).append(", [%r10+")
                        .append(256 * (register & 1) + 16 * (register >> 1)).append("];\n");
            }
        }
        body.append(ORDER).append("setp.ne.b32 %p2, 0, 0; setp.eq.b32 %p3, 0, 0;\n")
                .append("add.s64 %rd10, %rd2, 0; add.s64 %rd11, %rd3, 0;\n")
                .append(product.replace("PREDICATE", "%p2")).append(product.replace("PREDICATE", "%p3")).append(END)
                .append("mul.wide.u32 %rd5, %r1, ").append(4 * sums).append("; add.s64 %rd0, %rd0, %rd5;\n");
        for (int register = 0; register < sums; register++) {
            body.append("st.global.b32 [%rd0+").append(4 * register).append("], %d").append(register).append(";\n");
        }
        var type = whole ? ".s32" : halves ? ".b32" : ".f32";
        var run = PtxRun.of(4, SHARED + " .reg " + type + " %d<128>; .reg .b32 %a<4>;", body.toString())
                .block(THREADS)
                .assembled();
        var out = run.fresh(4L * sums * THREADS);
        var words = new int[BYTES / 4];
        image.asIntBuffer().get(words);
        run.run(out.address(), run.buffer(words).address(), left.descriptor(0), right.descriptor(RIGHT));
        int[] found = PtxRun.ints(out);
        var result = new float[ROWS][columns];
        for (int thread = 0; thread < THREADS; thread++) {
            for (int i = 0; i < columns / 2; i++) {
                int row = thread / 32 * 16 + thread % 32 / 4 + (i / 2 % 2) * 8;
                int column = i / 4 * 8 + thread % 4 * 2 + i % 2;
                int word = found[thread * sums + (halves ? i / 2 : i)];
                result[row][column] = whole
                        ? word
                        : halves ? Float.float16ToFloat((short) (word >>> 16 * (i % 2))) : Float.intBitsToFloat(word);
            }
        }
        return result;
    }

    private static void check(
            String sum, Type a, Type b, int columns, Layout left, Layout right, boolean fromRegisters, int factor) {
        var signs = factor < 0 ? "-1, 1" : "1, 1";
        var found = multiply(sum, a, b, columns, left, right, fromRegisters, signs);
        var x = matrix(a, ROWS, 1);
        var y = matrix(b, columns, 2);
        for (int row = 0; row < ROWS; row++) {
            for (int column = 0; column < columns; column++) {
                float expected = 0;
                for (int k = 0; k < a.depth(); k++) {
                    expected += x[row][k] * y[column][k];
                }
                expected *= factor;
                if (sum.equals("f16")) {
                    expected = Float.float16ToFloat(Float.floatToFloat16(expected));
                }
                assertEquals(expected, found[row][column], "row " + row + ", column " + column);
            }
        }
    }

    /// Both operands in shared memory, all four layouts of each, plain and turned.
    @ParameterizedTest
    @ValueSource(ints = {16, 32, 64, 128})
    void layouts(int width) {
        var f16 = new Type("f16", 2);
        for (boolean turned : new boolean[] {false, true}) {
            var layout = new Layout(width, turned);
            check("f32", f16, f16, 64, layout, new Layout(width, !turned), false, 2);
            check("f32", f16, f16, 16, new Layout(128, false), layout, false, 2);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "f32, f16, f16, 2, 8", "f32, f16, f16, 2, 256", "f32, bf16, bf16, 2, 24", "f32, tf32, tf32, 4, 40", "s32, s8, s8, 1, 32",
        "s32, u8, s8, 1, 96", "f32, e4m3, e4m3, 1, 16", "f32, e5m2, e4m3, 1, 8", "f16, f16, f16, 2, 16"
    })
    void types(String sum, String left, String right, int bytes, int columns) {
        var a = new Type(left, bytes);
        var b = new Type(right, bytes);
        check(sum, a, b, columns, new Layout(128, false), new Layout(128, false), false, 2);
        check(sum, a, b, columns, new Layout(32, false), new Layout(64, false), false, 2);
    }

    @ParameterizedTest
    @CsvSource({"f32, f16, 2", "f32, bf16, 2", "f32, tf32, 4", "s32, s8, 1", "f32, e4m3, 1"})
    void leftOperandFromRegisters(String sum, String name, int bytes) {
        var type = new Type(name, bytes);
        // The left operand's layout is of no meaning but to the threads that load it: plain rows of 32 bytes.
        check(sum, type, type, 16, new Layout(0, false), new Layout(128, false), true, 2);
    }

    @Test
    void signs() {
        var type = new Type("bf16", 2);
        check("f32", type, type, 8, new Layout(64, false), new Layout(64, false), false, -2);
    }

    @Test
    void theVendorsAssemblerIsThere() {
        assumeTrue(Assembler.isThere(), "ptxas is not installed: what these tests run is not assembled");
    }

    @AfterAll
    static void assemble() {
        Assembler.requireAll();
    }

    private static void caught(PtxRun run, String... words) {
        run.block(THREADS).assembled();
        var message = assertThrows(KernelFault.class, () -> launch(run)).getMessage();
        for (var word : words) {
            assertTrue(message.contains(word), () -> "'" + word + "' is not in: " + message);
        }
    }

    private static void launch(PtxRun run) {
        run.run(
                run.fresh(4 * THREADS).address(),
                run.buffer(new int[BYTES / 4]).address(),
                new Layout(128, false).descriptor(0),
                new Layout(128, false).descriptor(RIGHT));
    }

    private static final String PRODUCT = "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%f1, %f2, %f3, %f4}, %rd2, %rd3, %p3, 1,"
            + " 1, 0, 0;\n";
    private static final String BEGIN = FILL + "setp.eq.b32 %p3, 0, 0; mov.f32 %f1, 0f00000000; mov.f32 %f2, %f1;"
            + " mov.f32 %f3, %f1; mov.f32 %f4, %f1; mul.wide.u32 %rd5, %r1, 4; add.s64 %rd0, %rd0, %rd5;\n";
    private static final String STORE = "st.global.f32 [%rd0], %f1;\n";

    private static PtxRun kernel(String body) {
        return PtxRun.of(4, SHARED, body);
    }

    @Test
    void nothingToCatch() {
        launch(kernel(BEGIN + ORDER + PRODUCT + PRODUCT + END + STORE).block(THREADS).assembled());
        // A fence of those who were told, after the barrier, does as well.
        launch(kernel(BEGIN + "bar.sync 0; fence.proxy.async; wgmma.fence.sync.aligned;" + PRODUCT + END + STORE)
                .block(THREADS)
                .assembled());
        launch(kernel(BEGIN + ORDER + PRODUCT + END + "bar.sync 0; st.shared.u32 [%r2+4], 0;".replace("st.", "@%p9 st.")
                        + STORE)
                .block(THREADS));
    }

    @Test
    void sumsThatAreReadTooEarly() {
        caught(kernel(BEGIN + ORDER + PRODUCT + "wgmma.commit_group.sync.aligned;" + STORE + "wgmma.wait_group.sync.aligned 0;"),
                "uses a register of the sums", "wgmma.wait_group", "st.global.f32");
        caught(kernel(BEGIN + ORDER + PRODUCT + "wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 1;" + STORE),
                "uses a register of the sums");
        // A product that was never put into a group is not waited for.
        caught(kernel(BEGIN + ORDER + PRODUCT + "wgmma.wait_group.sync.aligned 0;" + STORE), "uses a register of the sums");
    }

    @Test
    void groupsEndInOrder() {
        var other = PRODUCT.replace("%f1, %f2, %f3, %f4", "%f5, %f6, %f7, %f8").replace("%p3", "%p4");
        var two = BEGIN + "setp.ne.b32 %p4, 0, 0;" + ORDER + PRODUCT + "wgmma.commit_group.sync.aligned;\n" + other
                + "wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 1;\n";
        launch(kernel(two + STORE + "wgmma.wait_group.sync.aligned 0;").block(THREADS).assembled());
        caught(kernel(two + STORE.replace("%f1", "%f5") + "wgmma.wait_group.sync.aligned 0;"), "uses a register of the sums");
    }

    @Test
    void missingFences() {
        caught(kernel(BEGIN + "fence.proxy.async; bar.sync 0;" + PRODUCT + END), "a product without a wgmma.fence");
        caught(kernel(BEGIN + ORDER + "mov.f32 %f2, 0f3F800000;" + PRODUCT + END), "no wgmma.fence stands between");
        caught(kernel(BEGIN + "bar.sync 0; wgmma.fence.sync.aligned;" + PRODUCT + END), "without a fence.proxy.async");
        caught(kernel(BEGIN + "fence.proxy.async; wgmma.fence.sync.aligned;" + PRODUCT + END), "a race: reads shared memory");
    }

    @Test
    void sharedMemoryThatIsOverwritten() {
        caught(kernel(BEGIN + ORDER + PRODUCT + "wgmma.commit_group.sync.aligned; st.shared.u32 [%r2], 5;"
                        + " wgmma.wait_group.sync.aligned 0;"),
                "writes shared memory at 0", "while an asynchronous product");
        // A product is one of the whole warpgroup: who has waited for its end knows that all have read.
        launch(kernel(BEGIN + ORDER + PRODUCT + END + "setp.eq.u32 %p5, %r1, 127; @%p5 st.shared.u32 [%r2+16384], 5;")
                .block(THREADS)
                .assembled());
        launch(kernel(BEGIN + ORDER + PRODUCT + END + "bar.sync 0; setp.eq.u32 %p5, %r1, 0; @%p5 st.shared.u32 [%r2], 5;")
                .block(THREADS)
                .assembled());
    }

    @Test
    void operandsInRegistersThatAreOverwritten() {
        var product = "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%f1, %f2, %f3, %f4}, {%r20, %r21, %r22, %r23}, %rd3,"
                + " %p3, 1, 1, 0;\n";
        var set = "mov.b32 %r20, 0; mov.b32 %r21, 0; mov.b32 %r22, 0; mov.b32 %r23, 0;\n";
        launch(kernel(BEGIN + set + ORDER + product + END + set + STORE).block(THREADS).assembled());
        caught(kernel(BEGIN + set + ORDER + product + set + END), "uses a register of the left operand");
        caught(kernel(BEGIN + ORDER + set + product + END), "a register of the left operand was used");
    }

    /// What one product sums is not an operand of the next while that is under way.
    @Test
    void sumsThatBecomeOperandsTooEarly() {
        var sums = "wgmma.mma_async.sync.aligned.m64n8k32.s32.s8.s8 {%r20, %r21, %r22, %r23}, %rd2, %rd3, %p3;\n";
        var next = "wgmma.mma_async.sync.aligned.m64n8k32.s32.s8.s8 {%r24, %r25, %r26, %r27}, {%r20, %r21, %r22, %r23}, %rd3, %p4;\n";
        var set = "mov.b32 %r20, 0; mov.b32 %r21, 0; mov.b32 %r22, 0; mov.b32 %r23, 0; setp.ne.b32 %p4, 0, 0;\n";
        launch(kernel(BEGIN + set + ORDER + sums + END + "wgmma.fence.sync.aligned;" + next + END).block(THREADS).assembled());
        caught(kernel(BEGIN + set + ORDER + sums + next + END), "a register of the left operand is one of the sums of the product");
    }

    @Test
    void lanesThatDoNotAgreeWhetherToAdd() {
        caught(kernel(BEGIN + "setp.lt.u32 %p3, %r1, 5;" + ORDER + PRODUCT + END), "do not agree on whether to add to the sums");
        // They may differ where one warp differs from another, if that were the same product.
        launch(kernel(BEGIN + "setp.lt.u32 %p3, %r1, 128;" + ORDER + PRODUCT + END).block(THREADS));
    }

    @Test
    void warpsThatLeaveWithFewerProducts() {
        caught(kernel(BEGIN + ORDER + PRODUCT + END + "setp.lt.u32 %p5, %r1, 64; @%p5 bra OUT; wgmma.fence.sync.aligned; OUT:"),
                "differ: only one of them executed that of line");
    }

    @Test
    void sumsOfDifferentShapes() {
        var wider = "wgmma.mma_async.sync.aligned.m64n16k16.f32.f16.f16 {%f1, %f2, %f3, %f4, %f5, %f6, %f7, %f8}, %rd2, %rd3, %p4, 1,"
                + " 1, 0, 0;\n";
        caught(kernel(BEGIN + "setp.ne.b32 %p4, 0, 0;" + ORDER + PRODUCT + wider + END), "is used in another way");
    }

    @Test
    void descriptors() {
        var moved = BEGIN + ORDER;
        caught(kernel(moved + "add.s64 %rd2, %rd2, 8;" + PRODUCT + END), "is not in the first row of a pattern of 1024");
        launch(kernel(moved + "add.s64 %rd2, %rd2, 2;" + PRODUCT + END).block(THREADS));
        caught(kernel(moved + "add.s64 %rd3, %rd3, 2048;" + PRODUCT + END), "a matrix descriptor points to",
                "beyond the end of the 49152 bytes of tile");
        caught(kernel(moved + "or.b64 %rd2, %rd2, 0x2000000000000;" + PRODUCT + END), "base offset 1");
        caught(kernel(moved + "cvt.u64.u32 %rd9, %r1; shl.b64 %rd9, %rd9, 6; add.s64 %rd2, %rd2, %rd9;" + PRODUCT + END),
                "different matrix descriptors");
        caught(kernel(moved + "shr.u32 %r7, %r1, 5; mul.wide.u32 %rd9, %r7, 64; add.s64 %rd2, %rd2, %rd9;" + PRODUCT + END),
                "the same wgmma instructions with the same operands");
        caught(PtxRun.of(4, SHARED.replace("1024", "128"), moved + PRODUCT + END), "aligned to 128 bytes only", "1024");
    }

    @Test
    void warpsThatAreMissing() {
        caught(kernel(BEGIN + ORDER + "setp.lt.u32 %p5, %r1, 64; @%p5 bra OUT;" + PRODUCT + "OUT:" + END),
                "the same wgmma instructions");
        caught(kernel(BEGIN + ORDER + "setp.lt.u32 %p5, %r1, 16; @%p5 bra OUT;" + PRODUCT + END + "OUT: bar.sync 0;"),
                "only 16 lanes of the warp take part");
        var three = kernel(BEGIN.replace("512", "384") + ORDER + PRODUCT + END).block(96);
        assertTrue(assertThrows(KernelFault.class, () -> launch(three)).getMessage().contains("needs all 128 threads"));
    }
}
