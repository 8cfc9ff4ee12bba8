package org.portolan.onnx.reader;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.DynamicMessage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.portolan.onnx.OnnxModel;
import org.portolan.onnx.OnnxType;

/// Our reader against protobuf's on every file of ONNX's own test data.
class ReaderOracleTest {
    private static final long LARGEST = 20_000_000;

    @Test
    void modelsSayTheSame() throws IOException {
        int compared = 0;
        for (var file : TestData.files("PORTOLAN_ONNX_TESTDATA", ".onnx")) {
            if (Files.size(file) > LARGEST) {
                continue;
            }
            var expected = DynamicMessage.parseFrom(OnnxSchema.message("ModelProto"), Files.readAllBytes(file));
            assertEquals(Described.model(expected), Described.of(new OnnxReader().model(file)), file.toString());
            compared++;
        }
        assertTrue(compared > 0, "no model was compared");
    }

    @Test
    void valuesSayTheSame() throws IOException {
        int compared = 0;
        for (var file : TestData.files("PORTOLAN_ONNX_TESTDATA", "model.onnx")) {
            var data = file.resolveSibling("test_data_set_0");
            if (!Files.isDirectory(data)) {
                continue;
            }
            var model = new OnnxReader().model(file);
            compared += compare(model, data);
        }
        assertTrue(compared > 0, "no value was compared");
    }

    private static int compare(OnnxModel model, Path data) throws IOException {
        int compared = 0;
        var graph = model.graph();
        for (int i = 0; i < graph.inputs().size(); i++) {
            compared += compare(
                    data.resolve("input_%d.pb".formatted(i)),
                    graph.inputs().get(i).type());
        }
        for (int i = 0; i < graph.outputs().size(); i++) {
            compared += compare(
                    data.resolve("output_%d.pb".formatted(i)),
                    graph.outputs().get(i).type());
        }
        return compared;
    }

    private static int compare(Path file, OnnxType type) throws IOException {
        if (!Files.exists(file)) {
            return 0;
        }
        var message = switch (type) {
            case OnnxType.Sequence _ -> "SequenceProto";
            case OnnxType.Maybe _ -> "OptionalProto";
            case OnnxType.Tensor _, OnnxType.Sparse _, OnnxType.Mapping _, OnnxType.Opaque _, OnnxType.Undeclared _ ->
                "TensorProto";
        };
        var expected = DynamicMessage.parseFrom(OnnxSchema.message(message), Files.readAllBytes(file));
        assertEquals(Described.value(expected), Described.of(new OnnxReader().value(file, type)), file.toString());
        return 1;
    }
}
