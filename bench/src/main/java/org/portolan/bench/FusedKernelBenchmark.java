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

/// Softmax, layer normalisation and GELU, each as the one nest that fusion makes of them, on 128 rows of 384, one thread.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
public class FusedKernelBenchmark {
    private static final String SOFTMAX = """
            <axes = [m:128, n:384, k:384, l:384]> {
              %a = nest.read %x <at = [m, k]> : f32
              %least = arith.const <value = -3.0E38> : f32
              %most = nest.reduce [%a], [%least] <over = [k]> { (%u: f32, %v: f32) ->
                %w = arith.max %u, %v : f32
                nest.yield [%w]
              } : f32
              %b = nest.read %x <at = [m, l]> : f32
              %c = arith.sub %b, %most : f32
              %d = arith.exp %c : f32
              %sum = nest.sum %d <over = [l]> : f32
              %e = nest.read %x <at = [m, n]> : f32
              %f = arith.sub %e, %most : f32
              %g = arith.exp %f : f32
              %z = arith.div %g, %sum : f32
            """;

    private static final String LAYER_NORMALIZATION = """
            <axes = [m:128, n:384, k:384, l:384]> {
              %count = arith.const <value = 384.0> : f32
              %a = nest.read %x <at = [m, k]> : f32
              %total = nest.sum %a <over = [k]> : f32
              %mean = arith.div %total, %count : f32
              %b = nest.read %x <at = [m, l]> : f32
              %c = arith.sub %b, %mean : f32
              %d = arith.mul %c, %c : f32
              %squares = nest.sum %d <over = [l]> : f32
              %variance = arith.div %squares, %count : f32
              %epsilon = arith.const <value = 1.0E-5> : f32
              %e = arith.add %variance, %epsilon : f32
              %deviation = arith.sqrt %e : f32
              %f = nest.read %x <at = [m, n]> : f32
              %g = arith.sub %f, %mean : f32
              %z = arith.div %g, %deviation : f32
            """;

    private static final String GELU = """
            <axes = [m:128, n:384]> {
              %a = nest.read %x <at = [m, n]> : f32
              %root = arith.const <value = 0.7071067690849304> : f32
              %b = arith.mul %a, %root : f32
              %c = arith.erf %b : f32
              %one = arith.const <value = 1.0> : f32
              %d = arith.add %c, %one : f32
              %e = arith.mul %a, %d : f32
              %half = arith.const <value = 0.5> : f32
              %z = arith.mul %e, %half : f32
            """;

    @Param({"softmax", "layer-normalization", "gelu"})
    public String operation;

    private KernelRunner kernel;

    @Setup(Level.Trial)
    public void compile() {
        var body = switch (operation) {
            case "softmax" -> SOFTMAX;
            case "gelu" -> GELU;
            default -> LAYER_NORMALIZATION;
        };
        kernel = KernelRunner.compile(
                """
                graph.function <name = "fused"> { (%x: f32[128,384]) ->
                  %y = nest.compute [%x]\s"""
                        + body
                        + """
                    nest.yield [%z] <to = [[m, n]]>
                  } : f32[128,384]
                  graph.return [%y]
                }
                """,
                Map.of());
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
