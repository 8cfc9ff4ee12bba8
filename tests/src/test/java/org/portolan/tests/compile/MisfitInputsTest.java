package org.portolan.tests.compile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.lowering.CompileOptions;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.onnx.importer.OnnxImporter;
import org.portolan.onnx.reader.OnnxReader;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;
import org.portolan.tests.cli.TinyOnnx;
import org.portolan.tests.cli.TinyOnnx.Input;

/// Programs compiled for any extents, which get inputs that do not fit each other: the run refuses them, and a run on
/// inputs that fit goes on afterwards.
class MisfitInputsTest {
    private static final int F32 = 1;
    private static final int I64 = 7;
    private static final List<Object> HEADS = List.of("q_num_heads", 1L, "kv_num_heads", 1L, "update_rule", "linear");

    @TempDir
    private Path folder;

    /// @param good shapes that fit, one an input
    /// @param bad shapes that do not; some of them large, so that a read beyond the end would be seen
    private record Misfit(
            String operator, long opset, List<Object> attributes, List<Input> inputs, List<long[]> good, List<long[]> bad) {}

    private static Input input(int type, Object... dims) {
        return new Input(type, dims);
    }

    private static long[] shape(long... dims) {
        return dims;
    }

    private static List<Misfit> misfits() {
        return List.of(
                new Misfit(
                        "CausalConvWithState", 27, List.of(),
                        List.of(input(F32, "n", 4, "l"), input(F32, "c", "g", "k")),
                        List.of(shape(1, 4, 5), shape(4, 1, 3)),
                        List.of(shape(1, 4, 5), shape(1, 1, 3))),
                new Misfit(
                        "CausalConvWithState", 27, List.of(),
                        List.of(input(F32, "n", 4, "l"), input(F32, 4, "g", "k")),
                        List.of(shape(1, 4, 5), shape(4, 1, 3)),
                        List.of(shape(1, 4, 5), shape(4, 0, 3))),
                new Misfit(
                        "MaxUnpool", 11, List.of("kernel_shape", new long[] {1}),
                        List.of(input(F32, "n", 1, "l"), input(I64, "m", 1, "k")),
                        List.of(shape(1, 1, 8), shape(1, 1, 8)),
                        List.of(shape(1, 1, 4_000_000), shape(1, 1, 1))),
                new Misfit(
                        "TensorScatter", 24, List.of(),
                        List.of(input(F32, "n", "s", 4), input(F32, "m", 1, 4), input(I64, "b")),
                        List.of(shape(2, 3, 4), shape(2, 1, 4), shape(2)),
                        List.of(shape(1_000_000, 1, 4), shape(1_000_000, 1, 4), shape(1))),
                new Misfit(
                        "LinearAttention", 27, HEADS,
                        List.of(input(F32, "n", "t", "a"), input(F32, "n", "t", "b"), input(F32, "n", "u", 4)),
                        List.of(shape(1, 3, 4), shape(1, 3, 4), shape(1, 3, 4)),
                        List.of(shape(1, 3, 1), shape(1, 3, 1000), shape(1, 3, 4))),
                new Misfit(
                        "DeformConv", 19, List.of(),
                        List.of(input(F32, "n", 1, "h", "w"), input(F32, 1, 1, 2, 2), input(F32, "n", 8, "p", "q")),
                        List.of(shape(1, 1, 3, 3), shape(1, 1, 2, 2), shape(1, 8, 2, 2)),
                        List.of(shape(1, 1, 1500, 1500), shape(1, 1, 2, 2), shape(1, 8, 1, 1))),
                new Misfit(
                        "PRelu", 16, List.of(),
                        List.of(input(F32, "n", "c"), input(F32, "s")),
                        List.of(shape(2, 3), shape(3)),
                        List.of(shape(2, 5), shape(3))),
                new Misfit(
                        "QuantizeLinear", 13, List.of(),
                        List.of(input(F32, "n", "c"), input(F32, "s")),
                        List.of(shape(2, 3), shape(3)),
                        List.of(shape(2, 5), shape(3))),
                new Misfit(
                        "RoiAlign", 16, List.of("sampling_ratio", 1L),
                        List.of(input(F32, 2, 1, 4, 4), input(F32, "r", "four"), input(I64, "r")),
                        List.of(shape(2, 1, 4, 4), shape(2, 4), shape(2)),
                        List.of(shape(2, 1, 4, 4), shape(2, 1), shape(2))),
                new Misfit(
                        "STFT", 17, List.of(),
                        List.of(input(F32, "n", "l", 1), input(I64), input(F32, "w"), input(I64)),
                        List.of(shape(1, 16, 1), shape(), shape(1), shape()),
                        List.of(shape(1, 16, 1), shape(), shape(2), shape())));
    }

    @TestFactory
    Stream<DynamicTest> isRefusedByTheRun() {
        return misfits().stream()
                .map(misfit -> DynamicTest.dynamicTest(misfit.operator() + " " + Arrays.deepToString(misfit.bad().toArray()), () -> check(misfit)));
    }

    private void check(Misfit misfit) throws IOException {
        var source = TinyOnnx.write(
                folder.resolve("misfit.onnx"),
                misfit.opset(),
                misfit.operator(),
                misfit.attributes(),
                misfit.inputs().toArray(Input[]::new));
        var function = new OnnxImporter().function(new OnnxReader().model(source));
        var file = folder.resolve("misfit.portolan");
        new Compiler(CompileOptions.defaults()).compile(function, Targets.resolve(List.of("cpu")), file);
        try (var model = Portolan.load(file, Devices.best())) {
            assertThrows(PortolanException.class, () -> model.run(tensors(misfit, misfit.bad())).close());
            try (var outputs = model.run(tensors(misfit, misfit.good()))) {
                assertEquals(misfit.good().getFirst()[0], outputs.get("y").shape()[0]);
            }
        }
    }

    /// Tensors of these shapes, of zeros, and integers of ones.
    private static LinkedHashMap<String, Tensor> tensors(Misfit misfit, List<long[]> shapes) {
        var tensors = new LinkedHashMap<String, Tensor>();
        for (int i = 0; i < shapes.size(); i++) {
            var type = misfit.inputs().get(i).type() == F32 ? ElementType.F32 : ElementType.I64;
            long count = 1;
            for (long dim : shapes.get(i)) count *= dim;
            var data = MemorySegment.ofArray(new byte[(int) type.bytes(count)]);
            for (long place = 0; type == ElementType.I64 && place < count; place++) {
                ElementTypes.setLong(type, data, place, 1);
            }
            tensors.put("x" + i, Tensor.of(type, data, shapes.get(i)));
        }
        return tensors;
    }
}
