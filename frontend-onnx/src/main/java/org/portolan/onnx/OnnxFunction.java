package org.portolan.onnx;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// An operator that the model defines by a list of nodes.
///
/// @param attributes names of the attributes a caller may give
/// @param defaults attributes that hold where the caller gives none
/// @param opsets versions of the operators inside, by domain
public record OnnxFunction(
        String domain,
        String name,
        String overload,
        List<String> inputs,
        List<String> outputs,
        List<String> attributes,
        Map<String, OnnxAttribute> defaults,
        List<OnnxNode> nodes,
        Map<String, Long> opsets) {
    public OnnxFunction {
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
        attributes = List.copyOf(attributes);
        defaults = Collections.unmodifiableMap(new LinkedHashMap<>(defaults));
        nodes = List.copyOf(nodes);
        opsets = Collections.unmodifiableMap(new LinkedHashMap<>(opsets));
    }

    /// What a node must say to call a function.
    public record Key(String domain, String name, String overload) {}

    /// What a node must say to call this function.
    public Key key() {
        return new Key(domain, name, overload);
    }
}
