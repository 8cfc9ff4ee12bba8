package org.portolan.bench;

import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// The generated matrix product with packed weights, one thread, fixed and symbolic rows.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
public class GemmBenchmark {
    /// Rows, columns, contracted.
    @Param({"128x384x384", "128x1536x384", "16x384x384", "512x512x512", "1x3072x768"})
    public String shape;

    @Param({"fixed", "symbolic"})
    public String rows;

    private KernelRunner kernel;

    @Setup(Level.Trial)
    public void compile() {
        var extents = shape.split("x");
        var m = rows.equals("fixed") ? extents[0] : "rows";
        kernel = KernelRunner.compile(
                """
                graph.function <name = "gemm", symbols = [rows:1..4096]> { (%%x: f32[%1$s,%3$s]) ->
                  %%w = graph.constant <data = random(7)> : f32[%3$s,%2$s]
                  %%y = nest.compute [%%x, %%w] <axes = [m:%1$s, n:%2$s, k:%3$s]> {
                    %%a = nest.read %%x <at = [m, k]> : f32
                    %%b = nest.read %%w <at = [k, n]> : f32
                    %%p = arith.mul %%a, %%b : f32
                    %%s = nest.sum %%p <over = [k]> : f32
                    nest.yield [%%s] <to = [[m, n]]>
                  } : f32[%1$s,%2$s]
                  graph.return [%%y]
                }
                """
                        .formatted(m, extents[1], extents[2]),
                Map.of("rows", Long.parseLong(extents[0])));
    }

    @TearDown(Level.Trial)
    public void close() {
        kernel.close();
    }

    @Benchmark
    public void run() {
        kernel.run();
    }
}
