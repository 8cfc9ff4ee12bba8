package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.portolan.cuda.emulator.run.Allocation;
import org.portolan.cuda.emulator.run.GridRunner;
import org.portolan.cuda.emulator.run.KernelFault;
import org.portolan.runtime.parallel.WorkerPool;

/// Every check has a kernel that breaks it, and one next to it that does not.
class ChecksTest {
    private static final String SHARED = ".shared .align 16 .b8 tile[256]; .shared .align 16 .b8 other[64];";
    private static final String OWN = "mov.u32 %r1, %tid.x; shl.b32 %r2, %r1, 2; mov.u32 %r3, tile; add.u32 %r3, %r3, %r2;\n";

    private static void caught(Runnable launch, String... words) {
        var message = assertThrows(KernelFault.class, launch::run).getMessage();
        for (var word : words) {
            assertTrue(message.contains(word), () -> "'" + word + "' is not in: " + message);
        }
        assertTrue(message.startsWith("kernel 'k', PTX line "), message);
    }

    private static PtxRun shared(int threads, String body) {
        return PtxRun.of(0, SHARED, OWN + body).block(threads);
    }

    private static PtxRun each(String body) {
        return PtxRun.of(1, "", "mov.u32 %r1, %tid.x; mul.wide.u32 %rd9, %r1, 4; add.s64 %rd9, %rd0, %rd9;\n" + body);
    }

    @Test
    void beyondTheEnd() {
        var run = each("ld.global.u32 %r2, [%rd9];").block(33);
        var buffer = run.buffer(new int[32]);
        caught(() -> run.run(buffer), "thread (32, 0, 0)", "reads 4 bytes", "0 bytes beyond the end of the 128 bytes",
                "ld.global.u32 %r2, [%rd9];");
        assertDoesNotThrow(() -> run.block(32).run(buffer));
    }

    /// Where the text says what it was made from, so does the message.
    @Test
    void theLineThatTheTextWasMadeFrom() {
        var run = PtxRun.ofText("""
                // kernel k
                // of MatMul_3
                .version 7.0
                .target sm_80
                .address_size 64
                .file 2 "k.tile"
                .visible .entry k(.param .u64 p0) {
                .reg .b64 %rd<2>; .reg .b32 %r<2>;
                .loc 2 1 0
                ld.param.u64 %rd1, [p0];
                \t.loc 2 17 0 // %v = tile.load
                mov.u32 %r1, 1;
                ld.global.u32 %r1, [%rd1+64];
                .loc 2 18 0
                ret;
                }
                """);
        var message = assertThrows(KernelFault.class, () -> run.run(run.buffer(new int[16]))).getMessage();
        assertTrue(message.startsWith("kernel 'k' of MatMul_3, k.tile line 17, PTX line 13 'ld.global"), message);
    }

    @Test
    void acrossTheEndAndBeforeTheBeginning() {
        var wide = PtxRun.of(1, "", "ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%rd0+16];").block(1);
        caught(() -> wide.run(wide.buffer(new int[7])), "reads 16 bytes", "reaches beyond the end of the 28 bytes");
        var before = PtxRun.of(1, "", "mov.u32 %r1, 1; st.global.u32 [%rd0+-4], %r1;").block(1);
        caught(() -> before.run(before.buffer(new int[8])), "writes 4 bytes", "4 bytes before the 32 bytes");
        var wild = PtxRun.of(1, "", "mov.u64 %rd1, 64; st.global.u64 [%rd1], %rd0;").block(1);
        caught(() -> wild.run(wild.buffer(1L)), "which is in no allocation");
    }

    @Test
    void misaligned() {
        var run = PtxRun.of(1, "", "mov.u32 %r9, %tid.x; cvt.u64.u32 %rd2, %r9; add.s64 %rd2, %rd2, %rd0; ld.global.u32 %r1, [%rd2];")
                .block(3);
        caught(() -> run.run(run.buffer(new int[8])), "thread (1, 0, 0)", "no multiple of 4");
        var vector = PtxRun.of(1, "", "ld.global.v2.u64 {%rd1, %rd2}, [%rd0+8];").block(1);
        caught(() -> vector.run(vector.buffer(new long[4])), "no multiple of 16");
    }

    @Test
    void usedAfterItsEnd() {
        var run = each("ld.global.u32 %r2, [%rd9];").block(1);
        var buffer = run.buffer(1, 2);
        run.run(buffer);
        run.memory.free(buffer);
        caught(() -> run.run(buffer), "until that was freed");
    }

    /// What kernels do after a failed one is dropped, and they run on what that one did not write.
    @Test
    void afterAFailureUnwrittenMemoryMayBeRead() {
        var run = each("ld.global.u32 %r2, [%rd9];").block(2);
        run.afterAFailure().run(run.fresh(8));
    }

    /// Bits of a word that nobody has written may lie beside those that an operation is about.
    @Test
    void bitsBesideUnwrittenOnes() {
        var run = each("atom.global.and.b32 %r2, [%rd9], -16; atom.global.or.b32 %r2, [%rd9], 5;").block(2);
        var fresh = run.fresh(8);
        run.run(fresh);
        assertEquals(5, PtxRun.ints(fresh)[1] & 15);
        var add = each("atom.global.add.u32 %r2, [%rd9], 1;").block(2);
        caught(() -> add.run(add.fresh(8)), "which nobody wrote");
    }

    @Test
    void globalMemoryThatNobodyWrote() {
        var run = each("ld.global.u32 %r2, [%rd9];").block(2);
        var fresh = run.fresh(8);
        caught(() -> run.run(fresh), "which nobody wrote", "byte 0 of the 8 bytes");
        var half = PtxRun.of(1, "", "mov.u16 %rs1, 3; st.global.u16 [%rd0], %rs1; ld.global.u32 %r1, [%rd0];").block(1);
        caught(() -> half.run(half.fresh(8)), "which nobody wrote");
        var whole = PtxRun.of(1, "", "st.global.u16 [%rd0], 3; st.global.u16 [%rd0+2], 3; ld.global.u32 %r1, [%rd0];").block(1);
        assertDoesNotThrow(() -> whole.run(whole.fresh(8)));
    }

    @Test
    void sharedMemoryThatNobodyWrote() {
        var run = shared(2, "ld.shared.u32 %r4, [%r3];");
        caught(() -> run.run(), "no thread of the block wrote", "byte 0 of tile");
        // What the block before has written counts for nothing.
        var next = shared(1, "mov.u32 %r5, %ctaid.x; setp.eq.u32 %p1, %r5, 0; @%p1 st.shared.u32 [%r3], %r5; ld.shared.u32 %r4, [%r3];")
                .grid(2, 1, 1);
        caught(() -> next.run(), "block (1, 0, 0)", "no thread of the block wrote");
    }

    @Test
    void localMemoryThatNobodyWrote() {
        var run = PtxRun.of(0, ".local .align 8 .b8 depot[16];", "ld.local.u32 %r1, [depot+4];").block(1);
        caught(() -> run.run(), "local memory at 4", "which it never wrote");
        var beyond = PtxRun.of(0, ".local .align 8 .b8 depot[16];", "st.local.u32 [depot+16], 1;").block(1);
        caught(() -> beyond.run(), "of which there are 16 bytes");
        var generic = PtxRun.of(
                        1,
                        ".local .align 8 .b8 depot[16];",
                        "mov.b64 %rd1, depot; cvta.local.u64 %rd2, %rd1; st.u32 [%rd2+8], 7; ld.local.u32 %r1, [depot+8];"
                                + " st.u32 [%rd0], %r1;")
                .block(1);
        var out = generic.fresh(8);
        generic.run(out);
        assertTrue(PtxRun.ints(out)[0] == 7);
    }

    @Test
    void beyondASharedVariable() {
        var run = shared(65, "st.shared.u32 [%r3], %r1;");
        caught(() -> run.run(), "thread (64, 0, 0)", "0 bytes beyond the end of the 256 bytes of tile");
        assertDoesNotThrow(() -> shared(64, "st.shared.u32 [%r3], %r1;").run());
    }

    @Test
    void racesBetweenThreadsOfDifferentWarps() {
        var body = "st.shared.u32 [%r3], %r1; BARRIER xor.b32 %r5, %r2, 128; mov.u32 %r6, tile; add.u32 %r6, %r6, %r5;"
                + " ld.shared.u32 %r7, [%r6];";
        var run = shared(64, body.replace("BARRIER", ""));
        // The first warp reads before the second has written.
        caught(() -> run.run(), "no thread of the block wrote");
        var reader = shared(
                64,
                "st.shared.u32 [%r3], %r1; bar.sync 0; setp.lt.u32 %p1, %r1, 32; @%p1 st.shared.u32 [%r3], 0;"
                        + " xor.b32 %r5, %r2, 128; mov.u32 %r6, tile; add.u32 %r6, %r6, %r5; @!%p1 ld.shared.u32 %r7, [%r6];");
        caught(() -> reader.run(), "a race: reads", "thread (0, 0, 0) wrote", "without a barrier");
        assertDoesNotThrow(() -> shared(64, body.replace("BARRIER", "bar.sync 0;")).run());
    }

    @Test
    void racesOfWritesAfterReads() {
        var body = "st.shared.u32 [%r3], %r1; bar.sync 0; xor.b32 %r5, %r2, 128; mov.u32 %r6, tile; add.u32 %r6, %r6, %r5;"
                + " setp.lt.u32 %p1, %r1, 32; @%p1 ld.shared.u32 %r7, [%r6]; BARRIER @!%p1 st.shared.u32 [%r3], %r1;";
        var run = shared(64, body.replace("BARRIER", ""));
        caught(() -> run.run(), "a race: writes", "read without a barrier");
        assertDoesNotThrow(() -> shared(64, body.replace("BARRIER", "bar.sync 0;")).run());
    }

    @Test
    void racesOfTwoWrites() {
        var run = shared(2, "st.shared.u32 [tile], %r1;");
        caught(() -> run.run(), "a race: writes", "thread (0, 0, 0) wrote");
        assertDoesNotThrow(() -> shared(2, "st.shared.u8 [%r3], 1; ").run());
        assertDoesNotThrow(() -> run.unchecked().run());
    }

    /// Within a warp, {@code bar.warp.sync} is enough, and nothing less.
    @Test
    void racesWithinAWarp() {
        var body = "st.shared.u32 [%r3], %r1; BARRIER xor.b32 %r5, %r2, 4; mov.u32 %r6, tile; add.u32 %r6, %r6, %r5;"
                + " ld.shared.u32 %r7, [%r6];";
        var run = shared(32, body.replace("BARRIER", ""));
        caught(() -> run.run(), "a race: reads");
        assertDoesNotThrow(() -> shared(32, body.replace("BARRIER", "bar.warp.sync -1;")).run());
        var wider = shared(64, body.replace("BARRIER", "bar.warp.sync -1;").replace("%r2, 4", "%r2, 128"));
        caught(() -> wider.run(), "wrote");
    }

    /// What a warp reads before it synchronises is no race with what one of its lanes writes afterwards.
    @Test
    void readsBeforeAWarpSynchronised() {
        var body = "setp.eq.u32 %p1, %r1, 0; setp.eq.u32 %p2, %r1, 1; @%p1 st.shared.u32 [tile], 3; bar.sync 0; @%p1 ld.shared.u32 %r7, [tile];"
                + " MEET @%p2 ld.shared.u32 %r7, [tile]; @%p2 st.shared.u32 [tile], 5;";
        assertDoesNotThrow(() -> shared(64, body.replace("MEET", "bar.warp.sync -1;")).run());
        var run = shared(64, body.replace("MEET", ""));
        caught(() -> run.run(), "a race: writes", "several threads of warp 0 read");
        // Another warp has not synchronised with it.
        var other = shared(64, body.replace("MEET", "bar.warp.sync -1;")
                + "setp.eq.u32 %p3, %r1, 33; @%p3 st.shared.u32 [tile], 6;");
        caught(() -> other.run(), "a race: writes");
    }

    /// Bytes of one word that different threads touch are no race.
    @Test
    void neighbouringBytesAreNoRace() {
        var run = PtxRun.of(
                        0,
                        SHARED,
                        "mov.u32 %r1, %tid.x; mov.u32 %r3, tile; add.u32 %r3, %r3, %r1; st.shared.u8 [%r3], 1;"
                                + " ld.shared.u8 %r4, [%r3];")
                .block(64);
        assertDoesNotThrow(() -> run.run());
    }

    @Test
    void divergentBarriers() {
        var run = PtxRun.of(
                        0, "", "mov.u32 %r1, %tid.x; setp.lt.u32 %p1, %r1, 7; @%p1 bra END; bar.sync 0; END: add.u32 %r1, %r1, 1;")
                .block(32);
        caught(() -> run.run(), "a divergent barrier", "25 threads of warp 0", "(0, 0, 0)");
        var two = PtxRun.of(
                        0,
                        "",
                        "mov.u32 %r1, %tid.x; setp.lt.u32 %p1, %r1, 32; @%p1 bra ONE; bar.sync 0; bra END; ONE: bar.sync 0;"
                                + " END: add.u32 %r1, %r1, 1;")
                .block(64);
        caught(() -> two.run(), "a divergent barrier", "warp 0 is at that of line");
        var guarded = PtxRun.of(0, "", "mov.u32 %r1, %tid.x; setp.lt.u32 %p1, %r1, 7; @%p1 bar.sync 0;").block(32);
        caught(() -> guarded.run(), "a divergent barrier");
        var odd = PtxRun.of(0, "", "bar.sync 0, 40;").block(64);
        caught(() -> odd.run(), "a barrier of 40 of the block's 64 threads");
    }

    @Test
    void shufflesOfLanesThatTakeNoPart() {
        var run = PtxRun.of(
                        0,
                        "",
                        "mov.u32 %r1, %tid.x; setp.lt.u32 %p1, %r1, 7; @%p1 bra END; shfl.sync.bfly.b32 %r2, %r1, 1, 31, -1;"
                                + " END: add.u32 %r1, %r1, 1;")
                .block(32);
        caught(() -> run.run(), "names lane 0, which went another way");
        var outside = PtxRun.of(0, "", "mov.u32 %r1, %tid.x; shfl.sync.down.b32 %r2, %r1, 1, 31, 0xFFFF;").block(16);
        caught(() -> outside.run(), "takes the value of lane 16");
    }

    @Test
    void votesOfLanesThatTakeNoPart() {
        var some = "mov.u32 %r1, %tid.x; setp.lt.u32 %p1, %r1, 7; @%p1 bra END; WHAT END: add.u32 %r1, %r1, 1;";
        for (var what : new String[] {
            "vote.sync.any.pred %p2, %p3, -1;",
            "vote.sync.ballot.b32 %r2, %p3, -1;",
            "match.any.sync.b32 %r2, %r1, -1;",
            "redux.sync.add.s32 %r2, %r1, -1;",
            "elect.sync %r2|%p2, -1;",
            "bar.warp.sync -1;"
        }) {
            var run = PtxRun.of(0, "", some.replace("WHAT", what)).block(32);
            caught(() -> run.run(), "names lane 0, which went another way");
            var stranger = PtxRun.of(0, "", some.replace("WHAT", what.replace("-1", "0x7F"))).block(32);
            caught(() -> stranger.run(), "the lane is not in its own member mask 0x7f");
            assertDoesNotThrow(() -> PtxRun.of(0, "", some.replace("WHAT", what.replace("-1", "0xFFFFFF80")))
                    .block(32)
                    .run());
        }
    }

    @Test
    void matrixInstructionsOfLanesThatTakeNoPart() {
        var some = "mov.u32 %r1, %tid.x; setp.lt.u32 %p1, %r1, 7; @%p1 bra END; WHAT END: add.u32 %r1, %r1, 1;";
        var mma = "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f1, %f2, %f3, %f4}, {%r2, %r3}, {%r4}, {%f1, %f2, %f3, %f4};";
        var doubles = "mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%fd1, %fd2}, {%fd3}, {%fd4}, {%fd1, %fd2};";
        var load = "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r2}, [tile];";
        for (var what : new String[] {mma, doubles, load}) {
            var run = PtxRun.of(0, SHARED, some.replace("WHAT", what)).block(32);
            caught(() -> run.run(), "only 25 lanes of the warp take part; all 32 must");
            var short1 = PtxRun.of(0, SHARED, what).block(16);
            caught(() -> short1.run(), "only 16 lanes of the warp take part; all 32 must");
        }
        assertDoesNotThrow(() -> PtxRun.of(0, SHARED, mma + doubles).block(32).run());
    }

    @Test
    void rowsOfMatricesInSharedMemory() {
        var fill = OWN + "st.shared.u32 [%r3], %r1; bar.sync 0;";
        var load = fill + "and.b32 %r5, %r1, 15; shl.b32 %r5, %r5, 4; add.u32 %r5, %r5, tile; OFF ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%r6, %r7}, [%r5];";
        assertDoesNotThrow(() -> PtxRun.of(0, SHARED, load.replace("OFF", "")).block(64).run());
        var misaligned = PtxRun.of(0, SHARED, load.replace("OFF", "add.u32 %r5, %r5, 8;")).block(64);
        caught(() -> misaligned.run(), "no multiple of 16");
        var beyond = PtxRun.of(0, SHARED, load.replace("OFF", "add.u32 %r5, %r5, 16;")).block(64);
        caught(() -> beyond.run(), "thread (15, 0, 0)", "beyond the end of the 256 bytes of tile");
        var unwritten = PtxRun.of(0, SHARED, load.replace("OFF", "").replace("st.shared.u32 [%r3], %r1;", "")).block(64);
        caught(() -> unwritten.run(), "no thread of the block wrote");
    }

    @Test
    void writesToConstantMemory() {
        for (var write : new String[] {"st.global.u32 [%rd0+4], 7;", "st.u32 [%rd0], 7;", "red.global.add.u32 [%rd0], 1;"}) {
            var run = PtxRun.of(1, "", write).block(1);
            var constant = run.memory.allocate(16, 8, "table", true);
            constant.copyIn(MemorySegment.ofArray(new int[4]), 0, 16);
            caught(() -> run.run(constant), "writes to the 16 bytes of table", "which is constant");
        }
        var read = PtxRun.of(1, "", "ld.const.u32 %r1, [%rd0+4];").block(1);
        var constant = read.memory.allocate(16, 8, "table", true);
        constant.copyIn(MemorySegment.ofArray(new int[4]), 0, 16);
        assertDoesNotThrow(() -> read.run(constant));
        var parameter = PtxRun.of(1, "", "st.param.u64 [p0], %rd0;").block(1);
        caught(() -> parameter.run(1L), "writes to a parameter");
    }

    @Test
    void aTrap() {
        var trap = PtxRun.of(0, "", "trap;").block(1);
        caught(() -> trap.run(), "trap");
    }

    @Test
    void endlessLoopsEndWithTheSignal() {
        var run = PtxRun.of(0, "", "LOOP: bra LOOP;").block(1);
        var asked = new int[1];
        try (var pool = new WorkerPool(1, "test");
                var job = pool.openJob(() -> ++asked[0] > 5)) {
            GridRunner.run(run.launch(), job, () -> ++asked[0] > 5, run.counts);
        }
        assertTrue(asked[0] > 5);
    }

    /// Two waits for each other through memory: both warps get their turns.
    @Test
    void warpsTakeTurns() {
        var run = PtxRun.of(
                        1,
                        "",
                        """
                        mov.u32 %r1, %tid.x;
                        setp.ge.u32 %p1, %r1, 32;
                        @%p1 bra SECOND;
                        WAIT:
                        ld.volatile.global.u32 %r2, [%rd0];
                        setp.eq.u32 %p2, %r2, 0;
                        @%p2 bra WAIT;
                        bra END;
                        SECOND:
                        st.volatile.global.u32 [%rd0], 1;
                        END:
                        add.u32 %r1, %r1, 1;
                        """)
                .block(64);
        Allocation flag = run.buffer(0, 0);
        run.run(flag);
        assertTrue(Arrays.equals(new int[] {1, 0}, PtxRun.ints(flag)));
    }
}
