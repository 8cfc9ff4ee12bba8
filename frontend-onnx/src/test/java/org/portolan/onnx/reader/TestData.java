package org.portolan.onnx.reader;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/// Files that stand outside the repository and that a test is skipped without.
public final class TestData {
    private TestData() {}

    /// The folders that the environment variable lists, separated by the platform's path separator.
    public static List<Path> folders(String variable) {
        var value = System.getenv(variable);
        Assumptions.assumeTrue(value != null && !value.isBlank(), () -> variable + " is not set: skipped");
        return Arrays.stream(value.split(File.pathSeparator)).map(Path::of).toList();
    }

    /// All files below the folders whose name ends so, in a fixed order.
    public static List<Path> files(String variable, String ending) {
        return folders(variable).stream()
                .flatMap(folder -> {
                    try (Stream<Path> files = Files.walk(folder)) {
                        return files.filter(file -> file.toString().endsWith(ending)).sorted().toList().stream();
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                })
                .toList();
    }
}
