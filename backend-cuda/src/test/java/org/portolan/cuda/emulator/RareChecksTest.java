package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.portolan.cuda.emulator.run.Allocation;
import org.portolan.cuda.emulator.run.KernelFault;

/// Checks that few mistakes come to: each has a kernel that breaks it, and one beside it that does not.
class RareChecksTest {
    private static final String SHARED = ".shared .align 128 .b8 tile[512]; .shared .align 8 .b64 bar;\n";
    private static final String THREAD = "mov.u32 %r1, %tid.x; setp.eq.u32 %p1, %r1, 0; mov.u32 %r2, tile; mov.u32 %r3, bar;"
            + " shl.b32 %r4, %r1, 2; add.u32 %r5, %r2, %r4;\n";
    private static final String BAR = "@%p1 mbarrier.init.shared::cta.b64 [%r3], 1;\nfence.proxy.async.shared::cta;\nbar.sync 0;\n";
    private static final String LOAD = "@%p1 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r3], BYTES;\n"
            + "@%p1 cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r2], [%rd0], BYTES, [%r3];\n"
            + "WAIT: mbarrier.try_wait.parity.shared::cta.b64 %p2, [%r3], 0; @!%p2 bra WAIT;\n";
    private static final String STORE = "st.shared.u32 [%r5], %r1; fence.proxy.async.shared::cta; bar.sync 0;\n"
            + "@%p1 cp.async.bulk.global.shared::cta.bulk_group [%rd0], [%r2], 128; @%p1 cp.async.bulk.commit_group;\n"
            + "@%p1 cp.async.bulk.wait_group 0;\n";

    private static void caught(Runnable launch, String... words) {
        var message = assertThrows(KernelFault.class, launch::run).getMessage();
        for (var word : words) {
            assertTrue(message.contains(word), () -> "'" + word + "' is not in: " + message);
        }
    }

    private static PtxRun kernel(String body) {
        return PtxRun.of(1, SHARED, THREAD + body).block(32);
    }

    private static Allocation constant(PtxRun run) {
        var constant = run.memory.allocate(128, 128, "table", true);
        constant.copyIn(MemorySegment.ofArray(new int[32]), 0, 128);
        return constant;
    }

    @Test
    void sourcesOfAsynchronousCopiesThatAreNotAligned() {
        var copy = "add.s64 %rd1, %rd0, OFF; cp.async.ca.shared.global [%r5], [%rd1], 4; cp.async.wait_all;";
        var wrong = kernel(copy.replace("OFF", "2"));
        caught(() -> wrong.run(wrong.buffer(new int[32])), "copies 4 bytes from 0x", "no multiple of 4");
        var right = kernel(copy.replace("OFF", "4"));
        assertDoesNotThrow(() -> right.run(right.buffer(new int[32])));
    }

    @Test
    void atomicOperationsOnAThreadsOwnMemory() {
        var local = ".local .align 8 .b8 own[8];\n";
        var wrong = PtxRun.of(0, local, "mov.u64 %rd1, own; cvta.local.u64 %rd1, %rd1; atom.add.u32 %r1, [%rd1], 1;").block(1);
        caught(() -> wrong.run(), "updates neither global nor shared memory at once");
        var right = PtxRun.of(1, local, "atom.add.u32 %r1, [%rd0], 1;").block(1);
        assertDoesNotThrow(() -> right.run(right.buffer(new int[1])));
    }

    @Test
    void aBarrierOfDifferentlyManyThreads() {
        var body = "setp.lt.u32 %p2, %r1, 32; @%p2 bra LOW; bar.sync 1, HIGH; bra END; LOW: bar.sync 1, 64; END:";
        var wrong = kernel(body.replace("HIGH", "32")).block(64);
        caught(() -> wrong.run(wrong.buffer(1)), "is at barrier 1 of 64 threads, which is one of 32 threads for another warp");
        var right = kernel(body.replace("HIGH", "64")).block(64);
        assertDoesNotThrow(() -> right.run(right.buffer(1)));
    }

    @Test
    void tensorMapsThatAreNoWhere() {
        var load = BAR + "@%p1 cp.async.bulk.tensor.1d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%r2],"
                + " [%rd1, {%r10}], [%r3];\n";
        var few = kernel("mov.b64 %rd2, p0; cvta.param.u64 %rd1, %rd2; mov.b32 %r10, 0;" + load);
        caught(() -> few.run(few.buffer(1)), "a tensor map at byte 0 of the parameters, which are too few");
        var shared = kernel("mov.u64 %rd2, tile; cvta.shared.u64 %rd1, %rd2; mov.b32 %r10, 0;" + load);
        caught(() -> shared.run(shared.buffer(1)), "lies neither in global or constant memory nor in the parameters");
    }

    @Test
    void copiesOfBytesThatTheEngineCannotMake() {
        var right = kernel(BAR + LOAD.replace("BYTES", "128"));
        assertDoesNotThrow(() -> right.run(right.buffer(new int[32])));
        var odd = kernel(BAR + LOAD.replace("BYTES", "120"));
        caught(() -> odd.run(odd.buffer(new int[32])), "120 bytes between 0x", "all three must be multiples of 16");
        caught(() -> right.run(right.fresh(128)), "copies byte 0 of the 128 bytes", "which nobody wrote");
        var store = kernel(STORE);
        var out = store.fresh(128);
        store.run(out);
        assertArrayEquals(new int[] {0, 1, 2}, Arrays.copyOf(PtxRun.ints(out), 3));
        caught(() -> store.run(constant(store)), "writes to the 128 bytes of table", "which is constant");
    }

    @Test
    void mbarriersWithoutNumber() {
        for (var times : new int[] {3, 100_000}) {
            var run = kernel("mov.u32 %r9, 0; AGAIN: @%p1 mbarrier.init.shared::cta.b64 [%r3], 1;"
                    + " @%p1 mbarrier.inval.shared::cta.b64 [%r3]; add.u32 %r9, %r9, 1; setp.lt.u32 %p3, %r9, " + times
                    + "; @%p3 bra AGAIN;");
            if (times == 3) {
                assertDoesNotThrow(() -> run.run(run.buffer(1)));
            } else {
                caught(() -> run.run(run.buffer(1)), "a block initialises mbarriers more than");
            }
        }
    }

    @Test
    void anMbarrierInGlobalMemory() {
        var wrong = kernel("@%p1 mbarrier.arrive.b64 _, [%rd0];");
        caught(() -> wrong.run(wrong.buffer(1L)), "is no address in shared memory");
        var right = kernel(BAR + "mov.u64 %rd2, bar; cvta.shared.u64 %rd1, %rd2; @%p1 mbarrier.arrive.b64 _, [%rd1];");
        assertDoesNotThrow(() -> right.run(right.buffer(1L)));
    }

    @Test
    void parametersBeyondTheLast() {
        var read = "mov.b64 %rd2, p0; ld.param.u64 %rd1, [%rd2+OFF];";
        var wrong = kernel(read.replace("OFF", "8"));
        caught(() -> wrong.run(wrong.buffer(1)), "reads 8 bytes of parameters at 8, of which there are 8 bytes");
        var right = kernel(read.replace("OFF", "0"));
        assertDoesNotThrow(() -> right.run(right.buffer(1)));
    }

    @Test
    void aSwitchBeyondItsPlaces() {
        var body = "TABLE: .branchtargets A, B; add.u32 %r9, %r1, FIRST; brx.idx %r9, TABLE; A: bra END; B: add.u32 %r1, %r1, 1; END:";
        var wrong = kernel(body.replace("FIRST", "1")).block(2);
        caught(() -> wrong.run(wrong.buffer(1)), "brx.idx picks place 2 of 2");
        var right = kernel(body.replace("FIRST", "0")).block(2);
        assertDoesNotThrow(() -> right.run(right.buffer(1)));
    }
}
