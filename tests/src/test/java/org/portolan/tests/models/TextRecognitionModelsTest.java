package org.portolan.tests.models;

import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.runtime.Tensor;

/// The models of RapidOCR, each compiled once, on pictures of several sizes.
///
/// The pictures show something like text. Without any, every probability that there is text lies below 1e-3, and there
/// ONNX Runtime's logistic function is off by 1e-7, which is then more than 1e-4 of the largest.
class TextRecognitionModelsTest {
    @TempDir
    private static Path folder;

    @Test
    void directionsOfLines() throws IOException, OrtException {
        try (var model = model("ch_ppocr_mobile_v2.0_cls_infer")) {
            model.agree(picture(1, 48, 192));
            model.agree(picture(3, 48, 100));
            model.agree(picture(1, 64, 256));
            model.agree(picture(1, 32, 256)); // the last pooling has windows of 2 on lines of 1
        }
    }

    @Test
    void placesOfLines() throws IOException, OrtException {
        try (var model = model("ch_PP-OCRv4_det_infer")) {
            for (var size : new int[][] {{320, 320}, {96, 160}, {64, 480}}) {
                var found = model.agree(picture(1, size[0], size[1]));
                var probabilities = found.values().iterator().next();
                assertTrue(Difference.between(probabilities, probabilities).largest() > 0.5, "the picture shows no text");
            }
        }
    }

    @Test
    void lines() throws IOException, OrtException {
        try (var model = model("ch_PP-OCRv4_rec_infer")) {
            model.agree(picture(1, 48, 160));
            model.agree(picture(1, 48, 320));
            model.agree(picture(2, 48, 100));
        }
    }

    private static ComparedModel model(String name) throws IOException, OrtException {
        return new ComparedModel(ModelFiles.fromClassPath("models/" + name + ".onnx", folder));
    }

    /// Dark strokes like those of letters on light paper, with a little noise; pixels from -1 to 1.
    static Map<String, Tensor> picture(int batch, int height, int width) {
        var random = new Random(7);
        var pixels = new float[batch * 3 * height * width];
        for (int image = 0; image < batch; image++) {
            var dark = new boolean[height][width];
            for (int line = 4; line + 20 < height; line += 32) {
                for (int letter = 6; letter + 14 < width - 6; letter += 16) {
                    strokes(dark, line, letter, random);
                }
            }
            for (int channel = 0; channel < 3; channel++) {
                for (int i = 0; i < height * width; i++) {
                    float paper = dark[i / width][i % width] ? -0.9f : 0.9f;
                    pixels[(image * 3 + channel) * height * width + i] = paper + (random.nextFloat() - 0.5f) * 0.1f;
                }
            }
        }
        return Map.of("x", Tensor.of(pixels, batch, 3, height, width));
    }

    /// Some upright and some level strokes, two pixels wide, in a field of 20 times 12.
    private static void strokes(boolean[][] dark, int top, int left, Random random) {
        for (int stroke = 0; stroke < 4; stroke++) {
            boolean upright = random.nextBoolean();
            int offset = random.nextInt(upright ? 10 : 18);
            for (int i = 0; i < (upright ? 20 : 12); i++) {
                for (int thick = 0; thick < 2; thick++) {
                    dark[top + (upright ? i : offset + thick)][left + (upright ? offset + thick : i)] = true;
                }
            }
        }
    }
}
