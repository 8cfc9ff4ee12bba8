package org.portolan.tests.models;

import ai.onnxruntime.OrtException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.ir.pass.Narrow;
import org.portolan.lowering.CompileOptions;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.type.ElementType;

/// Whole models on devices that are emulated instruction by instruction, against ONNX Runtime: one of sentences, one of
/// pictures with its real structure, and one of text in pictures.
@Timeout(600)
class EmulatedModelsTest {
    /// What f16 factors and f32 sums leave of six layers, relative to the largest number.
    private static final double NARROWED = 2e-3;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"cuda:emulated", "ascend:emulated"})
    void aSentence(String device) throws IOException, OrtException {
        require(device);
        try (var model = new ComparedModel(ModelFiles.fromClassPath("all-minilm-l6-v2.onnx", folder), device)) {
            model.agree(SentenceModelTest.sentences(1, 16));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuda:emulated", "ascend:emulated"})
    void aSentenceInFewerBits(String device) throws IOException, OrtException {
        require(device);
        var file = ModelFiles.fromClassPath("all-minilm-l6-v2.onnx", folder);
        var options = CompileOptions.defaults().withNarrow(new Narrow(ElementType.F16));
        try (var model = new ComparedModel(file, device, options, NARROWED)) {
            model.agree(SentenceModelTest.sentences(1, 16));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuda:emulated", "ascend:emulated"})
    void aPicture(String device) throws IOException, OrtException {
        require(device);
        try (var model = new ComparedModel(ModelFiles.light("squeezenet", folder), device)) {
            model.agree(Map.of("data_0", ImageModelsTest.image()));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuda:emulated", "ascend:emulated"})
    void theDirectionOfText(String device) throws IOException, OrtException {
        require(device);
        var file = ModelFiles.fromClassPath("models/ch_ppocr_mobile_v2.0_cls_infer.onnx", folder);
        try (var model = new ComparedModel(file, device)) {
            // Where a device captures what is run again, the second run captures it and the third replays it.
            for (int run = 0; run < 3; run++) {
                model.agree(TextRecognitionModelsTest.picture(1, 48, 192));
            }
        }
    }

    private static void require(String device) {
        boolean emulated = Devices.list().stream()
                .filter(DeviceDescription::emulated)
                .anyMatch(one -> device.startsWith(one.driver() + ":"));
        Assumptions.assumeTrue(emulated, "skipped: there is no " + device);
    }
}
