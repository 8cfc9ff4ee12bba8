package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.GraphOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Devices;

/// Large matrices that come with the run: where many rows are multiplied with one, it is copied into panels first, once for
/// all products that read it. Small ones are read where they lie.
class CopiedPanelsTest {
    private static final String PRODUCTS =
            """
            graph.function <name = products> { (%x: f32[BATCHM,K], %z: f32[BATCHM,K], %w: f32[BATCHRIGHT]) ->
              %p = nest.compute [%x, %w] <axes = [AXESi:M, j:N, l:K]> {
                %a = nest.read %x <at = [ATi, l]> : f32
                %b = nest.read %w <at = [ATORDER]> : f32
                %c = arith.mul %a, %b : f32
                %s = nest.sum %c <over = [l]> : f32
                nest.yield [%s] <to = [[ATi, j]]>
              } : f32[BATCHM,N]
              %q = nest.compute [%z, %w] <axes = [AXESi:M, j:N, l:K]> {
                %d = nest.read %z <at = [ATi, l]> : f32
                %e = nest.read %w <at = [ATORDER]> : f32
                %f = arith.mul %d, %e : f32
                %t = nest.sum %f <over = [l]> : f32
                nest.yield [%t] <to = [[ATi, j]]>
              } : f32[BATCHM,N]
              graph.return [%p, %q]
            }
            """;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "70,390,385,false,false,1", "64,2000,101,true,false,1", "65,300,301,false,true,1", "8,500,500,false,false,0",
        "64,64,48,false,false,0"
    })
    void products(int m, int n, int k, boolean transposed, boolean batched, int copies) throws IOException {
        var text = PRODUCTS.replace("RIGHT", transposed ? "N,K" : "K,N")
                .replace("ORDER", transposed ? "j, l" : "l, j")
                .replace("BATCH", batched ? "2," : "")
                .replace("AXES", batched ? "b:2, " : "")
                .replace("AT", batched ? "b, " : "")
                .replaceAll("\\bM\\b", "" + m)
                .replaceAll("\\bN\\b", "" + n)
                .replaceAll("\\bK\\b", "" + k);
        var function = (GraphOp.Function) IrParser.parse(text, "products").getFirst();
        var random = new Random(m + n + k);
        var inputs = new LinkedHashMap<String, Tensor>();
        for (var param : function.body().params()) {
            var shape = param.tensor().dims().stream().mapToLong(dim -> dim.constant().orElseThrow()).toArray();
            var numbers = new float[Math.toIntExact(param.tensor().elements().constant().orElseThrow())];
            for (int i = 0; i < numbers.length; i++) numbers[i] = random.nextInt(5) - 2;
            inputs.put(param.hint(), Tensor.of(numbers, shape));
        }
        var expected = new GraphInterpreter(function).run(inputs);
        var file = folder.resolve("products.portolan");
        var report = new Compiler().compile(function, List.of(Targets.resolve("cpu:x86-64-v3")), file);
        assertEquals(2 + copies, report.targets().getFirst().launches().size());
        check(file, inputs, expected);
    }

    private static void check(Path file, Map<String, Tensor> inputs, Map<String, Tensor> expected) throws IOException {
        try (var model = Portolan.load(file, Devices.best());
                var outputs = model.run(inputs)) {
            expected.forEach((name, tensor) ->
                    assertArrayEquals(tensor.toFloatArray(), outputs.get(name).toFloatArray(), name));
        }
    }
}
