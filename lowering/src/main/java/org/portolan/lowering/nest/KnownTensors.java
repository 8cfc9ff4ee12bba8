package org.portolan.lowering.nest;

import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Resource;
import org.portolan.ir.ResourceBytes;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.interpreter.InterpreterOptions;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.Dim;

/// The tensors of a body that depend on constants alone, computed when they are asked for.
final class KnownTensors {
    private static final long MOST_BYTES = 64L << 20;
    private static final long ALIGNMENT = 64;

    private final Map<Value, Op> definitions = new IdentityHashMap<>();
    private final Map<Op, Integer> order = new IdentityHashMap<>();
    private final Map<Value, Optional<Tensor>> computed = new HashMap<>();
    private final Map<Scalar, Optional<Tensor>> scalars = new HashMap<>();
    private final Map<Tensor, Range> ranges = new IdentityHashMap<>();

    /// A scalar of a nest in a tensor's place: one nest may store it at several.
    private record Scalar(Value scalar, List<Dim> to, List<Dim> dims) {}

    /// Takes note of an operation; those that it needs came before.
    void add(Op op) {
        order.put(op, order.size());
        OpSchema.results(op).forEach(result -> definitions.put(result, op));
    }

    /// Takes note that another operation stands in the place of one.
    void replace(Op old, Op replacement) {
        order.put(replacement, order.get(old));
        OpSchema.results(replacement).forEach(result -> definitions.put(result, replacement));
    }

    Op definition(Value tensor) {
        return definitions.get(tensor);
    }

    /// The elements of a tensor, if they are known and not too many.
    Optional<Tensor> find(Value tensor) {
        return computed.computeIfAbsent(tensor, this::compute);
    }

    private Optional<Tensor> compute(Value tensor) {
        var needed = Collections.<Op>newSetFromMap(new IdentityHashMap<>());
        return isKnown(tensor, needed) ? run(sorted(needed), tensor) : Optional.empty();
    }

    private List<Op> sorted(Set<Op> ops) {
        return ops.stream().sorted(Comparator.comparing(order::get)).toList();
    }

    /// Whether a tensor comes from constants by way of nests; collects what it comes from.
    private boolean isKnown(Value root, Set<Op> needed) {
        var open = new ArrayDeque<>(List.of(root));
        while (!open.isEmpty()) {
            var tensor = open.pop();
            var op = definitions.get(tensor);
            boolean constant = op instanceof GraphOp.Constant known && !(known.data() instanceof Resource.Texts);
            boolean nest = op instanceof NestOp.Compute compute && isClosed(compute);
            if (!constant && !nest || !isSmall(tensor)) return false;
            if (needed.add(op)) open.addAll(OpSchema.operands(op));
        }
        return true;
    }

    /// Whether what a nest computes depends on its inputs alone: on no number that is known in the run, be it an extent or part
    /// of an index.
    private static boolean isClosed(NestOp.Compute nest) {
        var axes = nest.axes().stream().map(Axis::name).collect(Collectors.toSet());
        return nest.into().isEmpty()
                && nest.axes().stream().allMatch(axis -> axis.extent().isConstant())
                && nest.results().stream().allMatch(KnownTensors::isSmall)
                && hasOnly(nest.body(), axes);
    }

    /// Whether index expressions in a body name these axes alone, and operands.
    private static boolean hasOnly(Body body, Set<String> axes) {
        for (var op : body.ops()) {
            var indices = new ArrayList<Dim>();
            if (op instanceof NestOp.Read read) indices.addAll(read.at());
            if (op instanceof NestOp.Index index) indices.add(index.value());
            if (op instanceof NestOp.Yield end) end.to().forEach(indices::addAll);
            for (var index : indices) {
                if (!index.symbols().stream().allMatch(name -> name.startsWith("$") || axes.contains(name))) return false;
            }
            if (!OpSchema.bodies(op).stream().allMatch(inner -> hasOnly(inner, axes))) return false;
        }
        return true;
    }

    private static boolean isSmall(Value tensor) {
        return tensor.tensor().dims().stream().allMatch(Dim::isConstant)
                && tensor.tensor().elements().constant().orElseThrow() * tensor.tensor().element().bits() / 8 <= MOST_BYTES;
    }

    /// What a nest over known tensors computes.
    Optional<Tensor> run(NestOp.Compute nest) {
        if (!isClosed(nest)) return Optional.empty();
        var needed = Collections.<Op>newSetFromMap(new IdentityHashMap<>());
        for (var input : nest.inputs()) {
            if (!isKnown(input, needed)) return Optional.empty();
        }
        var ops = new ArrayList<>(sorted(needed));
        ops.add(nest);
        return run(ops, nest.results().getFirst());
    }

    /// What a scalar of a nest is everywhere, if it is simply read from known tensors and computed.
    ///
    /// @param to where in the tensor
    Optional<Tensor> scalar(NestOp.Compute nest, Value scalar, List<Dim> to, List<Dim> dims) {
        return scalars.computeIfAbsent(new Scalar(scalar, to, dims), _ -> {
            var simple = SimpleScalar.of(NestScalars.of(nest), scalar);
            if (simple == null) return Optional.empty();
            var ops = new ArrayList<Op>();
            var inputs = new ArrayList<Value>();
            var copy = simple.copy(ops, inputs, Map.of());
            ops.add(new NestOp.Yield(List.of(copy), List.of(), List.of(to)));
            var result = Value.of(new Type.Tensor(scalar.type().elementType(), dims), scalar.hint());
            return run(new NestOp.Compute(
                    inputs, List.of(), nest.axes(), nest.origin(), new Body(List.of(), ops), List.of(result)));
        });
    }

    /// The least and the largest element of a tensor.
    Range range(Tensor elements) {
        return ranges.computeIfAbsent(elements, Range::of);
    }

    private static Optional<Tensor> run(List<Op> ops, Value result) {
        var body = new ArrayList<>(ops);
        body.add(new GraphOp.Return(List.of(result)));
        var function = new GraphOp.Function("known", List.of(), new Body(List.of(), body));
        try {
            var options = InterpreterOptions.defaults().withByteLimit(8 * MOST_BYTES);
            return Optional.of(new GraphInterpreter(function, options).runArrays(List.of()).getFirst().toTensor());
        } catch (PortolanException e) {
            return Optional.empty(); // it would take too much memory: left to the run
        }
    }

    /// Elements as a constant.
    static GraphOp.Constant constant(Tensor tensor, Value value) {
        var bytes = Arena.ofAuto().allocate(tensor.data().byteSize(), ALIGNMENT).copyFrom(tensor.data());
        return new GraphOp.Constant(ResourceBytes.external(value.hint(), bytes), value);
    }
}
