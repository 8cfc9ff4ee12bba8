package org.portolan.runtime;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.portolan.runtime.device.DeviceDescription;

/// A service that makes program files of source models; {@link Portolan#load} looks for one where it is given a source
/// model. The runtime itself has none.
public interface ModelCompiler {

    /// Whether this compiler reads such a file, judged by its name.
    boolean accepts(Path model);

    /// Compiles a model.
    ///
    /// @throws PortolanException.CompilationFailed with every reason
    /// @throws IOException if a file cannot be read or written
    void compile(Request request) throws IOException;

    /// @param programFile where the result goes; replaced if it is there
    /// @param targets names such as {@code cpu} or {@code cpu:x86-64-v3}, as {@link DeviceDescription#target} gives them; at
    ///     least one
    /// @param shapes fixed extents of inputs, by input name; an input that is not named keeps its symbols
    record Request(Path model, Path programFile, List<String> targets, Map<String, List<Long>> shapes) {
        public Request {
            targets = List.copyOf(targets);
            shapes = Map.copyOf(shapes);
        }
    }
}
