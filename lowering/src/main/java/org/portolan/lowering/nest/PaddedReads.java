package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.NestOp.Otherwise;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.DimBounds;
import org.portolan.ir.analysis.FunctionSymbols;
import org.portolan.ir.pass.Pass;
import org.portolan.runtime.type.Dim;

/// Copies what a contraction reads beyond the border of a tensor into a tensor with zeros around it, so that its innermost
/// loops ask no questions. Each element is read by many columns of the product, the copy is made once.
public record PaddedReads() implements Pass {
    /// A copy costs about as much as this many guarded reads of each element.
    private static final double LEAST_READERS = 16;

    /// Windows that meet each element at least as often are better off with the copy.
    private static final double LEAST_WINDOW = 2;

    @Override
    public List<Op> run(List<Op> module) {
        return module.stream()
                .map(op -> op instanceof GraphOp.Function function ? run(function) : op)
                .toList();
    }

    private static GraphOp.Function run(GraphOp.Function function) {
        return new GraphOp.Function(
                function.name(), function.symbols(), run(function.body(), FunctionSymbols.of(function)));
    }

    private static Body run(Body body, FunctionSymbols symbols) {
        var ops = new ArrayList<Op>();
        var copies = new HashMap<Copy, Value>();
        for (var op : body.ops()) {
            if (op instanceof NestOp.Compute nest) {
                padded(nest, symbols, copies, ops);
            } else {
                ops.add(OpSchema.rebuild(op, value -> value, value -> value, inner -> run(inner, symbols)));
            }
        }
        return new Body(body.params(), ops);
    }

    /// A tensor's elements from `low` on, `dims` of them; values are compared by identity.
    private record Copy(Value source, List<Dim> low, List<Dim> dims) {}

    private static void padded(NestOp.Compute nest, FunctionSymbols symbols, Map<Copy, Value> copies, List<Op> into) {
        var open = new OpenNest(nest, 0, symbols);
        var replaced = new HashMap<Value, NestOp.Read>();
        var inputs = new ArrayList<>(nest.inputs());
        for (var op : open.ops()) {
            if (op instanceof NestOp.Read read && isWorthIt(read, open)) {
                range(read, open).ifPresent(copy -> {
                    var tensor = copies.computeIfAbsent(copy, missing -> copy(missing, nest.origin(), into));
                    replaced.put(read.result(), within(read, copy, tensor, open.bounds()));
                    if (!inputs.contains(tensor)) inputs.add(tensor);
                });
            }
        }
        if (replaced.isEmpty()) {
            into.add(nest);
            return;
        }
        var ops = new ArrayList<Op>();
        for (var op : nest.body().ops()) {
            ops.add(op instanceof NestOp.Read read ? replaced.getOrDefault(read.result(), read) : op);
        }
        inputs.removeIf(input -> ops.stream().noneMatch(op -> reads(op, input)));
        into.add(new NestOp.Compute(
                inputs, nest.into(), nest.axes(), nest.origin(), new Body(nest.body().params(), ops), nest.results()));
    }

    private static boolean reads(Op op, Value tensor) {
        return op instanceof NestOp.Read read && read.source() == tensor
                || OpSchema.bodies(op).stream().flatMap(body -> body.ops().stream()).anyMatch(inner -> reads(inner, tensor));
    }

    /// Whether a guarded read is a factor of a sum of products that meets each element often: once for each point of axes
    /// that the read does not vary along, and for each place of a sliding window that covers it.
    private static boolean isWorthIt(NestOp.Read read, OpenNest nest) {
        var facts = nest.facts();
        if (read.otherwise() != Otherwise.ZERO || !read.indices().isEmpty() || !isSummed(read, nest)) return false;
        double readers = 1;
        for (var axis : facts.outputAxes()) {
            if (!facts.free(read.result()).contains(axis)) readers *= NestFacts.estimate(nest.axes().get(axis));
        }
        if (readers >= LEAST_READERS) return true;
        double elements = 1;
        for (var dim : read.source().tensor().dims()) elements *= NestFacts.estimate(dim);
        return facts.estimate(facts.free(read.result())) / Math.max(1, elements) >= LEAST_WINDOW;
    }

    private static boolean isSummed(NestOp.Read read, OpenNest nest) {
        return nest.facts().reductions().stream().anyMatch(reduction -> reduction instanceof NestOp.Sum sum
                && nest.facts().definition(sum.value()) instanceof ArithOp.Mul product
                && (product.left() == read.result() || product.right() == read.result()));
    }

    /// What the read touches, if each index ascends with each axis: from all axes at 0 to all at their ends.
    private static Optional<Copy> range(NestOp.Read read, OpenNest nest) {
        var low = new ArrayList<Dim>();
        var dims = new ArrayList<Dim>();
        for (int i = 0; i < read.at().size(); i++) {
            var index = read.at().get(i);
            var extent = read.source().tensor().dim(i);
            if (nest.bounds().isWithin(index, extent)) {
                low.add(Dim.ZERO);
                dims.add(extent);
                continue;
            }
            if (!ascends(index, nest)) return Optional.empty();
            var first = nest.bounds().simplify(index.substitute(name -> nest.axes().containsKey(name) ? Dim.ZERO : null));
            var last = index.substitute(name -> {
                var count = nest.axes().get(name);
                return count == null ? null : count.minus(1);
            });
            var points = nest.bounds().simplify(last.minus(first).plus(1));
            // An axis of no points may ask for less than nothing.
            if (!nest.bounds().isNonNegative(points)) return Optional.empty();
            low.add(first);
            dims.add(points);
        }
        return Optional.of(new Copy(read.source(), low, dims));
    }

    private static boolean ascends(Dim index, OpenNest nest) {
        for (var axis : index.symbols()) {
            if (!nest.axes().containsKey(axis)) continue;
            var next = index.substitute(name -> name.equals(axis) ? Dim.symbol(axis).plus(1) : null);
            var step = next.minus(index).constant();
            if (step.isEmpty() || step.getAsLong() < 0) return false;
        }
        return true;
    }

    private static Value copy(Copy copy, List<String> origin, List<Op> into) {
        var nest = copy(copy.source(), copy.low(), copy.dims(), Otherwise.ZERO, origin);
        into.add(nest);
        return nest.results().getFirst();
    }

    /// A nest that copies a tensor's elements from `low` on, as many as `dims` say.
    static NestOp.Compute copy(Value source, List<Dim> low, List<Dim> dims, Otherwise otherwise, List<String> origin) {
        var element = source.tensor().element();
        var axes = new ArrayList<Axis>();
        var to = new ArrayList<Dim>();
        var at = new ArrayList<Dim>();
        for (int i = 0; i < dims.size(); i++) {
            var axis = new Axis("p" + i, dims.get(i));
            axes.add(axis);
            to.add(Dim.symbol(axis.name()));
            at.add(Dim.symbol(axis.name()).plus(low.get(i)));
        }
        var value = Value.of(new Type.Scalar(element), "v");
        var result = Value.of(new Type.Tensor(element, dims), source.hint() + "_padded");
        var read = new NestOp.Read(source, List.of(), Optional.empty(), at, otherwise, value);
        var body = new Body(List.of(), List.of(read, new NestOp.Yield(List.of(value), List.of(), List.of(to))));
        return new NestOp.Compute(List.of(source), List.of(), axes, origin, body, List.of(result));
    }

    private static NestOp.Read within(NestOp.Read read, Copy copy, Value tensor, DimBounds bounds) {
        var at = new ArrayList<Dim>();
        for (int i = 0; i < read.at().size(); i++) at.add(bounds.simplify(read.at().get(i).minus(copy.low().get(i))));
        return new NestOp.Read(tensor, List.of(), Optional.empty(), at, Otherwise.PROVEN, read.result());
    }
}
