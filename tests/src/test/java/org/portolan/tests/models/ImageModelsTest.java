package org.portolan.tests.models;

import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.runtime.Tensor;

/// Classifiers of images: their real structure with seeded random weights, the same file here and in ONNX Runtime.
class ImageModelsTest {
    private static final int SIDE = 224;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({"squeezenet, data_0", "shufflenet, gpu_0/data_0", "resnet50, gpu_0/data_0"})
    void classify(String name, String input) throws IOException, OrtException {
        try (var model = new ComparedModel(ModelFiles.light(name, folder))) {
            var classes = model.agree(Map.of(input, image())).values().iterator().next().toFloatArray();
            long alive = Arrays.stream(toDoubles(classes)).filter(value -> value > 1e-6).count();
            assertTrue(alive > 10, () -> "only " + alive + " classes have a probability that can be compared");
        }
    }

    private static double[] toDoubles(float[] values) {
        var doubles = new double[values.length];
        Arrays.setAll(doubles, i -> values[i]);
        return doubles;
    }

    static Tensor image() {
        var random = new Random(7);
        var pixels = new float[3 * SIDE * SIDE];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = random.nextFloat() * 2 - 1;
        }
        return Tensor.of(pixels, 1, 3, SIDE, SIDE);
    }
}
