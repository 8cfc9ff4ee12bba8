package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.NestOp.Otherwise;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Rewriter;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.DimBounds;
import org.portolan.runtime.type.Dim;

/// Splits long sums of few points: a nest computes the sums of parts, another one adds these up in order and goes on with them.
/// Then a product of few rows keeps all processors of a machine busy, and the result is the same in every run.
///
/// How many parts, and whether any, is weighed by what the machine says of its processors.
public final class SplitSums {
    /// Parts are no shorter.
    private static final long SHORTEST = 64;
    private static final long MOST_PARTS = 64;
    /// Parts whose length is a multiple of this have no remainder in any tile.
    private static final long ROUND = 64;
    /// What has to be gained.
    private static final double WORTH = 0.85;
    /// What the sums of all parts may take, whatever symbols stand for.
    private static final double MOST_BYTES = 64 << 20;

    private final MachineOp.Chip machine;
    private final DimBounds bounds;

    private SplitSums(MachineOp.Chip machine, DimBounds bounds) {
        this.machine = machine;
        this.bounds = bounds;
    }

    public static GraphOp.Function apply(GraphOp.Function function, MachineOp.Chip machine) {
        return machine.vectors() == MachineOp.Vectors.THREAD
                ? (GraphOp.Function)
                        OpSchema.rebuild(function, value -> value, value -> value, new SplitSums(machine, DimBounds.of(function.symbols()))::body)
                : function;
    }

    private Body body(Body body) {
        var ops = new ArrayList<Op>();
        for (var op : body.ops()) {
            if (op instanceof NestOp.Compute nest) {
                split(nest).ifPresentOrElse(parts -> ops.addAll(parts.nests()), () -> ops.add(nest));
            } else if (op instanceof GraphOp) {
                ops.add(OpSchema.rebuild(op, value -> value, value -> value, this::body));
            } else {
                ops.add(op);
            }
        }
        return new Body(body.params(), ops);
    }

    private record Parts(NestOp.Compute sums, NestOp.Compute rest) {
        List<NestOp.Compute> nests() {
            return List.of(sums, rest);
        }
    }

    private Optional<Parts> split(NestOp.Compute nest) {
        var analysis = new NestAnalysis(nest);
        if (!nest.into().isEmpty()
                || analysis.reductions().size() != 1
                || analysis.reads().stream().anyMatch(read -> read.otherwise() == Otherwise.ERROR)) {
            return Optional.empty();
        }
        var sum = nest.body().ops().stream()
                .filter(NestOp.Sum.class::isInstance)
                .map(NestOp.Sum.class::cast)
                .findFirst();
        if (sum.isEmpty() || !(analysis.definition(sum.get().value()) instanceof ArithOp.Mul)) {
            return Optional.empty();
        }
        var axis = longest(analysis, sum.get());
        if (axis.isEmpty()) {
            return Optional.empty();
        }
        double least = NestToTile.cycles(nest, machine) * WORTH;
        Optional<Parts> best = Optional.empty();
        for (long parts = 2; parts <= MOST_PARTS; parts++) {
            if (isEven(analysis, axis.get(), parts)) {
                var candidate = split(analysis, sum.get(), axis.get(), parts);
                double bytes = ContractionCost.bytes(candidate.sums().results().getFirst());
                double cycles = NestToTile.cycles(candidate.sums(), machine) + adding(bytes, parts);
                if (most(candidate.sums().results().getFirst()) <= MOST_BYTES && cycles < least) {
                    least = cycles;
                    best = Optional.of(candidate);
                }
            }
        }
        return best;
    }

    /// How many bytes a tensor takes at most.
    private double most(Value tensor) {
        double elements = tensor.tensor().dims().stream()
                .mapToDouble(dim -> bounds.maximum(dim).orElse(Long.MAX_VALUE))
                .reduce(1, (left, right) -> left * right);
        return elements * tensor.type().elementType().bits() / Byte.SIZE;
    }

    /// The longest axis of a sum that is known and worth being split.
    private static Optional<String> longest(NestAnalysis analysis, NestOp.Sum sum) {
        var known = sum.over().stream().filter(axis -> analysis.constantExtent(axis).isPresent()).toList();
        return known.stream()
                .max((left, right) -> Long.compare(analysis.estimate(left), analysis.estimate(right)))
                .filter(axis -> analysis.estimate(axis) >= 2 * SHORTEST);
    }

    /// Parts have the same length, and if it can be one that has no remainder.
    private static boolean isEven(NestAnalysis analysis, String axis, long parts) {
        long extent = analysis.estimate(axis);
        return extent % parts == 0
                && extent / parts >= SHORTEST
                && (extent % ROUND != 0 || extent / parts % ROUND == 0);
    }

    /// The cycles of the nest that adds parts up: it waits for the other one, and fetches what is near.
    private double adding(double bytes, long parts) {
        var processors = ContractionCost.processors(machine);
        double rate = Math.max(1, processors.nearBytes()) * processors.count() / 2.0;
        return processors.launchCycles() + (bytes + bytes / parts) / rate + 2 * ContractionCost.MEMORY_CYCLES;
    }

    private static Parts split(NestAnalysis analysis, NestOp.Sum sum, String axis, long parts) {
        var nest = analysis.nest();
        long length = analysis.estimate(axis) / parts;
        var part = fresh(nest, "part");
        var free = analysis.free(sum.result());
        var outer = nest.axes().stream().filter(each -> free.contains(each.name())).toList();

        // The sums of the parts.
        var body = new ArrayList<Op>();
        Set<Value> used = Collections.newSetFromMap(new IdentityHashMap<>());
        used.add(sum.value());
        for (var op : nest.body().ops().reversed()) {
            if (!(op instanceof Op.Terminator) && OpSchema.results(op).stream().anyMatch(used::contains)) {
                used.addAll(OpSchema.operands(op));
                body.addFirst(moved(op, axis, Dim.symbol(part).times(length).plus(Dim.symbol(axis))));
            }
        }
        var total = sum.result().copy();
        var at = new ArrayList<Dim>();
        at.add(Dim.symbol(part));
        outer.forEach(each -> at.add(Dim.symbol(each.name())));
        var axes = new ArrayList<Axis>();
        axes.add(new Axis(part, Dim.of(parts)));
        axes.addAll(outer);
        nest.axes().stream()
                .filter(each -> sum.over().contains(each.name()))
                .forEach(each -> axes.add(each.name().equals(axis) ? new Axis(axis, Dim.of(length)) : each));
        body.add(new NestOp.Sum(sum.value(), sum.over(), total));
        body.add(new NestOp.Yield(List.of(total), List.of(), List.of(at)));
        var dims = new ArrayList<Dim>();
        dims.add(Dim.of(parts));
        outer.forEach(each -> dims.add(each.extent()));
        var sums = Value.of(Type.tensor(sum.result().type().elementType(), dims), "sums");
        var inner = new Rewriter().clone(new Body(nest.body().params(), body));
        var first = new NestOp.Compute(
                SplitProducts.inputs(nest, inner.ops()), List.of(), axes, nest.origin(), inner, List.of(sums));

        // What adds them up and goes on.
        var read = sum.result().copy();
        var rest = new ArrayList<Op>();
        Set<Value> needed = Collections.newSetFromMap(new IdentityHashMap<>());
        for (var op : nest.body().ops().reversed()) {
            if (op == sum) {
                rest.addFirst(new NestOp.Sum(read, List.of(part), sum.result()));
                rest.addFirst(new NestOp.Read(sums, List.of(), Optional.empty(), at, Otherwise.PROVEN, read));
            } else if (op instanceof Op.Terminator || OpSchema.results(op).stream().anyMatch(needed::contains)) {
                needed.addAll(OpSchema.operands(op));
                rest.addFirst(op);
            }
        }
        var inputs = new ArrayList<>(SplitProducts.inputs(nest, rest));
        inputs.add(sums);
        var named = new LinkedHashSet<String>();
        rest.forEach(op -> SplitProducts.addAxes(op, named));
        var left = new ArrayList<Axis>();
        for (var each : nest.axes()) {
            if (named.contains(each.name()) || !sum.over().contains(each.name())) {
                left.add(each);
            }
        }
        left.add(new Axis(part, Dim.of(parts)));
        var second = new NestOp.Compute(
                inputs, List.of(), left, nest.origin(), new Body(nest.body().params(), rest), nest.results());
        return new Parts(first, second);
    }

    /// An operation with an expression in place of an axis.
    private static Op moved(Op op, String axis, Dim place) {
        return switch (op) {
            case NestOp.Read read ->
                new NestOp.Read(
                        read.source(),
                        read.indices(),
                        read.other(),
                        read.at().stream().map(index -> moved(index, axis, place)).toList(),
                        read.otherwise(),
                        read.result());
            case NestOp.Index index -> 
                new NestOp.Index(index.operands(), moved(index.value(), axis, place), index.result());
            case Op other -> other;
        };
    }

    private static Dim moved(Dim index, String axis, Dim place) {
        return index.substitute(name -> name.equals(axis) ? place : null);
    }

    private static String fresh(NestOp.Compute nest, String name) {
        var taken = new HashSet<String>();
        nest.axes().forEach(axis -> taken.add(axis.name()));
        var found = name;
        while (taken.contains(found)) {
            found += "_";
        }
        return found;
    }
}
