package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/// What memory requests cost, of patterns whose cost everybody knows.
class CountersTest {
    private static double sectors(int stride) {
        var run = PtxRun.of(
                        1,
                        "",
                        "mov.u32 %r1, %tid.x; mul.wide.u32 %rd1, %r1, " + stride + "; add.s64 %rd1, %rd1, %rd0;"
                                + " ld.global.u32 %r2, [%rd1];")
                .block(32);
        run.run(run.buffer(new int[1024]));
        return run.counts.sectorsPerRequest("k");
    }

    private static double rounds(String kind, int stride) {
        var run = PtxRun.of(
                        0,
                        ".shared .align 16 .b8 tile[8192];",
                        "mov.u32 %r1, %tid.x; mul.lo.u32 %r1, %r1, " + stride + "; mov.u32 %r2, tile; add.u32 %r2, %r2, %r1;"
                                + (kind.equals("u32") ? " st.shared.u32 [%r2], 7;" : " st.shared.v4.u32 [%r2], {7, 7, 7, 7};"))
                .block(32);
        run.unchecked().run();
        return run.counts.roundsPerRequest("k");
    }

    @Test
    void sectorsOfGlobalRequests() {
        assertEquals(4, sectors(4));
        assertEquals(8, sectors(8));
        assertEquals(32, sectors(32));
        assertEquals(1, sectors(0));
    }

    @Test
    void conflictsOfBanks() {
        assertEquals(1, rounds("u32", 4));
        assertEquals(2, rounds("u32", 8));
        assertEquals(32, rounds("u32", 128));
        assertEquals(1, rounds("u32", 0));
        assertEquals(1, rounds("u32", 36));
        // Four words a lane are served in four parts anyway.
        assertEquals(4, rounds("v4", 16));
    }

    @Test
    void instructionsByKind() {
        var run = PtxRun.of(
                        0,
                        "",
                        "mov.u32 %r1, 0; LOOP: add.u32 %r1, %r1, 1; setp.lt.u32 %p1, %r1, 10; @%p1 bra LOOP;"
                                + " mov.f32 %f1, 0f00000000; fma.rn.f32 %f1, %f1, %f1, %f1;")
                .block(64);
        run.run();
        assertEquals(20, run.counts.executed("k", "add.u32"));
        assertEquals(2, run.counts.executed("k", "fma.f32"));
        assertEquals(20, run.counts.executed("k", "bra"));
        assertTrue(run.counts.report().contains("fma.f32 2"), run.counts.report());
    }
}
