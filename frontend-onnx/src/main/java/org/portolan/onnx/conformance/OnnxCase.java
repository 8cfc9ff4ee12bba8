package org.portolan.onnx.conformance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.onnx.OnnxDataType;
import org.portolan.onnx.OnnxException;
import org.portolan.onnx.OnnxModel;
import org.portolan.onnx.OnnxSparseTensor;
import org.portolan.onnx.OnnxTensor;
import org.portolan.onnx.OnnxType;
import org.portolan.onnx.OnnxValue;
import org.portolan.onnx.OnnxValueInfo;
import org.portolan.onnx.UnsupportedType;
import org.portolan.onnx.importer.OnnxTensors;
import org.portolan.onnx.reader.OnnxReader;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;

/// A folder with `model.onnx` and any number of `test_data_set_N`, each with `input_N.pb` and `output_N.pb`.
public record OnnxCase(String name, OnnxModel model, List<DataSet> dataSets) {
    /// Inputs and expected outputs of one run, by name.
    public record DataSet(Map<String, Tensor> inputs, Map<String, Tensor> outputs) {}

    public OnnxCase {
        dataSets = List.copyOf(dataSets);
    }

    /// All cases below a folder: the folder itself, or those in it.
    public static List<Path> folders(Path folder) {
        if (Files.exists(folder.resolve("model.onnx"))) {
            return List.of(folder);
        }
        try (var children = Files.list(folder)) {
            return children.filter(child -> Files.exists(child.resolve("model.onnx")))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Reads a case.
    ///
    /// @throws OnnxException where the model or the data cannot be read, or the data is no tensor
    public static OnnxCase read(Path folder) {
        var reader = new OnnxReader();
        var model = reader.model(folder.resolve("model.onnx"));
        return new OnnxCase(folder.getFileName().toString(), model, dataSets(reader, model, folder));
    }

    private static List<DataSet> dataSets(OnnxReader reader, OnnxModel model, Path folder) {
        var constants = new HashSet<String>();
        model.graph().initializers().forEach(tensor -> constants.add(tensor.name()));
        var inputs = model.graph().inputs().stream()
                .filter(input -> !constants.contains(input.name()))
                .toList();
        var sets = new ArrayList<DataSet>();
        for (int number = 0; ; number++) {
            var data = folder.resolve("test_data_set_" + number);
            if (!Files.isDirectory(data)) {
                return sets;
            }
            sets.add(new DataSet(
                    values(reader, data, "input", inputs),
                    values(reader, data, "output", model.graph().outputs())));
        }
    }

    private static Map<String, Tensor> values(OnnxReader reader, Path data, String kind, List<OnnxValueInfo> infos) {
        var tensors = new LinkedHashMap<String, Tensor>();
        for (int i = 0; i < infos.size(); i++) {
            var file = data.resolve("%s_%d.pb".formatted(kind, i));
            if (Files.exists(file)) {
                var info = infos.get(i);
                var tensor = tensor(reader.value(file, info.type()))
                        .orElseThrow(() -> new UnsupportedType(
                                "'%s' is no tensor: only tensors can be compared".formatted(info.name())));
                tensors.put(info.name(), asDeclared(tensor, info.type()));
            }
        }
        return tensors;
    }

    /// The cases of ONNX 1.12 and before hold the bits of bfloat16 as uint16.
    private static Tensor asDeclared(Tensor tensor, OnnxType type) {
        return type instanceof OnnxType.Tensor(OnnxDataType declared, var _)
                        && declared == OnnxDataType.BFLOAT16
                        && tensor.type() == ElementType.U16
                ? Tensor.of(ElementType.BF16, tensor.data(), tensor.shape())
                : tensor;
    }

    private static Optional<Tensor> tensor(OnnxValue value) {
        return switch (value) {
            case OnnxTensor tensor -> Optional.of(OnnxTensors.tensor(tensor));
            case OnnxSparseTensor _, OnnxValue.Sequence _, OnnxValue.Maybe _ -> Optional.empty();
        };
    }
}
