package org.portolan.onnx.cases;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.portolan.ir.GraphOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.onnx.OnnxException;
import org.portolan.onnx.importer.OnnxImporter;
import org.portolan.onnx.reader.OnnxReader;
import org.portolan.onnx.reader.OnnxText;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Operators whose inputs do not fit each other, and numbers at the edge of what an operator says.
class RefusedOperatorsTest {
    private static final String HEADS = number("q_num_heads", 2) + number("kv_num_heads", 2) + text("update_rule", "linear");

    static Stream<OperatorCase> misfits() {
        return Stream.of(
                // Weights of too few channels, of more than one a window, of no window; states of another length.
                OperatorCase.of("CausalConvWithState", 27, "", "f32[1,4,5]", "f32[2,1,3]"),
                OperatorCase.of("CausalConvWithState", 27, "", "f32[1,4,5]", "f32[4,2,3]"),
                OperatorCase.of("CausalConvWithState", 27, "", "f32[1,4,5]", "f32[4,0,3]"),
                OperatorCase.of("CausalConvWithState", 27, "", "f32[1,4,5]", "f32[4,1,0]"),
                OperatorCase.of("CausalConvWithState", 27, "", "f32[1,0,5]", "f32[0,1,3]"),
                OperatorCase.of("CausalConvWithState", 27, "", "f32[1,4,5]", "f32[4,1,3]", "", "f32[1,4,3]"),
                OperatorCase.of("CausalConvWithState", 27, "", "f32[1,4,5]", "f32[4,1,3]", "", "f32[1,4]"),
                OperatorCase.of("TensorScatter", 24, "", "f32[2,3,4]", "f32[1,1,4]", "i64[2]"),
                OperatorCase.of("TensorScatter", 24, "", "f32[2,3,4]", "f32[2,1,4]", "i64[1]"),
                OperatorCase.of("LinearAttention", 27, HEADS, "f32[1,3,4]", "f32[1,3,6]", "f32[1,3,4]"),
                OperatorCase.of("LinearAttention", 27, HEADS, "f32[1,3,4]", "f32[1,2,4]", "f32[1,3,4]"),
                OperatorCase.of("LinearAttention", 27, HEADS, "f32[1,3,4]", "f32[1,3,4]", "f32[2,3,4]"),
                OperatorCase.of("LinearAttention", 27, HEADS, "f32[1,3,4]", "f32[1,3,4]", "f32[1,3,4]", "f32[1,2,1,2]"),
                OperatorCase.of("MaxUnpool", 11, numbers("kernel_shape", "2"), "f32[]", "i64[]"),
                OperatorCase.of("MaxUnpool", 11, numbers("kernel_shape", "2"), "f32[3]", "i64[3]"),
                OperatorCase.of("MaxUnpool", 11, numbers("kernel_shape", "2"), "f32[1,1,3]", "i64[1,1,2]"),
                OperatorCase.of("MaxUnpool", 11, numbers("kernel_shape", "1") + numbers("pads", "3, 3"), "f32[1,1,2]", "i64[1,1,2]"),
                OperatorCase.of("RoiAlign", 16, "", "f32[1,1,4,4]", "f32[2,3]", "i64[2]"),
                OperatorCase.of("RoiAlign", 16, "", "f32[1,1,4,4]", "f32[2,4]", "i64[2,1]"),
                OperatorCase.of("DeformConv", 19, "", "f32[1,1,3,3]", "f32[1,1,2,2]", "f32[1,8,1,2]"),
                OperatorCase.of("DeformConv", 19, "", "f32[1,1,3,3]", "f32[1,2,2,2]", "f32[1,8,2,2]"),
                OperatorCase.of("DeformConv", 19, "", "f32[1,1,3,3]", "f32[1,1,2,2]", "f32[1,8,2,2]", "", "f32[1,3,2,2]"),
                OperatorCase.of("STFT", 17, "", "f32[1,16,1]", "!i64[]=4", "f32[3]", "!i64[]=8"),
                OperatorCase.of("STFT", 17, "", "f32[1,16,1]", "!i64[]=4", "f32[2,4]"),
                OperatorCase.of("Col2Im", 18, "", "f32[1,4,1]", "!i64[2]=1,1", "!i64[2]=4,1"),
                OperatorCase.of("Col2Im", 18, numbers("pads", "0, 0, -1, 0"), "f32[1,4,1]", "!i64[2]=3,2", "!i64[2]=2,2"),
                OperatorCase.of("Col2Im", 18, "", "f32[1,4,1]", "!f32[2]=2,2", "!i64[2]=2,2"),
                OperatorCase.of("DFT", 20, "", "f32[1,4,1]", "", "!i64[0]"),
                OperatorCase.of("DFT", 20, "", "f32[1,4,1]", "", "!f32[]=1"),
                OperatorCase.of("TopK", 11, "", "f32[4]", "!f32[1]=2").withOutputs(2));
    }

    @ParameterizedTest
    @MethodSource("misfits")
    void isRefusedWithTheNodesName(OperatorCase misfit) {
        var error = assertThrows(OnnxException.class, () -> imported(misfit));
        assertTrue(error.getMessage().contains("node 'node'"), error::getMessage);
    }

    /// Regions that end before they begin, or where they begin, have no sample unless the ratio says how many.
    @Test
    void aRegionWithoutAnAreaGivesZeros() {
        for (var mode : List.of("avg", "max")) {
            var output = run(
                    OperatorCase.of(
                            "RoiAlign", 16, text("mode", mode), "f32[1,1,4,4]=2",
                            "f32[5,4]=0,0,3,3,1,1,1,3,3,3,1,1,3,1,1,3,NaN,0,2,2", "i64[5]=0"))
                    .get("y0");
            assertArrayEquals(new float[] {2, 0, 0, 0, 0}, output.toFloatArray(), mode);
        }
    }

    @Test
    void boxesOfTheLowestScoreAreCandidatesWithoutAThreshold() {
        var boxes = "f32[1,3,4]=0,0,1,1,2,2,3,3,4,4,5,5";
        var scores = "f32[1,1,3]=NaN,-Infinity,1";
        var all = run(OperatorCase.of("NonMaxSuppression", 11, "", boxes, scores, "!i64[1]=3", "!f32[1]=0.5"));
        assertArrayEquals(new long[] {0, 0, 2, 0, 0, 0, 0, 0, 1}, all.get("y0").toLongArray());
        var some = run(OperatorCase.of("NonMaxSuppression", 11, "", boxes, scores, "!i64[1]=3", "!f32[1]=0.5", "!f32[1]=0"));
        assertArrayEquals(new long[] {0, 0, 2}, some.get("y0").toLongArray());
    }

    /// The state keeps its own type.
    @Test
    void theNextStateHasTheTypeOfTheState() {
        var one = number("q_num_heads", 1) + number("kv_num_heads", 1) + text("update_rule", "linear");
        var outputs = run(OperatorCase.of(
                        "LinearAttention", 27, one, "f32[1,1,2]", "f32[1,1,2]", "f32[1,1,1]", "f64[1,1,2,1]")
                .withOutputs(2));
        assertEquals(ElementType.F32, outputs.get("y0").type());
        assertEquals(ElementType.F64, outputs.get("y1").type());
    }

    @Test
    void integersAreAboveAFractionOrNot() {
        assertArrayEquals(new long[] {0, 1, 1}, binarized("i32", -0.5f, 6, -1, 0, 1));
        assertArrayEquals(new long[] {0, 0, 1}, binarized("i32", 0.5f, 6, -1, 0, 1));
        assertArrayEquals(new long[] {1, 1, 1}, binarized("u8", -0.5f, 2, 0, 1, 255));
    }

    private static long[] binarized(String type, float threshold, int code, int... elements) {
        var element = ElementType.parse(type);
        var data = MemorySegment.ofArray(new byte[(int) element.bytes(elements.length)]);
        var tensor = Tensor.of(element, data, elements.length);
        for (int i = 0; i < elements.length; i++) {
            ElementTypes.setLong(element, data, i, elements[i]);
        }
        var graph = ("name: 'case' input { name: 'x' type { tensor_type { elem_type: %d shape { dim { dim_value: %d } } } } } "
                        + "node { op_type: 'Binarizer' domain: 'ai.onnx.ml' name: 'node' input: 'x' output: 'y' "
                        + "attribute { name: 'threshold' type: 1 f: %s } } output { name: 'y' }")
                .formatted(code, elements.length, threshold);
        var bytes = OnnxText.bytes(
                "ModelProto",
                "ir_version: 10 opset_import { version: 18 } opset_import { domain: 'ai.onnx.ml' version: 3 } graph { %s }"
                        .formatted(graph));
        var function = new OnnxImporter().function(new OnnxReader().model(MemorySegment.ofArray(bytes)));
        return new GraphInterpreter(function).run(Map.of("x", tensor)).get("y").toLongArray();
    }

    private static GraphOp.Function imported(OperatorCase candidate) {
        return new OnnxImporter().function(new OnnxReader().model(MemorySegment.ofArray(candidate.model())));
    }

    private static Map<String, Tensor> run(OperatorCase candidate) {
        return new HashMap<>(new GraphInterpreter(imported(candidate)).run(candidate.tensors()));
    }

    private static String number(String name, long value) {
        return "attribute { name: '%s' type: 2 i: %d } ".formatted(name, value);
    }

    private static String numbers(String name, String values) {
        return "attribute { name: '%s' type: 7 ints: [%s] } ".formatted(name, values);
    }

    private static String text(String name, String value) {
        return "attribute { name: '%s' type: 3 s: '%s' } ".formatted(name, value);
    }
}
