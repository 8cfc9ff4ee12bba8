package org.portolan.lowering.plan;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Rewriter;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.NestToTile;
import org.portolan.runtime.type.Dim;

/// For machines whose matrix unit is a core of its own: takes the product of matrices out of a nest that does more, so that
/// it becomes a kernel of that unit, and what follows it one of the vector units.
final class SplitProducts {
    private final MachineOp.Chip machine;
    private final Set<Value> constants = Collections.newSetFromMap(new IdentityHashMap<>());

    private SplitProducts(MachineOp.Chip machine) {
        this.machine = machine;
    }

    static GraphOp.Function apply(GraphOp.Function function, MachineOp.Chip machine) {
        boolean hasUnit = machine.vectors() == MachineOp.Vectors.MEMORY
                && machine.intrinsics().ops().stream()
                        .anyMatch(op -> op instanceof MachineOp.Intrinsic intrinsic && intrinsic.name().startsWith("matrix."));
        return hasUnit
                ? (GraphOp.Function) OpSchema.rebuild(
                        function, value -> value, value -> value, new SplitProducts(machine)::body)
                : function;
    }

    private Body body(Body body) {
        var ops = new ArrayList<Op>();
        for (var op : body.ops()) {
            if (op instanceof GraphOp.Constant constant) {
                constants.add(constant.result());
            }
            if (op instanceof NestOp.Compute nest) {
                split(nest, ops);
            } else if (op instanceof GraphOp) {
                ops.add(OpSchema.rebuild(op, value -> value, value -> value, this::body));
            } else {
                ops.add(op);
            }
        }
        return new Body(body.params(), ops);
    }

    private void split(NestOp.Compute nest, List<Op> ops) {
        var sums = nest.body().ops().stream().filter(NestOp.Sum.class::isInstance).map(NestOp.Sum.class::cast).toList();
        boolean alone = sums.size() == 1
                && nest.body().ops().stream().noneMatch(NestOp.Reduce.class::isInstance)
                && sums.getFirst().over().size() == 1;
        if (!alone || NestToTile.isMatrixProduct(nest, machine, constants::contains)) {
            ops.add(nest);
            return;
        }
        var sum = sums.getFirst();
        var slice = slice(nest.body().ops(), sum);
        var axes = axes(nest, slice, sum);
        var product = product(nest, sum, slice, axes);
        if (!NestToTile.isMatrixProduct(product, machine, constants::contains)) {
            ops.add(nest);
            return;
        }
        ops.add(product);
        ops.add(rest(nest, sum, product.results().getFirst(), axes));
    }

    /// What the sum is made of, in order.
    private static List<Op> slice(List<Op> ops, NestOp.Sum sum) {
        Set<Value> needed = Collections.newSetFromMap(new IdentityHashMap<>());
        needed.add(sum.value());
        var slice = new ArrayList<Op>();
        for (var op : ops.subList(0, ops.indexOf(sum)).reversed()) {
            if (OpSchema.results(op).stream().anyMatch(needed::contains)) {
                needed.addAll(OpSchema.operands(op));
                slice.addFirst(op);
            }
        }
        return slice;
    }

    /// The axes that the sum has a value for each point of.
    private static List<Axis> axes(NestOp.Compute nest, List<Op> slice, NestOp.Sum sum) {
        var named = new LinkedHashSet<String>();
        for (var op : slice) {
            if (op instanceof NestOp.Read read) {
                read.at().forEach(index -> named.addAll(index.symbols()));
            } else if (op instanceof NestOp.Index index) {
                named.addAll(index.value().symbols());
            }
        }
        return nest.axes().stream()
                .filter(axis -> named.contains(axis.name()) && !sum.over().contains(axis.name()))
                .toList();
    }

    private static NestOp.Compute product(NestOp.Compute nest, NestOp.Sum sum, List<Op> slice, List<Axis> axes) {
        var rewriter = new Rewriter();
        var body = new ArrayList<Op>();
        slice.forEach(op -> body.add(rewriter.clone(op)));
        var total = (NestOp.Sum) rewriter.clone(sum);
        body.add(total);
        body.add(new NestOp.Yield(
                List.of(total.result()),
                List.of(),
                List.of(axes.stream().map(axis -> Dim.symbol(axis.name())).toList())));
        var all = new ArrayList<>(axes);
        nest.axes().stream().filter(axis -> sum.over().contains(axis.name())).forEach(all::add);
        var type = Type.tensor(sum.result().type().elementType(), axes.stream().map(Axis::extent).toList());
        return new NestOp.Compute(
                inputs(nest, body), List.of(), all, nest.origin(), new Body(List.of(), body), List.of(Value.of(type, "product")));
    }

    private static List<Value> inputs(NestOp.Compute nest, List<Op> body) {
        return nest.inputs().stream()
                .filter(input -> body.stream().anyMatch(op -> op instanceof NestOp.Read read && read.source() == input))
                .distinct()
                .toList();
    }

    /// The nest with the sum read instead of computed.
    private static NestOp.Compute rest(NestOp.Compute nest, NestOp.Sum sum, Value product, List<Axis> axes) {
        var body = new ArrayList<Op>();
        Set<Value> used = Collections.newSetFromMap(new IdentityHashMap<>());
        for (var op : nest.body().ops().reversed()) {
            if (op == sum) {
                body.addFirst(new NestOp.Read(
                        product,
                        List.of(),
                        Optional.empty(),
                        axes.stream().map(axis -> Dim.symbol(axis.name())).toList(),
                        NestOp.Otherwise.PROVEN,
                        sum.result()));
            } else if (op instanceof Op.Terminator || OpSchema.results(op).stream().anyMatch(used::contains)) {
                used.addAll(OpSchema.operands(op));
                body.addFirst(op);
            }
        }
        var inputs = new ArrayList<>(inputs(nest, body));
        inputs.add(product);
        var left = nest.axes().stream().filter(axis -> !sum.over().contains(axis.name())).toList();
        return new NestOp.Compute(
                inputs, nest.into(), left, nest.origin(), new Body(nest.body().params(), body), nest.results());
    }
}
