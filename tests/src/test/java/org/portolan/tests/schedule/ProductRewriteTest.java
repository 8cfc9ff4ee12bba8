package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.ir.ArithOp;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.Value;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;
import org.portolan.ir.verify.Verifier;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.nest.IntegerProducts;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;

/// Products that the rewrite for instructions on bytes has to leave alone, or to take with care. The nests are interpreted,
/// which finds accesses outside of a tensor.
@ParameterizedClass
@ValueSource(strings = {"cpu:x86-64-v3", "cpu:znver4", "cuda:sm_80", "cuda:sm_90a", "ascend:910b"})
class ProductRewriteTest {
    /// Weights with a scale, known when the model is compiled.
    private static final String WEIGHTS =
            """
            %w = graph.constant <data = random(7)> : i8[64,64]
            %wd = graph.map [%w] { (%aw: i8) ->
              %bw = arith.cast %aw : f32
              %cw = arith.const <value = 0.5> : f32
              %dw = arith.mul %bw, %cw : f32
              graph.yield [%dw]
            } : f32[64,64]
            """;

    @Parameter
    private String machine;

    private static GraphOp.Function parse(String text) {
        return (GraphOp.Function) IrParser.parse(text, "products").getFirst();
    }

    private GraphOp.Function rewritten(GraphOp.Function nests) {
        var module = new IntegerProducts(machine).run(List.of(nests));
        Verifier.verify(module);
        return (GraphOp.Function) module.getFirst();
    }

    /// How many nests sum products of numbers of at most 16 bits.
    private static long products(GraphOp.Function function) {
        return function.body().ops().stream()
                .filter(op -> op instanceof NestOp.Compute nest && isProduct(nest.body().ops()))
                .count();
    }

    private static boolean isProduct(List<Op> ops) {
        return ops.stream().anyMatch(op -> op instanceof ArithOp.Mul product
                && product.result().type().elementType() == ElementType.I32
                && isNarrow(ops, product.left())
                && isNarrow(ops, product.right())
                && ops.stream().anyMatch(other -> other instanceof NestOp.Sum sum && sum.value() == product.result()));
    }

    private static boolean isNarrow(List<Op> ops, Value factor) {
        return ops.stream().anyMatch(op -> op instanceof ArithOp.Cast cast
                && cast.result() == factor
                && cast.operand().type().elementType().bits() <= 16);
    }

    /// @param products how many products of bytes there must be
    /// @param tolerance relative to the largest result
    private void check(String text, Map<String, Tensor> inputs, int products, double tolerance) {
        var function = parse(text);
        var expected = new GraphInterpreter(function).run(inputs);
        var nests = rewritten(new Compiler().lowerGraph(function));
        assertEquals(products, products(nests), () -> "products of bytes in " + IrPrinter.print(List.of(nests)));
        new GraphInterpreter(nests).run(inputs).forEach((name, tensor) -> {
            assertEquals(expected.get(name).type(), tensor.type());
            var wanted = expected.get(name).toFloatArray();
            double largest = 1;
            for (float number : wanted) largest = Math.max(largest, Math.abs(number));
            assertArrayEquals(wanted, tensor.toFloatArray(), (float) (tolerance * largest), name);
        });
    }

    private static Tensor bytes(ElementType type, long seed, long... shape) {
        var numbers = new byte[Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact))];
        new Random(seed).nextBytes(numbers);
        return Tensor.of(type, ByteBuffer.wrap(numbers), shape);
    }

    private static Tensor scales(long seed, long... shape) {
        var numbers = new float[Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact))];
        var random = new Random(seed);
        for (int i = 0; i < numbers.length; i++) numbers[i] = Math.scalb(1f, random.nextInt(7) - 3);
        return Tensor.of(numbers, shape);
    }

    /// Beside a padded tensor there is no row whose scale could be read.
    @ParameterizedTest
    @CsvSource({"'16,1',0", "'',1"})
    void scalesOfPaddedRows(String extents, int products) {
        var text = """
                graph.function <name = padded> { (%x: i8[16,64], %s: f32[EXTENTS]) ->
                  WEIGHTS
                  %sb = graph.broadcast %s : f32[16,64]
                  %xd = graph.map [%x, %sb] { (%ax: i8, %sx: f32) ->
                    %bx = arith.cast %ax : f32
                    %cx = arith.mul %bx, %sx : f32
                    graph.yield [%cx]
                  } : f32[16,64]
                  %p = graph.pad %xd, _ <low = [1, 0]> : f32[18,64]
                  %y = graph.mat-mul %p, %wd <accumulate = f32> : f32[18,64]
                  graph.return [%y]
                }
                """.replace("EXTENTS", extents).replace("WEIGHTS", WEIGHTS);
        var scales = extents.isEmpty() ? scales(1) : scales(1, 16, 1);
        check(text, Map.of("x", bytes(ElementType.I8, 2, 16, 64), "s", scales), products, 0);
    }

    /// What counts along an axis of unknown extent has no inputs, but is not known.
    @Test
    void numbersOfUnknownCount() {
        var text = """
                graph.function <name = soft_argmax, symbols = [b:1..100, w:1..100]> { (%p: f32[b,w]) ->
                  %i = graph.iota <axis = 0> : i64[w,1]
                  %f = graph.map [%i] { (%ai: i64) ->
                    %bi = arith.cast %ai : f32
                    %ci = arith.const <value = 4.0> : f32
                    %di = arith.mul %bi, %ci : f32
                    graph.yield [%di]
                  } : f32[w,1]
                  %y = graph.mat-mul %p, %f <accumulate = f32> : f32[b,1]
                  graph.return [%y]
                }
                """;
        check(text, Map.of("p", scales(3, 9, 11)), 0, 0);
    }

    /// Weights that are the same for each of an unknown number of images.
    @Test
    void weightsForUnknownImages() {
        var text = """
                graph.function <name = images, symbols = [n:1..100]> { (%x: f32[n,20,16]) ->
                  %w = graph.constant <data = random(7)> : i8[1,16,24]
                  %v = graph.broadcast %w : i8[n,16,24]
                  %d = graph.map [%v] { (%ai: i8) ->
                    %bi = arith.cast %ai : f32
                    %si = arith.const <value = 0.5> : f32
                    %di = arith.mul %bi, %si : f32
                    graph.yield [%di]
                  } : f32[n,16,24]
                  %y = graph.mat-mul %x, %d <accumulate = f32> : f32[n,20,24]
                  graph.return [%y]
                }
                """;
        check(text, Map.of("x", scales(4, 3, 20, 16)), 0, 0);
    }

    /// A part of the weights, from a place that is known in the run.
    @Test
    void weightsFromAnUnknownPlace() {
        var text = """
                graph.function <name = part, symbols = [past:1..64]> { (%x: f32[20,64], %before: f32[past]) ->
                  %w = graph.constant <data = random(7)> : i8[128,24]
                  %v = graph.slice %w <starts = [past, 0], steps = [1, 1]> : i8[64,24]
                  %d = graph.map [%v] { (%ai: i8) ->
                    %bi = arith.cast %ai : f32
                    %si = arith.const <value = 0.5> : f32
                    %di = arith.mul %bi, %si : f32
                    graph.yield [%di]
                  } : f32[64,24]
                  %y = graph.mat-mul %x, %d <accumulate = f32> : f32[20,24]
                  graph.return [%y]
                }
                """;
        check(text, Map.of("x", scales(4, 20, 64), "before", scales(5, 3)), 0, 0);
    }

    /// A product of constants is a constant for the next one.
    @Test
    void productsOfConstants() {
        var text = """
                graph.function <name = chain> { (%x: i8[24,96]) ->
                  %a = graph.constant <data = random(7)> : i8[96,48]
                  %b = graph.constant <data = random(8)> : i8[48,80]
                  %aa = graph.map [%a] { (%a1: i8) ->
                    %b1 = arith.cast %a1 : i32
                    graph.yield [%b1]
                  } : i32[96,48]
                  %bb = graph.map [%b] { (%a2: i8) ->
                    %b2 = arith.cast %a2 : i32
                    graph.yield [%b2]
                  } : i32[48,80]
                  %xx = graph.map [%x] { (%a3: i8) ->
                    %b3 = arith.cast %a3 : i32
                    graph.yield [%b3]
                  } : i32[24,96]
                  %c = graph.mat-mul %aa, %bb <accumulate = i32> : i32[96,80]
                  %y = graph.mat-mul %xx, %c <accumulate = i32> : i32[24,80]
                  graph.return [%y]
                }
                """;
        check(text, Map.of("x", bytes(ElementType.I8, 6, 24, 96)), 1, 0);
    }

    /// Zero points are subtracted in 32 bits; other types may not hold the difference.
    @ParameterizedTest
    @CsvSource({"u8,i64,0", "u8,i16,0", "i8,u32,0", "u8,u16,0", "u8,i32,1"})
    void typesOfDifferences(String bytes, String wide, int products) {
        var text = """
                graph.function <name = differences> { (%x: BYTES[16,64], %z: WIDE[]) ->
                  WEIGHTS
                  %zb = graph.broadcast %z : WIDE[16,64]
                  %xd = graph.map [%x, %zb] { (%ax: BYTES, %zx: WIDE) ->
                    %bx = arith.cast %ax : WIDE
                    %dx = arith.sub %bx, %zx : WIDE
                    %ex = arith.cast %dx : f32
                    %sx = arith.const <value = 0.25> : f32
                    %fx = arith.mul %ex, %sx : f32
                    graph.yield [%fx]
                  } : f32[16,64]
                  %y = graph.mat-mul %xd, %wd <accumulate = f32> : f32[16,64]
                  graph.return [%y]
                }
                """
                .replace("(%x: BYTES[16,64], %z: WIDE[])", "(%x: BYTES[16,64])")
                .replace("%zb =", "%z = graph.constant <data = splat(77)> : WIDE[]\n%zb =")
                .replace("BYTES", bytes)
                .replace("WIDE", wide)
                .replace("WEIGHTS", WEIGHTS);
        check(text, Map.of("x", bytes(ElementType.parse(bytes), 8, 16, 64)), products, wide.startsWith("u") ? 1e-5 : 0);
    }

    /// Bytes in an integer type on their way to single precision, which may not hold all of them.
    @ParameterizedTest
    @CsvSource({"i8,u32,0", "i8,u8,1", "i8,i64,1", "u8,i8,1", "u8,i16,1"})
    void typesOfBytes(String bytes, String wide, int products) {
        for (boolean known : new boolean[] {false, true}) {
            var text = """
                    graph.function <name = bytes> { (INPUT) ->
                      WEIGHTS
                      CONSTANT
                      %vd = graph.map [%v] { (%ax: BYTES) ->
                        %bx = arith.cast %ax : WIDE
                        %ex = arith.cast %bx : f32
                        %sx = arith.const <value = 0.25> : f32
                        %fx = arith.mul %ex, %sx : f32
                        graph.yield [%fx]
                      } : f32[64,64]
                      %xd = graph.map [%x] { (%ay: i8) ->
                        %ey = arith.cast %ay : f32
                        %sy = arith.const <value = 0.25> : f32
                        %fy = arith.mul %ey, %sy : f32
                        graph.yield [%fy]
                      } : f32[64,64]
                      %y = graph.mat-mul LEFT, RIGHT <accumulate = f32> : f32[64,64]
                      graph.return [%y]
                    }
                    """
                    .replace("WEIGHTS", known ? "" : WEIGHTS)
                    .replace("INPUT", known ? "%x: i8[64,64]" : "%x: i8[64,64], %v: BYTES[64,64]")
                    .replace("CONSTANT", known ? "%v = graph.constant <data = random(7)> : BYTES[64,64]" : "")
                    .replace("LEFT", known ? "%xd" : "%vd")
                    .replace("RIGHT", known ? "%vd" : "%wd")
                    .replace("BYTES", bytes)
                    .replace("WIDE", wide);
            var inputs = new LinkedHashMap<String, Tensor>();
            inputs.put("x", bytes(ElementType.I8, 9, 64, 64));
            if (!known) inputs.put("v", bytes(ElementType.parse(bytes), 10, 64, 64));
            check(text, inputs, products, wide.equals("u32") ? 1e-5 : 0);
        }
    }

    /// Scales are multiplied in the order of the factors, whichever of them an instruction takes on which side.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void orderOfScales(boolean weightsFirst) {
        var text = """
                graph.function <name = scales> { (%x: i8[64,64], %s: f32[]) ->
                  %w = graph.constant <data = random(7)> : i8[64,64]
                  %t = graph.constant <data = splat(0.00771)> : f32[]
                  %sb = graph.broadcast %s : f32[64,64]
                  %xd = graph.map [%x, %sb] { (%ax: i8, %sx: f32) ->
                    %bx = arith.cast %ax : f32
                    %cx = arith.mul %bx, %sx : f32
                    graph.yield [%cx]
                  } : f32[64,64]
                  %tb = graph.broadcast %t : f32[64,64]
                  %wd = graph.map [%w, %tb] { (%aw: i8, %tw: f32) ->
                    %bw = arith.cast %aw : f32
                    %cw = arith.mul %bw, %tw : f32
                    graph.yield [%cw]
                  } : f32[64,64]
                  %y = graph.mat-mul FACTORS <accumulate = f32> : f32[64,64]
                  graph.return [%y, %w]
                }
                """.replace("FACTORS", weightsFirst ? "%wd, %xd" : "%xd, %wd");
        float ofX = 0.0123f;
        float ofW = 0.00771f;
        var x = bytes(ElementType.I8, 11, 64, 64);
        var inputs = Map.of("x", x, "s", Tensor.of(new float[] {ofX}));
        var nests = rewritten(new Compiler().lowerGraph(parse(text)));
        assertEquals(1, products(nests), () -> "products of bytes in " + IrPrinter.print(List.of(nests)));
        var results = new GraphInterpreter(nests).run(inputs);
        var w = results.get("w");
        var first = weightsFirst ? w : x;
        var second = weightsFirst ? x : w;
        var expected = new float[64 * 64];
        for (int i = 0; i < expected.length; i++) {
            int sum = 0;
            for (int k = 0; k < 64; k++) {
                sum += (int) (first.getLong(i / 64 * 64 + k) * second.getLong(k * 64L + i % 64));
            }
            expected[i] = weightsFirst ? sum * ofW * ofX : sum * ofX * ofW;
        }
        assertArrayEquals(expected, results.get("y").toFloatArray());
    }

    /// A nest that stores the same numbers twice, once turned: each product gets its own.
    @Test
    void weightsInTwoOrders() {
        var text = """
                graph.function <name = turned> { (%x: i8[64,64]) ->
                  %w = graph.constant <data = random(7)> : i8[64,64]
                  %wd, %wt = nest.compute [%w] <axes = [i:64, j:64]> {
                    %aw = nest.read %w <at = [i, j]> : i8
                    %bw = arith.cast %aw : f32
                    %cw = arith.const <value = 0.5> : f32
                    %dw = arith.mul %bw, %cw : f32
                    nest.yield [%dw, %dw] <to = [[i, j], [j, i]]>
                  } : f32[64,64], f32[64,64]
                  %xd = graph.map [%x] { (%ax: i8) ->
                    %bx = arith.cast %ax : f32
                    %cx = arith.const <value = 0.25> : f32
                    %dx = arith.mul %bx, %cx : f32
                    graph.yield [%dx]
                  } : f32[64,64]
                  %y = graph.mat-mul %xd, %wd <accumulate = f32> : f32[64,64]
                  %z = graph.mat-mul %xd, %wt <accumulate = f32> : f32[64,64]
                  graph.return [%y, %z]
                }
                """;
        check(text, Map.of("x", bytes(ElementType.I8, 12, 64, 64)), 2, 0);
    }
}
