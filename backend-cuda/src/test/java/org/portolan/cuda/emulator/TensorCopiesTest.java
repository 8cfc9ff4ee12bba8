package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.cuda.emulator.run.Allocation;
import org.portolan.cuda.emulator.run.KernelFault;
import org.portolan.cuda.emulator.run.TensorMap;

/// Boxes of tensors that the copy engine moves, and what it refuses.
class TensorCopiesTest {
    private static final int ROWS = 20;
    private static final int COLUMNS = 36;
    private static final int PITCH = 40;
    private static final String SHARED = ".shared .align 1024 .b8 tile[4096]; .shared .align 8 .b64 bar;";
    private static final String BEGIN = "mov.u32 %r1, %tid.x; setp.eq.u32 %p1, %r1, 0; mov.u32 %r2, tile; mov.u32 %r3, bar;"
            + " shl.b32 %r4, %r1, 2; add.u32 %r5, %r2, %r4; mul.wide.u32 %rd9, %r1, 4; add.s64 %rd8, %rd0, %rd9;\n"
            + "@%p1 mbarrier.init.shared::cta.b64 [%r3], 1;\nfence.proxy.async.shared::cta;\nbar.sync 0;\n";
    private static final String LOAD = "@%p1 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r3], BYTES;\n"
            + "@%p1 cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%r2], [%rd1, {%r10, %r11}],"
            + " [%r3];\n"
            + "WAIT: mbarrier.try_wait.parity.shared::cta.b64 %p2, [%r3], 0; @!%p2 bra WAIT;\n";

    /// Element (row, column) is 1000 row + column, and beyond the columns lies what no copy may bring.
    private static Allocation tensor(PtxRun run) {
        return run.buffer(IntStream.range(0, ROWS * PITCH)
                .map(i -> i % PITCH < COLUMNS ? i / PITCH * 1000 + i % PITCH : -1)
                .toArray());
    }

    private static TensorMap map(long address, int width, int boxColumns, int boxRows) {
        return new TensorMap(
                address,
                4,
                List.of((long) COLUMNS, (long) ROWS),
                List.of(4L * PITCH),
                List.of(boxColumns, boxRows),
                width);
    }

    private static long place(PtxRun run, TensorMap map) {
        var memory = run.memory.allocate(TensorMap.BYTES, 64, "a tensor map", true);
        memory.copyIn(MemorySegment.ofArray(map.encode()), 0, TensorMap.BYTES);
        return memory.address();
    }

    private static PtxRun kernel(String body) {
        return PtxRun.of(2, SHARED, body).block(128);
    }

    private static String at(int column, int row) {
        return "mov.b32 %r10, " + column + "; mov.b32 %r11, " + row + ";\n";
    }

    @AfterAll
    static void assemble() {
        Assembler.requireAll();
    }

    /// Rows of 32, 64 and 128 bytes with the swizzle of that width, and without one.
    @ParameterizedTest
    @ValueSource(ints = {16, 32, 64, 128})
    void boxes(int width) {
        int columns = width == 16 ? 8 : width / 4;
        int rows = 128 / columns;
        for (int[] origin : new int[][] {{0, 0}, {8, 3}, {-4, -2}, {32, 18}, {-3, 5}, {34, -1}, {100, 0}}) {
            var run = kernel(BEGIN + at(origin[0], origin[1]) + LOAD.replace("BYTES", "512")
                            + "ld.shared.u32 %r6, [%r5]; st.global.u32 [%rd8], %r6;")
                    .assembled();
            var out = run.fresh(512);
            run.run(out.address(), place(run, map(tensor(run).address(), width, columns, rows)));
            int[] found = PtxRun.ints(out);
            int[] expected = new int[128];
            for (int row = 0; row < rows; row++) {
                for (int column = 0; column < columns; column++) {
                    int piece = column / 4;
                    int turned = switch (width) {
                        case 128 -> piece ^ row % 8;
                        case 64 -> piece ^ row / 2 % 4;
                        case 32 -> piece ^ row / 4 % 2;
                        default -> piece;
                    };
                    int y = origin[1] + row;
                    int x = origin[0] + column;
                    boolean inside = y >= 0 && y < ROWS && x >= 0 && x < COLUMNS;
                    expected[row * columns + turned * 4 + column % 4] = inside ? 1000 * y + x : 0;
                }
            }
            assertArrayEquals(expected, found, "from (" + origin[0] + ", " + origin[1] + ")");
        }
    }

    private static final String STORE = "st.shared.u32 [%r5], %r1;\nFENCE\nbar.sync 0;\n"
            + "@%p1 cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%rd1, {%r10, %r11}], [%r2];\n"
            + "@%p1 cp.async.bulk.commit_group;\n";

    @Test
    void boxesToTensors() {
        var run = kernel(BEGIN + at(28, 17) + STORE.replace("FENCE", "fence.proxy.async.shared::cta;")
                        + "@%p1 cp.async.bulk.wait_group 0;")
                .assembled();
        var tensor = tensor(run);
        run.run(0L, place(run, map(tensor.address(), 16, 16, 8)));
        int[] found = PtxRun.ints(tensor);
        for (int i = 0; i < found.length; i++) {
            int row = i / PITCH;
            int column = i % PITCH;
            boolean written = row >= 17 && column >= 28 && column < COLUMNS;
            assertEquals(
                    written ? (row - 17) * 16 + column - 28 : column < COLUMNS ? row * 1000 + column : -1,
                    found[i],
                    "(" + row + ", " + column + ")");
        }
    }

    private static void caught(String body, int width, int columns, int rows, String... words) {
        var run = kernel(body).assembled();
        var message = assertThrows(
                        KernelFault.class,
                        () -> run.run(run.fresh(512).address(), place(run, map(tensor(run).address(), width, columns, rows))))
                .getMessage();
        for (var word : words) {
            assertTrue(message.contains(word), () -> "'" + word + "' is not in: " + message);
        }
    }

    @Test
    void storesAreChecked() {
        var store = BEGIN + at(0, 0) + STORE;
        var fenced = store.replace("FENCE", "fence.proxy.async.shared::cta;");
        caught(store.replace("FENCE", ""), 16, 16, 8, "reads shared memory at 0", "without a fence.proxy.async");
        caught(fenced, 16, 16, 8, "leaves the kernel while a copy from shared memory is under way");
        caught(fenced + "st.shared.u32 [%r5], 0; @%p1 cp.async.bulk.wait_group.read 0;", 16, 16, 8, "writes shared memory at 0",
                "while an asynchronous product or copy");
        caught(fenced + "@%p1 cp.async.bulk.wait_group.read 0; setp.eq.u32 %p3, %r1, 127; @%p3 st.shared.u32 [%r2], 0;", 16, 16, 8,
                "a race: writes");
        caught(fenced + "@%p1 cp.async.bulk.wait_group.read 1;", 16, 16, 8, "under way");
    }

    @Test
    void whatDoesNotFit() {
        var load = BEGIN + at(0, 0) + LOAD;
        caught(load.replace("BYTES", "512"), 16, 16, 7, "a deadlock", "64 bytes of copies");
        caught(load.replace("BYTES", "512").replace("mov.u32 %r2, tile;", "mov.u32 %r2, tile; add.u32 %r2, %r2, 64;"), 16, 16, 8,
                "no multiple of 128");
        caught(load.replace("BYTES", "512").replace("mov.u32 %r2, tile;", "mov.u32 %r2, tile; add.u32 %r2, %r2, 3968;"), 16, 16, 8,
                "reaches beyond the end of the 4096 bytes of tile");
        caught(load.replace("BYTES", "512").replace("tensor.2d", "tensor.1d").replace(", %r11", ""), 16, 16, 8,
                "a tensor map of 2 dimensions for a copy of 1");
        caught(load.replace("BYTES", "512").replace("[%rd1,", "[%rd0,"), 16, 16, 8, "tensor map");
        assertThrows(IllegalArgumentException.class, () -> map(8, 16, 8, 8));
        assertThrows(IllegalArgumentException.class, () -> map(0, 64, 32, 8));
        assertThrows(IllegalArgumentException.class, () -> map(0, 16, 3, 8));
        assertThrows(IllegalArgumentException.class, () -> map(0, 16, 4, 257));
    }

    /// The tensor is smaller than its map says.
    @Test
    void tensorsAreBounded() {
        var run = kernel(BEGIN + at(0, 16) + LOAD.replace("BYTES", "512"));
        var small = run.buffer(new int[PITCH * 18]);
        var message = assertThrows(
                        KernelFault.class,
                        () -> run.run(run.fresh(512).address(), place(run, map(small.address(), 16, 16, 8))))
                .getMessage();
        assertTrue(message.contains("beyond the end of the " + PITCH * 18 * 4 + " bytes"), message);
    }

    /// A map that is one of the kernel's parameters.
    @Test
    void mapsAmongTheParameters() {
        var text = ".version 8.4\n.target sm_90a\n.address_size 64\n.visible .entry k(.param .u64 out, .param .align 64 .b8 map[128]) {\n"
                + ".reg .b64 %rd<10>; .reg .b32 %r<12>; .reg .pred %p<3>;" + SHARED
                + "ld.param.u64 %rd0, [out]; mov.b64 %rd2, map; cvta.param.u64 %rd1, %rd2;\n" + BEGIN + at(4, 2)
                + LOAD.replace("BYTES", "512") + "ld.shared.u32 %r6, [%r5]; st.global.u32 [%rd8], %r6; ret; }\n";
        var run = PtxRun.ofText(text).block(128).assembled();
        var out = run.fresh(512);
        var encoded = ByteBuffer.wrap(map(tensor(run).address(), 16, 16, 8).encode())
                .order(ByteOrder.LITTLE_ENDIAN);
        // The map is aligned to 64 bytes.
        var words = new long[8 + 16];
        words[0] = out.address();
        encoded.asLongBuffer().get(words, 8, 16);
        run.run(words);
        assertEquals(2004, PtxRun.ints(out)[0]);
        assertEquals(9019, PtxRun.ints(out)[127]);
    }
}
