package org.portolan.onnx.cases;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.verify.Verifier;
import org.portolan.onnx.conformance.Comparison;
import org.portolan.onnx.importer.OnnxImporter;
import org.portolan.onnx.reader.OnnxReader;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;

/// Each operator on random data: our interpreter against ONNX Runtime.
class OperatorCasesTest {
    private static final Comparison CLOSE = new Comparison(1e-4, 2e-6);
    /// ONNX Runtime computes the roots of unity step by step in f32: where a part of a number is 0 it gives up to 1e-5.
    private static final Comparison TRANSFORMED = new Comparison(1e-4, 2e-5);
    private static final Set<String> TRANSFORMS = Set.of("DFT", "STFT");

    @TestFactory
    Stream<DynamicTest> operatorsAgreeWithOnnxRuntime() {
        return OperatorCases.all().stream().map(candidate -> DynamicTest.dynamicTest(candidate.toString(), () -> {
            var bytes = candidate.model();
            var inputs = candidate.tensors();
            var function = new OnnxImporter().function(new OnnxReader().model(MemorySegment.ofArray(bytes)));
            Verifier.verify(List.of(function));
            var actual = new GraphInterpreter(function).run(inputs);
            var comparison = TRANSFORMS.contains(candidate.operator()) ? TRANSFORMED : CLOSE;
            assertEquals(Optional.empty(), comparison.difference(expected(bytes, inputs), actual));
        }));
    }

    /// Operators that ONNX Runtime does not have yet, with what they give.
    @Test
    void operatorsOnnxRuntimeDoesNotKnow() {
        var x = Tensor.of(new float[] {0, 1, -2}, 3);
        assertNear(
                new float[] {0, 0.731059f, -0.238406f},
                single(OperatorCase.of("Swish", 24, "", "f32[3]"), Map.of("x0", x)));
        assertNear(
                new float[] {0, 0.731059f, 0.476812f},
                single(OperatorCase.of("SwiGLU", 28, "", "f32[3]", "f32[3]"), Map.of("x0", x, "x1", x)));
        assertNear(
                new float[] {2, 6, 24},
                single(
                        OperatorCase.of("CumProd", 26, "", "f32[3]", "!i64[]=0"),
                        Map.of("x0", Tensor.of(new float[] {2, 3, 4}, 3))));
        var bits = single(
                OperatorCase.of("BitCast", 26, "attribute { name: 'to' type: 2 i: 6 }", "f32[2]"),
                Map.of("x0", Tensor.of(new float[] {1, -2}, 2)));
        assertArrayEquals(new long[] {0x3f800000, (int) 0xc0000000L}, bits.toLongArray());
        assertNear(
                new float[] {3, 4, 7, 8, 1, 2},
                single(
                        OperatorCase.of("TensorScatter", 24, "attribute { name: 'mode' type: 3 s: 'circular' }", "f32[1,3,2]", "f32[1,2,2]", "!i64[1]=2"),
                        Map.of(
                                "x0", Tensor.of(new float[] {9, 9, 7, 8, 9, 9}, 1, 3, 2),
                                "x1", Tensor.of(new float[] {1, 2, 3, 4}, 1, 2, 2))));
        assertNear(
                new float[] {2, 13},
                single(
                        OperatorCase.of("CausalConvWithState", 27, "", "f32[1,1,2]", "!f32[1,1,2]=10,1"),
                        Map.of("x0", Tensor.of(new float[] {2, -7}, 1, 1, 2))));
        assertNear(
                new float[] {1, 2},
                single(OperatorCase.of("OptionalGetElement", 18, "", "f32[2]"), Map.of("x0", Tensor.of(new float[] {1, 2}, 2))));
    }

    /// Two steps of one head: the second one reads what both have taken in.
    @Test
    void linearAttentionSumsOuterProducts() {
        var heads = "attribute { name: 'q_num_heads' type: 2 i: 1 } attribute { name: 'kv_num_heads' type: 2 i: 1 } "
                + "attribute { name: 'update_rule' type: 3 s: 'linear' } attribute { name: 'scale' type: 1 f: 0.5 }";
        var steps = Tensor.of(new float[] {1, 0, 1, 1}, 1, 2, 2);
        var output = single(
                OperatorCase.of("LinearAttention", 27, heads, "f32[1,2,2]", "f32[1,2,2]", "f32[1,2,1]"),
                Map.of("x0", steps, "x1", steps, "x2", Tensor.of(new float[] {4, 6}, 1, 2, 1)));
        assertNear(new float[] {2, 8}, output);
    }

    private static Tensor single(OperatorCase candidate, Map<String, Tensor> inputs) {
        var model = new OnnxReader().model(MemorySegment.ofArray(candidate.model()));
        return new GraphInterpreter(new OnnxImporter().function(model)).run(inputs).get("y0");
    }

    private static void assertNear(float[] expected, Tensor actual) {
        assertArrayEquals(expected, actual.toFloatArray(), 1e-5f);
    }

    @Test
    void everyOperatorHasACase() {
        var known = new TreeSet<>(OnnxImporter.operators());
        OperatorCases.all().forEach(candidate -> known.remove(candidate.operator()));
        known.removeIf(name -> name.startsWith("ai.onnx.ml:"));
        assertEquals(
                Set.of(
                        "Swish", "SwiGLU", "CumProd", "BitCast", "TensorScatter", "CausalConvWithState", "LinearAttention",
                        "OptionalGetElement"),
                known);
    }

    private static Map<String, Tensor> expected(byte[] model, Map<String, Tensor> inputs) throws OrtException {
        var environment = OrtEnvironment.getEnvironment();
        var open = new ArrayList<OnnxTensor>();
        try (var session = environment.createSession(model, new OrtSession.SessionOptions())) {
            var feeds = new HashMap<String, OnnxTensor>();
            for (var input : inputs.entrySet()) {
                var tensor = foreign(environment, input.getValue());
                open.add(tensor);
                feeds.put(input.getKey(), tensor);
            }
            try (var results = session.run(feeds)) {
                var outputs = new LinkedHashMap<String, Tensor>();
                for (var result : results) {
                    outputs.put(result.getKey(), own((OnnxTensor) result.getValue()));
                }
                return outputs;
            }
        } finally {
            open.forEach(OnnxTensor::close);
        }
    }

    private static OnnxTensor foreign(OrtEnvironment environment, Tensor tensor) throws OrtException {
        var bytes = tensor.data().toArray(ValueLayout.JAVA_BYTE);
        var buffer = ByteBuffer.allocateDirect(bytes.length).order(ByteOrder.nativeOrder());
        buffer.put(bytes).flip();
        var type =
                switch (tensor.type()) {
                    case F32 -> OnnxJavaType.FLOAT;
                    case F64 -> OnnxJavaType.DOUBLE;
                    case U8 -> OnnxJavaType.UINT8;
                    case I8 -> OnnxJavaType.INT8;
                    case I32 -> OnnxJavaType.INT32;
                    case I64 -> OnnxJavaType.INT64;
                    case BOOL -> OnnxJavaType.BOOL;
                    default -> throw new IllegalArgumentException(tensor.type().text());
                };
        return OnnxTensor.createTensor(environment, buffer, tensor.shape(), type);
    }

    private static Tensor own(OnnxTensor tensor) {
        var info = (TensorInfo) tensor.getInfo();
        var buffer = tensor.getByteBuffer();
        var bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        var type =
                switch (info.type) {
                    case FLOAT -> ElementType.F32;
                    case DOUBLE -> ElementType.F64;
                    case UINT8 -> ElementType.U8;
                    case INT8 -> ElementType.I8;
                    case INT32 -> ElementType.I32;
                    case INT64 -> ElementType.I64;
                    case BOOL -> ElementType.BOOL;
                    default -> throw new IllegalArgumentException(info.toString());
                };
        return Tensor.of(type, MemorySegment.ofArray(bytes), info.getShape());
    }
}
