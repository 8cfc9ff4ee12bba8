package org.portolan.onnx.importer;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.IrException;
import org.portolan.ir.Relation;
import org.portolan.ir.Resource;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.onnx.OnnxAttribute;
import org.portolan.onnx.OnnxDimension;
import org.portolan.onnx.OnnxException;
import org.portolan.onnx.OnnxFunction;
import org.portolan.onnx.OnnxGraph;
import org.portolan.onnx.OnnxLimits;
import org.portolan.onnx.OnnxModel;
import org.portolan.onnx.OnnxNode;
import org.portolan.onnx.OnnxTensor;
import org.portolan.onnx.OnnxType;
import org.portolan.onnx.OnnxValueInfo;
import org.portolan.onnx.UnsupportedOperators;
import org.portolan.onnx.UnsupportedType;
import org.portolan.runtime.type.Dim;

/// Walks the nodes of a model, its subgraphs and its functions, and lets the table say what each means.
final class GraphImporter implements Call.Bodies {
    private final OnnxModel model;
    private final GraphWriter writer;
    private final Map<OnnxTensor, Resource> resources;
    private final Map<OnnxFunction.Key, OnnxFunction> functions = new HashMap<>();
    private final List<UnsupportedOperators.Use> unsupported = new ArrayList<>();
    private Scope scope;
    private long nodes;

    GraphImporter(OnnxModel model, GraphWriter writer, Map<OnnxTensor, Resource> resources) {
        this.model = model;
        this.writer = writer;
        this.resources = resources;
        model.functions().forEach(function -> functions.put(function.key(), function));
    }

    /// Names and what they stand for; empty for what could not be imported.
    ///
    /// @param outer the graph around this one, or null
    /// @param attributes inside a function, what its caller gave
    private record Scope(
            Scope outer,
            Map<String, Optional<Operand>> names,
            Map<String, Long> opsets,
            Map<String, OnnxAttribute> attributes,
            Map<String, OnnxType> declared) {
        Scope(Scope outer, Map<String, Long> opsets, Map<String, OnnxAttribute> attributes) {
            this(outer, new HashMap<>(), opsets, attributes, new HashMap<>());
        }

        Optional<Operand> find(String name) {
            for (var scope = this; scope != null; scope = scope.outer) {
                var found = scope.names.get(name);
                if (found != null) {
                    return found;
                }
            }
            throw new OnnxException("'%s' is read, but nobody writes it".formatted(name));
        }

        void declare(List<OnnxValueInfo> infos) {
            infos.forEach(info -> declared.put(info.name(), info.type()));
        }
    }

    /// The inputs of the model that a run must give.
    Map<String, Operand> parameters(Map<String, List<Long>> shapes, List<Value> params) {
        var constants = new ArrayList<String>();
        model.graph().initializers().forEach(tensor -> constants.add(tensor.name()));
        model.graph().sparseInitializers().forEach(tensor -> constants.add(tensor.name()));
        var arguments = new LinkedHashMap<String, Operand>();
        for (var input : model.graph().inputs()) {
            if (!constants.contains(input.name())) {
                var param = parameter(input, shapes.get(input.name()));
                params.add(param);
                arguments.put(input.name(), Operand.of(param));
            }
        }
        for (var name : shapes.keySet()) {
            if (!arguments.containsKey(name)) {
                throw new OnnxException("A shape is given for the input '%s', but the inputs are %s"
                        .formatted(name, arguments.keySet()));
            }
        }
        return arguments;
    }

    private Value parameter(OnnxValueInfo input, List<Long> given) {
        if (!(input.type() instanceof OnnxType.Tensor(var element, var shape))) {
            throw new UnsupportedType("Input '%s' is no tensor: inputs of type %s are not supported"
                    .formatted(input.name(), input.type()));
        }
        var declared = shape.map(List::size).orElse(-1);
        if (given == null && declared < 0) {
            throw new OnnxException(
                    "Input '%s' has no declared shape: give one (--shape %s=1x3), or the input itself".formatted(input.name(), input.name()));
        }
        if (given != null && declared >= 0 && given.size() != declared) {
            throw new OnnxException(
                    "Input '%s' has %d axes, but the shape given is %s".formatted(input.name(), declared, given));
        }
        var dims = new ArrayList<Dim>();
        for (int axis = 0; axis < (given == null ? declared : given.size()); axis++) {
            var hint = input.name() + "_" + axis;
            if (given != null && given.get(axis) >= 0) {
                dims.add(Dim.of(given.get(axis)));
                continue;
            }
            dims.add(
                    switch (shape.isPresent() ? shape.get().get(axis) : new OnnxDimension.Unknown()) {
                        case OnnxDimension.Known(long size) -> Dim.of(size);
                        case OnnxDimension.Named(var name) -> writer.symbols().input(name);
                        case OnnxDimension.Unknown _ -> writer.symbols().input(hint);
                    });
        }
        try {
            return Value.of(Type.tensor(Constants.elementType(element), dims), input.name());
        } catch (Unsupported e) {
            throw new UnsupportedType("Input '%s': %s are not supported".formatted(input.name(), e.getMessage()));
        }
    }

    /// Imports the model's graph; gives its outputs.
    List<Operand> outermost(Map<String, Operand> arguments) {
        scope = new Scope(null, model.opsets(), Map.of());
        arguments.forEach((name, operand) -> scope.names.put(name, Optional.of(operand)));
        return inside(model.graph());
    }

    /// Throws where some nodes could not be imported.
    void refuseCollected() {
        if (!unsupported.isEmpty()) {
            throw new UnsupportedOperators(unsupported);
        }
    }

    @Override
    public List<Operand> graph(OnnxGraph graph, List<Operand> arguments) {
        if (graph.inputs().size() != arguments.size()) {
            throw new OnnxException("Graph '%s' has %d inputs, expected %d"
                    .formatted(graph.name(), graph.inputs().size(), arguments.size()));
        }
        var outer = scope;
        scope = new Scope(outer, outer.opsets, outer.attributes);
        try {
            for (int i = 0; i < arguments.size(); i++) {
                scope.names.put(graph.inputs().get(i).name(), Optional.of(arguments.get(i)));
            }
            return inside(graph);
        } finally {
            scope = outer;
        }
    }

    private List<Operand> inside(OnnxGraph graph) {
        scope.declare(graph.valueInfo());
        scope.declare(graph.outputs());
        for (var tensor : graph.initializers()) {
            define(tensor.name(), () -> constant(tensor));
        }
        for (var tensor : graph.sparseInitializers()) {
            define(tensor.name(), () -> constant(tensor.dense(OnnxLimits.DEFAULT)));
        }
        graph.nodes().forEach(this::node);
        return outputs(graph.outputs().stream().map(OnnxValueInfo::name).toList());
    }

    private List<Operand> outputs(List<String> names) {
        var outputs = new ArrayList<Operand>();
        for (var name : names) {
            var found = scope.find(name);
            if (found.isPresent()) {
                outputs.add(found.get());
            } else if (unsupported.isEmpty()) {
                throw new UnsupportedType("Output '%s' has a type that is not supported".formatted(name));
            }
        }
        if (outputs.size() < names.size()) {
            throw new UnsupportedOperators(unsupported);
        }
        return outputs;
    }

    private interface Source {
        Operand get();
    }

    /// A constant of a type that nobody may need stays undefined until somebody does.
    private void define(String name, Source source) {
        try {
            scope.names.put(name, Optional.of(source.get().named(name)));
        } catch (Unsupported e) {
            scope.names.put(name, Optional.empty());
        }
    }

    @Override
    public Operand constant(OnnxTensor tensor) {
        return Constants.operand(tensor, tensor.name(), writer.block(), resources);
    }

    private void node(OnnxNode original) {
        OnnxLimits.check("nodes", OnnxLimits.DEFAULT.nodes(), ++nodes, "The model, with its functions inlined,");
        var node = scope.attributes.isEmpty() ? withoutReferences(original) : withAttributes(original);
        var inputs = new ArrayList<Optional<Operand>>();
        boolean poisoned = false;
        for (var name : node.inputs()) {
            var found = name.isEmpty() ? Optional.<Operand>empty() : scope.find(name);
            poisoned |= !name.isEmpty() && found.isEmpty();
            inputs.add(found);
        }
        if (poisoned) {
            if (unsupported.isEmpty()) {
                unsupported.add(use(node, "it reads a constant of a type that is not supported"));
            }
            forget(node);
            return;
        }
        writer.hint(node.outputs().isEmpty() ? "" : node.outputs().getFirst());
        try {
            var function = functions.get(new OnnxFunction.Key(node.domain(), node.operator(), node.overload()));
            var results = function != null ? call(function, node, inputs) : operator(node, inputs);
            store(node, results);
        } catch (Unsupported e) {
            unsupported.add(use(node, e.getMessage()));
            forget(node);
        } catch (IrException | ArithmeticException e) {
            throw new OnnxException("%s: %s".formatted(node.label(), e.getMessage()), e);
        } catch (OnnxException e) {
            throw e instanceof UnsupportedOperators ? e : e.at(node.label());
        }
    }

    private UnsupportedOperators.Use use(OnnxNode node, String reason) {
        return OnnxImporter.use(node, scope.opsets.getOrDefault(node.domain(), 0L), reason);
    }

    private void forget(OnnxNode node) {
        node.outputs().stream()
                .filter(name -> !name.isEmpty())
                .forEach(name -> scope.names.put(name, Optional.empty()));
    }

    private void store(OnnxNode node, List<Operand> results) {
        for (int i = 0; i < node.outputs().size(); i++) {
            var name = node.outputs().get(i);
            if (name.isEmpty()) {
                continue;
            }
            if (i >= results.size()) {
                throw new Unsupported("output %d is not supported".formatted(i));
            }
            writer.hint(name);
            scope.names.put(name, Optional.of(reconciled(name, results.get(i)).named(name)));
        }
    }

    private List<Operand> operator(OnnxNode node, List<Optional<Operand>> inputs) {
        long version = scope.opsets.getOrDefault(node.domain(), 0L);
        var row = OperatorTable.standard()
                .find(node.domain(), node.operator(), version)
                .orElseThrow(() -> new Unsupported("this operator is not known"));
        return row.builder().build(new Call(node, version, inputs, writer, this));
    }

    /// A call of a function is its nodes, which see the function's inputs and the caller's attributes.
    private List<Operand> call(OnnxFunction function, OnnxNode node, List<Optional<Operand>> inputs) {
        var attributes = new HashMap<>(function.defaults());
        attributes.putAll(node.attributes());
        var opsets = function.opsets().isEmpty() ? scope.opsets : function.opsets();
        var outer = scope;
        scope = new Scope(null, opsets, attributes);
        try {
            for (int i = 0; i < function.inputs().size(); i++) {
                scope.names.put(function.inputs().get(i), i < inputs.size() ? inputs.get(i) : Optional.empty());
            }
            function.nodes().forEach(inner -> node(withoutAbsent(inner)));
            return outputs(function.outputs());
        } finally {
            scope = outer;
        }
    }

    /// Inside a function, an input that its caller left out is left out of the nodes that would read it.
    private OnnxNode withoutAbsent(OnnxNode node) {
        var inputs = node.inputs().stream()
                .map(name -> !name.isEmpty() && Optional.empty().equals(scope.names.get(name)) ? "" : name)
                .toList();
        return inputs.equals(node.inputs())
                ? node
                : new OnnxNode(
                        node.name(),
                        node.domain(),
                        node.operator(),
                        node.overload(),
                        inputs,
                        node.outputs(),
                        node.attributes(),
                        node.offset());
    }

    private OnnxNode withoutReferences(OnnxNode node) {
        boolean refers = node.attributes().values().stream().anyMatch(OnnxAttribute.Reference.class::isInstance);
        return refers ? withAttributes(node) : node;
    }

    /// The node with the caller's attributes in place of references; an attribute that refers to none is left out.
    private OnnxNode withAttributes(OnnxNode node) {
        var attributes = new LinkedHashMap<String, OnnxAttribute>();
        node.attributes().forEach((name, attribute) -> {
            if (attribute instanceof OnnxAttribute.Reference(var _, var referred)) {
                var given = scope.attributes.get(referred);
                if (given != null) {
                    attributes.put(name, given.named(name));
                }
            } else {
                attributes.put(name, attribute);
            }
        });
        return new OnnxNode(
                node.name(),
                node.domain(),
                node.operator(),
                node.overload(),
                node.inputs(),
                node.outputs(),
                attributes,
                node.offset());
    }

    /// Holds a result against the type that the model declares. Extents that depend on data are settled by it, and
    /// checked when the run knows them.
    private Operand reconciled(String name, Operand result) {
        if (!(scope.declared.get(name) instanceof OnnxType.Tensor(var element, var shape))) {
            return result;
        }
        if (Constants.elementType(element) != result.element()) {
            throw contradiction(name, element.toString(), result);
        }
        if (shape.isEmpty()) {
            return result;
        }
        if (shape.get().size() != result.rank()) {
            throw contradiction(name, "a rank of " + shape.get().size(), result);
        }
        var dims = new ArrayList<>(result.dims());
        for (int axis = 0; axis < dims.size(); axis++) {
            if (shape.get().get(axis) instanceof OnnxDimension.Known(long size)) {
                var inferred = dims.get(axis);
                if (inferred.isConstant() && !inferred.isConstant(size)) {
                    throw contradiction(name, "an extent of %d in axis %d".formatted(size, axis), result);
                }
                if (DimLogic.isBound(inferred)) {
                    var declared = Dim.of(size);
                    writer.check(
                            inferred, Relation.EQUAL, declared, "'%s' must have the declared extents".formatted(name));
                    dims.set(axis, declared);
                }
            }
        }
        return writer.reshape(result, dims);
    }

    private static OnnxException contradiction(String name, String declared, Operand result) {
        return new OnnxException(
                "the model declares '%s' with %s, but it is %s".formatted(name, declared, result.type()));
    }
}
