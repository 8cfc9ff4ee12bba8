package org.portolan.onnx.importer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.portolan.ir.GraphOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.verify.Verifier;
import org.portolan.onnx.OnnxException;
import org.portolan.onnx.OnnxLimitException;
import org.portolan.onnx.UnsupportedOperators;
import org.portolan.onnx.reader.OnnxReader;
import org.portolan.onnx.reader.OnnxText;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.Tensor;

/// Forms that real files carry and ONNX's own cases do not, and what settles while importing.
class OnnxImporterTest {
    private static GraphOp.Function imported(long opset, String graph, String more) {
        var bytes = OnnxText.bytes(
                "ModelProto",
                "ir_version: 8 opset_import { version: %d } graph { %s } %s".formatted(opset, graph, more));
        var function = new OnnxImporter().function(new OnnxReader().model(MemorySegment.ofArray(bytes)));
        Verifier.verify(List.of(function));
        return function;
    }

    private static String input(String name, String... dims) {
        var shape = new StringBuilder();
        for (var dim : dims) {
            shape.append(
                    Character.isDigit(dim.charAt(0))
                            ? "dim { dim_value: %s } ".formatted(dim)
                            : "dim { dim_param: '%s' } ".formatted(dim));
        }
        return "input { name: '%s' type { tensor_type { elem_type: 1 shape { %s } } } } ".formatted(name, shape);
    }

    private static String node(String operator, String inputs, String output, String attributes) {
        return "node { op_type: '%s' input: [%s] output: '%s' %s } ".formatted(operator, inputs, output, attributes);
    }

    private static String ints(String name, String values) {
        return "attribute { name: '%s' type: 7 ints: [%s] } ".formatted(name, values);
    }

    private static String output(String name) {
        return "output { name: '%s' } ".formatted(name);
    }

    private static Tensor run(GraphOp.Function function, Map<String, Tensor> inputs) {
        return new GraphInterpreter(function).run(inputs).get("y");
    }

    private static Tensor ramp(long... shape) {
        int count = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        var values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = i;
        }
        return Tensor.of(values, shape);
    }

    @Test
    void axesAsAttributes() {
        var function = imported(
                7,
                input("x", "3", "1", "4")
                        + node(
                                "Slice",
                                "'x'",
                                "a",
                                ints("starts", "1, -3") + ints("ends", "1000, 3") + ints("axes", "0, 2"))
                        + node("Squeeze", "'a'", "b", ints("axes", "1"))
                        + node("Unsqueeze", "'b'", "y", ints("axes", "0, 3"))
                        + output("y"),
                "");
        var result = run(function, Map.of("x", ramp(3, 1, 4)));
        assertArrayEquals(new long[] {1, 2, 2, 1}, result.shape());
        assertArrayEquals(new float[] {5, 6, 9, 10}, result.toFloatArray());
    }

    @Test
    void boundsAndPadsAsAttributes() {
        var function = imported(
                9,
                input("x", "2", "2")
                        + node("Clip", "'x'", "c", "attribute { name: 'max' type: 1 f: 2 }")
                        + node(
                                "Pad",
                                "'c'",
                                "y",
                                ints("pads", "0, 1, 0, 0") + "attribute { name: 'value' type: 1 f: 9 }")
                        + output("y"),
                "");
        var result = run(function, Map.of("x", ramp(2, 2)));
        assertArrayEquals(new float[] {9, 0, 1, 9, 2, 2}, result.toFloatArray());
    }

    @Test
    void initializersThatAreInputsTooAreConstants() {
        var function = imported(
                8,
                input("x", "2")
                        + input("w", "2")
                        + "initializer { name: 'w' data_type: 1 dims: 2 float_data: [10, 20] } "
                        + node("Add", "'x', 'w'", "y", "")
                        + output("y"),
                "");
        assertEquals(1, function.body().params().size());
        assertArrayEquals(
                new float[] {10, 21}, run(function, Map.of("x", ramp(2))).toFloatArray());
    }

    @Test
    void oneNameForTwoAxesIsOnlyAHint() {
        var function = imported(
                14, input("x", "n", "n") + input("z", "n", "n") + node("Add", "'x', 'z'", "y", "") + output("y"), "");
        assertEquals(2, function.symbols().size());
        var result = run(function, Map.of("x", ramp(2, 3), "z", ramp(2, 3)));
        assertArrayEquals(new float[] {0, 2, 4, 6, 8, 10}, result.toFloatArray());
        var interpreter = new GraphInterpreter(function);
        assertThrows(
                PortolanException.InvalidInput.class, () -> interpreter.run(Map.of("x", ramp(2, 3), "z", ramp(2, 4))));
    }

    @Test
    void chainsOfShapeArithmeticLeaveNothing() {
        var function = imported(
                13,
                input("x", "batch", "seq", "12", "32")
                        + "initializer { name: 'zero' data_type: 7 int64_data: 0 } "
                        + "initializer { name: 'one' data_type: 7 int64_data: 1 } "
                        + "initializer { name: 'axes' data_type: 7 dims: 1 int64_data: 0 } "
                        + "initializer { name: 'rest' data_type: 7 dims: 1 int64_data: -1 } "
                        + node("Shape", "'x'", "s", "")
                        + node("Gather", "'s', 'zero'", "b", "")
                        + node("Gather", "'s', 'one'", "t", "")
                        + node("Unsqueeze", "'b', 'axes'", "b1", "")
                        + node("Unsqueeze", "'t', 'axes'", "t1", "")
                        + node("Concat", "'b1', 't1', 'rest'", "shape", "attribute { name: 'axis' type: 2 i: 0 }")
                        + node("Reshape", "'x', 'shape'", "y", "")
                        + output("y"),
                "");
        assertEquals(2, function.body().ops().size(), "one reshape and the return");
        assertEquals(
                "f32[batch,seq,384]",
                function.body().ops().getFirst() instanceof GraphOp.Reshape reshape
                        ? reshape.result().type().toString()
                        : "no reshape");
    }

    @Test
    void sizesFromFloatingPointScalesSettle() {
        var function = imported(
                11,
                input("x", "1", "1", "h", "4")
                        + "initializer { name: 'two' data_type: 1 float_data: 2 } "
                        + "initializer { name: 'index' data_type: 7 int64_data: 2 } "
                        + "initializer { name: 'head' data_type: 7 dims: 2 int64_data: [1, 1] } "
                        + "initializer { name: 'width' data_type: 7 dims: 1 int64_data: 8 } "
                        + node("Shape", "'x'", "s", "")
                        + node("Gather", "'s', 'index'", "h", "")
                        + node("Cast", "'h'", "f", "attribute { name: 'to' type: 2 i: 1 }")
                        + node("Mul", "'f', 'two'", "g", "")
                        + node("Floor", "'g'", "k", "")
                        + node("Cast", "'k'", "i", "attribute { name: 'to' type: 2 i: 7 }")
                        + node("Unsqueeze", "'i'", "u", ints("axes", "0"))
                        + node("Concat", "'head', 'u', 'width'", "sizes", "attribute { name: 'axis' type: 2 i: 0 }")
                        + node(
                                "Resize",
                                "'x', '', '', 'sizes'",
                                "y",
                                "attribute { name: 'coordinate_transformation_mode' type: 3 s: 'asymmetric' } "
                                        + "attribute { name: 'nearest_mode' type: 3 s: 'floor' }")
                        + output("y"),
                "");
        var result = run(function, Map.of("x", ramp(1, 1, 1, 4)));
        assertArrayEquals(new long[] {1, 1, 2, 8}, result.shape());
        assertArrayEquals(new float[] {0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 1, 1, 2, 2, 3, 3}, result.toFloatArray());
        assertTrue(function.body().ops().stream().noneMatch(GraphOp.Bind.class::isInstance));
    }

    @Test
    void functionsOfTheModelAreInlined() {
        var function = imported(
                18,
                input("x", "2")
                        + "node { op_type: 'Twice' domain: 'local' input: 'x' output: 'y'"
                        + " attribute { name: 'slope' type: 1 f: 0.5 } } "
                        + output("y"),
                "opset_import { domain: 'local' version: 1 } functions { name: 'Twice' domain: 'local' input: 'a'"
                        + " output: 'b' attribute: 'slope' opset_import { version: 18 }"
                        + " node { op_type: 'Sub' input: ['a', 'a'] output: 'z' }"
                        + " node { op_type: 'Sub' input: ['z', 'a'] output: 'n' }"
                        + " node { op_type: 'LeakyRelu' input: 'n' output: 'b'"
                        + " attribute { name: 'alpha' type: 1 ref_attr_name: 'slope' } } }");
        assertArrayEquals(
                new float[] {0, -0.5f}, run(function, Map.of("x", ramp(2))).toFloatArray());
    }

    @Test
    void allUnsupportedNodesAreListedAtOnce() {
        var graph = input("x", "2")
                + "node { op_type: 'Relu' input: 'x' output: 'a' }"
                + "node { op_type: 'NoSuchThing' name: 'first' input: 'a' output: 'b' }"
                + "node { op_type: 'Other' name: 'second' domain: 'com.example' input: 'b' output: 'y' }"
                + output("y");
        var error = assertThrows(UnsupportedOperators.class, () -> imported(14, graph, ""));
        assertEquals(2, error.uses().size());
        assertEquals("NoSuchThing", error.uses().getFirst().operator());
        assertEquals(14, error.uses().getFirst().opset());
        assertTrue(error.getMessage().contains("'second'"));
    }

    @Test
    void aNewerOperatorSetIsNotGuessedAt() {
        var graph = input("x", "2") + node("Relu", "'x'", "y", "") + output("y");
        var error = assertThrows(UnsupportedOperators.class, () -> imported(1000, graph, ""));
        assertTrue(error.getMessage().contains("newest operator set known is 28"));
    }

    @Test
    void shapesMayBeGivenWhenCompiling() {
        var bytes = OnnxText.bytes(
                "ModelProto",
                "opset_import { version: 14 } graph { %s }"
                        .formatted(input("x", "n") + node("Relu", "'x'", "y", "") + output("y")));
        var model = new OnnxReader().model(MemorySegment.ofArray(bytes));
        var options = new ImportOptions(Map.of("x", List.of(5L)), 1 << 20);
        var function = new OnnxImporter(options).function(model);
        assertEquals("f32[5]", function.body().params().getFirst().type().toString());
        var wrong = new OnnxImporter(new ImportOptions(Map.of("z", List.of(5L)), 1 << 20));
        assertThrows(OnnxException.class, () -> wrong.function(model));
    }

    @Test
    void noTensorIsLargerThanTheLimit() {
        var graph = input("x", "1")
                + "initializer { name: 'shape' data_type: 7 dims: 2 int64_data: [1099511627776, 4] } "
                + node("Expand", "'x', 'shape'", "y", "")
                + output("y");
        var error = assertThrows(OnnxLimitException.class, () -> imported(14, graph, ""));
        assertTrue(error.getMessage().startsWith("Expand node 'y'"));
    }
}
