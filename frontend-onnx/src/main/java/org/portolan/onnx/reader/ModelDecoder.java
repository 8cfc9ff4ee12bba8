package org.portolan.onnx.reader;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.onnx.OnnxAttribute;
import org.portolan.onnx.OnnxFunction;
import org.portolan.onnx.OnnxGraph;
import org.portolan.onnx.OnnxLimits;
import org.portolan.onnx.OnnxModel;
import org.portolan.onnx.OnnxNode;
import org.portolan.onnx.OnnxSparseTensor;
import org.portolan.onnx.OnnxTensor;
import org.portolan.onnx.OnnxValueInfo;

/// `ModelProto` and what hangs below it to records. The numbers are the field numbers of onnx.proto.
final class ModelDecoder {
    private static final long LARGEST_VERSION = Integer.MAX_VALUE;

    private final TensorDecoder tensors;
    private final OnnxLimits limits;
    private long nodes;

    ModelDecoder(TensorDecoder tensors, OnnxLimits limits) {
        this.tensors = tensors;
        this.limits = limits;
    }

    OnnxModel model(WireCursor in) {
        long irVersion = 0;
        var producer = "";
        var opsets = new LinkedHashMap<String, Long>();
        OnnxGraph graph = null;
        var functions = new ArrayList<OnnxFunction>();
        var metadata = new LinkedHashMap<String, String>();
        while (in.next()) {
            switch (in.field()) {
                case 1 -> irVersion = in.integer();
                case 2 -> producer = in.text();
                case 7 -> {
                    if (graph != null) {
                        throw in.error("a second graph");
                    }
                    graph = graph(in.message("graph"));
                }
                case 8 -> opset(in.message("opset_import"), opsets);
                case 14 -> TensorDecoder.entry(in.message("metadata_props"), metadata);
                case 25 -> functions.add(function(in.message("functions")));
                default -> {}
            }
        }
        if (graph == null) {
            throw in.error("no graph: this is no ONNX model");
        }
        if (opsets.isEmpty()) {
            throw in.error("no opset_import: the model does not say which version of the operators it means");
        }
        return new OnnxModel(irVersion, producer, opsets, graph, functions, metadata);
    }

    private static void opset(WireCursor in, Map<String, Long> opsets) {
        var domain = "";
        long version = 0;
        while (in.next()) {
            switch (in.field()) {
                case 1 -> domain = domain(in.text());
                case 2 -> version = in.integer();
                default -> {}
            }
        }
        if (version < 1 || version > LARGEST_VERSION) {
            throw in.error("version %d of the operator set '%s'".formatted(version, domain));
        }
        var before = opsets.put(domain, version);
        if (before != null && before != version) {
            throw in.error("versions %d and %d of the operator set '%s'".formatted(before, version, domain));
        }
    }

    /// ONNX's own domain has two spellings.
    private static String domain(String text) {
        return text.equals("ai.onnx") ? "" : text;
    }

    private OnnxGraph graph(WireCursor in) {
        var name = "";
        var nodeList = new ArrayList<OnnxNode>();
        var initializers = new ArrayList<OnnxTensor>();
        var sparse = new ArrayList<OnnxSparseTensor>();
        var inputs = new ArrayList<OnnxValueInfo>();
        var outputs = new ArrayList<OnnxValueInfo>();
        var valueInfo = new ArrayList<OnnxValueInfo>();
        while (in.next()) {
            switch (in.field()) {
                case 1 -> nodeList.add(node(in.message("node")));
                case 2 -> name = in.text();
                case 5 -> initializers.add(tensors.tensor(in.message("initializer")));
                case 11 -> inputs.add(TypeDecoder.valueInfo(in.message("input")));
                case 12 -> outputs.add(TypeDecoder.valueInfo(in.message("output")));
                case 13 -> valueInfo.add(TypeDecoder.valueInfo(in.message("value_info")));
                case 15 -> sparse.add(tensors.sparse(in.message("sparse_initializer")));
                default -> {}
            }
        }
        return new OnnxGraph(name, nodeList, initializers, sparse, inputs, outputs, valueInfo);
    }

    private OnnxNode node(WireCursor in) {
        OnnxLimits.check("nodes", limits.nodes(), ++nodes, "The model");
        long offset = in.position();
        var name = "";
        var operator = "";
        var domain = "";
        var overload = "";
        var inputs = new ArrayList<String>();
        var outputs = new ArrayList<String>();
        var attributes = new LinkedHashMap<String, OnnxAttribute>();
        while (in.next()) {
            switch (in.field()) {
                case 1 -> inputs.add(in.text());
                case 2 -> outputs.add(in.text());
                case 3 -> name = in.text();
                case 4 -> operator = in.text();
                case 5 -> attribute(in, attributes);
                case 7 -> domain = domain(in.text());
                case 8 -> overload = in.text();
                default -> {}
            }
        }
        return new OnnxNode(name, domain, operator, overload, inputs, outputs, attributes, offset);
    }

    private void attribute(WireCursor in, Map<String, OnnxAttribute> into) {
        var attribute = new AttributeDecoder(tensors, this::graph).attribute(in.message("attribute"));
        if (into.put(attribute.name(), attribute) != null) {
            throw in.error("the attribute '%s' stands twice in one node".formatted(attribute.name()));
        }
    }

    private OnnxFunction function(WireCursor in) {
        var domain = "";
        var name = "";
        var overload = "";
        var inputs = new ArrayList<String>();
        var outputs = new ArrayList<String>();
        var attributes = new ArrayList<String>();
        var defaults = new LinkedHashMap<String, OnnxAttribute>();
        var nodeList = new ArrayList<OnnxNode>();
        var opsets = new LinkedHashMap<String, Long>();
        while (in.next()) {
            switch (in.field()) {
                case 1 -> name = in.text();
                case 4 -> inputs.add(in.text());
                case 5 -> outputs.add(in.text());
                case 6 -> attributes.add(in.text());
                case 7 -> nodeList.add(node(in.message("node")));
                case 9 -> opset(in.message("opset_import"), opsets);
                case 10 -> domain = domain(in.text());
                case 11 -> attribute(in, defaults);
                case 13 -> overload = in.text();
                default -> {}
            }
        }
        if (name.isEmpty()) {
            throw in.error("a function without a name");
        }
        return new OnnxFunction(domain, name, overload, inputs, outputs, attributes, defaults, nodeList, opsets);
    }

    /// The graphs of a node: those that its attributes hold.
    static List<OnnxGraph> graphs(OnnxNode node) {
        var graphs = new ArrayList<OnnxGraph>();
        for (var attribute : node.attributes().values()) {
            switch (attribute) {
                case OnnxAttribute.GraphValue(var _, var graph) -> graphs.add(graph);
                case OnnxAttribute.Graphs(var _, var all) -> graphs.addAll(all);
                case OnnxAttribute.IntValue _,
                        OnnxAttribute.FloatValue _,
                        OnnxAttribute.StringValue _,
                        OnnxAttribute.TensorValue _,
                        OnnxAttribute.SparseValue _,
                        OnnxAttribute.TypeValue _,
                        OnnxAttribute.Ints _,
                        OnnxAttribute.Floats _,
                        OnnxAttribute.Strings _,
                        OnnxAttribute.Tensors _,
                        OnnxAttribute.SparseTensors _,
                        OnnxAttribute.Types _,
                        OnnxAttribute.Reference _ -> {}
            }
        }
        return graphs;
    }
}
