package org.portolan.lowering;

import java.nio.file.Path;
import java.security.PrivateKey;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.pass.Narrow;
import org.portolan.ir.pass.PassListener;

/// How a compilation differs from the usual.
///
/// @param shapes fixed extents of inputs, by input name; an input that is not named keeps its symbols
/// @param dumpFolder where the text after every pass and of every level is written, and what runs a failing pass again
/// @param listeners told of every pass over the whole function
/// @param signingKey an Ed25519 key that signs the program file
/// @param tuning a file with schedules that are taken rather than chosen
public record CompileOptions(
        Map<String, List<Long>> shapes,
        Optional<Path> dumpFolder,
        CompileProgress progress,
        List<PassListener> listeners,
        Optional<Path> tuning,
        Optional<Narrow> narrow,
        Optional<PrivateKey> signingKey) {
    private static final CompileOptions DEFAULTS =
            new CompileOptions(Map.of(), Optional.empty(), CompileProgress.SILENT);

    public CompileOptions {
        shapes = Map.copyOf(shapes);
        listeners = List.copyOf(listeners);
    }

    public CompileOptions(Map<String, List<Long>> shapes, Optional<Path> dumpFolder, CompileProgress progress) {
        this(shapes, dumpFolder, progress, List.of(), Optional.empty(), Optional.empty(), Optional.empty());
    }

    public static CompileOptions defaults() {
        return DEFAULTS;
    }

    public CompileOptions withShapes(Map<String, List<Long>> fixed) {
        return new CompileOptions(fixed, dumpFolder, progress, listeners, tuning, narrow, signingKey);
    }

    public CompileOptions withDumpFolder(Path folder) {
        return new CompileOptions(shapes, Optional.of(folder), progress, listeners, tuning, narrow, signingKey);
    }

    public CompileOptions withProgress(CompileProgress progressListener) {
        return new CompileOptions(shapes, dumpFolder, progressListener, listeners, tuning, narrow, signingKey);
    }

    public CompileOptions withListeners(List<PassListener> passListeners) {
        return new CompileOptions(shapes, dumpFolder, progress, passListeners, tuning, narrow, signingKey);
    }

    public CompileOptions withTuning(Path log) {
        return new CompileOptions(shapes, dumpFolder, progress, listeners, Optional.of(log), narrow, signingKey);
    }

    public CompileOptions withNarrow(Narrow pass) {
        return new CompileOptions(shapes, dumpFolder, progress, listeners, tuning, Optional.of(pass), signingKey);
    }

    public CompileOptions withSigningKey(PrivateKey key) {
        return new CompileOptions(shapes, dumpFolder, progress, listeners, tuning, narrow, Optional.of(key));
    }
}
