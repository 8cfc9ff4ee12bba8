package org.portolan.onnx;

import java.util.List;

/// Nodes in topological order, with the graph's own inputs, outputs and constants.
///
/// @param inputs the declared inputs; older files list the initializers here too
/// @param valueInfo declared types of values inside; each must agree with what is inferred
public record OnnxGraph(
        String name,
        List<OnnxNode> nodes,
        List<OnnxTensor> initializers,
        List<OnnxSparseTensor> sparseInitializers,
        List<OnnxValueInfo> inputs,
        List<OnnxValueInfo> outputs,
        List<OnnxValueInfo> valueInfo) {
    public OnnxGraph {
        nodes = List.copyOf(nodes);
        initializers = List.copyOf(initializers);
        sparseInitializers = List.copyOf(sparseInitializers);
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
        valueInfo = List.copyOf(valueInfo);
    }
}
