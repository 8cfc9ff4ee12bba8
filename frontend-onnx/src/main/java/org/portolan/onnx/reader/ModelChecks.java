package org.portolan.onnx.reader;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.portolan.onnx.OnnxException;
import org.portolan.onnx.OnnxFunction;
import org.portolan.onnx.OnnxGraph;
import org.portolan.onnx.OnnxLimits;
import org.portolan.onnx.OnnxModel;
import org.portolan.onnx.OnnxNode;

/// What must hold for every model whatever its operators: each name is written once and before it is read, and no
/// function calls itself.
final class ModelChecks {
    private final Map<OnnxFunction.Key, OnnxFunction> functions = new HashMap<>();
    private final OnnxLimits limits;

    private ModelChecks(OnnxLimits limits) {
        this.limits = limits;
    }

    static void check(OnnxModel model, OnnxLimits limits) {
        var checks = new ModelChecks(limits);
        for (var function : model.functions()) {
            if (checks.functions.put(function.key(), function) != null) {
                throw new OnnxException(
                        "Function '%s' of domain '%s' is defined twice".formatted(function.name(), function.domain()));
            }
        }
        checks.graph(model.graph(), new Scope(null));
        for (var function : model.functions()) {
            checks.function(function);
        }
        checks.calls(model);
    }

    /// Names that may be read: those of this graph and of the graphs around it.
    private record Scope(Scope outer, Set<String> names) {
        Scope(Scope outer) {
            this(outer, new HashSet<>());
        }

        boolean contains(String name) {
            for (var scope = this; scope != null; scope = scope.outer) {
                if (scope.names.contains(name)) {
                    return true;
                }
            }
            return false;
        }
    }

    private void graph(OnnxGraph graph, Scope scope) {
        var inputs = new HashSet<String>();
        for (var input : graph.inputs()) {
            if (!inputs.add(input.name())) {
                throw new OnnxException("Graph '%s' has two inputs '%s'".formatted(graph.name(), input.name()));
            }
        }
        scope.names.addAll(inputs);
        var constants = new HashSet<String>();
        for (var tensor : graph.initializers()) {
            constant(tensor.name(), constants, scope);
        }
        for (var tensor : graph.sparseInitializers()) {
            constant(tensor.name(), constants, scope);
        }
        nodes(graph.nodes(), scope);
        for (var output : graph.outputs()) {
            if (!scope.contains(output.name())) {
                throw new OnnxException(
                        "Graph '%s' has the output '%s', which no node writes".formatted(graph.name(), output.name()));
            }
        }
    }

    private static void constant(String name, Set<String> constants, Scope scope) {
        if (!constants.add(name)) {
            throw new OnnxException("Two initializers are called '%s'".formatted(name));
        }
        scope.names.add(name);
    }

    private void function(OnnxFunction function) {
        var scope = new Scope(null);
        scope.names.addAll(function.inputs());
        nodes(function.nodes(), scope);
        for (var output : function.outputs()) {
            if (!scope.contains(output)) {
                throw new OnnxException(
                        "Function '%s' has the output '%s', which no node writes".formatted(function.name(), output));
            }
        }
    }

    private void nodes(List<OnnxNode> nodes, Scope scope) {
        for (int index = 0; index < nodes.size(); index++) {
            var node = nodes.get(index);
            if (node.operator().isEmpty()) {
                throw new OnnxException("%s has no operator".formatted(node.label()));
            }
            for (var input : node.inputs()) {
                if (!input.isEmpty() && !scope.contains(input)) {
                    throw unknown(node, input, nodes.subList(index, nodes.size()));
                }
            }
            for (var inner : ModelDecoder.graphs(node)) {
                graph(inner, new Scope(scope));
            }
            for (var output : node.outputs()) {
                if (!output.isEmpty() && !scope.names.add(output)) {
                    throw new OnnxException("%s writes '%s', which is written already".formatted(node.label(), output));
                }
            }
        }
    }

    private static OnnxException unknown(OnnxNode node, String input, List<OnnxNode> rest) {
        var writer =
                rest.stream().filter(later -> later.outputs().contains(input)).findFirst();
        return new OnnxException(writer.map(later -> later == node
                        ? "%s reads its own output '%s'".formatted(node.label(), input)
                        : "%s reads '%s', which is written only later, by %s: nodes must stand in the order of their"
                                .concat(" data, without cycles")
                                .formatted(node.label(), input, later.label()))
                .orElseGet(() -> "%s reads '%s', which nobody writes".formatted(node.label(), input)));
    }

    /// Walks all calls; the limit on nesting bounds the Java stack too.
    private void calls(OnnxModel model) {
        var depth = new HashMap<OnnxFunction.Key, Integer>();
        for (var function : model.functions()) {
            depth(function, depth, new HashSet<>());
        }
    }

    private int depth(OnnxFunction function, Map<OnnxFunction.Key, Integer> known, Set<OnnxFunction.Key> path) {
        var settled = known.get(function.key());
        if (settled != null) {
            return settled;
        }
        if (!path.add(function.key())) {
            throw new OnnxException("Function '%s' of domain '%s' calls itself, directly or through others"
                    .formatted(function.name(), function.domain()));
        }
        OnnxLimits.check("functionDepth", limits.functionDepth(), path.size(), "Nesting of functions");
        int deepest = 1;
        for (var node : function.nodes()) {
            deepest = Math.max(deepest, 1 + depth(node, known, path));
        }
        path.remove(function.key());
        known.put(function.key(), deepest);
        return deepest;
    }

    private int depth(OnnxNode node, Map<OnnxFunction.Key, Integer> known, Set<OnnxFunction.Key> path) {
        int deepest = 0;
        var called = functions.get(new OnnxFunction.Key(node.domain(), node.operator(), node.overload()));
        if (called != null) {
            deepest = depth(called, known, path);
        }
        for (var inner : ModelDecoder.graphs(node)) {
            for (var innerNode : inner.nodes()) {
                deepest = Math.max(deepest, depth(innerNode, known, path));
            }
        }
        return deepest;
    }
}
