package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.portolan.cuda.emulator.run.KernelFault;

/// Threads that touch the same bytes of global memory without an order between them.
class GlobalRacesTest {
    /// %r1 thread, %r2 block, %r3 number over all; %rd8 the number's word of the first buffer, %rd9 of the second.
    private static final String NUMBERS = "mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mad.lo.u32 %r3, %r2, 64, %r1;"
            + " mul.wide.u32 %rd7, %r3, 4; add.s64 %rd8, %rd0, %rd7; add.s64 %rd9, %rd1, %rd7;\n";

    private static PtxRun kernel(String body) {
        return PtxRun.of(2, "", NUMBERS + body).block(64).grid(4, 1, 1);
    }

    private static void run(PtxRun run) {
        run.run(run.buffer(new int[256]), run.buffer(new int[256]));
    }

    private static void caught(PtxRun run, String... words) {
        var message = assertThrows(KernelFault.class, () -> run(run)).getMessage();
        for (var word : words) {
            assertTrue(message.contains(word), () -> "'" + word + "' is not in: " + message);
        }
        // Without checks nobody looks.
        assertDoesNotThrow(() -> run(run.unchecked()));
    }

    @Test
    void everyThreadItsOwn() {
        run(kernel("ld.global.u32 %r4, [%rd8]; add.u32 %r4, %r4, 1; st.global.u32 [%rd8], %r4; ld.global.u32 %r4, [%rd1];"
                + " st.global.u32 [%rd8], %r4;"));
    }

    @Test
    void twoBlocksWrite() {
        caught(kernel("st.global.u32 [%rd0], %r2;".replace("st.", "setp.eq.u32 %p1, %r1, 0; @%p1 st.")), "a race: writes byte 0 of",
                "thread (0, 0, 0) of another block wrote in the same launch");
        run(kernel("setp.eq.u32 %p1, %r3, 0; @%p1 st.global.u32 [%rd0], %r2;"));
    }

    @Test
    void oneBlockReadsWhatAnotherWrote() {
        // Each block reads the first word of its neighbour below.
        var body = "st.global.u32 [%rd8], 1; bar.sync 0; max.u32 %r5, %r2, FROM; sub.u32 %r5, %r5, FROM; mul.wide.u32 %rd6, %r5, 256;"
                + " add.s64 %rd6, %rd0, %rd6; ld.global.u32 %r4, [%rd6];";
        caught(kernel(body.replace("FROM", "1")), "a race: reads byte 0 of", "of another block wrote in the same launch");
        run(kernel(body.replace("FROM", "0")));
    }

    @Test
    void oneBlockWritesWhatAnotherRead() {
        var body = "ld.global.u32 %r4, [%rd0]; setp.eq.u32 %p1, %r3, LAST; @%p1 st.global.u32 [TO], 5;";
        caught(kernel(body.replace("LAST", "255").replace("TO", "%rd0")), "a race: writes byte 0 of", "several blocks read");
        run(kernel(body.replace("LAST", "255").replace("TO", "%rd1")));
    }

    @Test
    void threadsOfABlock() {
        var body = "st.global.u32 [%rd8], %r1; BARRIER xor.b32 %r5, %r1, LANES; mad.lo.u32 %r5, %r2, 64, %r5; mul.wide.u32 %rd6, %r5, 4;"
                + " add.s64 %rd6, %rd0, %rd6; ld.global.u32 %r4, [%rd6]; BARRIER st.global.u32 [%rd8], %r4;";
        for (var lanes : new String[] {"1", "32"}) {
            caught(kernel(body.replace("LANES", lanes).replace("BARRIER", "")), "a race: ", "without a barrier between");
            run(kernel(body.replace("LANES", lanes).replace("BARRIER", "bar.sync 0;")));
        }
        run(kernel(body.replace("LANES", "1").replace("BARRIER", "bar.warp.sync -1;")));
        caught(kernel(body.replace("LANES", "32").replace("BARRIER", "bar.warp.sync -1;")), "a race");
        caught(kernel(body.replace("LANES", "1").replaceFirst("BARRIER", "bar.sync 0;").replace("BARRIER", "")), "a race: writes",
                "read without a barrier between");
    }

    /// What a warp reads before it synchronises is no race with what one of its lanes writes afterwards.
    @Test
    void readsBeforeAWarpSynchronised() {
        var body = "setp.eq.u32 %p1, %r3, 0; setp.eq.u32 %p2, %r3, 1; @%p1 ld.global.u32 %r4, [%rd0]; MEET @%p2 ld.global.u32 %r4,"
                + " [%rd0]; @%p2 st.global.u32 [%rd0], 5;";
        run(kernel(body.replace("MEET", "bar.warp.sync -1;")));
        caught(kernel(body.replace("MEET", "")), "a race: writes", "several threads of warp 0 read");
        // Another warp has not synchronised with it.
        caught(kernel(body.replace("MEET", "bar.warp.sync -1;") + "setp.eq.u32 %p3, %r3, 33; @%p3 st.global.u32 [%rd0], 6;"), "a race: writes");
    }

    @Test
    void atomicOperationsAreNoRace() {
        var run = kernel("atom.global.add.u32 %r4, [%rd0], 1; red.global.max.u32 [%rd0+4], %r3;");
        var sums = run.buffer(new int[256]);
        run.run(sums, run.buffer(0));
        assertEquals(256, PtxRun.ints(sums)[0]);
        assertEquals(255, PtxRun.ints(sums)[1]);
        caught(kernel("atom.global.add.u32 %r4, [%rd0], 1; setp.eq.u32 %p1, %r3, 200; @%p1 ld.global.u32 %r4, [%rd0];"),
                "a race: reads");
        run(kernel("atom.global.add.u32 %r4, [%rd0], 1; setp.eq.u32 %p1, %r3, 200; @%p1 ld.relaxed.gpu.global.u32 %r4, [%rd0];"));
    }

    /// Blocks that order their memory by themselves are believed.
    @Test
    void fencesBetweenBlocks() {
        run(kernel("st.global.u32 [%rd8], 1; fence.acq_rel.gpu; atom.global.add.u32 %r4, [%rd1], 1; fence.acq_rel.gpu; bar.sync 0;"
                + " max.u32 %r5, %r2, 1; sub.u32 %r5, %r5, 1; mul.wide.u32 %rd6, %r5, 256; add.s64 %rd6, %rd0, %rd6; ld.global.u32 %r4,"
                + " [%rd6];"));
    }

    /// What the launch before has done is over.
    @Test
    void launchesAreOrdered() {
        var run = kernel("setp.eq.u32 %p1, %r3, 70; @%p1 ld.global.u32 %r4, [%rd0]; setp.eq.u32 %p1, %r3, 70; @%p1 st.global.u32 [%rd0],"
                + " 5;");
        var buffer = run.buffer(new int[256]);
        for (int launch = 0; launch < 3; launch++) {
            run.run(buffer, buffer);
        }
    }

    /// Bytes of one word that different threads touch are no race.
    @Test
    void neighbouringBytes() {
        var run = PtxRun.of(1, "", "mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mad.lo.u32 %r3, %r2, 33, %r1; cvt.u64.u32 %rd1, %r3;"
                        + " add.s64 %rd0, %rd0, %rd1; st.global.u8 [%rd0], %r1;".replace("%r1;", "1;"))
                .block(33)
                .grid(3, 1, 1);
        run.run(run.fresh(99));
        var overlapping = PtxRun.of(1, "", "mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mad.lo.u32 %r3, %r2, 32, %r1; cvt.u64.u32 %rd1,"
                        + " %r3; add.s64 %rd0, %rd0, %rd1; st.global.u8 [%rd0], 1;")
                .block(33)
                .grid(3, 1, 1);
        assertThrows(KernelFault.class, () -> overlapping.run(overlapping.fresh(99)));
    }
}
