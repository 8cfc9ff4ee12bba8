package org.portolan.onnx.importer;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// What the caller of {@link OnnxImporter} decides.
///
/// @param shapes extents of inputs by name, in place of those that the model declares
/// @param tensorBytes no single tensor may take more bytes, so that a few bytes of a hostile model cannot ask for
///     terabytes
public record ImportOptions(Map<String, List<Long>> shapes, long tensorBytes) {
    /// The shapes of the model, and tensors up to 64 GiB.
    public static final ImportOptions DEFAULT = new ImportOptions(Map.of(), 1L << 36);

    public ImportOptions {
        var copies = new HashMap<String, List<Long>>();
        shapes.forEach((name, shape) -> copies.put(name, List.copyOf(shape)));
        shapes = Map.copyOf(copies);
    }
}
