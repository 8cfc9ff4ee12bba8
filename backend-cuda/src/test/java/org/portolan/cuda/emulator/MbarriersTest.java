package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.portolan.cuda.emulator.run.KernelFault;

/// Threads that wait for some others, and for copies: each check has a kernel that breaks it, and one beside it that does
/// not.
class MbarriersTest {
    private static final String SHARED = ".shared .align 128 .b8 tile[1024]; .shared .align 8 .b64 bars[4];";
    private static final String THREAD = "mov.u32 %r1, %tid.x; setp.eq.u32 %p1, %r1, 0; mov.u32 %r2, tile; mov.u32 %r3, bars;"
            + " shl.b32 %r4, %r1, 2; add.u32 %r5, %r2, %r4; mul.wide.u32 %rd9, %r1, 4; add.s64 %rd8, %rd0, %rd9;\n";
    private static final String MAKE = "@%p1 mbarrier.init.shared::cta.b64 [%r3], COUNT;\n";
    private static final String FENCE = "fence.proxy.async.shared::cta;\n";
    private static final String MEET = "bar.sync 0;\n";
    private static final String BEGIN = THREAD + MAKE.replace("COUNT", "1") + FENCE + MEET;
    private static final String EXPECT = "@%p1 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r3], BYTES;\n";
    private static final String COPY = "@%p1 cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r2], [%rd1], 512,"
            + " [%r3];\n";
    private static final String WAIT = "WAIT: mbarrier.try_wait.parity.shared::cta.b64 %p2, [%r3], PARITY; @!%p2 bra WAIT;\n";
    private static final String OUT = "ld.shared.u32 %r6, [%r5]; st.global.u32 [%rd8], %r6;\n";

    private static PtxRun kernel(String body) {
        return PtxRun.of(2, SHARED, body).block(128);
    }

    private static int[] run(PtxRun run) {
        var out = run.fresh(512);
        run.assembled().run(out, run.buffer(IntStream.range(0, 128).map(i -> 7 * i).toArray()));
        return PtxRun.ints(out);
    }

    private static void caught(PtxRun run, String... words) {
        var message = assertThrows(KernelFault.class, () -> run(run)).getMessage();
        for (var word : words) {
            assertTrue(message.contains(word), () -> "'" + word + "' is not in: " + message);
        }
    }

    private static String expect(int bytes) {
        return EXPECT.replace("BYTES", Integer.toString(bytes));
    }

    private static String await(int parity) {
        return WAIT.replace("PARITY", Integer.toString(parity));
    }

    @AfterAll
    static void assemble() {
        Assembler.requireAll();
    }

    private static final int[] SEVENS = IntStream.range(0, 128).map(i -> 7 * i).toArray();

    @Test
    void copiesArriveAtTheEndOfTheirPhase() {
        assertArrayEquals(SEVENS, run(kernel(BEGIN + expect(512) + COPY + await(0) + OUT)));
        // In two parts, expected apart from the arrival, and with the other names of the memory.
        assertArrayEquals(
                SEVENS,
                run(kernel(BEGIN + "@%p1 mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%r3], 512;\n"
                        + COPY.replace("512", "256") + "add.u32 %r7, %r2, 256; add.s64 %rd7, %rd1, 256;\n"
                        + COPY.replace("512", "256").replace("%r2", "%r7").replace("%rd1", "%rd7")
                        + "@%p1 mbarrier.arrive.release.cta.shared.b64 %rd2, [%r3];\n"
                        + WAIT.replace("try_wait.parity", "test_wait.parity.acquire.cta").replace("PARITY", "0") + OUT)));
    }

    @Test
    void copiesThatNobodyWaitedFor() {
        caught(kernel(BEGIN + expect(512) + COPY + MEET + OUT), "to which the copy engine copies", "has not waited");
        // The phase before the first one counts as ended: who asks for it has not waited for the copy.
        caught(kernel(BEGIN + await(1) + expect(512) + COPY + OUT), "to which the copy engine copies");
        caught(kernel(BEGIN + expect(512) + COPY + await(1) + OUT), "a deadlock", "phase 1 of it lacks 1 of 1 arrivals");
        caught(kernel(BEGIN + expect(512) + COPY + "st.shared.u32 [%r5], 5;" + await(0) + OUT),
                "writes shared memory", "to which the copy engine copies");
    }

    @Test
    void wrongNumbersOfBytes() {
        caught(kernel(BEGIN + expect(528) + COPY + await(0) + OUT), "a deadlock", "lacks 0 of 1 arrivals, and 16 bytes of copies",
                "try_wait");
        // The first of two copies ends the phase alone.
        var two = COPY + "add.u32 %r7, %r2, 512;\n" + COPY.replace("%r2", "%r7");
        caught(kernel(BEGIN + expect(512) + two + await(0) + OUT + "ld.shared.u32 %r6, [%r5+512];"),
                "to which the copy engine copies");
        caught(kernel(BEGIN + expect(1 << 20) + await(0)), "is told to expect 1048576 bytes");
    }

    @Test
    void missingFencesAndBarriers() {
        caught(kernel(THREAD + MAKE.replace("COUNT", "1") + MEET + expect(512) + COPY + await(0) + OUT),
                "initialised without a fence.proxy.async or fence.mbarrier_init");
        assertArrayEquals(
                SEVENS,
                run(kernel(THREAD + MAKE.replace("COUNT", "1") + "fence.mbarrier_init.release.cluster;\n" + MEET + expect(512)
                        + COPY + await(0) + OUT)));
        caught(kernel(THREAD + MAKE.replace("COUNT", "1") + FENCE + expect(512) + COPY + await(0) + OUT), "a race: uses the mbarrier");
        caught(kernel(BEGIN + "st.shared.u32 [%r5], 1;" + MEET + expect(512) + COPY + await(0) + OUT),
                "copies to shared memory at 0", "wrote without a fence.proxy.async after it");
        caught(kernel(BEGIN + "st.shared.u32 [%r5], 1;" + FENCE + expect(512) + COPY + await(0) + OUT), "a race: copies to");
    }

    /// Fences that look like the one that is needed.
    @Test
    void fencesOfOtherThings() {
        var wrote = BEGIN + "st.shared.u32 [%r5], 1; OTHER" + MEET + expect(512) + COPY + await(0) + OUT;
        run(kernel(wrote.replace("OTHER", FENCE)));
        run(kernel(wrote.replace("OTHER", "fence.proxy.async;\n")));
        var made = THREAD + MAKE.replace("COUNT", "1") + "OTHER" + MEET + expect(512) + COPY + await(0) + OUT;
        run(kernel(made.replace("OTHER", FENCE)));
        for (var other : new String[] {"fence.proxy.async.global;\n", "fence.proxy.tensormap::generic.release.gpu;\n"}) {
            caught(kernel(wrote.replace("OTHER", other)), "wrote without a fence.proxy.async after it");
            caught(kernel(made.replace("OTHER", other)), "initialised without a fence.proxy.async or fence.mbarrier_init");
        }
        caught(kernel(wrote.replace("OTHER", "fence.mbarrier_init.release.cluster;\n")), "wrote without a fence.proxy.async after it");
    }

    /// What the writer fences only after it has told orders nothing for those that were told.
    @Test
    void fencesThatComeTooLate() {
        // The last thread writes, the first one copies.
        var late = BEGIN + "setp.eq.u32 %p3, %r1, 127; @%p3 st.shared.u32 [%r5+-508], 1;\n";
        var copy = expect(512) + COPY + await(0) + OUT;
        var last = "setp.lt.u32 %p3, %r1, 96; @%p3 bra ON;\n" + FENCE + "ON: add.u32 %r7, %r1, 0;\n";
        run(kernel(late + last + MEET + copy));
        // Warp 0 spins until the last warp has fenced, which tells it nothing.
        var after = "setp.lt.u32 %p3, %r1, 32; @%p3 bra COPY;\n" + FENCE + "bra END;\nCOPY: add.u32 %r7, %r1, 0;\n" + "SPIN"
                + expect(512) + COPY + await(0) + OUT + "END: add.u32 %r7, %r1, 0;\n";
        caught(kernel(late + MEET + after.replace("SPIN", "")), "wrote without a fence.proxy.async after it");
        // The one who copies may fence instead.
        run(kernel(late + MEET + after.replace("SPIN", FENCE)));
        var made = THREAD + "setp.eq.u32 %p4, %r1, 127; @%p4 mbarrier.init.shared::cta.b64 [%r3], 1;\n";
        var init = "fence.mbarrier_init.release.cluster;\n";
        run(kernel(made + init + MEET + copy));
        caught(kernel(made + MEET + after.replace(FENCE, init).replace("SPIN", "")), "initialised without a fence");
    }

    /// Producers and consumers that meet at nothing but two mbarriers, three times around.
    private static String ring(String arriveEmpty, String parityOfEmpty) {
        return THREAD
                + """
                @%p1 mbarrier.init.shared.b64 [%r3], 1;
                @%p1 mbarrier.init.shared.b64 [%r3+8], 96;
                fence.proxy.async.shared::cta;
                bar.sync 0;
                mov.u32 %r10, 0; mov.u32 %r11, 0;
                setp.ge.u32 %p4, %r1, 32;
                @%p4 bra CONSUME;
                setp.ne.u32 %p5, %r1, 0;
                @%p5 bra END;
                PRODUCE:
                EMPTY: mbarrier.try_wait.parity.shared.b64 %p2, [%r3+8], PARITY;
                @!%p2 bra EMPTY;
                mbarrier.arrive.expect_tx.shared.b64 _, [%r3], 512;
                cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r2], [%rd1], 512, [%r3];
                xor.b32 %r10, %r10, 1;
                add.u32 %r11, %r11, 1;
                setp.lt.u32 %p3, %r11, 3;
                @%p3 bra PRODUCE;
                bra END;
                CONSUME:
                FULL: mbarrier.try_wait.parity.shared.b64 %p2, [%r3], %r10;
                @!%p2 bra FULL;
                ld.shared.u32 %r6, [%r5];
                ARRIVE
                xor.b32 %r10, %r10, 1;
                add.u32 %r11, %r11, 1;
                setp.lt.u32 %p3, %r11, 3;
                @%p3 bra CONSUME;
                st.global.u32 [%rd8], %r6;
                END:
                """
                        .replace("ARRIVE", arriveEmpty)
                        .replace("PARITY", parityOfEmpty);
    }

    @Test
    void ringsOfProducersAndConsumers() {
        var turned = "mbarrier.arrive.shared.b64 _, [%r3+8];";
        int[] found = run(kernel(ring(turned, "%r12").replace("EMPTY:", "EMPTY: xor.b32 %r12, %r10, 1;")));
        assertArrayEquals(IntStream.range(32, 128).map(i -> 7 * i).toArray(), Arrays.copyOfRange(found, 32, 128));
        // The producer does not wait for the consumers.
        caught(kernel(ring(turned, "%r12").replace("EMPTY:", "EMPTY: mov.u32 %r12, 1;")), "copies to shared memory at 0");
        // Who waits for the other parity first waits forever.
        caught(kernel(ring(turned, "%r10")), "a deadlock", "96 of 96 arrivals", "warp 0 for phase 0 of an mbarrier", "(line ");
        // One arrival for each warp is too few.
        caught(kernel(ring("setp.eq.u32 %p6, %r4, 128; @%p6 " + turned, "%r12")
                        .replace("EMPTY:", "EMPTY: xor.b32 %r12, %r10, 1;")),
                "a deadlock", "lacks 95 of 96 arrivals");
    }

    @Test
    void copiesOverWhatOthersMayStillRead() {
        var again = "setp.eq.u32 %p1, %r1, 127;\n" + expect(512) + COPY;
        caught(kernel(BEGIN + expect(512) + COPY + await(0) + OUT + again), "a race: writes shared memory at 0", "read");
        run(kernel(BEGIN + expect(512) + COPY + await(0) + OUT + MEET + again));
    }

    @Test
    void arrivals() {
        caught(kernel(THREAD + "mbarrier.arrive.shared.b64 _, [%r3];"), "where none was initialised");
        caught(kernel(THREAD + MAKE.replace("COUNT", "0")), "an mbarrier of 0 arrivals");
        caught(kernel(BEGIN + "@%p1 mbarrier.arrive.shared.b64 _, [%r3], 2;"), "arrives 2 times at an mbarrier that waits for 1");
        caught(kernel(BEGIN + "@%p1 st.shared.u32 [%r3], 0;"), "where an mbarrier is");
        caught(kernel(BEGIN + "@%p1 mbarrier.inval.shared.b64 [%r3]; @%p1 mbarrier.arrive.shared.b64 _, [%r3];"),
                "where none was initialised");
        caught(kernel(BEGIN + "@%p1 mbarrier.arrive.shared.b64 _, [%r3+4];"), "no multiple of 8");
        // Memory of an mbarrier that has been ended may be used again.
        run(kernel(BEGIN + "@%p1 mbarrier.inval.shared.b64 [%r3]; @%p1 st.shared.u32 [%r3], 0;"));
        caught(kernel(BEGIN + await(2).replace("[%r3], 2", "[%r3], %r1")), "waits for the parity 2");
    }

    @Test
    void phasesByTheirTokens() {
        var two = "@%p1 mbarrier.arrive.shared.b64 %rd2, [%r3]; @%p1 mbarrier.arrive.shared.b64 %rd3, [%r3];";
        run(kernel(BEGIN + two + "@%p1 mbarrier.test_wait.shared.b64 %p2, [%r3], %rd3;"));
        caught(kernel(BEGIN + two + "@%p1 mbarrier.test_wait.shared.b64 %p2, [%r3], %rd2;"), "waits for phase 0 of an mbarrier that is"
                + " in phase 2");
    }

    @Test
    void ordinaryMemoryIsOrderedToo() {
        var body = THREAD + MAKE.replace("COUNT", "128") + MEET + "st.shared.u32 [%r5], %r1; ARRIVE" + await(0)
                + "xor.b32 %r7, %r4, 128; add.u32 %r7, %r7, %r2; ld.shared.u32 %r6, [%r7]; st.global.u32 [%rd8], %r6;";
        assertArrayEquals(
                IntStream.range(0, 128).map(i -> i ^ 32).toArray(),
                run(kernel(body.replace("ARRIVE", "mbarrier.arrive.shared.b64 _, [%r3];\n"))));
        // A thread that arrives before it writes.
        caught(kernel(body.replace("ARRIVE", "").replace("st.shared", "mbarrier.arrive.shared.b64 _, [%r3]; st.shared")),
                "a race: reads");
    }

    @Test
    void copiesOfThreadsArriveToo() {
        var body = THREAD + MAKE.replace("COUNT", "128") + MEET + "add.s64 %rd5, %rd1, %rd9;"
                + " cp.async.ca.shared.global [%r5], [%rd5], 4; ARRIVE" + await(0)
                + "xor.b32 %r7, %r4, 128; add.u32 %r7, %r7, %r2; ld.shared.u32 %r6, [%r7]; st.global.u32 [%rd8], %r6;";
        assertArrayEquals(
                IntStream.range(0, 128).map(i -> 7 * (i ^ 32)).toArray(),
                run(kernel(body.replace("ARRIVE", "cp.async.mbarrier.arrive.noinc.shared.b64 [%r3];\n"))));
        caught(kernel(body.replace("ARRIVE", "mbarrier.arrive.shared.b64 _, [%r3];\n")), "copies asynchronously and has not waited");
        var arrived = body.replace("ARRIVE", "cp.async.mbarrier.arrive.noinc.shared.b64 [%r3];\n");
        caught(kernel(arrived.replace(await(0), "").replace("%r4, 128", "%r4, 4")), "a cp.async copies", "has not waited for that phase");
        caught(kernel(arrived.replace(await(0), MEET)), "a cp.async copies", "has not waited for that phase");
        // What the thread itself copied it has not waited for either, until it does.
        var own = arrived.replace("xor.b32 %r7, %r4, 128;", "mov.u32 %r7, %r4;");
        caught(kernel(own.replace(await(0), "")), "a cp.async copies");
        run(kernel(own.replace(await(0), "cp.async.wait_all;\n")));
        run(kernel(own.replace(await(0), "cp.async.commit_group; cp.async.wait_group 0;\n")));
        caught(kernel(own.replace(await(0), "cp.async.wait_group 0;\n")), "a cp.async copies");
        // For the copy engine it is an ordinary write.
        var stored = arrived + "STORE add.s64 %rd4, %rd0, 0; @%p1 cp.async.bulk.global.shared::cta.bulk_group [%rd4], [%r2], 512;"
                + " @%p1 cp.async.bulk.commit_group; @%p1 cp.async.bulk.wait_group 0;";
        caught(kernel(stored.replace("st.global.u32 [%rd8], %r6;", "").replace("STORE", "")), "a cp.async wrote without a fence.proxy.async");
        run(kernel(stored.replace("st.global.u32 [%rd8], %r6;", "").replace("STORE", FENCE)));
    }

    @Test
    void namedBarriersOfSomeThreads() {
        var body = THREAD + "setp.lt.u32 %p2, %r1, 64; @%p2 st.shared.u32 [%r5], %r1; @!%p2 bra OTHERS; BARRIER"
                + " xor.b32 %r7, %r4, 128; add.u32 %r7, %r7, %r2; ld.shared.u32 %r6, [%r7]; OTHERS: add.u32 %r6, %r1, 0;";
        run(kernel(body.replace("BARRIER", "bar.sync 1, 64;")));
        caught(kernel(body.replace("BARRIER", "bar.sync 1, 32;")), "a race: reads");
        caught(kernel(body.replace("BARRIER", "bar.sync 1, 96;")), "a deadlock: fewer than the 96 threads");
        // Who arrives tells the others, and does not wait.
        var arrive = THREAD + "setp.lt.u32 %p2, %r1, 64; @!%p2 bra READ; st.shared.u32 [%r5], %r1; ARRIVE bra END; READ: bar.sync 2,"
                + " 128; add.u32 %r7, %r5, -256; ld.shared.u32 %r6, [%r7]; END: add.u32 %r6, %r1, 0;";
        run(kernel(arrive.replace("ARRIVE", "bar.arrive 2, 128;")));
        caught(kernel(arrive.replace("ARRIVE", "bar.arrive 1, 128;")), "a deadlock: fewer than the 128 threads");
    }

    @Test
    void registersOfWarpgroups() {
        var body = THREAD + "setp.lt.u32 %p2, %r1, 128; @%p2 bra FIRST; setmaxnreg.inc.sync.aligned.u32 TAKEN; bra END; FIRST:"
                + " setmaxnreg.dec.sync.aligned.u32 40; END: add.u32 %r6, %r1, 0;";
        var bound = ".maxntid 256, 1, 1\n.maxnreg 128";
        run(kernel(body.replace("TAKEN", "216")).block(256).bound(bound));
        caught(kernel(body.replace("TAKEN", "224")).block(256).bound(bound), "a deadlock: ", "224 registers for each of its threads");
        caught(kernel(body.replace("TAKEN", "120")).block(256).bound(bound), "takes registers up to 120");
    }
}
