package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.pass.Pass;
import org.portolan.runtime.type.Dim;

/// Assigns a layout to the tensors between nests: those that {@link LayoutChoice} names get their second axis last, so that
/// vectors along channels are neighbours in memory, a 1x1 convolution is a matrix product, and windows slide over whole
/// vectors. Nothing is reordered: the nests at the border read or store at the other index.
///
/// The axes of a nest follow the memory of what it stores, and sums walk the memory of what they read.
public record ChannelsLast() implements Pass {

    @Override
    public List<Op> run(List<Op> module) {
        return module.stream()
                .map(op -> op instanceof GraphOp.Function function ? run(function) : op)
                .toList();
    }

    private static GraphOp.Function run(GraphOp.Function function) {
        var chosen = LayoutChoice.of(function);
        if (chosen.isEmpty()) return function;
        var moved = new IdentityHashMap<Value, Value>();
        for (var tensor : chosen) {
            var type = new Type.Tensor(tensor.tensor().element(), channelsLast(tensor.tensor().dims()));
            moved.put(tensor, Value.of(type, tensor.hint()));
        }
        return new GraphOp.Function(function.name(), function.symbols(), rewrite(function.body(), moved));
    }

    private static Body rewrite(Body body, Map<Value, Value> moved) {
        var ops = new ArrayList<Op>(body.ops().size());
        for (var op : body.ops()) {
            ops.add(
                    op instanceof NestOp.Compute nest
                            ? rewrite(nest, moved)
                            : OpSchema.rebuild(op, value -> value, value -> value, inner -> rewrite(inner, moved)));
        }
        return new Body(body.params(), ops);
    }

    private static NestOp.Compute rewrite(NestOp.Compute nest, Map<Value, Value> moved) {
        boolean touched = nest.inputs().stream().anyMatch(moved::containsKey)
                || nest.results().stream().anyMatch(moved::containsKey);
        if (!touched) return nest;
        var end = (NestOp.Yield) nest.body().terminator();
        var to = new ArrayList<List<Dim>>();
        for (int i = 0; i < nest.results().size(); i++) {
            var index = end.to().get(i);
            to.add(moved.containsKey(nest.results().get(i)) ? channelsLast(index) : index);
        }
        var ops = new ArrayList<Op>();
        for (var op : nest.body().ops()) {
            ops.add(op instanceof NestOp.Read read && moved.containsKey(read.source()) ? moved(read, moved) : op);
        }
        var order = order(nest, ops, to);
        ops.replaceAll(op -> inOrder(op, order));
        ops.set(ops.size() - 1, new NestOp.Yield(end.values(), end.indices(), to));
        var axes = new ArrayList<Axis>();
        for (var name : order) {
            nest.axes().stream().filter(axis -> axis.name().equals(name)).forEach(axes::add);
        }
        return new NestOp.Compute(
                nest.inputs().stream().map(value -> moved.getOrDefault(value, value)).toList(),
                nest.into(),
                axes,
                nest.origin(),
                new Body(nest.body().params(), ops),
                nest.results().stream().map(value -> moved.getOrDefault(value, value)).toList());
    }

    private static NestOp.Read moved(NestOp.Read read, Map<Value, Value> moved) {
        return new NestOp.Read(
                moved.get(read.source()), read.indices(), read.other(), channelsLast(read.at()), read.otherwise(), read.result());
    }

    /// The axes in the order in which they walk through memory: those of the results, those of the reads, the others.
    private static List<String> order(NestOp.Compute nest, List<Op> ops, List<List<Dim>> to) {
        var names = nest.axes().stream().map(Axis::name).toList();
        var order = new LinkedHashSet<String>();
        to.forEach(index -> add(index, names, order));
        for (var op : ops) {
            if (op instanceof NestOp.Read read && nest.inputs().indexOf(read.source()) < 0) add(read.at(), names, order);
        }
        order.addAll(names);
        return List.copyOf(order);
    }

    private static void add(List<Dim> index, Collection<String> names, Set<String> order) {
        for (var dim : index) {
            names.stream().filter(dim.symbols()::contains).forEach(order::add);
        }
    }

    /// Sums, and reductions whose combination does not care for order, run over their axes in the given order.
    private static Op inOrder(Op op, List<String> order) {
        if (op instanceof NestOp.Sum sum) {
            return new NestOp.Sum(sum.value(), sorted(sum.over(), order), sum.result());
        }
        if (op instanceof NestOp.Reduce reduce && isCommutative(reduce.body())) {
            return new NestOp.Reduce(
                    reduce.values(), reduce.initial(), sorted(reduce.over(), order), reduce.body(), reduce.results());
        }
        return op;
    }

    private static List<String> sorted(List<String> axes, List<String> order) {
        return axes.stream().sorted(Comparator.comparing(order::indexOf)).toList();
    }

    private static boolean isCommutative(Body body) {
        var first = body.ops().getFirst();
        return body.ops().size() == 2
                && (first instanceof ArithOp.Add
                        || first instanceof ArithOp.Mul
                        || first instanceof ArithOp.Max
                        || first instanceof ArithOp.Min);
    }

    private static <T> List<T> channelsLast(List<T> list) {
        var moved = new ArrayList<>(list);
        moved.add(moved.remove(1));
        return moved;
    }
}
