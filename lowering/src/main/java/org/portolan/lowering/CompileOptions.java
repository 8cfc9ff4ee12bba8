package org.portolan.lowering;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// How a compilation differs from the usual.
///
/// @param shapes fixed extents of inputs, by input name; an input that is not named keeps its symbols
/// @param dumpFolder where the text of every level is written
public record CompileOptions(Map<String, List<Long>> shapes, Optional<Path> dumpFolder, CompileProgress progress) {
    private static final CompileOptions DEFAULTS =
            new CompileOptions(Map.of(), Optional.empty(), CompileProgress.SILENT);

    public CompileOptions {
        shapes = Map.copyOf(shapes);
    }

    public static CompileOptions defaults() {
        return DEFAULTS;
    }

    public CompileOptions withShapes(Map<String, List<Long>> fixed) {
        return new CompileOptions(fixed, dumpFolder, progress);
    }

    public CompileOptions withDumpFolder(Path folder) {
        return new CompileOptions(shapes, Optional.of(folder), progress);
    }

    public CompileOptions withProgress(CompileProgress listener) {
        return new CompileOptions(shapes, dumpFolder, listener);
    }
}
