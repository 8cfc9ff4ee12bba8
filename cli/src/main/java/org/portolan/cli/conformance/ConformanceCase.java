package org.portolan.cli.conformance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.portolan.cli.argument.TensorFiles;
import org.portolan.onnx.OnnxModel;
import org.portolan.onnx.OnnxValueInfo;
import org.portolan.onnx.reader.OnnxReader;
import org.portolan.runtime.Tensor;

/// A folder with `model.onnx` and folders `test_data_set_N` of recorded values, as ONNX ships them.
///
/// @param name the folder's path below the one that was searched
public record ConformanceCase(String name, Path folder) {

    /// Recorded values by the names that the model gives them.
    public record DataSet(Map<String, Tensor> inputs, Map<String, Tensor> outputs) {}

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

    public Path model() {
        return folder.resolve("model.onnx");
    }

    /// The recorded values.
    ///
    /// @throws UnsupportedValueException where a value is no tensor
    public List<DataSet> dataSets() throws IOException {
        var model = new OnnxReader().model(model());
        var sets = new ArrayList<DataSet>();
        try (var entries = Files.newDirectoryStream(folder, "test_data_set_*")) {
            for (var entry : entries) {
                sets.add(new DataSet(
                        read(entry, "input", inputs(model)), read(entry, "output", model.graph().outputs())));
            }
        }
        return sets;
    }

    /// A case that needs values which are no tensors.
    public static final class UnsupportedValueException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        UnsupportedValueException(String message) {
            super(message);
        }
    }

    private static String name(Path folder, Path found) {
        var below = folder.toAbsolutePath().normalize().relativize(found.toAbsolutePath().normalize()).toString();
        return below.isEmpty() ? found.toAbsolutePath().normalize().getFileName().toString() : below;
    }

    private static List<OnnxValueInfo> inputs(OnnxModel model) {
        var constants = model.graph().initializers().stream().map(tensor -> tensor.name()).toList();
        return model.graph().inputs().stream().filter(input -> !constants.contains(input.name())).toList();
    }

    private static Map<String, Tensor> read(Path folder, String kind, List<OnnxValueInfo> values) {
        var tensors = new LinkedHashMap<String, Tensor>();
        IntStream.range(0, values.size()).forEach(i -> {
            var file = folder.resolve(kind + "_" + i + ".pb");
            if (!Files.exists(file)) return;
            var value = values.get(i);
            var tensor = TensorFiles.tensor(new OnnxReader().value(file, value.type()));
            tensors.put(
                    value.name(),
                    tensor.orElseThrow(() ->
                            new UnsupportedValueException(kind + " '" + value.name() + "' is no tensor but " + value.type())));
        });
        return tensors;
    }
}
