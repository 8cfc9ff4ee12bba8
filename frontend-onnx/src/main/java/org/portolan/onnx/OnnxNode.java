package org.portolan.onnx;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// One call of an operator or of a model-local function.
///
/// @param domain the operator's domain, "" for ONNX's own
/// @param overload which of several functions of one name, mostly ""
/// @param inputs names of values; "" for an optional input that is left out
/// @param outputs names of values; "" for an optional output that nobody wants
/// @param offset where the node stands in the file, in bytes
public record OnnxNode(
        String name,
        String domain,
        String operator,
        String overload,
        List<String> inputs,
        List<String> outputs,
        Map<String, OnnxAttribute> attributes,
        long offset) {
    public OnnxNode {
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
        attributes = Collections.unmodifiableMap(new LinkedHashMap<>(attributes));
    }

    /// What an error calls this node: its operator with its name, or with its first output where it has no name.
    public String label() {
        var qualified = domain.isEmpty() ? operator : domain + ":" + operator;
        var given = name.isEmpty()
                ? outputs.stream()
                        .filter(output -> !output.isEmpty())
                        .findFirst()
                        .orElse("?")
                : name;
        return "%s node '%s'".formatted(qualified, given);
    }
}
