package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;

/// Contractions for machines whose lanes are threads: tiles in shared memory, odd sizes, unknown sizes, batches, operands
/// in any order of axes, guarded reads, narrow elements.
class ContractionKernelTest {
    /// A matrix product with what may stand around it.
    private static String product(boolean transposed, boolean batched, String element) {
        var batch = batched ? "b, " : "";
        var extent = batched ? "3," : "";
        return """
                graph.function <name = product, symbols = [m:0..4096, n:0..4096, k:0..4096]> { (%x: ELEMENT[BATCHM,K], %y: ELEMENT[RIGHT], %bias: f32[N], %scale: f32[K]) ->
                  %c = nest.compute [%x, %y, %bias, %scale] <axes = [AXESi:M, j:N, l:K]> {
                    %p = nest.read %x <at = [ATi, l]> : ELEMENT
                    %q = nest.read %y <at = [ORDER]> : ELEMENT
                    %pw = arith.cast %p : f32
                    %qw = arith.cast %q : f32
                    %u = nest.read %scale <at = [l]> : f32
                    %t = arith.mul %pw, %u : f32
                    %r = arith.mul %t, %qw : f32
                    %s = nest.sum %r <over = [l]> : f32
                    %d = nest.read %bias <at = [j]> : f32
                    %e = arith.add %s, %d : f32
                    %zero = arith.const <value = 0.0> : f32
                    %f = arith.max %e, %zero : f32
                    nest.yield [%f] <to = [[ATi, j]]>
                  } : f32[BATCHM,N]
                  graph.return [%c]
                }
                """
                .replace("ELEMENT", element)
                .replace("RIGHT", transposed ? extent + "N,K" : extent + "K,N")
                .replace("ORDER", batch + (transposed ? "j, l" : "l, j"))
                .replace("BATCH", extent)
                .replace("AXES", batched ? "b:3, " : "")
                .replace("AT", batch);
    }

    private static final String CONVOLUTION =
            """
            graph.function <name = convolution, symbols = [m:0..4096, n:0..4096, k:0..4096]> { (%x: f32[2,K,M,N], %w: f32[9,K,3,3], %bias: f32[9]) ->
              %y = nest.compute [%x, %w, %bias] <axes = [b:2, o:9, h:M, v:N, c:K, p:3, q:3]> {
                %a = nest.read %x <at = [b, c, h+p-1, v+q-1], otherwise = zero> : f32
                %e = nest.read %w <at = [o, c, p, q]> : f32
                %r = arith.mul %a, %e : f32
                %s = nest.sum %r <over = [c, p, q]> : f32
                %d = nest.read %bias <at = [o]> : f32
                %t = arith.add %s, %d : f32
                nest.yield [%t] <to = [[b, o, h, v]]>
              } : f32[2,9,M,N]
              graph.return [%y]
            }
            """;

    private static void check(
            MachineOp.Chip chip, String text, Map<String, List<Long>> shapes, long m, long n, long k, boolean dynamic) {
        var check = new KernelCheck(chip);
        var sized = text.replace("M", dynamic ? "m" : "" + m)
                .replace("N", dynamic ? "n" : "" + n)
                .replace("K", dynamic ? "k" : "" + k);
        try {
            check.check(sized, shapes, dynamic ? Map.of("m", m, "n", n, "k", k) : Map.of(), m * 31 + n * 7 + k, 0);
        } catch (RuntimeException | Error failure) {
            throw new AssertionError(chip.name() + ", " + chip.blockLimit() + " threads: " + failure.getMessage() + "\n" + sized, failure);
        }
    }

    private static void product(MachineOp.Chip chip, long m, long n, long k, Random random) {
        boolean transposed = random.nextBoolean();
        boolean batched = random.nextInt(3) == 0;
        var left = batched ? List.of(3L, m, k) : List.of(m, k);
        var right = transposed ? List.of(n, k) : List.of(k, n);
        right = batched ? List.of(3L, right.get(0), right.get(1)) : right;
        var shapes = Map.of("x", left, "y", right, "bias", List.of(n), "scale", List.of(k));
        var element = List.of("f32", "f16", "i8").get(random.nextInt(3));
        check(chip, product(transposed, batched, element), shapes, m, n, k, random.nextInt(3) == 0);
    }

    @ParameterizedTest
    @CsvSource({
        "1,1,1", "16,16,16", "64,64,64", "65,33,17", "31,70,24", "8,72,5", "72,8,32", "2,96,72", "1,128,64", "64,1,40",
        "0,8,8", "8,8,0", "12,20,60", "5,7,150"
    })
    void products(long m, long n, long k) {
        var random = new Random(m * 1000 + n * 10 + k);
        for (var chip : ThreadMachine.all()) {
            for (int i = 0; i < 2; i++) {
                product(chip, m, n, k, random);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"5,6,8", "4,9,5", "1,1,4"})
    void convolutions(long m, long n, long k) {
        var shapes = Map.of("x", List.of(2L, k, m, n), "w", List.of(9L, k, 3L, 3L), "bias", List.of(9L));
        for (var chip : ThreadMachine.all()) {
            check(chip, CONVOLUTION, shapes, m, n, k, false);
            check(chip, CONVOLUTION, shapes, m, n, k, true);
        }
    }

    /// The rows of a small image are one axis, so that no tile ends with each of them.
    @Test
    void imagesAreTiledAsAWhole() {
        var check = new KernelCheck(ThreadMachine.large());
        var text = CONVOLUTION.replace("M", "7").replace("N", "7").replace("K", "8").replace("9", "32");
        var shapes = Map.of("x", List.of(2L, 8L, 7L, 7L), "w", List.of(32L, 8L, 3L, 3L), "bias", List.of(32L));
        check.check(text, shapes, Map.of(), 1, 0);
        var kernel = check.kernels().getFirst();
        assertTrue(ThreadKernelTest.has(kernel.body().ops(), op -> op instanceof TileOp.Barrier));
        long blocks = kernel.grid().stream()
                .mapToLong(count -> count.constant().orElseThrow())
                .reduce(1, (a, b) -> a * b);
        assertTrue(blocks <= 2 * 2 * 4, "two images of 32 channels and 49 points, found " + kernel.grid());
    }

    /// Weights that are known when the model is compiled lie as their tiles are filled: in vectors of neighbours.
    @Test
    void knownWeightsLieInPanels() {
        var text = CONVOLUTION
                .replace(", %w: f32[9,K,3,3]", "")
                .replace("%y = nest", "%w = graph.constant <data = random(3)> : f32[9,K,3,3]\n  %y = nest")
                .replace("M", "6")
                .replace("N", "7")
                .replace("K", "8")
                .replace("9", "12");
        var shapes = Map.of("x", List.of(2L, 8L, 6L, 7L), "bias", List.of(12L));
        for (var chip : ThreadMachine.all()) {
            var check = new KernelCheck(chip);
            check.check(text, shapes, Map.of(), 1, 1e-5);
            assertTrue(check.kernels().getFirst().body().params().stream()
                    .anyMatch(param -> param.buffer().layout().isPresent()));
        }
    }

    /// A large product goes through shared memory, in vectors of four where its extents allow it.
    @Test
    void aLargeProductIsTiled() {
        var check = new KernelCheck(ThreadMachine.large());
        var text = product(false, false, "f32").replace("M", "64").replace("N", "64").replace("K", "32");
        var shapes = Map.of("x", List.of(64L, 32L), "y", List.of(32L, 64L), "bias", List.of(64L), "scale", List.of(32L));
        check.check(text, shapes, Map.of(), 1, 0);
        var ops = check.kernels().getFirst().body().ops();
        assertTrue(ThreadKernelTest.has(ops, op -> op instanceof TileOp.Alloc alloc
                && alloc.result().buffer().space() == Type.Space.SHARED));
        assertTrue(ThreadKernelTest.has(ops, op -> op instanceof TileOp.Load load && isWide(load)));
        assertTrue(ThreadKernelTest.has(ops, op -> op instanceof TileOp.Barrier));
    }

    private static boolean isWide(Op op) {
        return OpSchema.results(op).getFirst().type().laneCount() == 4;
    }
}
