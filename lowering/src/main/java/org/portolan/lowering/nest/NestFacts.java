package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// What the rules of fusion ask about a nest: in which axes each scalar is free, where each is used, and what its
/// reductions are.
final class NestFacts {
    /// What a symbolic extent is taken to be where sizes are weighed.
    private static final double TYPICAL_EXTENT = 128;

    private final OpenNest nest;
    private final Map<Value, Set<String>> free = new IdentityHashMap<>();
    private final Map<Value, Op> definitions = new IdentityHashMap<>();
    private final Set<String> outputAxes = new LinkedHashSet<>();
    private final List<Op> reductions = new ArrayList<>();
    private final Set<Value> contracted = Collections.newSetFromMap(new IdentityHashMap<>());
    private boolean contraction;
    private boolean mayFail;

    NestFacts(OpenNest nest) {
        this.nest = nest;
        nest.ops().forEach(this::visit);
        for (var to : nest.end().to()) {
            to.forEach(index -> addAxes(index, outputAxes));
        }
        reductions.forEach(this::markContracted);
    }

    private void visit(Op op) {
        var axes = new LinkedHashSet<String>();
        Scalars.operands(op).forEach(operand -> axes.addAll(free(operand)));
        switch (op) {
            case NestOp.Read read -> {
                read.at().forEach(index -> addAxes(index, axes));
                mayFail |= read.otherwise() == NestOp.Otherwise.ERROR;
            }
            case NestOp.Index index -> addAxes(index.value(), axes);
            case NestOp.Sum sum -> {
                sum.over().forEach(axes::remove);
                reductions.add(sum);
            }
            case NestOp.Reduce reduce -> {
                reduce.over().forEach(axes::remove);
                reductions.add(reduce);
            }
            case NestOp.Compute _, NestOp.Yield _, ArithOp _, GraphOp _, TileOp _, PlanOp _, MachineOp _ -> {}
        }
        for (var result : Scalars.results(op)) {
            free.put(result, axes);
            definitions.put(result, op);
        }
    }

    private void addAxes(Dim index, Set<String> into) {
        for (var name : index.symbols()) {
            if (nest.axes().containsKey(name)) {
                into.add(name);
            }
        }
    }

    /// A sum of products whose factors vary over different axes is a contraction; whatever goes into it is an
    /// operand.
    private void markContracted(Op reduction) {
        if (reduction instanceof NestOp.Sum sum
                && definition(sum.value()) instanceof ArithOp.Mul product
                && !free(product.left()).equals(free(product.right()))
                && !free(product.left()).isEmpty()
                && !free(product.right()).isEmpty()) {
            contraction = true;
            mark(sum.value());
        }
    }

    private void mark(Value value) {
        if (contracted.add(value) && definition(value) instanceof Op op) {
            Scalars.operands(op).forEach(this::mark);
        }
    }

    Set<String> free(Value value) {
        return free.getOrDefault(value, Set.of());
    }

    Op definition(Value value) {
        return definitions.get(value);
    }

    /// The axes that the results are stored along.
    Set<String> outputAxes() {
        return outputAxes;
    }

    List<Op> reductions() {
        return reductions;
    }

    boolean isContraction() {
        return contraction;
    }

    /// Whether the scalar goes into a sum of products.
    boolean isContracted(Value value) {
        return contracted.contains(value);
    }

    /// Whether a read at a computed index can fail the run.
    boolean mayFail() {
        return mayFail;
    }

    List<NestOp.Read> reads(Value source) {
        var reads = new ArrayList<NestOp.Read>();
        for (var op : nest.ops()) {
            if (op instanceof NestOp.Read read && read.source() == source) {
                reads.add(read);
            }
        }
        return reads;
    }

    /// Whether something within a reduction's own body reads the tensor.
    boolean isReadWithin(Value source) {
        return nest.ops().stream()
                .flatMap(op -> Scalars.bodies(op).stream())
                .flatMap(body -> body.ops().stream())
                .anyMatch(op -> op instanceof NestOp.Read read && read.source() == source);
    }

    /// The free axes of a reduction's result.
    Set<String> axesAround(Op reduction) {
        return free(Scalars.results(reduction).getFirst());
    }

    static List<String> over(Op reduction) {
        return reduction instanceof NestOp.Sum sum ? sum.over() : ((NestOp.Reduce) reduction).over();
    }

    /// All axes that some reduction runs over.
    Set<String> reducedAxes() {
        var axes = new HashSet<String>();
        reductions.forEach(reduction -> axes.addAll(over(reduction)));
        return axes;
    }

    /// The axis along which neighbours of the first result lie, if there is one.
    Optional<String> adjacentAxis() {
        var to = nest.end().to().getFirst();
        for (var index : to.reversed()) {
            if (index instanceof Dim.Constant) {
                continue;
            }
            return index.symbols().stream()
                    .filter(nest.axes()::containsKey)
                    .filter(name -> isStep(index, name))
                    .findFirst();
        }
        return Optional.empty();
    }

    private static boolean isStep(Dim index, String axis) {
        var next = index.substitute(name -> name.equals(axis) ? Dim.symbol(axis).plus(1) : null);
        return next.minus(index).isConstant(1);
    }

    double estimate(Set<String> names) {
        double points = 1;
        for (var name : names) {
            points *= estimate(nest.axes().get(name));
        }
        return points;
    }

    static double estimate(Dim extent) {
        try {
            return Math.max(0, extent.evaluate(_ -> (long) TYPICAL_EXTENT));
        } catch (ArithmeticException e) {
            return TYPICAL_EXTENT;
        }
    }

    /// The axes of the loops that a scalar is computed in. A scalar that does not vary along the innermost of them is
    /// computed outside, once for each point of its own axes.
    Set<String> loops(Value value) {
        var own = free(value);
        var around = new LinkedHashSet<>(own);
        boolean innermost = false;
        var seen = Collections.<Value>newSetFromMap(new IdentityHashMap<>());
        seen.add(value);
        for (var op : nest.ops()) {
            if (Scalars.operands(op).stream().noneMatch(seen::contains)) {
                continue;
            }
            if (reductions.contains(op)) {
                var over = over(op);
                var scope = new LinkedHashSet<String>();
                Scalars.operands(op).forEach(operand -> scope.addAll(free(operand)));
                if (own.contains(over.getLast())) {
                    innermost = true;
                    around.addAll(scope);
                }
                continue;
            }
            seen.addAll(Scalars.results(op));
        }
        boolean stored = nest.end().values().stream().anyMatch(seen::contains)
                || nest.end().indices().stream().anyMatch(seen::contains);
        if (stored && adjacentAxis().filter(own::contains).isPresent()) {
            innermost = true;
            around.addAll(outputAxes);
        }
        return innermost ? around : own;
    }
}
