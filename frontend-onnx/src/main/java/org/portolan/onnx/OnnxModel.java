package org.portolan.onnx;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A whole model file.
///
/// @param opsets versions of the operator sets in use, by domain, "" being ONNX's own
/// @param metadata free text of the producer
public record OnnxModel(
        long irVersion,
        String producer,
        Map<String, Long> opsets,
        OnnxGraph graph,
        List<OnnxFunction> functions,
        Map<String, String> metadata) {
    public OnnxModel {
        opsets = Collections.unmodifiableMap(new LinkedHashMap<>(opsets));
        functions = List.copyOf(functions);
        metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    }
}
