package org.portolan.cli;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.GraphOp;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.ResourceStore;
import org.portolan.lowering.FixedShapes;
import org.portolan.onnx.OnnxType;
import org.portolan.onnx.importer.ImportOptions;
import org.portolan.onnx.importer.OnnxImporter;
import org.portolan.onnx.reader.OnnxReader;

/// A model before it is compiled, out of an ONNX file or of a text.
///
/// @param path the file, or the folder of resources beside it
record ModelSource(Path path, GraphOp.Function function) {
    /// An extent that a shape leaves open.
    private static final Long OPEN = -1L;

    /// Whether the file is a program file: they are ZIP archives, and no model begins as one does.
    static boolean isProgramFile(Path file) throws IOException {
        checkFile(file);
        try (var stream = Files.newInputStream(file)) {
            var start = stream.readNBytes(4);
            return start.length == 4 && start[0] == 'P' && start[1] == 'K' && start[2] == 3 && start[3] == 4;
        }
    }

    /// Reads a model. A file named `.ir` is text, whose resources lie in the same folder; any other is ONNX.
    ///
    /// @param shapes fixed extents of inputs by name; inputs that are not named keep their symbols
    static ModelSource read(Path file, Map<String, List<Long>> shapes) throws IOException {
        return read(file, shapes, Map::of);
    }

    /// Reads a model that is about to be run.
    ///
    /// @param given extents of the tensors that it is given, by input; asked for where an input has no declared shape,
    ///     which then has as many axes, and stays as dynamic as it was
    static ModelSource readFor(Path file, GivenShapes given) throws IOException {
        return read(file, Map.of(), given);
    }

    /// The extents of what a run is given.
    interface GivenShapes {
        Map<String, List<Long>> get() throws IOException;
    }

    private static ModelSource read(Path file, Map<String, List<Long>> shapes, GivenShapes given) throws IOException {
        checkFile(file);
        return file.toString().endsWith(".ir") ? text(file, shapes) : onnx(file, shapes, given);
    }

    /// Refuses what is no plain file before anything opens it: a pipe would be waited for.
    private static void checkFile(Path file) throws IOException {
        if (!Files.exists(file)) throw new NoSuchFileException(file.toString());
        if (!Files.isRegularFile(file)) throw new FileSystemException(file.toString(), null, "no plain file");
    }

    private static ModelSource onnx(Path file, Map<String, List<Long>> shapes, GivenShapes given) throws IOException {
        var model = new OnnxReader().model(file);
        var all = new HashMap<>(shapes);
        for (var input : model.graph().inputs()) {
            if (input.type() instanceof OnnxType.Tensor(var _, var shape) && shape.isEmpty() && !shapes.containsKey(input.name())) {
                var extents = given.get().get(input.name());
                if (extents != null) all.put(input.name(), Collections.nCopies(extents.size(), OPEN));
            }
        }
        var options = new ImportOptions(all, ImportOptions.DEFAULT.tensorBytes());
        return new ModelSource(file, new OnnxImporter(options).function(model));
    }

    private static ModelSource text(Path file, Map<String, List<Long>> shapes) throws IOException {
        try {
            var folder = ResourceStore.folder(file.toAbsolutePath().getParent());
            var module = IrParser.parse(Files.readString(file), file.toString(), folder);
            var functions = module.stream()
                    .filter(GraphOp.Function.class::isInstance)
                    .map(GraphOp.Function.class::cast)
                    .toList();
            if (functions.size() == 1) return new ModelSource(file, FixedShapes.apply(functions.getFirst(), shapes));
            throw new CommandFailure(
                    ExitCode.FAILURE, file + ": expected one graph.function, found " + functions.size(), "");
        } catch (CharacterCodingException _) {
            throw new CommandFailure(ExitCode.FAILURE, file + ": no text in UTF-8", "");
        }
    }
}
