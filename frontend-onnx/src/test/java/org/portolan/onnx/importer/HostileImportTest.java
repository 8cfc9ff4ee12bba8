package org.portolan.onnx.importer;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.ir.GraphOp;
import org.portolan.onnx.OnnxException;
import org.portolan.onnx.OnnxLimitException;
import org.portolan.onnx.reader.OnnxReader;
import org.portolan.onnx.reader.TestData;

/// Hostile models that are decided while importing.
class HostileImportTest {
    private static final Duration LIMIT = Duration.ofSeconds(5);

    private static GraphOp.Function imported(String id) {
        Path file = TestData.folders("PORTOLAN_HOSTILE_MODELS").getFirst().resolve(id, "model.onnx");
        return assertTimeoutPreemptively(LIMIT, () -> new OnnxImporter().function(new OnnxReader().model(file)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "P06", "P07", "P15", "P17", "P18", "P19", "P20", "P21", "P22", "P23", "P27", "P30", "P31", "P32", "P36",
                "P37", "P39"
            })
    void isRefusedWithTheNodesName(String id) {
        var error = assertThrows(OnnxException.class, () -> imported(id));
        assertTrue(error.getMessage().contains("node '"), error.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"P24", "P25", "P26", "P28"})
    void isBeyondALimit(String id) {
        assertThrows(OnnxLimitException.class, () -> imported(id));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "P14",
                "P16",
                "P33",
                "P34",
                "P35",
                "P42",
                "P45",
                "P46",
                "P47",
                "P48",
                "control/C01",
                "control/C06"
            })
    void isImported(String id) {
        assertTrue(!imported(id).body().ops().isEmpty());
    }
}
