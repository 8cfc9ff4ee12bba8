package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DivergenceTest {
    private static final String INDEX = "mov.u32 %r1, %tid.x; mul.wide.u32 %rd9, %r1, 4; add.s64 %rd0, %rd0, %rd9;\n";

    private static int[] run(int threads, String body) {
        var run = PtxRun.of(1, "", INDEX + body + "\nst.global.u32 [%rd0], %r2;").block(threads);
        var out = run.fresh(4L * threads);
        run.run(out);
        return PtxRun.ints(out);
    }

    private static int[] expected(int threads, IntUnaryOperator of) {
        return IntStream.range(0, threads).map(of).toArray();
    }

    @Test
    void nestedConditions() {
        var found = run(
                70,
                """
                mov.u32 %r2, 0;
                setp.lt.u32 %p1, %r1, 20;
                @%p1 bra LOW;
                and.b32 %r3, %r1, 1;
                setp.eq.u32 %p2, %r3, 0;
                @%p2 bra EVEN;
                add.u32 %r2, %r2, 100;
                bra JOIN;
                EVEN:
                add.u32 %r2, %r2, 200;
                setp.gt.u32 %p3, %r1, 40;
                @!%p3 bra JOIN;
                add.u32 %r2, %r2, 1000;
                JOIN:
                add.u32 %r2, %r2, 5;
                bra END;
                LOW:
                add.u32 %r2, %r2, 7;
                END:
                add.u32 %r2, %r2, %r1;
                """);
        assertArrayEquals(
                expected(70, i -> i + (i < 20 ? 7 : 5 + (i % 2 == 1 ? 100 : 200 + (i > 40 ? 1000 : 0)))), found);
    }

    /// Each thread goes round as often as its number says, some leave in the middle, and some inner rounds are skipped.
    @Test
    void loopsWithBreaksAndContinues() {
        var found = run(
                96,
                """
                mov.u32 %r2, 0;
                mov.u32 %r3, 0;
                LOOP:
                setp.ge.u32 %p1, %r3, %r1;
                @%p1 bra DONE;
                add.u32 %r3, %r3, 1;
                rem.u32 %r4, %r3, 3;
                setp.eq.u32 %p2, %r4, 0;
                @%p2 bra LOOP;
                add.u32 %r2, %r2, %r3;
                setp.gt.u32 %p3, %r2, 500;
                @%p3 bra DONE;
                bra LOOP;
                DONE:
                """);
        assertArrayEquals(
                expected(96, i -> {
                    int sum = 0;
                    int count = 0;
                    while (count < i) {
                        count++;
                        if (count % 3 == 0) continue;
                        sum += count;
                        if (sum > 500) break;
                    }
                    return sum;
                }),
                found);
    }

    /// After lanes went different ways they execute together again: the whole warp takes part in the vote.
    @Test
    void lanesMeetAgain() {
        var found = run(
                32,
                """
                setp.lt.u32 %p1, %r1, 5;
                @%p1 bra ONE;
                mov.u32 %r3, 1;
                bra TWO;
                ONE:
                mov.u32 %r3, 2;
                TWO:
                activemask.b32 %r2;
                """);
        assertArrayEquals(expected(32, i -> -1), found);
    }

    @Test
    void lanesThatLeaveAreNotWaitedFor() {
        var run = PtxRun.of(
                        1,
                        "",
                        INDEX
                                + """
                                and.b32 %r3, %r1, 1;
                                setp.eq.u32 %p1, %r3, 1;
                                @%p1 exit;
                                setp.eq.u32 %p2, %r1, 4;
                                @%p2 ret;
                                bar.sync 0;
                                activemask.b32 %r2;
                                st.global.u32 [%rd0], %r2;
                                """)
                .block(32);
        var out = run.buffer(new int[32]);
        run.run(out);
        assertArrayEquals(expected(32, i -> i % 2 == 1 || i == 4 ? 0 : 0x5555_5555 & ~(1 << 4)), PtxRun.ints(out));
    }

    @Test
    void guardedInstructions() {
        var found = run(
                40,
                """
                mov.u32 %r2, 1;
                setp.gt.u32 %p1, %r1, 10;
                @%p1 mov.u32 %r2, 2;
                @!%p1 add.u32 %r2, %r2, %r1;
                """);
        assertArrayEquals(expected(40, i -> i > 10 ? 2 : 1 + i), found);
    }

    @Test
    void switches() {
        var found = run(
                64,
                """
                and.b32 %r3, %r1, 3;
                TABLE: .branchtargets A, B, C, B;
                brx.idx %r3, TABLE;
                A: mov.u32 %r2, 10; bra END;
                B: mov.u32 %r2, 20; bra END;
                C: mov.u32 %r2, 30;
                END: add.u32 %r2, %r2, %r1;
                """);
        assertArrayEquals(expected(64, i -> i + new int[] {10, 20, 30, 20}[i % 4]), found);
    }

    @Test
    void callsOfFunctions() {
        var run = PtxRun.ofText(
                """
                .version 8.0
                .target sm_80
                .address_size 64
                .func (.param .b32 result) twice (.param .b32 argument);
                .visible .entry k(.param .u64 p0) {
                  .reg .b32 %r<9>; .reg .b64 %rd<9>;
                  ld.param.u64 %rd0, [p0];
                  mov.u32 %r1, %tid.x; mul.wide.u32 %rd1, %r1, 4; add.s64 %rd0, %rd0, %rd1;
                  { .param .b32 a; .param .b32 b; st.param.b32 [a], %r1; call.uni (b), twice, (a); ld.param.b32 %r2, [b]; }
                  { .param .b32 a; .param .b32 b; st.param.b32 [a], %r2; call.uni (b), twice, (a); ld.param.b32 %r2, [b]; }
                  st.global.u32 [%rd0], %r2;
                  ret;
                }
                .func (.param .b32 result) twice (.param .b32 argument) {
                  .reg .b32 %r<3>; .reg .pred %p<2>;
                  ld.param.b32 %r1, [argument];
                  setp.eq.u32 %p1, %r1, 6;
                  @%p1 bra SIX;
                  add.u32 %r2, %r1, %r1;
                  st.param.b32 [result], %r2;
                  ret;
                  SIX:
                  st.param.b32 [result], 99;
                  ret;
                }
                """)
                .block(32);
        var out = run.fresh(128);
        run.run(out);
        assertArrayEquals(
                expected(32, i -> {
                    int once = i == 6 ? 99 : 2 * i;
                    return once == 6 ? 99 : 2 * once;
                }),
                PtxRun.ints(out));
    }

    @Test
    void everyThreadKnowsItsPlace() {
        var run = PtxRun.of(
                        1,
                        "",
                        """
                        mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ctaid.y; mov.u32 %r3, %ctaid.z;
                        mov.u32 %r4, %nctaid.x; mov.u32 %r5, %nctaid.y;
                        mad.lo.u32 %r2, %r3, %r5, %r2; mad.lo.u32 %r1, %r2, %r4, %r1;
                        mov.u32 %r6, %tid.x; mov.u32 %r7, %tid.y; mov.u32 %r8, %tid.z;
                        mov.u32 %r9, %ntid.x; mov.u32 %r10, %ntid.y; mov.u32 %r11, %ntid.z;
                        mad.lo.u32 %r7, %r8, %r10, %r7; mad.lo.u32 %r6, %r7, %r9, %r6;
                        mul.lo.u32 %r12, %r9, %r10; mul.lo.u32 %r12, %r12, %r11;
                        mad.lo.u32 %r13, %r1, %r12, %r6;
                        mov.u32 %r14, %laneid; mov.u32 %r15, %warpid; mad.lo.u32 %r15, %r15, 32, %r14;
                        shl.b32 %r16, %r13, 16; or.b32 %r16, %r16, %r15;
                        mul.wide.u32 %rd1, %r13, 4; add.s64 %rd0, %rd0, %rd1;
                        st.global.u32 [%rd0], %r16;
                        """)
                .grid(3, 2, 2)
                .block(5, 4, 3)
                .threads(2);
        var out = run.fresh(4L * 12 * 60);
        run.run(out);
        assertArrayEquals(expected(720, i -> i << 16 | i % 60), PtxRun.ints(out));
        assertEquals(12 * 2, run.counts.executed("k", "st.global"));
    }
}
