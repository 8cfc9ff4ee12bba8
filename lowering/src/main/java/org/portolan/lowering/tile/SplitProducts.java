package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// For machines whose matrix unit is a core of its own: takes products of matrices out of nests that do more, so that each
/// becomes a kernel of that unit, and what is before it and behind it kernels of the vector units.
///
/// A factor that is no matrix in memory (the windows of a convolution, an exponential, what lies across) is computed into one
/// before, if each of its elements is multiplied often enough.
public final class SplitProducts {
    private final MachineOp.Chip machine;
    private final Set<Value> constants = Collections.newSetFromMap(new IdentityHashMap<>());

    private SplitProducts(MachineOp.Chip machine) {
        this.machine = machine;
    }

    public static GraphOp.Function apply(GraphOp.Function function, MachineOp.Chip machine) {
        boolean hasUnit = machine.vectors() == MachineOp.Vectors.MEMORY
                && machine.intrinsics().ops().stream()
                        .anyMatch(op -> op instanceof MachineOp.Intrinsic intrinsic
                                && intrinsic.name().startsWith(MatrixProduct.UNIT));
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
        var left = nest;
        while (!isProduct(left)) {
            var found = first(left);
            if (found.isEmpty()) {
                ops.add(left);
                return;
            }
            ops.addAll(found.get().nests());
            if (found.get().isAll()) {
                return;
            }
            left = rest(left, found.get());
        }
        ops.add(left);
    }

    private Optional<Factored> first(NestOp.Compute nest) {
        var analysis = new NestAnalysis(nest);
        for (var op : nest.body().ops()) {
            if (op instanceof NestOp.Sum sum && analysis.definition(sum.value()) instanceof ArithOp.Mul product) {
                var found = new ProductFactors(analysis, machine, this::isProduct).of(sum, product);
                if (found.isPresent()) {
                    return found;
                }
            }
        }
        return Optional.empty();
    }

    private boolean isProduct(NestOp.Compute nest) {
        return NestToTile.isMatrixProduct(nest, machine, constants::contains);
    }

    /// What takes the place of a sum: nests, the last of which computes it, and where the sum of a point then is.
    ///
    /// @param isAll whether the nests compute all that the nest does
    record Factored(NestOp.Sum sum, List<NestOp.Compute> nests, List<Dim> at, boolean isAll) {
        Value result() {
            return nests.getLast().results().getFirst();
        }
    }

    /// The nest with the sum read instead of computed.
    private static NestOp.Compute rest(NestOp.Compute nest, Factored found) {
        var body = new ArrayList<Op>();
        Set<Value> used = Collections.newSetFromMap(new IdentityHashMap<>());
        var read = new NestOp.Read(
                found.result(), List.of(), Optional.empty(), found.at(), NestOp.Otherwise.PROVEN, found.sum().result());
        for (var op : nest.body().ops().reversed()) {
            if (op == found.sum()) {
                body.addFirst(read);
            } else if (op instanceof Op.Terminator || OpSchema.results(op).stream().anyMatch(used::contains)) {
                used.addAll(OpSchema.operands(op));
                body.addFirst(op);
            }
        }
        var inputs = new ArrayList<>(inputs(nest, body));
        inputs.add(found.result());
        var named = new LinkedHashSet<String>();
        body.forEach(op -> addAxes(op, named));
        var left = nest.axes().stream()
                .filter(axis -> named.contains(axis.name()) || !found.sum().over().contains(axis.name()))
                .toList();
        return new NestOp.Compute(
                inputs, nest.into(), left, nest.origin(), new Body(nest.body().params(), body), nest.results());
    }

    /// The inputs that are read, each once.
    static List<Value> inputs(NestOp.Compute nest, List<Op> body) {
        return nest.inputs().stream()
                .filter(input -> body.stream().anyMatch(op -> op instanceof NestOp.Read read && read.source() == input))
                .distinct()
                .toList();
    }

    /// The symbols by which an operation of a nest's body names axes.
    static void addAxes(Op op, Set<String> named) {
        switch (op) {
            case NestOp.Read read -> read.at().forEach(index -> named.addAll(index.symbols()));
            case NestOp.Index index -> named.addAll(index.value().symbols());
            case NestOp.Sum sum -> named.addAll(sum.over());
            case NestOp.Reduce reduce -> named.addAll(reduce.over());
            case NestOp.Yield yield -> yield.to().forEach(at -> at.forEach(index -> named.addAll(index.symbols())));
            case NestOp.Compute _ -> {}
            case ArithOp _, GraphOp _, TileOp _, PlanOp _, MachineOp _ -> {}
        }
    }
}
