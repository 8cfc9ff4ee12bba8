package org.portolan.cli.argument;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.cli.CommandFailure;
import org.portolan.cli.ExitCode;
import org.portolan.onnx.OnnxDataType;
import org.portolan.onnx.OnnxDimension;
import org.portolan.onnx.OnnxSparseTensor;
import org.portolan.onnx.OnnxTensor;
import org.portolan.onnx.OnnxType;
import org.portolan.onnx.OnnxValue;
import org.portolan.onnx.importer.OnnxTensors;
import org.portolan.onnx.reader.OnnxReader;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.data.NpyFiles;
import org.portolan.runtime.data.NpzFiles;

/// Tensors out of files.
public final class TensorFiles {
    private TensorFiles() {}

    /// The tensor that an argument stands for.
    public static Tensor tensor(InputArgument argument) throws IOException {
        return switch (argument.source()) {
            case InputArgument.File(var path) -> file(argument.input(), path);
            case InputArgument.RawFile raw -> raw(raw);
            case InputArgument.Random(var type, var extents, var seed) ->
                GeneratedTensors.random(type, extents, seed.orElse(0));
            case InputArgument.Literal literal -> GeneratedTensors.literal(literal);
        };
    }

    /// All tensors of an `.npz` file, by name.
    public static Map<String, Tensor> readArchive(Path path) throws IOException {
        if (!Files.exists(path)) throw new NoSuchFileException(path.toString());
        return NpzFiles.read(path);
    }

    /// The tensor that an ONNX file holds; none where it holds a sequence, a sparse or an absent value.
    public static Optional<Tensor> tensor(OnnxValue value) {
        return switch (value) {
            case OnnxTensor tensor -> Optional.of(OnnxTensors.tensor(tensor));
            case OnnxValue.Maybe(var _, var held) -> held.flatMap(TensorFiles::tensor);
            case OnnxSparseTensor _, OnnxValue.Sequence _ -> Optional.empty();
        };
    }

    private static Tensor file(String name, Path path) throws IOException {
        if (!Files.exists(path)) throw new NoSuchFileException(path.toString());
        var text = path.toString();
        if (text.endsWith(".npz")) {
            var tensor = readArchive(path).get(name);
            if (tensor != null) return tensor;
            throw new CommandFailure(ExitCode.FAILURE, path + " holds no array '" + name + "'", "");
        }
        if (text.endsWith(".pb")) {
            var any = new OnnxType.Tensor(OnnxDataType.FLOAT, Optional.<List<OnnxDimension>>empty());
            return tensor(new OnnxReader().value(path, any)).orElseThrow();
        }
        return NpyFiles.read(path);
    }

    private static Tensor raw(InputArgument.RawFile raw) throws IOException {
        try (var channel = FileChannel.open(raw.path(), StandardOpenOption.READ)) {
            var bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
            var shape = raw.extents().stream().mapToLong(Long::longValue).toArray();
            return Tensor.of(raw.type(), bytes, shape);
        }
    }
}
