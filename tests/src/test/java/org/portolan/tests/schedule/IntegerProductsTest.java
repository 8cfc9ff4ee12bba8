package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.CompileOptions;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Machines;
import org.portolan.lowering.Targets;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.type.ElementType;

/// Products of quantised numbers, with zero points as models have them: each processor's instruction is used, and
/// results are those of the interpreter to the last bit.
class IntegerProductsTest {
    @TempDir
    private Path folder;

    /// A product as it is imported: the differences of bytes and zero points, multiplied as 32-bit integers.
    private static String product(String left, String right, String zero, String epilogue) {
        return """
                graph.function <name = product, symbols = [m:1..512]> { (%x: LEFT[m,K], %xz: LEFT[]) ->
                  %w = graph.constant <data = random(7)> : RIGHT[K,N]
                  %wz = graph.constant <data = splat(ZERO)> : RIGHT[]
                  %xzb = graph.broadcast %xz : LEFT[m,K]
                  %xd = graph.map [%x, %xzb] { (%a1: LEFT, %b1: LEFT) ->
                    %c1 = arith.cast %a1 : i32
                    %d1 = arith.cast %b1 : i32
                    %e1 = arith.sub %c1, %d1 : i32
                    graph.yield [%e1]
                  } : i32[m,K]
                  %wzb = graph.broadcast %wz : RIGHT[K,N]
                  %wd = graph.map [%w, %wzb] { (%a2: RIGHT, %b2: RIGHT) ->
                    %c2 = arith.cast %a2 : i32
                    %d2 = arith.cast %b2 : i32
                    %e2 = arith.sub %c2, %d2 : i32
                    graph.yield [%e2]
                  } : i32[K,N]
                  %y = graph.mat-mul %xd, %wd <accumulate = i32> : i32[m,N]
                  EPILOGUE
                }
                """
                .replace("LEFT", left)
                .replace("RIGHT", right)
                .replace("ZERO", zero)
                .replace("EPILOGUE", epilogue);
    }

    private static GraphOp.Function parse(String text) {
        return (GraphOp.Function) IrParser.parse(text, "product").getFirst();
    }

    private static Tensor bytes(ElementType type, Random random, long... shape) {
        var numbers = new byte[Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact))];
        random.nextBytes(numbers);
        return Tensor.of(type, ByteBuffer.wrap(numbers), shape);
    }

    private void check(String text, Map<String, Tensor> inputs) throws IOException {
        var function = parse(text);
        var expected = new GraphInterpreter(function).run(inputs);
        var file = folder.resolve("product.portolan");
        new Compiler().compile(function, List.of(Targets.resolve("cpu")), file);
        try (var model = Portolan.load(file, Devices.best());
                var outputs = model.run(inputs)) {
            expected.forEach((name, tensor) -> {
                assertEquals(tensor.type(), outputs.get(name).type());
                assertArrayEquals(tensor.toLongArray(), outputs.get(name).toLongArray(), name);
            });
        }
    }

    private static List<TileOp.Kernel> kernels(String text, MachineOp.Chip chip) {
        var compiler = new Compiler(CompileOptions.defaults());
        return compiler.lower(compiler.lowerGraph(parse(text)), Targets.resolve("cpu:" + chip.name())).kernels();
    }

    private static boolean callsInstruction(List<TileOp.Kernel> kernels) {
        return kernels.stream().anyMatch(kernel -> ThreadKernelTest.has(kernel.body().ops(), op -> op instanceof TileOp.Call));
    }

    @ParameterizedTest
    @CsvSource({
        "u8,i8,0,5,24,16", "u8,i8,3,7,33,30", "i8,i8,0,1,64,64", "u8,u8,128,6,16,5", "u8,u8,100,6,40,12", "i8,u8,0,9,8,21"
    })
    void zeroPoints(String left, String right, String zero, long m, long n, long k) throws IOException {
        var text = product(left, right, zero, "graph.return [%y]").replace("K", "" + k).replace("N", "" + n);
        for (var chip : Machines.of("cpu")) {
            // A chip without intrinsics for the pair keeps the product as it is.
            boolean expected = chip.intrinsics().ops().stream()
                    .anyMatch(op -> op instanceof MachineOp.Intrinsic intrinsic && intrinsic.features().isEmpty());
            boolean narrow = right.equals("i8") && zero.equals("0") || zero.equals("128");
            if (expected && narrow) assertTrue(callsInstruction(kernels(text, chip)), chip.name());
        }
        var random = new Random(m * n * k);
        var inputs = new LinkedHashMap<String, Tensor>();
        var type = left.equals("u8") ? ElementType.U8 : ElementType.I8;
        inputs.put("x", bytes(type, random, m, k));
        inputs.put("xz", bytes(type, random));
        check(text, inputs);
    }

    /// The code generator writes the instruction, also for processors that are not here.
    @ParameterizedTest
    @CsvSource({
        "x86-64-v2,u8,i8,pmaddwd", "x86-64-v3,u8,i8,vpmaddwd", "x86-64-v4,i8,i8,vpmaddwd", "znver4,u8,i8,vpdpbusd",
        "znver5,i8,i8,vpdpbusd", "aarch64,i8,i8,sdot", "aarch64,u8,u8,udot", "neoverse-v1,u8,i8,usdot"
    })
    void instructions(String machine, String left, String right, String mnemonic) {
        var text = product(left, right, "0", "graph.return [%y]").replace("K", "32").replace("N", "48");
        var assembly = new Compiler().emit(parse(text), "asm", Targets.resolve("cpu:" + machine));
        long count = assembly.lines().filter(line -> line.strip().startsWith(mnemonic + "\t")).count();
        assertTrue(count > 4, machine + " uses " + mnemonic + " " + count + " times:\n" + assembly);
    }

    /// One tensor of bytes goes into two products, and out of the model as well.
    @Test
    void aTensorWithSeveralReaders() throws IOException {
        var text = product("u8", "i8", "0", """
                %v = graph.constant <data = random(8)> : i8[K,N]
                %vw = graph.map [%v] { (%a3: i8) ->
                    %c3 = arith.cast %a3 : i32
                    graph.yield [%c3]
                  } : i32[K,N]
                %z = graph.mat-mul %xd, %vw <accumulate = i32> : i32[m,N]
                graph.return [%y, %z, %xd]""")
                .replace("K", "24").replace("N", "40");
        var random = new Random(3);
        var inputs = new LinkedHashMap<String, Tensor>();
        inputs.put("x", bytes(ElementType.U8, random, 11, 24));
        inputs.put("xz", bytes(ElementType.U8, random));
        check(text, inputs);
    }

    /// Quantised as it goes: the bytes are computed by the nest in front of the product.
    @Test
    void bytesThatAreComputed() throws IOException {
        var text = """
                graph.function <name = product, symbols = [m:1..512]> { (%x: f32[m,24], %xz: u8[]) ->
                  %w = graph.constant <data = random(7)> : i8[24,40]
                  %q = graph.map [%x] { (%a4: f32) ->
                    %c4 = arith.cast %a4 : u8
                    graph.yield [%c4]
                  } : u8[m,24]
                  %xzb = graph.broadcast %xz : u8[m,24]
                  %xd = graph.map [%q, %xzb] { (%a5: u8, %b5: u8) ->
                    %c5 = arith.cast %a5 : i32
                    %d5 = arith.cast %b5 : i32
                    %e5 = arith.sub %c5, %d5 : i32
                    graph.yield [%e5]
                  } : i32[m,24]
                  %ww = graph.map [%w] { (%a6: i8) ->
                    %c6 = arith.cast %a6 : i32
                    graph.yield [%c6]
                  } : i32[24,40]
                  %y = graph.mat-mul %xd, %ww <accumulate = i32> : i32[m,40]
                  graph.return [%y]
                }
                """;
        for (var chip : Machines.of("cpu")) {
            if (chip.name().startsWith("x86")) assertTrue(callsInstruction(kernels(text, chip)), chip.name());
        }
        var random = new Random(4);
        var numbers = new float[13 * 24];
        for (int i = 0; i < numbers.length; i++) numbers[i] = random.nextFloat() * 300 - 20;
        var inputs = new LinkedHashMap<String, Tensor>();
        inputs.put("x", Tensor.of(numbers, 13, 24));
        inputs.put("xz", bytes(ElementType.U8, random));
        check(text, inputs);
    }

    /// A convolution's border holds the zero point.
    @ParameterizedTest
    @CsvSource({"4", "7"})
    void borders(long channels) throws IOException {
        var text = """
                graph.function <name = convolution> { (%x: u8[2,C,6,7], %xz: u8[]) ->
                  %w = graph.constant <data = random(9)> : i8[12,C,3,3]
                  %xzb = graph.broadcast %xz : u8[2,C,6,7]
                  %xd = graph.map [%x, %xzb] { (%a7: u8, %b7: u8) ->
                    %c7 = arith.cast %a7 : i32
                    %d7 = arith.cast %b7 : i32
                    %e7 = arith.sub %c7, %d7 : i32
                    graph.yield [%e7]
                  } : i32[2,C,6,7]
                  %ww = graph.map [%w] { (%a8: i8) ->
                    %c8 = arith.cast %a8 : i32
                    graph.yield [%c8]
                  } : i32[12,C,3,3]
                  %y = graph.convolution %xd, %ww <strides = [1, 1], dilations = [1, 1], low = [1, 1], groups = 1, accumulate = i32> : i32[2,12,6,7]
                  graph.return [%y]
                }
                """.replace("C", "" + channels);
        var random = new Random(channels);
        var inputs = new LinkedHashMap<String, Tensor>();
        inputs.put("x", bytes(ElementType.U8, random, 2, channels, 6, 7));
        inputs.put("xz", bytes(ElementType.U8, random));
        check(text, inputs);
    }

    /// Padding of bytes is the byte 0, from which the zero point is subtracted as from any other.
    @ParameterizedTest
    @CsvSource({"u8,128", "i8,-3", "u8,0"})
    void paddingOfBytes(String element, String zero) throws IOException {
        var text = """
                graph.function <name = padded> { (%x: ELEMENT[4,30]) ->
                  %w = graph.constant <data = random(5)> : i8[4,32]
                  %z = graph.constant <data = splat(ZERO)> : i32[4,32]
                  %p = graph.pad %x, _ <low = [0, 0]> : ELEMENT[4,32]
                  %t = graph.map [%p, %z, %w] { (%a9: ELEMENT, %b9: i32, %w9: i8) ->
                    %c9 = arith.cast %a9 : i32
                    %d9 = arith.sub %c9, %b9 : i32
                    %e9 = arith.cast %w9 : i32
                    %f9 = arith.mul %d9, %e9 : i32
                    graph.yield [%f9]
                  } : i32[4,32]
                  %y = graph.reduce %t <axes = [1], accumulate = i32> : i32[4]
                  graph.return [%y]
                }
                """.replace("ELEMENT", element).replace("ZERO", zero);
        check(text, Map.of("x", bytes(ElementType.parse(element), new Random(6), 4, 30)));
    }
}
