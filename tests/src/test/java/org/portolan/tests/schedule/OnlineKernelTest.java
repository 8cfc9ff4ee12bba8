package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;
import org.portolan.lowering.nest.RowChains;
import org.portolan.lowering.tile.NestToTile;
import org.portolan.runtime.data.RandomTensors;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Attention as three nests: they become one, and its kernel computes what the three say, whatever the lengths and the mask.
class OnlineKernelTest {
    static final double FLOAT = 2e-6;
    static final double HALF = 4e-3;

    /// @param turned whether keys are neighbours in memory, and not the elements of a key
    static String attention(String element, boolean turned, long heads, long m, long n, long d, long e, boolean dynamic) {
        return """
                graph.function <name = attention, symbols = [m:0..4096, n:1..4096]> { (%q: ELEMENT[HEADS,M,D], %k: ELEMENT[HEADS,KEYS], %v: ELEMENT[HEADS,N,E], %mask: f32[M,N]) ->
                  %s = nest.compute [%q, %k, %mask] <axes = [h:HEADS, i:M, j:N, l:D]> {
                    %a = nest.read %q <at = [h, i, l]> : ELEMENT
                    %b = nest.read %k <at = [h, ORDER]> : ELEMENT
                    %aw = arith.cast %a : f32
                    %bw = arith.cast %b : f32
                    %p = arith.mul %aw, %bw : f32
                    %t = nest.sum %p <over = [l]> : f32
                    %c = arith.const <value = 0.25> : f32
                    %u = arith.mul %t, %c : f32
                    %w = nest.read %mask <at = [i, j]> : f32
                    %lowest = arith.const <value = 0xfff0000000000000> : f32
                    %limit = arith.const <value = -0.5> : f32
                    %hidden = arith.compare %w, %limit <relation = less> : bool
                    %z = arith.select %hidden, %lowest, %u : f32
                    nest.yield [%z] <to = [[h, i, j]]>
                  } : f32[HEADS,M,N]
                  %r = nest.compute [%s] <axes = [h:HEADS, i:M, j:N, x:N, y:N]> {
                    %a = nest.read %s <at = [h, i, j]> : f32
                    %b = nest.read %s <at = [h, i, x]> : f32
                    %lowest = arith.const <value = 0xfff0000000000000> : f32
                    %most = nest.reduce [%b], [%lowest] <over = [x]> { (%f: f32, %g: f32) ->
                      %larger = arith.max %f, %g : f32
                      nest.yield [%larger]
                    } : f32
                    %c = arith.sub %a, %most : f32
                    %w = arith.exp %c : f32
                    %o = nest.read %s <at = [h, i, y]> : f32
                    %op = arith.sub %o, %most : f32
                    %oe = arith.exp %op : f32
                    %total = nest.sum %oe <over = [y]> : f32
                    %share = arith.div %w, %total : f32
                    %narrow = arith.cast %share : ELEMENT
                    nest.yield [%narrow] <to = [[h, i, j]]>
                  } : ELEMENT[HEADS,M,N]
                  %o = nest.compute [%r, %v] <axes = [h:HEADS, i:M, e:E, j:N]> {
                    %a = nest.read %r <at = [h, i, j]> : ELEMENT
                    %b = nest.read %v <at = [h, j, e]> : ELEMENT
                    %aw = arith.cast %a : f32
                    %bw = arith.cast %b : f32
                    %p = arith.mul %aw, %bw : f32
                    %t = nest.sum %p <over = [j]> : f32
                    nest.yield [%t] <to = [[i, h, e]]>
                  } : f32[M,HEADS,E]
                  graph.return [%o]
                }
                """
                .replace("KEYS", turned ? "D,N" : "N,D")
                .replace("ORDER", turned ? "l, j" : "j, l")
                .replace("HEADS", Long.toString(heads))
                .replace("ELEMENT", element)
                .replaceAll("\\bM\\b", dynamic ? "m" : Long.toString(m))
                .replaceAll("\\bN\\b", dynamic ? "n" : Long.toString(n))
                .replaceAll("\\bD\\b", Long.toString(d))
                .replaceAll("\\bE\\b", Long.toString(e));
    }

    /// The function with its three nests in one.
    static GraphOp.Function joined(String text, MachineOp.Chip chip) {
        var function = (GraphOp.Function) IrParser.parse(text, "attention").getFirst();
        return RowChains.apply(function, nest -> NestToTile.isOnline(nest, chip));
    }

    private static KernelCheck check(
            MachineOp.Chip chip, String element, boolean turned, long heads, long m, long n, long d, long e, boolean dynamic) {
        var text = attention(element, turned, heads, m, n, d, e, dynamic);
        var joined = joined(text, chip);
        assertEquals(1, joined.body().ops().stream().filter(NestOp.Compute.class::isInstance).count());
        var shapes = Map.of(
                "q", List.of(heads, m, d),
                "k", turned ? List.of(heads, d, n) : List.of(heads, n, d),
                "v", List.of(heads, n, e),
                "mask", List.of(m, n));
        var symbols = dynamic ? Map.of("m", m, "n", n) : Map.<String, Long>of();
        var check = new KernelCheck(chip);
        check.check(IrPrinter.print(joined), shapes, symbols, m + n, element.equals("f32") ? FLOAT : HALF);
        return check;
    }

    @ParameterizedTest
    @CsvSource({
        "1, 4, 6, 8, 8, false, false", "2, 20, 33, 16, 24, false, false", "1, 70, 130, 5, 7, true, false",
        "2, 17, 80, 32, 16, true, true", "1, 1, 1, 16, 16, false, true"
    })
    void floats(long heads, long m, long n, long d, long e, boolean turned, boolean dynamic) {
        check(ThreadMachine.large(), "f32", turned, heads, m, n, d, e, dynamic);
        check(ThreadMachine.apart(), "f32", turned, heads, m, n, d, e, dynamic);
    }

    @ParameterizedTest
    @CsvSource({
        "f16, 1, 16, 16, 16, 16, false, false", "bf16, 2, 20, 33, 24, 8, false, false", "f16, 1, 70, 130, 5, 7, true, false",
        "bf16, 1, 40, 80, 32, 40, true, true"
    })
    void fragments(String element, long heads, long m, long n, long d, long e, boolean turned, boolean dynamic) {
        var check = check(ThreadMachine.fragments(), element, turned, heads, m, n, d, e, dynamic);
        assertTrue(ThreadKernelTest.has(
                check.kernels().getFirst().body().ops(),
                op -> op instanceof TileOp.Call call && call.intrinsic().startsWith("multiply")));
        // Weights are assembled where the scores are, and go through no memory.
        assertTrue(ThreadKernelTest.has(check.kernels().getFirst().body().ops(), TileOp.Assemble.class::isInstance));
    }

    /// Scores of 64 bits near a hundred million, and a product of 32: how far apart they are is found in 64.
    @Test
    void scoresAreWiderThanTheProduct() {
        var text = """
                graph.function <name = attention> { (%q: f64[1,12,8], %k: f64[1,150,8], %v: f32[1,150,8]) ->
                  %s = nest.compute [%q, %k] <axes = [h:1, i:12, j:150, l:8]> {
                    %a = nest.read %q <at = [h, i, l]> : f64
                    %b = nest.read %k <at = [h, j, l]> : f64
                    %p = arith.mul %a, %b : f64
                    %t = nest.sum %p <over = [l]> : f64
                    %c = arith.const <value = 100000000.0> : f64
                    %u = arith.add %t, %c : f64
                    nest.yield [%u] <to = [[h, i, j]]>
                  } : f64[1,12,150]
                  %r = nest.compute [%s] <axes = [h:1, i:12, j:150, x:150, y:150]> {
                    %a = nest.read %s <at = [h, i, j]> : f64
                    %b = nest.read %s <at = [h, i, x]> : f64
                    %lowest = arith.const <value = 0xfff0000000000000> : f64
                    %most = nest.reduce [%b], [%lowest] <over = [x]> { (%f: f64, %g: f64) ->
                      %larger = arith.max %f, %g : f64
                      nest.yield [%larger]
                    } : f64
                    %c = arith.sub %a, %most : f64
                    %w = arith.exp %c : f64
                    %o = nest.read %s <at = [h, i, y]> : f64
                    %op = arith.sub %o, %most : f64
                    %oe = arith.exp %op : f64
                    %total = nest.sum %oe <over = [y]> : f64
                    %share = arith.div %w, %total : f64
                    %narrow = arith.cast %share : f32
                    nest.yield [%narrow] <to = [[h, i, j]]>
                  } : f32[1,12,150]
                  %o = nest.compute [%r, %v] <axes = [h:1, i:12, e:8, j:150]> {
                    %a = nest.read %r <at = [h, i, j]> : f32
                    %b = nest.read %v <at = [h, j, e]> : f32
                    %p = arith.mul %a, %b : f32
                    %t = nest.sum %p <over = [j]> : f32
                    nest.yield [%t] <to = [[i, h, e]]>
                  } : f32[12,1,8]
                  graph.return [%o]
                }
                """;
        var joined = joined(text, ThreadMachine.large());
        assertEquals(1, joined.body().ops().stream().filter(NestOp.Compute.class::isInstance).count());
        new KernelCheck(ThreadMachine.large()).check(
                IrPrinter.print(joined),
                Map.of("q", List.of(1L, 12L, 8L), "k", List.of(1L, 150L, 8L), "v", List.of(1L, 150L, 8L)),
                Map.of(),
                5,
                FLOAT);
    }

    /// Factors near the largest number: what is summed before it is divided stays in range.
    @ParameterizedTest
    @CsvSource({"f32, 1, 20, 300", "f32, 1, 2, 600", "bf16, 1, 20, 300"})
    void sumsStayInRange(String element, long heads, long m, long n) {
        var chip = element.equals("f32") ? ThreadMachine.large() : ThreadMachine.fragments();
        var text = attention(element, false, heads, m, n, 16, 16, false)
                .replace(
                        "%b = nest.read %v <at = [h, j, e]> : " + element,
                        """
                        %b0 = nest.read %v <at = [h, j, e]> : ELEMENT
                        %b1 = arith.abs %b0 : ELEMENT
                        %huge = arith.const <value = 4.0e37> : ELEMENT
                        %b = arith.mul %b1, %huge : ELEMENT
                        """
                                .replace("ELEMENT", element));
        assertTrue(text.contains("%huge"));
        var joined = joined(text, chip);
        assertEquals(1, joined.body().ops().stream().filter(NestOp.Compute.class::isInstance).count());
        var shapes = Map.of(
                "q", List.of(heads, m, 16L), "k", List.of(heads, n, 16L), "v", List.of(heads, n, 16L), "mask", List.of(m, n));
        var type = ElementType.parse(element);
        var inputs = Map.of(
                "q", RandomTensors.random(type, 1, heads, m, 16),
                "k", RandomTensors.random(type, 2, heads, n, 16),
                "v", RandomTensors.random(type, 3, heads, n, 16),
                "mask", RandomTensors.random(ElementType.F32, 4, m, n));
        var plain = (GraphOp.Function) IrParser.parse(text, "attention").getFirst();
        var expected = new GraphInterpreter(plain).run(inputs).get("o");
        var found = new GraphInterpreter(joined).run(inputs).get("o");
        for (long i = 0; i < expected.elements(); i++) {
            assertTrue(Double.isFinite(expected.getDouble(i)) && expected.getDouble(i) != 0);
            assertEquals(1, found.getDouble(i) / expected.getDouble(i), element.equals("f32") ? 1e-5 : 0.02, "element " + i);
        }
        new KernelCheck(chip).check(IrPrinter.print(joined), shapes, Map.of(), 3, element.equals("f32") ? FLOAT : HALF);
    }

    /// Without a key the three nests give 0, and a row that is divided by the sum of its weights would give none.
    @Test
    void rowsThatMayBeEmptyStayApart() {
        var text = attention("f32", false, 1, 4, 6, 8, 8, true).replace("n:1..4096", "n:0..4096");
        var joined = joined(text, ThreadMachine.large());
        assertEquals(3, joined.body().ops().stream().filter(NestOp.Compute.class::isInstance).count());
    }

    /// All that a block shares lies in memory at once, and the machine has as much.
    @ParameterizedTest
    @CsvSource({"f32, false", "f32, true", "f16, false", "f16, true"})
    void sharedMemoryIsThere(String element, boolean turned) {
        long kernels = 0;
        for (var chip : List.of(ThreadMachine.large(), ThreadMachine.apart(), ThreadMachine.fragments())) {
            for (long deep : new long[] {16, 64, 256}) {
                for (long columns : new long[] {8, 64, 128}) {
                    var joined = joined(attention(element, turned, 1, 64, 64, deep, columns, false), chip);
                    if (joined.body().ops().getFirst() instanceof NestOp.Compute nest && joined.body().ops().size() == 2) {
                        var kernel = new NestToTile(chip).lower(nest, "attention", _ -> false).kernel();
                        long bytes = sharedBytes(kernel.body());
                        assertTrue(
                                bytes <= chip.sharedBytes(),
                                chip.intrinsics().ops().size() + " instructions, warp " + chip.warp() + ", " + deep + " x "
                                        + columns + ": " + bytes + " of " + chip.sharedBytes() + " bytes");
                        kernels++;
                    }
                }
            }
        }
        assertTrue(kernels > 6, kernels + " kernels");
    }

    private static long sharedBytes(Body body) {
        long bytes = 0;
        for (var op : body.ops()) {
            if (op instanceof TileOp.Alloc alloc && alloc.result().buffer().space() == Type.Space.SHARED) {
                var type = alloc.result().buffer();
                bytes += type.element().bytes(Dim.product(type.storage()).constant().orElseThrow());
            }
            for (var inner : OpSchema.bodies(op)) {
                bytes += sharedBytes(inner);
            }
        }
        return bytes;
    }

    @Test
    void whatDoesNotFitStaysApart() {
        var joined = joined(attention("f32", false, 1, 64, 64, 16, 16, false), ThreadMachine.small());
        assertEquals(3, joined.body().ops().stream().filter(NestOp.Compute.class::isInstance).count());
    }
}
