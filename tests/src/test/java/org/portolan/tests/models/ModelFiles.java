package org.portolan.tests.models;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.portolan.bench.RandomWeights;

/// Where models come from: jars on the class path, and folders that the environment names.
final class ModelFiles {
    private static final long SEED = 7;

    private ModelFiles() {}

    /// Copies a model out of a jar, so that it can be mapped.
    static Path fromClassPath(String resource, Path folder) throws IOException {
        var file = folder.resolve(Path.of(resource).getFileName());
        try (var stream = ModelFiles.class.getClassLoader().getResourceAsStream(resource)) {
            if (stream == null) {
                throw new IllegalStateException("'" + resource + "' is not on the class path");
            }
            Files.copy(stream, file);
        }
        return file;
    }

    /// One of ONNX's `light` models with random weights in place of computed ones. Where the data is not here the test is
    /// skipped.
    static Path light(String name, Path folder) throws IOException {
        var source = Arrays.stream(Optional.ofNullable(System.getenv("PORTOLAN_ONNX_TESTDATA"))
                        .orElse("")
                        .split(File.pathSeparator))
                .filter(root -> !root.isBlank())
                .map(root -> Path.of(root, "light", "light_" + name + ".onnx"))
                .filter(Files::isRegularFile)
                .findFirst();
        Assumptions.assumeTrue(
                source.isPresent(), "skipped: PORTOLAN_ONNX_TESTDATA names no folder with light/light_" + name + ".onnx");
        var target = folder.resolve(name + ".onnx");
        RandomWeights.rewrite(source.get(), target, SEED);
        return target;
    }
}
