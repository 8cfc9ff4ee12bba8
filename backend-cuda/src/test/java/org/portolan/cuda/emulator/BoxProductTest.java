package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.cuda.codegen.CudaCodegen;
import org.portolan.cuda.image.CudaImage;
import org.portolan.cuda.image.KernelEntry;
import org.portolan.cuda.image.TensorMap;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Targets;
import org.portolan.lowering.tile.NestToTile;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.device.StopSignal;
import org.portolan.runtime.type.Dim;

/// The product that the scheduler writes for Hopper, with ragged edges: boxes of described tensors, a ring that signals, products under
/// way. Then its PTX, or what a launch describes, with one thing wrong.
class BoxProductTest {
    private static final int ROWS = 100;
    private static final int COLUMNS = 72;
    private static final int DEPTH = 392;

    private static final String PRODUCT =
            """
            graph.function <name = product> { (%x: bf16[100,392], %y: bf16[392,72]) ->
              %c = nest.compute [%x, %y] <axes = [i:100, j:72, l:392]> {
                %p = nest.read %x <at = [i, l]> : bf16
                %q = nest.read %y <at = [l, j]> : bf16
                %pw = arith.cast %p : f32
                %qw = arith.cast %q : f32
                %r = arith.mul %pw, %qw : f32
                %s = nest.sum %r <over = [l]> : f32
                nest.yield [%s] <to = [[i, j]]>
              } : f32[100,72]
              graph.return [%c]
            }
            """;

    private static final CudaImage IMAGE = compile();

    private static CudaImage compile() {
        // On few processors a small product is worth large tiles.
        var machine = Targets.resolve("cuda:sm_90a+processors_count=1").machine();
        var function = (GraphOp.Function) IrParser.parse(PRODUCT, "product").getFirst();
        var nest = (NestOp.Compute) function.body().ops().getFirst();
        var kernel = new NestToTile(machine).lower(nest, "product", _ -> false).kernel();
        return CudaImage.read(
                MemorySegment.ofArray(new CudaCodegen().compile(List.of(kernel), machine).bytes()));
    }

    private static float value(int number, int seed) {
        return (number * 31 % 17 - 8 + seed) / 4f;
    }

    private static short brain(float value) {
        return (short) (Float.floatToRawIntBits(value) >>> 16);
    }

    private static float[] run(UnaryOperator<KernelEntry> entry, UnaryOperator<String> text) {
        var module = IMAGE.modules().getFirst();
        var changed = new CudaImage(
                "sm_90a",
                List.of(new CudaImage.Module(entry.apply(module.entry()), text.apply(module.ptx()), Optional.empty())));
        var settings = new Settings("sm_90a", 1 << 24, true, Optional.empty());
        var description = new EmulatedCuda().list(0).getFirst();
        try (var device = new EmulatedDevice(description, Architecture.of("sm_90a").orElseThrow(), settings, 2);
                var image = device.load(MemorySegment.ofArray(changed.toBytes()));
                var queue = device.openQueue(StopSignal.NEVER);
                var arena = Arena.ofShared()) {
            var x = device.allocate(arena, 2L * ROWS * DEPTH, 256);
            var y = device.allocate(arena, 2L * DEPTH * COLUMNS, 256);
            var c = device.allocate(arena, 4L * ROWS * COLUMNS, 256);
            queue.copyIn(matrix(ROWS * DEPTH, 1), x.address(), 2L * ROWS * DEPTH);
            queue.copyIn(matrix(DEPTH * COLUMNS, 2), y.address(), 2L * DEPTH * COLUMNS);
            var words = arena.allocateFrom(ValueLayout.JAVA_LONG, x.address(), y.address(), c.address());
            // The number of blocks is whatever the tiles are; the test of the whole product says that it is enough.
            queue.launch(image.kernel("product"), words, 3, grid(module.ptx()), 0);
            var found = new float[ROWS * COLUMNS];
            queue.copyOut(c.address(), MemorySegment.ofArray(found), 4L * found.length);
            queue.record().await();
            return found;
        }
    }

    private static long[] grid(String ptx) {
        var matcher = Pattern.compile("each point of (\\d+) x (\\d+)").matcher(ptx);
        assertTrue(matcher.find());
        return new long[] {Long.parseLong(matcher.group(1)), Long.parseLong(matcher.group(2))};
    }

    private static MemorySegment matrix(int count, int seed) {
        var elements = new short[count];
        for (int i = 0; i < count; i++) {
            elements[i] = brain(value(i, seed));
        }
        return MemorySegment.ofArray(elements);
    }

    @Test
    void multiplies() {
        var module = IMAGE.modules().getFirst();
        assertEquals(2, module.entry().maps().size());
        assertTrue(module.ptx().contains("cp.async.bulk.tensor.2d"), module.ptx());
        assertTrue(module.ptx().contains("wgmma.wait_group.sync.aligned 1;"), module.ptx());
        var found = run(entry -> entry, text -> text);
        for (int row = 0; row < ROWS; row++) {
            for (int column = 0; column < COLUMNS; column++) {
                float sum = 0;
                for (int k = 0; k < DEPTH; k++) {
                    sum += value(row * DEPTH + k, 1) * value(k * COLUMNS + column, 2);
                }
                assertEquals(sum, found[row * COLUMNS + column], "(" + row + ", " + column + ")");
            }
        }
    }

    /// What is changed wherever it stands (a regular expression), and what is said of it.
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "mbarrier.try_wait.parity.shared::cta.b64 (%p\\d+), [^;]*;|setp.eq.b32 $1, 0, 0;|copies",
        "(mbarrier.try_wait.parity.shared::cta.b64 %p\\d+, .*?), (%r\\d+);|xor.b32 $2, $2, 1; $1, $2;|that no thread of the block wrote",
        "fence.mbarrier_init.release.cluster;||initialised without a fence",
        "(expect_tx.shared::cta.b64 _, .*?, )\\d+;|$1 4096;|a deadlock",
        "(expect_tx.shared::cta.b64 _, .*?, )\\d+;|$1 65536;|a deadlock",
        "mbarrier.arrive.shared::cta.b64 _, [^;]*;||a deadlock",
        "wgmma.wait_group.sync.aligned 1;||while an asynchronous product",
        "wgmma.wait_group.sync.aligned 1;|wgmma.wait_group.sync.aligned 2;|while an asynchronous product",
        "wgmma.wait_group.sync.aligned 0;||uses a register of the sums",
        "wgmma.fence.sync.aligned;||a product without a wgmma.fence",
        "(mbarrier.init.shared::cta.b64 .*?, )1;|$1 2;|a deadlock",
        "align 1024|align 128|a matrix descriptor",
        "cp.async.bulk.tensor.2d[^;]*;||a deadlock",
    })
    void withOneThingWrong(String right, String wrong, String message) {
        var found = assertThrows(
                DeviceLost.class,
                () -> run(entry -> entry, text -> {
                    var changed = text.replaceAll(right, wrong == null ? "" : wrong);
                    assertTrue(!changed.equals(text), right);
                    return changed;
                }));
        assertTrue(found.getMessage().contains(message), found.getMessage());
    }

    private static KernelEntry with(KernelEntry entry, UnaryOperator<TensorMap> change) {
        return new KernelEntry(
                entry.name(),
                entry.threads(),
                entry.points(),
                entry.sharedBytes(),
                entry.words(),
                entry.maps().stream().map(change).toList());
    }

    @Test
    void aBoxOfAnotherSizeIsNoticed() {
        var found = assertThrows(
                DeviceLost.class,
                () -> run(
                        entry -> with(entry, map -> new TensorMap(
                                map.word(), map.element(), map.sizes(), List.of(64L, map.box().get(1) / 2), map.swizzle())),
                        text -> text));
        assertTrue(found.getMessage().contains("a deadlock"), found.getMessage());
    }

    @Test
    void aTensorThatIsLargerThanItsMemoryIsNoticed() {
        var found = assertThrows(
                DeviceLost.class,
                () -> run(
                        entry -> with(entry, map -> new TensorMap(
                                map.word(),
                                map.element(),
                                List.of(map.sizes().getFirst(), map.sizes().getLast().plus(64)),
                                map.box(),
                                map.swizzle())),
                        text -> text));
        assertTrue(found.getMessage().contains("beyond the end"), found.getMessage());
    }

    @Test
    void aDistanceThatIsNoMultipleOf16IsRefusedAtTheLaunch() {
        var found = assertThrows(
                DeviceFailed.class,
                () -> run(
                        entry -> with(entry, map -> new TensorMap(
                                map.word(), map.element(), List.of(Dim.of(67), Dim.of(9)), map.box(), map.swizzle())),
                        text -> text));
        assertTrue(found.getMessage().contains("multiples of 16"), found.getMessage());
    }

    /// Another exchange of pieces than that of the product gives other numbers, which the comparison notices and no check does.
    @Test
    void anotherSwizzleGivesOtherNumbers() {
        var right = run(entry -> entry, text -> text);
        var wrong = run(
                entry -> with(entry, map -> new TensorMap(map.word(), map.element(), map.sizes(), map.box(), 16)),
                text -> text);
        int different = 0;
        for (int i = 0; i < right.length; i++) {
            different += right[i] == wrong[i] ? 0 : 1;
        }
        assertTrue(different > right.length / 2, different + " numbers differ");
    }
}
