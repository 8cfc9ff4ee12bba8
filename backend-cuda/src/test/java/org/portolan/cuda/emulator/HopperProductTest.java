package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.cuda.emulator.run.Allocation;
import org.portolan.cuda.emulator.run.KernelFault;
import org.portolan.cuda.emulator.run.TensorMap;

/// A product of matrices of bf16 as it is written for Hopper: one warpgroup has the copy engine bring tiles into a ring of
/// two stages, another one multiplies them, and they wait for each other at mbarriers; the result leaves through shared
/// memory. Then the same with one thing wrong.
class HopperProductTest {
    private static final int ROWS = 128;
    private static final int COLUMNS = 128;
    private static final int DEPTH = 320;
    private static final int TILE = 64;
    private static final int SUMS = 32;

    private static final String DECLARATIONS = ".shared .align 1024 .b8 left[16384]; .shared .align 1024 .b8 right[16384];"
            + " .shared .align 1024 .b8 result[16384]; .shared .align 8 .b64 bars[4]; .reg .f32 %d<32>;";

    /// %rd0 map of the left operand, %rd1 of the right one, %rd2 of the result. Full barriers lie at 0 and 8, empty ones at
    /// 16 and 24.
    private static final String KERNEL =
            """
            mov.u32 %r1, %tid.x; mov.u32 %r2, bars; mov.u32 %r3, left; mov.u32 %r4, right; mov.u32 %r5, result;
            mov.u32 %r6, %ctaid.x; mov.u32 %r7, %ctaid.y; shl.b32 %r6, %r6, 6; shl.b32 %r7, %r7, 6;
            setp.eq.u32 %p1, %r1, 0;
            @%p1 mbarrier.init.shared::cta.b64 [%r2], 1;
            @%p1 mbarrier.init.shared::cta.b64 [%r2+8], 1;
            @%p1 mbarrier.init.shared::cta.b64 [%r2+16], 1;
            @%p1 mbarrier.init.shared::cta.b64 [%r2+24], 1;
            @%p1 fence.mbarrier_init.release.cluster;
            bar.sync 0;
            mov.u32 %r10, 0;
            mov.u32 %r11, 0;
            mov.u32 %r12, 0;
            setp.ge.u32 %p2, %r1, 128;
            @%p2 bra MULTIPLY;
            setmaxnreg.dec.sync.aligned.u32 40;
            @!%p1 bra END;
            BRING:
            shl.b32 %r13, %r11, 3; add.u32 %r13, %r13, %r2;
            shl.b32 %r14, %r11, 13; add.u32 %r15, %r14, %r3; add.u32 %r16, %r14, %r4;
            xor.b32 %r17, %r12, 1;
            EMPTY: mbarrier.try_wait.parity.shared::cta.b64 %p3, [%r13+16], %r17;
            @!%p3 bra EMPTY;
            mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r13], 16384;
            cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%r15], [%rd0, {%r10, %r7}], [%r13];
            cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%r16], [%rd1, {%r10, %r6}], [%r13];
            xor.b32 %r11, %r11, 1;
            setp.eq.u32 %p4, %r11, 0;
            @%p4 xor.b32 %r12, %r12, 1;
            add.u32 %r10, %r10, 64;
            setp.lt.u32 %p5, %r10, DEPTH;
            @%p5 bra BRING;
            bra END;
            MULTIPLY:
            setmaxnreg.inc.sync.aligned.u32 216;
            setp.ne.b32 %p6, 0, 0;
            setp.eq.u32 %p7, %r1, 128;
            shr.u32 %r20, %r3, 4; cvt.u64.u32 %rd10, %r20; or.b64 %rd10, %rd10, 0x4000004000010000;
            shr.u32 %r21, %r4, 4; cvt.u64.u32 %rd11, %r21; or.b64 %rd11, %rd11, 0x4000004000010000;
            NEXT:
            shl.b32 %r13, %r11, 3; add.u32 %r13, %r13, %r2;
            FULL: mbarrier.try_wait.parity.shared::cta.b64 %p3, [%r13], %r12;
            @!%p3 bra FULL;
            mul.wide.u32 %rd12, %r11, 512; add.s64 %rd13, %rd10, %rd12; add.s64 %rd14, %rd11, %rd12;
            wgmma.fence.sync.aligned;
            PRODUCTS
            wgmma.commit_group.sync.aligned;
            wgmma.wait_group.sync.aligned 0;
            @%p7 mbarrier.arrive.shared::cta.b64 _, [%r13+16];
            xor.b32 %r11, %r11, 1;
            setp.eq.u32 %p4, %r11, 0;
            @%p4 xor.b32 %r12, %r12, 1;
            add.u32 %r10, %r10, 64;
            setp.lt.u32 %p5, %r10, DEPTH;
            @%p5 bra NEXT;
            sub.u32 %r22, %r1, 128; shr.u32 %r23, %r22, 2; and.b32 %r24, %r22, 3; and.b32 %r25, %r23, 7; shr.u32 %r26, %r22, 5;
            shl.b32 %r26, %r26, 4; add.u32 %r26, %r26, %r25; shl.b32 %r26, %r26, 8; shl.b32 %r24, %r24, 3;
            add.u32 %r26, %r26, %r24; add.u32 %r26, %r26, %r5;
            STORES
            fence.proxy.async.shared::cta;
            bar.sync 1, 128;
            @%p7 cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%rd2, {%r6, %r7}], [%r5];
            @%p7 cp.async.bulk.commit_group;
            @%p7 cp.async.bulk.wait_group.read 0;
            END:
            """
                    .replace("DEPTH", Integer.toString(DEPTH))
                    .replace("PRODUCTS", products())
                    .replace("STORES", stores());

    private static String products() {
        var sums = IntStream.range(0, SUMS).mapToObj(i -> "%d" + i).collect(Collectors.joining(", ", "{", "}"));
        return IntStream.range(0, 4)
                .mapToObj(k -> "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " + sums + ", %rd13, %rd14, %p6, 1, 1, 0, 0;\n"
                        + "setp.eq.b32 %p6, 0, 0; add.s64 %rd13, %rd13, 2; add.s64 %rd14, %rd14, 2;\n")
                .collect(Collectors.joining());
    }

    private static String stores() {
        return IntStream.range(0, SUMS / 2)
                .mapToObj(i -> "st.shared.v2.f32 [%r26+" + (i % 2 * 8 * 256 + i / 2 * 32) + "], {%d" + 2 * i + ", %d" + (2 * i + 1)
                        + "};\n")
                .collect(Collectors.joining());
    }

    @AfterAll
    static void assemble() {
        Assembler.requireAll();
    }

    private static float[][] matrix(int rows, int seed) {
        var random = new Random(seed);
        var matrix = new float[rows][DEPTH];
        for (var row : matrix) {
            for (int k = 0; k < DEPTH; k++) {
                row[k] = (random.nextInt(17) - 8) / 4f;
            }
        }
        return matrix;
    }

    private static Allocation brain(PtxRun run, float[][] matrix) {
        var words = new int[matrix.length * DEPTH / 2];
        for (int i = 0; i < words.length; i++) {
            var row = matrix[2 * i / DEPTH];
            int k = 2 * i % DEPTH;
            words[i] = Float.floatToRawIntBits(row[k]) >>> 16 | Float.floatToRawIntBits(row[k + 1]) & 0xFFFF0000;
        }
        return run.buffer(words);
    }

    private static long map(PtxRun run, Allocation tensor, int bytes, int columns, int rows, int width) {
        var map = new TensorMap(
                tensor.address(),
                bytes,
                List.of((long) columns, (long) rows),
                List.of((long) bytes * columns),
                List.of(TILE, TILE),
                width);
        var memory = run.memory.allocate(TensorMap.BYTES, 64, "a tensor map", true);
        memory.copyIn(MemorySegment.ofArray(map.encode()), 0, TensorMap.BYTES);
        return memory.address();
    }

    private static float[] run(String body) {
        var run = PtxRun.of(3, DECLARATIONS, body)
                .bound(".maxntid 256, 1, 1\n.maxnreg 128")
                .block(256)
                .grid(COLUMNS / TILE, ROWS / TILE, 1)
                .threads(2)
                .assembled();
        var result = run.fresh(4L * ROWS * COLUMNS);
        run.run(
                map(run, brain(run, matrix(ROWS, 1)), 2, DEPTH, ROWS, 128),
                map(run, brain(run, matrix(COLUMNS, 2)), 2, DEPTH, COLUMNS, 128),
                map(run, result, 4, COLUMNS, ROWS, 16));
        int[] bits = PtxRun.ints(result);
        var found = new float[bits.length];
        for (int i = 0; i < bits.length; i++) {
            found[i] = Float.intBitsToFloat(bits[i]);
        }
        return found;
    }

    @Test
    void multiplies() {
        var found = run(KERNEL);
        var a = matrix(ROWS, 1);
        var b = matrix(COLUMNS, 2);
        for (int row = 0; row < ROWS; row++) {
            for (int column = 0; column < COLUMNS; column++) {
                float sum = 0;
                for (int k = 0; k < DEPTH; k++) {
                    sum += a[row][k] * b[column][k];
                }
                assertEquals(sum, found[row * COLUMNS + column], "(" + row + ", " + column + ")");
            }
        }
    }

    /// A line of the kernel that is changed, and what is said of it.
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "@%p1 fence.mbarrier_init.release.cluster;||initialised without a fence",
        "[%r13], 16384;|[%r13], 16368;|a deadlock",
        "[%r13], 16384;|[%r13], 8192;|the copy engine copies",
        "xor.b32 %r17, %r12, 1;|mov.b32 %r17, %r12;|a deadlock",
        "@%p7 mbarrier.arrive.shared::cta.b64 _, [%r13+16];||a deadlock",
        "EMPTY: mbarrier.try_wait|EMPTY: setp.eq.b32 %p3, 0, 0; bra SKIP; mbarrier.try_wait|copies to shared memory",
        "FULL: mbarrier.try_wait.parity.shared::cta.b64 %p3, [%r13], %r12;|FULL: xor.b32 %r18, %r12, 1; mbarrier.try_wait.parity.shared::cta.b64 %p3, [%r13], %r18;|a deadlock",
        "wgmma.fence.sync.aligned;||a product without a wgmma.fence",
        "wgmma.wait_group.sync.aligned 0;|wgmma.wait_group.sync.aligned 1;|writes shared memory",
        "fence.proxy.async.shared::cta;||without a fence.proxy.async",
        "bar.sync 1, 128;||a race: reads",
        "bar.sync 1, 128;|bar.sync 1, 160;|a deadlock",
        "@%p7 cp.async.bulk.wait_group.read 0;||leaves the kernel",
        "mul.wide.u32 %rd12, %r11, 512;|mul.wide.u32 %rd12, %r11, 520;|pattern of 1024",
        "setmaxnreg.dec.sync.aligned.u32 40;|setmaxnreg.dec.sync.aligned.u32 120;|a deadlock",
        "setp.eq.u32 %p7, %r1, 128;|setp.eq.u32 %p7, %r1, 128; setp.ge.u32 %p8, %r1, 224; @%p8 bra END;|same wgmma instructions",
    })
    void withOneThingWrong(String right, String wrong, String message) {
        assertTrue(KERNEL.contains(right), right);
        var body = KERNEL.replace(right, wrong == null ? "" : wrong).replace("@!%p3 bra EMPTY;", "@!%p3 bra EMPTY; SKIP:");
        var found = assertThrows(KernelFault.class, () -> run(body)).getMessage();
        assertTrue(found.contains(message), found);
    }
}
