package org.portolan.onnx.reader;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.portolan.onnx.OnnxException;
import org.portolan.onnx.OnnxLimits;
import org.portolan.onnx.OnnxModel;
import org.portolan.onnx.OnnxType;
import org.portolan.onnx.OnnxValue;

/// Reads ONNX files. The file is mapped and tensors are slices of it, so a model of many gigabytes opens at once; it
/// must not be changed while the arena lives.
///
/// @param arena how long the data stays mapped; `Arena.ofAuto()` for as long as somebody holds a tensor
public record OnnxReader(Arena arena, OnnxLimits limits) {
    /// A reader with the default limits, whose data stays for as long as somebody holds it.
    public OnnxReader() {
        this(Arena.ofAuto(), OnnxLimits.DEFAULT);
    }

    /// Reads a model. Weights in other files are found only below the model's own folder.
    ///
    /// @throws org.portolan.onnx.OnnxFormatException where the bytes are no ONNX model
    /// @throws OnnxException where the model contradicts itself
    public OnnxModel model(Path file) {
        var folder = file.toAbsolutePath().getParent();
        return model(map(file), new ExternalData(folder, arena, limits));
    }

    /// Reads a model from memory. It cannot have weights in other files.
    public OnnxModel model(MemorySegment bytes) {
        return model(bytes, new ExternalData(null, arena, limits));
    }

    /// Reads one value, such as the inputs and outputs of ONNX's own test cases.
    ///
    /// @param type which of `TensorProto`, `SequenceProto` and `OptionalProto` the file holds
    public OnnxValue value(Path file, OnnxType type) {
        return value(map(file), type);
    }

    /// Reads one value from memory.
    public OnnxValue value(MemorySegment bytes, OnnxType type) {
        var tensors = new TensorDecoder(new ExternalData(null, arena, limits));
        return new ValueDecoder(tensors).value(new WireCursor(bytes, "value", limits), type);
    }

    private OnnxModel model(MemorySegment bytes, ExternalData external) {
        var decoder = new ModelDecoder(new TensorDecoder(external), limits);
        var model = decoder.model(new WireCursor(bytes, "model", limits));
        ModelChecks.check(model, limits);
        return model;
    }

    private MemorySegment map(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new OnnxException("'%s' is no file".formatted(file));
        }
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        } catch (IOException e) {
            throw new OnnxException("'%s' cannot be read: %s".formatted(file, e.getMessage()), e);
        }
    }
}
