package org.portolan.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// Packed matrix multiplication on one thread: our generated kernel and oneDNN's {@code matmul} with packed weights, on
/// the same numbers, in interleaved rounds. Prints a Markdown table; the best round of each side counts, and the ratio is
/// what carries over to another machine. Run with {@code OMP_NUM_THREADS=1}.
public final class GemmComparison {
    private static final int[][] SHAPES = {
        {128, 128, 128}, {256, 256, 256}, {512, 512, 512}, {1024, 1024, 1024}, {2048, 2048, 2048}, {16, 384, 384},
        {16, 768, 768}, {16, 3072, 768}, {16, 768, 3072}, {64, 768, 3072}, {128, 768, 768}, {128, 3072, 768},
        {128, 768, 3072}, {1, 3072, 768}
    };
    private static final int ROUNDS = 15;
    /// Multiply-adds, times two, in one timed stretch.
    private static final double STRETCH = 1e8;

    private GemmComparison() {}

    public static void main(String[] arguments) {
        if (!"1".equals(System.getenv("OMP_NUM_THREADS"))) {
            System.err.println("set OMP_NUM_THREADS=1: this compares one thread with one thread");
            System.exit(2);
        }
        System.out.println("| M x N x K | ours GFLOP/s | oneDNN GFLOP/s | ours / oneDNN | largest difference |");
        System.out.println("|---|---|---|---|---|");
        double logarithms = 0;
        int matrices = 0;
        for (var shape : SHAPES) {
            var result = compare(shape[0], shape[1], shape[2]);
            System.out.printf(
                    "| %dx%dx%d | %.1f | %.1f | %.2f | %.1e |%n", shape[0], shape[1], shape[2], result.ours(),
                    result.theirs(), result.ours() / result.theirs(), result.difference());
            if (shape[0] > 1) {
                logarithms += Math.log(result.ours() / result.theirs());
                matrices++;
            }
        }
        System.out.printf("%nGeometric mean over the %d matrix-matrix shapes: %.3f%n", matrices,
                Math.exp(logarithms / matrices));
    }

    private record Result(double ours, double theirs, double difference) {}

    private static Result compare(int m, int n, int k) {
        var text = """
            graph.function <name = "gemm"> { (%%x: f32[%1$d,%3$d]) ->
              %%w = graph.constant <data = random(7)> : f32[%3$d,%2$d]
              %%y = nest.compute [%%x, %%w] <axes = [m:%1$d, n:%2$d, k:%3$d]> {
                %%a = nest.read %%x <at = [m, k]> : f32
                %%b = nest.read %%w <at = [k, n]> : f32
                %%p = arith.mul %%a, %%b : f32
                %%s = nest.sum %%p <over = [k]> : f32
                nest.yield [%%s] <to = [[m, n]]>
              } : f32[%1$d,%2$d]
              graph.return [%%y]
            }
            """.formatted(m, n, k);
        try (var arena = Arena.ofConfined();
                var ours = KernelRunner.compile(text, Map.of())) {
            var weights = random(arena, (long) k * n, 1);
            var source = random(arena, (long) m * k, 2);
            var destination = arena.allocate(4L * m * n, 4096);
            MemorySegment.copy(source, 0, ours.buffer(0), 0, source.byteSize());
            pack(ours, weights, n);
            try (var theirs = new DnnlMatmul(m, n, k, source, weights, destination)) {
                double flops = 2.0 * m * n * k;
                int repeats = (int) Math.max(1, STRETCH / flops);
                double best = Double.MAX_VALUE;
                double bestTheirs = Double.MAX_VALUE;
                for (int round = 0; round < ROUNDS; round++) {
                    best = Math.min(best, time(ours::run, repeats));
                    bestTheirs = Math.min(bestTheirs, time(theirs::run, repeats));
                }
                return new Result(flops / best, flops / bestTheirs, difference(ours.buffer(2), destination, m * n));
            }
        }
    }

    private static double time(Runnable run, int repeats) {
        long start = System.nanoTime();
        for (int i = 0; i < repeats; i++) {
            run.run();
        }
        return (System.nanoTime() - start) / (double) repeats;
    }

    /// Lays row-major weights out as the kernel asks.
    private static void pack(KernelRunner kernel, MemorySegment weights, int n) {
        var type = kernel.lowered().kernel().body().params().get(1).buffer();
        var target = kernel.buffer(1);
        var map = type.layout().orElseThrow();
        long panel = type.physical().getLast().constant().orElseThrow();
        List<Long> extents = new ArrayList<>();
        type.physical().forEach(dim -> extents.add(dim.constant().orElseThrow()));
        if (map.results().size() != 3) {
            throw new IllegalStateException("expected panels of columns, found " + map);
        }
        long k = extents.get(1);
        for (long row = 0; row < k; row++) {
            for (long column = 0; column < n; column++) {
                long place = (column / panel * k + row) * panel + column % panel;
                target.setAtIndex(
                        ValueLayout.JAVA_FLOAT, place, weights.getAtIndex(ValueLayout.JAVA_FLOAT, row * n + column));
            }
        }
    }

    private static MemorySegment random(Arena arena, long elements, long seed) {
        var segment = arena.allocate(4 * elements, 4096);
        var random = new Random(seed);
        for (long i = 0; i < elements; i++) {
            segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, random.nextFloat() - 0.5f);
        }
        return segment;
    }

    private static double difference(MemorySegment ours, MemorySegment theirs, int elements) {
        double largest = 0;
        for (int i = 0; i < elements; i++) {
            largest = Math.max(
                    largest,
                    Math.abs(ours.getAtIndex(ValueLayout.JAVA_FLOAT, i) - theirs.getAtIndex(ValueLayout.JAVA_FLOAT, i)));
        }
        return largest;
    }
}
