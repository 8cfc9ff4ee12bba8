package org.portolan.onnx.reader;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.portolan.onnx.OnnxException;
import org.portolan.onnx.OnnxLimitException;
import org.portolan.onnx.OnnxLimits;
import org.portolan.onnx.OnnxTensor;
import org.portolan.onnx.OnnxType;

class OnnxReaderTest {
    private static OnnxTensor tensor(String text) {
        var bytes = MemorySegment.ofArray(OnnxText.bytes("TensorProto", text));
        return (OnnxTensor) new OnnxReader().value(bytes, new OnnxType.Undeclared());
    }

    private static void assertBytes(OnnxTensor tensor, int... expected) {
        var bytes = new byte[expected.length];
        for (int i = 0; i < expected.length; i++) {
            bytes[i] = (byte) expected[i];
        }
        assertArrayEquals(bytes, tensor.data().toArray(ValueLayout.JAVA_BYTE));
    }

    private static String refused(String graph) {
        return assertThrows(OnnxException.class, () -> OnnxText.read(graph)).getMessage();
    }

    @Test
    void narrowElementsComeAsNumbers() {
        assertBytes(tensor("data_type: 10 dims: 2 int32_data: [15360, 49152]"), 0x00, 0x3c, 0x00, 0xc0);
        assertBytes(tensor("data_type: 9 dims: 3 int32_data: [1, 0, 1]"), 1, 0, 1);
        assertBytes(tensor("data_type: 22 dims: 3 int32_data: [0x21, 0x0f]"), 0x21, 0x0f);
        assertBytes(tensor("data_type: 12 dims: 1 uint64_data: 4294967295"), 255, 255, 255, 255);
        assertBytes(tensor("data_type: 3 dims: 2 int32_data: [-1, 127]"), 255, 127);
        assertEquals(
                List.of("a", "ö"),
                tensor("data_type: 8 dims: 2 string_data: ['a', 'ö']").strings());
    }

    @Test
    void elementsThatDoNotFitAreRefused() {
        for (var text : List.of(
                "data_type: 3 dims: 1 int32_data: 300",
                "data_type: 1 dims: 1 int32_data: 3",
                "data_type: 1 dims: 2 float_data: 3",
                "data_type: 1 dims: -1 float_data: 3",
                "data_type: 1 dims: [4611686018427387904, 4611686018427387904]",
                "data_type: 99 dims: 1 float_data: 3",
                "data_type: 22 dims: 3 int32_data: [1, 2, 3]",
                "data_type: 1 dims: 1 float_data: 3 int32_data: 3",
                "data_type: 8 dims: 2 string_data: 'a'")) {
            assertThrows(OnnxException.class, () -> tensor(text), text);
        }
    }

    @Test
    void sparseTensorsBecomeDense() {
        var graph = OnnxText.read("""
            sparse_initializer {
              values { name: "s" data_type: 1 dims: 2 float_data: [5, 6] }
              indices { data_type: 7 dims: [2, 2] int64_data: [0, 1, 1, 0] }
              dims: [2, 2]
            }
            """).graph();
        var dense = graph.sparseInitializers().getFirst().dense(OnnxLimits.DEFAULT);
        assertArrayEquals(new float[] {0, 5, 6, 0}, dense.data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED));
        assertTrue(refused("""
            sparse_initializer {
              values { name: "s" data_type: 1 dims: 1 float_data: 5 }
              indices { data_type: 7 dims: 1 int64_data: 4 } dims: [2, 2] }
            """).contains("'s'"));
    }

    @Test
    void namesAreWrittenOnceAndBeforeTheyAreRead() {
        assertTrue(refused("node { op_type: 'Relu' name: 'r' input: 'x' output: 'y' }")
                .contains("'r' reads 'x'"));
        assertTrue(refused("node { op_type: 'Relu' input: 'y' output: 'y' }").contains("its own output"));
        assertTrue(refused("""
            node { op_type: "Relu" name: "a" input: "q" output: "p" }
            node { op_type: "Relu" name: "b" input: "p" output: "q" }
            """).contains("only later, by Relu node 'b'"));
        assertTrue(refused("""
            input { name: "x" }
            node { op_type: "Relu" input: "x" output: "y" } node { op_type: "Relu" input: "x" output: "y" }
            """).contains("written already"));
    }

    @Test
    void functionsMustNotCallThemselves() {
        var model = OnnxText.bytes("ModelProto", """
            opset_import { version: 21 } graph { }
            functions { domain: "d" name: "f" node { op_type: "g" domain: "d" } }
            functions { domain: "d" name: "g" node { op_type: "f" domain: "d" } }
            """);
        var error = assertThrows(OnnxException.class, () -> new OnnxReader().model(MemorySegment.ofArray(model)));
        assertTrue(error.getMessage().contains("calls itself"));
    }

    @Test
    void limitsAreReal() {
        var limits = new OnnxLimits(6, 2, 16, 4, 4, 4, 64);
        var reader = new OnnxReader(Arena.ofAuto(), limits);
        var two = "node { op_type: 'Constant' output: 'a' } node { op_type: 'Constant' output: 'b' }";
        reader.model(MemorySegment.ofArray(OnnxText.model(two)));
        var three = two + " node { op_type: 'Constant' output: 'c' }";
        assertEquals("nodes", limitOf(reader, three));
        assertEquals("nameBytes", limitOf(reader, "name: 'a name of more than 16 bytes'"));
        assertEquals("rank", limitOf(reader, "initializer { data_type: 1 dims: [1, 1, 1, 1, 0] }"));
        var graph = "";
        for (int i = 0; i < 5; i++) {
            graph = "node { op_type: 'If' attribute { name: 'then_branch' type: 5 g { %s } } }".formatted(graph);
        }
        assertEquals("messageDepth", limitOf(reader, graph));
    }

    private static String limitOf(OnnxReader reader, String graph) {
        var bytes = MemorySegment.ofArray(OnnxText.model(graph));
        return assertThrows(OnnxLimitException.class, () -> reader.model(bytes)).limit();
    }

    @Test
    void damagedFilesGetATypedErrorOrAreRead() {
        var good = OnnxText.model("""
            input { name: "x" type { tensor_type { elem_type: 1 shape { dim { dim_value: 2 } dim { dim_param: "n" } } } } }
            initializer { name: "w" data_type: 1 dims: [2, 2] float_data: [1, 2, 3, 4] }
            node { op_type: "Gemm" input: ["x", "w"] output: "y" attribute { name: "alpha" type: 1 f: 2 } }
            output { name: "y" }
            """);
        var random = new Random(5);
        int refused = 0;
        for (int round = 0; round < 20_000; round++) {
            var bytes = good.clone();
            for (int change = 0; change <= random.nextInt(3); change++) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            }
            if (random.nextInt(4) == 0) {
                bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
            }
            try {
                new OnnxReader().model(MemorySegment.ofArray(bytes));
            } catch (OnnxException e) {
                refused++;
            }
        }
        assertTrue(refused > 1000, "only " + refused + " of 20000 damaged files were noticed");
    }
}
