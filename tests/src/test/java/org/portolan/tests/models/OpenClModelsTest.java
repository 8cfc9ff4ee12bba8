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
import org.portolan.runtime.device.Devices;

/// Whole models on the first OpenCL device, against ONNX Runtime: one of sentences, one of pictures with its real
/// structure, and one that finds text in pictures.
@Timeout(600)
class OpenClModelsTest {
    private static final String DEVICE = "opencl:0";

    @TempDir
    private Path folder;

    @BeforeEach
    void isThere() {
        boolean here = Devices.list().stream().anyMatch(device -> device.name().equals(DEVICE) && !device.emulated());
        Assumptions.assumeTrue(here, "skipped: there is no " + DEVICE);
    }

    @Test
    void aSentence() throws IOException, OrtException {
        try (var model = new ComparedModel(ModelFiles.fromClassPath("all-minilm-l6-v2.onnx", folder), DEVICE)) {
            model.agree(SentenceModelTest.sentences(1, 16));
        }
    }

    @Test
    void aPicture() throws IOException, OrtException {
        try (var model = new ComparedModel(ModelFiles.light("resnet50", folder), DEVICE)) {
            model.agree(Map.of("gpu_0/data_0", ImageModelsTest.image()));
        }
    }

    @Test
    void placesOfText() throws IOException, OrtException {
        var file = ModelFiles.fromClassPath("models/ch_PP-OCRv4_det_infer.onnx", folder);
        try (var model = new ComparedModel(file, DEVICE)) {
            model.agree(TextRecognitionModelsTest.picture(1, 96, 160));
        }
    }
}
