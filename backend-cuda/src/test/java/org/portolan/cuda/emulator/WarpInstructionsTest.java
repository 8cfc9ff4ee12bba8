package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class WarpInstructionsTest {
    private static int[] run(String body) {
        var run = PtxRun.of(
                        1,
                        "",
                        "mov.u32 %r1, %tid.x; mul.wide.u32 %rd9, %r1, 4; add.s64 %rd0, %rd0, %rd9; mul.lo.u32 %r3, %r1, 10;\n"
                                + body + "\nst.global.u32 [%rd0], %r2;")
                .block(32);
        var out = run.fresh(128);
        run.run(out);
        return PtxRun.ints(out);
    }

    private static void check(IntUnaryOperator expected, String body) {
        assertArrayEquals(IntStream.range(0, 32).map(expected).toArray(), run(body), body);
    }

    @Test
    void shuffles() {
        check(i -> (i ^ 5) * 10, "shfl.sync.bfly.b32 %r2, %r3, 5, 31, -1;");
        check(i -> (i + 3 < 32 ? i + 3 : i) * 10, "shfl.sync.down.b32 %r2, %r3, 3, 31, -1;");
        check(i -> (i >= 3 ? i - 3 : i) * 10, "shfl.sync.up.b32 %r2, %r3, 3, 0, -1;");
        check(i -> 70, "shfl.sync.idx.b32 %r2, %r3, 7, 31, -1;");
        // Segments of eight lanes.
        check(i -> (i % 8 + 3 < 8 ? i + 3 : i) * 10, "shfl.sync.down.b32 %r2, %r3, 3, 0x181F, -1;");
        check(i -> (i / 8 * 8 + 2) * 10, "shfl.sync.idx.b32 %r2, %r3, 2, 0x181F, -1;");
        check(i -> (i % 8 >= 2 ? i - 2 : i) * 10, "shfl.sync.up.b32 %r2, %r3, 2, 0x1800, -1;");
        check(
                i -> i + 3 < 32 ? 1 : 0,
                "shfl.sync.down.b32 %r4|%p1, %r3, 3, 31, -1; selp.u32 %r2, 1, 0, %p1;");
    }

    @Test
    void sumsByShuffling() {
        check(
                i -> 10 * 31 * 16,
                IntStream.of(16, 8, 4, 2, 1)
                        .mapToObj(by -> "shfl.sync.bfly.b32 %r4, %r3, " + by + ", 31, -1; add.u32 %r3, %r3, %r4;\n")
                        .reduce("", String::concat) + "mov.u32 %r2, %r3;");
    }

    @Test
    void votes() {
        var question = "setp.lt.u32 %p1, %r1, 9; ";
        check(i -> 0x1FF, question + "vote.sync.ballot.b32 %r2, %p1, -1;");
        check(i -> ~0x1FF, question + "vote.sync.ballot.b32 %r2, !%p1, -1;");
        check(i -> 0, question + "vote.sync.all.pred %p2, %p1, -1; selp.u32 %r2, 1, 0, %p2;");
        check(i -> 1, question + "vote.sync.any.pred %p2, %p1, -1; selp.u32 %r2, 1, 0, %p2;");
        check(i -> 0, question + "vote.sync.uni.pred %p2, %p1, -1; selp.u32 %r2, 1, 0, %p2;");
    }

    @Test
    void reductionsAndMatches() {
        check(i -> 310, "redux.sync.max.u32 %r2, %r3, -1;");
        check(i -> 496, "redux.sync.add.s32 %r2, %r1, -1;");
        check(i -> 0x1111_1111 << i % 4, "and.b32 %r4, %r1, 3; match.any.sync.b32 %r2, %r4, -1;");
        check(i -> i == 0 ? 100 : 0, "elect.sync _|%p1, -1; selp.u32 %r2, 100, 0, %p1;");
        check(i -> (1 << i) - 1, "mov.u32 %r2, %lanemask_lt;");
        check(i -> -2 << i, "mov.u32 %r2, %lanemask_gt;");
    }

    @Test
    void atomicOperationsAreWhole() {
        var run = PtxRun.of(
                        2,
                        ".shared .align 4 .b8 sum[4];",
                        """
                        mov.u32 %r1, %tid.x;
                        setp.eq.u32 %p1, %r1, 0;
                        @%p1 st.shared.u32 [sum], 0;
                        bar.sync 0;
                        atom.shared.add.u32 %r2, [sum], %r1;
                        red.global.add.u32 [%rd0], 1;
                        atom.global.max.s32 %r3, [%rd0+4], %r1;
                        red.global.add.f32 [%rd0+8], 0f3F800000;
                        atom.global.or.b32 %r4, [%rd0+12], %r1;
                        atom.global.inc.u32 %r5, [%rd0+16], 9;
                        cvt.u64.u32 %rd5, %r1;
                        atom.global.add.u64 %rd6, [%rd0+24], %rd5;
                        bar.sync 0;
                        @!%p1 bra END;
                        ld.shared.u32 %r6, [sum];
                        atom.global.add.u32 %r7, [%rd1], %r6;
                        END:
                        mov.b32 %f1, %r1;
                        """)
                .block(100)
                .grid(50, 1, 1)
                .threads(2);
        var values = run.buffer(0, -5, 0, 0, 0, 0, 0, 0);
        var sums = run.buffer(0, 0);
        run.run(values, sums);
        int[] found = PtxRun.ints(values);
        assertArrayEquals(
                new int[] {5000, 99, Float.floatToRawIntBits(5000f), 127, 0, 0, 50 * 4950, 0}, found);
        assertArrayEquals(new int[] {50 * 4950, 0}, PtxRun.ints(sums));
    }

    @Test
    void compareAndSetHappensOnce() {
        var run = PtxRun.of(
                        1,
                        "",
                        """
                        mov.u32 %r1, %tid.x; add.u32 %r1, %r1, 1; cvt.u64.u32 %rd2, %r1;
                        atom.global.cas.b64 %rd3, [%rd0], 0, %rd2;
                        setp.eq.u64 %p1, %rd3, 0;
                        @%p1 red.global.add.u32 [%rd0+8], 1;
                        """)
                .block(64);
        var word = run.buffer(0L, 0L);
        run.run(word);
        assertArrayEquals(new long[] {1, 1}, PtxRun.longs(word));
    }

    @Test
    void halvesInMemory() {
        check(
                i -> i * 10 & 0xFF,
                ".local .align 8 .b8 depot[8]; st.local.u32 [depot], %r3; ld.local.u8 %rs1, [depot]; cvt.u32.u16 %r2, %rs1;");
        check(
                i -> (byte) (i * 10),
                ".local .align 8 .b8 depot[8]; st.local.u32 [depot], %r3; ld.local.s8 %r2, [depot];");
        check(
                i -> i * 10 + 7,
                ".local .align 8 .b8 depot[8]; add.u32 %r4, %r3, 7; st.local.v2.u32 [depot], {%r3, %r4};"
                        + " ld.local.v2.u32 {_, %r2}, [depot];");
    }
}
