package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.cuda.emulator.run.KernelFault;

/// Every thread goes on some time, also while others of its warp wait in a loop for what it does: since Volta that is promised.
class ForwardProgressTest {
    private static final String LANE = "mov.u32 %r1, %tid.x;\n";

    /// One way of the branch waits for what the other way does, whichever of the two is taken.
    @ParameterizedTest
    @ValueSource(strings = {"eq", "ne"})
    void oneWayWaitsAtAnMbarrierForTheOther(String relation) {
        var run = PtxRun.of(
                        1,
                        ".shared .align 8 .b64 bar;",
                        LANE
                                + """
                                mov.u32 %r2, bar;
                                setp.eq.u32 %p1, %r1, 0;
                                @!%p1 bra MADE;
                                mbarrier.init.shared.b64 [%r2], 31;
                                fence.mbarrier_init.release.cluster;
                                MADE: bar.sync 0;
                                """
                                + "setp." + relation + ".u32 %p1, %r1, 0;\n"
                                + ("eq".equals(relation) ? "@%p1 bra WAIT;\n" : "@!%p1 bra WAIT;\n")
                                + """
                                mbarrier.arrive.shared.b64 _, [%r2];
                                bra END;
                                WAIT:
                                mbarrier.try_wait.parity.shared.b64 %p2, [%r2], 0;
                                @!%p2 bra WAIT;
                                END:
                                atom.global.add.u32 %r3, [%rd0], 1;
                                """)
                .block(32);
        var sum = run.buffer(new int[1]);
        run.run(sum);
        assertEquals(32, PtxRun.ints(sum)[0]);
    }

    /// A lane that has the lock has left the loop that the others are in, and gives it back behind it.
    @Test
    void aLockThatEachLaneTakes() {
        var run = PtxRun.of(
                        1,
                        "",
                        LANE
                                + """
                                SPIN:
                                atom.global.cas.b32 %r2, [%rd0], 0, 1;
                                setp.ne.u32 %p1, %r2, 0;
                                @%p1 bra SPIN;
                                ld.volatile.global.u32 %r3, [%rd0+4];
                                add.u32 %r3, %r3, %r1;
                                st.volatile.global.u32 [%rd0+4], %r3;
                                membar.gl;
                                atom.global.exch.b32 %r4, [%rd0], 0;
                                """)
                .block(36);
        var lock = run.buffer(new int[2]);
        run.run(lock);
        assertArrayEquals(new int[] {0, 36 * 35 / 2}, PtxRun.ints(lock));
    }

    /// Lanes hand a turn to each other, 0 to 31 and round again, each in a loop of its own.
    @Test
    void lanesTakeTurns() {
        var run = PtxRun.of(
                        1,
                        "",
                        LANE
                                + """
                                mov.u32 %r2, %r1;
                                ROUND:
                                WAIT:
                                ld.volatile.global.u32 %r3, [%rd0];
                                setp.ne.u32 %p1, %r3, %r2;
                                @%p1 bra WAIT;
                                add.u32 %r3, %r3, 1;
                                st.volatile.global.u32 [%rd0], %r3;
                                add.u32 %r2, %r2, 4;
                                setp.lt.u32 %p2, %r2, 8;
                                @%p2 bra ROUND;
                                """)
                .block(4);
        var turn = run.buffer(new int[1]);
        run.run(turn);
        assertEquals(8, PtxRun.ints(turn)[0]);
    }

    /// Lanes that went on without the others wait for them where all are needed.
    @Test
    void partedLanesMeetAtAShuffleAndAtABarrier() {
        var run = PtxRun.of(
                        2,
                        "",
                        LANE
                                + """
                                mul.wide.u32 %rd3, %r1, 4; add.s64 %rd3, %rd1, %rd3;
                                setp.ne.u32 %p1, %r1, 7;
                                @%p1 bra MEET;
                                SPIN:
                                ld.volatile.global.u32 %r2, [%rd0];
                                setp.ne.u32 %p2, %r2, 31;
                                @%p2 bra SPIN;
                                MEET:
                                setp.eq.u32 %p3, %r1, 7;
                                @!%p3 atom.global.add.u32 %r3, [%rd0], 1;
                                shfl.sync.bfly.b32 %r4, %r1, 1, 31, -1;
                                bar.warp.sync -1;
                                bar.sync 0;
                                vote.sync.ballot.b32 %r5, %p3, -1;
                                add.u32 %r4, %r4, %r5;
                                st.global.u32 [%rd3], %r4;
                                """)
                .block(32);
        var out = run.fresh(128);
        run.run(run.buffer(new int[1]), out);
        assertArrayEquals(IntStream.range(0, 32).map(lane -> (lane ^ 1) + (1 << 7)).toArray(), PtxRun.ints(out));
    }

    /// The lanes of a shuffle come to it by two ways that have nothing else in common.
    @Test
    void lanesComeToOneInstructionByDifferentWays() {
        var run = PtxRun.of(
                        1,
                        "",
                        LANE
                                + """
                                mul.wide.u32 %rd3, %r1, 4; add.s64 %rd3, %rd0, %rd3;
                                mov.u32 %r4, 1000;
                                setp.lt.u32 %p1, %r1, 16;
                                @%p1 bra LOW;
                                add.u32 %r1, %r1, 100;
                                bra BOTH;
                                LOW:
                                setp.lt.u32 %p2, %r1, 8;
                                @%p2 bra BOTH;
                                mov.u32 %r4, 5;
                                bra END;
                                BOTH:
                                shfl.sync.idx.b32 %r4, %r1, 31, 31, 0xffff00ff;
                                END:
                                st.global.u32 [%rd3], %r4;
                                """)
                .block(32);
        var out = run.fresh(128);
        run.run(out);
        assertArrayEquals(
                IntStream.range(0, 32).map(lane -> lane >= 8 && lane < 16 ? 5 : 131).toArray(), PtxRun.ints(out));
    }

    /// What no order of lanes can save is still found.
    @Test
    void whoWaitsForHimselfIsTold() {
        var run = PtxRun.of(
                        0,
                        ".shared .align 8 .b64 bar;",
                        LANE
                                + """
                                mov.u32 %r2, bar;
                                setp.ne.u32 %p1, %r1, 0;
                                @%p1 bra MADE;
                                mbarrier.init.shared.b64 [%r2], 33;
                                MADE: bar.sync 0;
                                setp.lt.u32 %p1, %r1, 5;
                                @%p1 bra WAIT;
                                mbarrier.arrive.shared.b64 _, [%r2];
                                bra END;
                                WAIT:
                                mbarrier.try_wait.parity.shared.b64 %p2, [%r2], 0;
                                @!%p2 bra WAIT;
                                END:
                                """)
                .block(32);
        var message = assertThrows(KernelFault.class, run::run).getMessage();
        assertTrue(message.contains("a deadlock:"), message);
    }

    /// Ways that each want the other's lanes at another instruction do not come together.
    @Test
    void twoShufflesAreNotOne() {
        for (var way : Arrays.asList("lt", "ge")) {
            var run = PtxRun.of(
                            0,
                            "",
                            LANE + "setp." + way + ".u32 %p1, %r1, 16;\n"
                                    + """
                                    @%p1 bra OTHER;
                                    shfl.sync.bfly.b32 %r2, %r1, 1, 31, -1;
                                    bra END;
                                    OTHER: shfl.sync.bfly.b32 %r2, %r1, 2, 31, -1;
                                    END:
                                    """)
                    .block(32);
            var message = assertThrows(KernelFault.class, run::run).getMessage();
            assertTrue(message.contains("which went another way"), message);
        }
    }
}
