package org.portolan.onnx.reader;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.onnx.OnnxException;

/// Hostile models that are decided by reading alone, whatever their operators mean.
class HostileModelsTest {
    private static Path folder() {
        return TestData.folders("PORTOLAN_HOSTILE_MODELS").getFirst();
    }

    @ParameterizedTest
    @ValueSource(strings = {"P01", "P02", "P03", "P04", "P05", "P08", "P09", "P10", "P11", "P12", "P38", "P40", "P43"})
    void isRefused(String id) {
        var model = folder().resolve(id, "model.onnx");
        var error = assertThrows(OnnxException.class, () -> new OnnxReader().model(model));
        assertFalse(error.getMessage().isBlank());
    }

    @Test
    void controlsAreRead() {
        for (var id : List.of("C01", "C02", "C03", "C04", "C05", "C06")) {
            var control = folder().resolve("control", id, "model.onnx");
            new OnnxReader().model(Files.exists(control) ? control : folder().resolve(id, "model.onnx"));
        }
    }

    @Test
    void longChainsAndDeepNestingAreRead() {
        new OnnxReader().model(folder().resolve("P14", "model.onnx"));
        new OnnxReader().model(folder().resolve("P42", "model.onnx"));
    }
}
