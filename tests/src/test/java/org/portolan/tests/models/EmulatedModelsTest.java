package org.portolan.tests.models;

import ai.onnxruntime.OrtException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.Devices;

/// Whole models on a device that is emulated instruction by instruction, against ONNX Runtime: one of sentences, one of
/// pictures with its real structure, and one of text in pictures.
@Timeout(600)
class EmulatedModelsTest {
    private static final String DEVICE = "cuda:emulated";

    @TempDir
    private Path folder;

    @BeforeEach
    void isThere() {
        boolean emulated = Devices.list().stream()
                .filter(DeviceDescription::emulated)
                .anyMatch(device -> DEVICE.startsWith(device.driver() + ":"));
        Assumptions.assumeTrue(emulated, "skipped: there is no " + DEVICE);
    }

    @Test
    void aSentence() throws IOException, OrtException {
        try (var model = new ComparedModel(ModelFiles.fromClassPath("all-minilm-l6-v2.onnx", folder), DEVICE)) {
            model.agree(SentenceModelTest.sentences(1, 16));
        }
    }

    @Test
    void aPicture() throws IOException, OrtException {
        try (var model = new ComparedModel(ModelFiles.light("squeezenet", folder), DEVICE)) {
            model.agree(Map.of("data_0", ImageModelsTest.image()));
        }
    }

    @Test
    void theDirectionOfText() throws IOException, OrtException {
        var file = ModelFiles.fromClassPath("models/ch_ppocr_mobile_v2.0_cls_infer.onnx", folder);
        try (var model = new ComparedModel(file, DEVICE)) {
            // The second run captures what the third replays.
            for (int run = 0; run < 3; run++) {
                model.agree(TextRecognitionModelsTest.picture(1, 48, 192));
            }
        }
    }
}
