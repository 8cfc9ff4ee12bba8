package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.portolan.cuda.emulator.run.KernelFault;

class AsyncCopiesTest {
    private static final String SHARED = ".shared .align 16 .b8 tile[1024];";
    private static final String OWN = "mov.u32 %r1, %tid.x; shl.b32 %r2, %r1, 4; mov.u32 %r3, tile; add.u32 %r3, %r3, %r2;"
            + " cvt.u64.u32 %rd5, %r2; add.s64 %rd6, %rd1, %rd5; shl.b32 %r4, %r1, 2; cvt.u64.u32 %rd7, %r4; add.s64"
            + " %rd8, %rd0, %rd7;\n";
    private static final String COPY = "cp.async.cg.shared.global [%r3], [%rd6], 16;\n";

    private static PtxRun kernel(String body) {
        return PtxRun.of(2, SHARED, OWN + body).block(32);
    }

    private static int[] run(PtxRun run) {
        var out = run.fresh(128);
        run.run(out, run.buffer(IntStream.range(0, 128).toArray()));
        return PtxRun.ints(out);
    }

    private static String refusal(PtxRun run) {
        return assertThrows(KernelFault.class, () -> run(run)).getMessage();
    }

    @Test
    void arriveWhenWaitedFor() {
        assertArrayEquals(
                IntStream.range(0, 32).map(i -> 4 * i + 2).toArray(),
                run(kernel(COPY + "cp.async.commit_group; cp.async.wait_group 0; ld.shared.u32 %r5, [%r3+8];"
                        + " st.global.u32 [%rd8], %r5;")));
        assertArrayEquals(
                IntStream.range(0, 32).map(i -> 4 * (i ^ 1)).toArray(),
                run(kernel(COPY + "cp.async.wait_all; bar.sync 0; xor.b32 %r6, %r2, 16; mov.u32 %r7, tile; add.u32 %r7, %r7,"
                        + " %r6; ld.shared.u32 %r5, [%r7]; st.global.u32 [%rd8], %r5;")));
    }

    @Test
    void usedBeforeTheirWait() {
        var none = refusal(kernel(COPY + "ld.shared.u32 %r5, [%r3];"));
        assertTrue(none.contains("copies asynchronously and has not waited"), none);
        var open = refusal(kernel(COPY + "cp.async.wait_group 0; ld.shared.u32 %r5, [%r3];"));
        assertTrue(open.contains("copies asynchronously and has not waited"), open);
        var young = refusal(kernel(COPY + "cp.async.commit_group; cp.async.wait_group 1; ld.shared.u32 %r5, [%r3];"));
        assertTrue(young.contains("copies asynchronously and has not waited"), young);
    }

    @Test
    void othersNeedABarrierToo() {
        var message = refusal(kernel(COPY + "cp.async.wait_all; xor.b32 %r6, %r2, 16; mov.u32 %r7, tile; add.u32 %r7, %r7, %r6;"
                + " ld.shared.u32 %r5, [%r7];"));
        assertTrue(message.contains("a race: reads"), message);
    }

    @Test
    void writesBesideThem() {
        var message = refusal(kernel(COPY + "st.shared.u32 [%r3], 1;"));
        assertTrue(message.contains("copies asynchronously at the same time"), message);
    }

    /// Two stages: the older group has arrived, the younger one may be under way.
    @Test
    void groupsArriveInOrder() {
        assertArrayEquals(
                IntStream.range(0, 32).map(i -> 4 * i + 1).toArray(),
                run(kernel(COPY + "cp.async.commit_group; cp.async.ca.shared.global [%r3+512], [%rd6], 4;"
                        + " cp.async.commit_group; cp.async.wait_group 1; ld.shared.u32 %r5, [%r3+4]; st.global.u32 [%rd8],"
                        + " %r5;")));
        var message = refusal(kernel(COPY + "cp.async.commit_group; cp.async.ca.shared.global [%r3+512], [%rd6], 4;"
                + " cp.async.commit_group; cp.async.wait_group 1; ld.shared.u32 %r5, [%r3+512];"));
        assertTrue(message.contains("has not waited"), message);
    }

    @Test
    void shortSourcesAreFilledWithZeros() {
        assertArrayEquals(
                IntStream.range(0, 32).map(i -> i % 2 == 0 ? 0 : 4 * i + 3).toArray(),
                run(kernel("and.b32 %r9, %r1, 1; mul.lo.u32 %r9, %r9, 16; cp.async.cg.shared.global [%r3], [%rd6], 16, %r9;"
                        + " cp.async.wait_all; ld.shared.u32 %r5, [%r3+12]; st.global.u32 [%rd8], %r5;")));
    }

    @Test
    void sourcesAreChecked() {
        var run = kernel(COPY);
        var message = assertThrows(
                        KernelFault.class, () -> run.run(run.fresh(128), run.buffer(IntStream.range(0, 124).toArray())))
                .getMessage();
        assertTrue(message.contains("thread (31, 0, 0)"), message);
        var fresh = kernel(COPY);
        var unwritten =
                assertThrows(KernelFault.class, () -> fresh.run(fresh.fresh(128), fresh.fresh(512))).getMessage();
        assertTrue(unwritten.contains("which nobody wrote"), unwritten);
    }
}
