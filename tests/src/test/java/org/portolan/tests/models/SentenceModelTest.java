package org.portolan.tests.models;

import ai.onnxruntime.OrtException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.runtime.Tensor;

/// MiniLM, compiled once, on sentences of several lengths and in several batches.
class SentenceModelTest {
    private static final int VOCABULARY = 30_522;
    private static final int[][] SHAPES = {{1, 1}, {1, 7}, {1, 16}, {3, 33}, {1, 128}};

    @TempDir
    private static Path folder;

    @Test
    void everyLengthAndBatchFromOneFile() throws IOException, OrtException {
        try (var model = new ComparedModel(ModelFiles.fromClassPath("all-minilm-l6-v2.onnx", folder))) {
            for (var shape : SHAPES) {
                model.agree(sentences(shape[0], shape[1]));
            }
        }
    }

    /// Random words; of several sentences each is a third shorter than the one before, and padded.
    static Map<String, Tensor> sentences(int batch, int length) {
        var random = new Random(7);
        var words = new long[batch * length];
        var mask = new long[batch * length];
        for (int sentence = 0; sentence < batch; sentence++) {
            int real = Math.max(1, length - sentence * length / 3);
            for (int i = 0; i < real; i++) {
                words[sentence * length + i] = random.nextInt(VOCABULARY);
                mask[sentence * length + i] = 1;
            }
        }
        return Map.of(
                "input_ids", Tensor.of(words, batch, length),
                "attention_mask", Tensor.of(mask, batch, length),
                "token_type_ids", Tensor.of(new long[batch * length], batch, length));
    }
}
