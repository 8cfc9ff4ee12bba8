package org.portolan.onnx.importer;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Resource;
import org.portolan.ir.SymbolRange;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.onnx.OnnxAttribute;
import org.portolan.onnx.OnnxException;
import org.portolan.onnx.OnnxFunction;
import org.portolan.onnx.OnnxGraph;
import org.portolan.onnx.OnnxModel;
import org.portolan.onnx.OnnxNode;
import org.portolan.onnx.OnnxTensor;
import org.portolan.onnx.UnsupportedOperators;
import org.portolan.runtime.type.Dim;

/// Turns a model into a `graph.function`.
///
/// Parameters are the model's inputs that have no constant; their hints, like those of the returned values, are the
/// model's names. Each axis that is no number becomes a symbol of its own; operators that need two of them to be equal
/// make them one.
public record OnnxImporter(ImportOptions options) {
    /// An importer with the default options.
    public OnnxImporter() {
        this(ImportOptions.DEFAULT);
    }

    /// The operators that can be imported, with their domain before a colon where it is not ONNX's own.
    public static SortedSet<String> operators() {
        return OperatorTable.standard().names();
    }

    /// Imports a model.
    ///
    /// @throws UnsupportedOperators with all nodes that cannot be imported
    /// @throws OnnxException where the model contradicts itself; the message names the node
    public GraphOp.Function function(OnnxModel model) {
        refuseUnknown(model);
        Map<String, Dim> proven = new HashMap<>();
        Map<OnnxTensor, Resource> resources = new IdentityHashMap<>();
        while (true) {
            // An attempt may learn that extents of inputs are equal; then another one starts with fewer symbols.
            var symbols = new Symbols(proven);
            var function = attempt(model, symbols, resources);
            if (!symbols.learned()) {
                return function;
            }
        }
    }

    private GraphOp.Function attempt(OnnxModel model, Symbols symbols, Map<OnnxTensor, Resource> resources) {
        var block = new Block(null);
        var writer = new GraphWriter(symbols, options.tensorBytes(), block);
        var importer = new GraphImporter(model, writer, resources);
        var params = new ArrayList<Value>();
        var arguments = importer.parameters(options.shapes(), params);
        var outputs = importer.outermost(arguments);
        importer.refuseCollected();
        var names = model.graph().outputs();
        var values = new ArrayList<Value>();
        var used = new HashSet<Value>(params);
        for (int i = 0; i < outputs.size(); i++) {
            values.add(result(block, outputs.get(i), names.get(i).name(), used));
        }
        block.add(new GraphOp.Return(values));
        var ranges = new ArrayList<SymbolRange>();
        symbols.ranges().forEach(ranges::add);
        return new GraphOp.Function("main", ranges, new Body(params, block.ops()));
    }

    /// Each result is a value of its own that bears the output's name.
    private static Value result(Block block, Operand output, String name, Set<Value> used) {
        var value = output.named(name).value();
        if (value.hint().equals(name) && used.add(value)) {
            return value;
        }
        var copy = Value.of(Type.tensor(output.element(), output.dims()), name);
        return block.add(new GraphOp.Reshape(value, copy)).result();
    }

    /// Lists all operators without a row in the table at once, also those inside of branches and functions.
    private static void refuseUnknown(OnnxModel model) {
        var functions = new HashSet<OnnxFunction.Key>();
        model.functions().forEach(function -> functions.add(function.key()));
        var uses = new ArrayList<UnsupportedOperators.Use>();
        collect(model.graph().nodes(), model.opsets(), functions, uses);
        for (var function : model.functions()) {
            collect(function.nodes(), function.opsets(), functions, uses);
        }
        if (!uses.isEmpty()) {
            throw new UnsupportedOperators(uses);
        }
    }

    private static void collect(
            List<OnnxNode> nodes,
            Map<String, Long> opsets,
            Set<OnnxFunction.Key> functions,
            List<UnsupportedOperators.Use> uses) {
        var table = OperatorTable.standard();
        for (var node : nodes) {
            for (var attribute : node.attributes().values()) {
                if (attribute instanceof OnnxAttribute.GraphValue(var _, OnnxGraph graph)) {
                    collect(graph.nodes(), opsets, functions, uses);
                }
            }
            if (functions.contains(new OnnxFunction.Key(node.domain(), node.operator(), node.overload()))) {
                continue;
            }
            var version = opsets.get(node.domain());
            if (version == null) {
                uses.add(use(node, 0, "the model imports no operator set for this domain"));
            } else if (node.domain().isEmpty() && version > Operator.NEWEST) {
                uses.add(use(node, version, "the newest operator set known is " + Operator.NEWEST));
            } else if (table.find(node.domain(), node.operator(), version).isEmpty()) {
                uses.add(use(node, version, table.reason(node.domain(), node.operator())));
            }
        }
    }

    static UnsupportedOperators.Use use(OnnxNode node, long version, String reason) {
        return new UnsupportedOperators.Use(node.label(), node.domain(), node.operator(), version, reason);
    }
}
