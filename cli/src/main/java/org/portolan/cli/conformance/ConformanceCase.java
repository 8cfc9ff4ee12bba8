package org.portolan.cli.conformance;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.portolan.onnx.conformance.OnnxCase;

/// A folder with `model.onnx` and folders `test_data_set_N` of recorded values, as ONNX ships them.
///
/// @param name the folder's path below the one that was searched
public record ConformanceCase(String name, Path folder) {
    private static final String DEBIAN = "/usr/share/libonnx-testdata/data";

    /// All cases below the folders whose name the pattern is found in, in the order of their names. A case that two folders
    /// hold under one name is taken from the first.
    public static List<ConformanceCase> find(List<Path> folders, Pattern filter) throws IOException {
        var cases = new LinkedHashMap<String, ConformanceCase>();
        for (var folder : folders) {
            try (var walk = Files.walk(folder)) {
                walk.filter(path -> path.endsWith("model.onnx"))
                        .map(Path::getParent)
                        .map(found -> new ConformanceCase(name(folder, found), found))
                        .filter(found -> filter.matcher(found.name()).find())
                        .sorted(Comparator.comparing(ConformanceCase::name))
                        .forEach(found -> cases.putIfAbsent(found.name(), found));
            }
        }
        return List.copyOf(cases.values());
    }

    /// Where ONNX's cases lie on this computer: the folders that {@code PORTOLAN_ONNX_TESTDATA} names, and that of Debian's
    /// package {@code libonnx-testdata}; none where neither is here.
    public static List<Path> usualFolders() {
        var named = System.getenv().getOrDefault("PORTOLAN_ONNX_TESTDATA", "").split(File.pathSeparator);
        return Stream.concat(Stream.of(named), Stream.of(DEBIAN))
                .filter(folder -> !folder.isBlank())
                .map(Path::of)
                .filter(Files::isDirectory)
                .toList();
    }

    /// The model and the recorded values.
    ///
    /// @throws org.portolan.onnx.OnnxException where they cannot be read, or a value is no tensor
    public OnnxCase read() {
        return OnnxCase.read(folder);
    }

    private static String name(Path folder, Path found) {
        var below = folder.toAbsolutePath().normalize().relativize(found.toAbsolutePath().normalize()).toString();
        return below.isEmpty() ? found.toAbsolutePath().normalize().getFileName().toString() : below;
    }
}
