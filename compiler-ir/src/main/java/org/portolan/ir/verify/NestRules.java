package org.portolan.ir.verify;

import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.FreeAxes;
import org.portolan.runtime.type.Dim;

/// The rules of a nest: what it reads is listed, the axes it names exist, a yielded value depends on no axis that its
/// place does not depend on, and no place is written twice.
final class NestRules {
    private final NestOp.Compute nest;
    private final Set<Value> listed = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Set<Value> inner = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Set<String> axes;
    private final FreeAxes free;

    NestRules(NestOp.Compute nest) {
        this.nest = nest;
        listed.addAll(nest.inputs());
        listed.addAll(nest.into());
        axes = nest.axes().stream().map(Axis::name).collect(Collectors.toSet());
        free = FreeAxes.of(nest);
    }

    void check() {
        VerifierException.check(
                nest.body().params().isEmpty(), nest, "the body of a nest takes no parameters: it reads its inputs");
        for (int i = 0; i < nest.into().size(); i++) {
            VerifierException.check(
                    nest.into().get(i).type().equals(nest.results().get(i).type()),
                    nest,
                    "a result updated in place has the type of what is updated, found " + nest.results().get(i));
        }
        body(nest.body());
        places((NestOp.Yield) nest.body().terminator());
    }

    private void body(Body body) {
        inner.addAll(body.params());
        for (var op : body.ops()) {
            if (op instanceof NestOp.Read read) {
                VerifierException.check(
                        listed.contains(read.source()),
                        op,
                        "the nest reads " + read.source() + ", which is not among its inputs");
            }
            captures(op);
            if (op instanceof NestOp.Sum sum) {
                over(op, sum.over());
            } else if (op instanceof NestOp.Reduce reduce) {
                over(op, reduce.over());
                VerifierException.check(
                        reduce.body().terminator() instanceof NestOp.Yield yield && yield.to().isEmpty(),
                        op,
                        "the combiner of a reduction yields without places");
            }
            OpSchema.bodies(op).forEach(this::body);
            inner.addAll(OpSchema.results(op));
        }
    }

    /// Tensors come in through reads; only scalars of a loop around may be used directly.
    private void captures(Op op) {
        for (var operand : OpSchema.operands(op)) {
            boolean source = op instanceof NestOp.Read read && read.source() == operand;
            boolean scalar = operand.type() instanceof Type.Scalar;
            VerifierException.check(
                    source || inner.contains(operand) || scalar,
                    op,
                    "a nest computes with scalars, found " + operand + "; read an element of it");
        }
    }

    private void over(Op op, List<String> names) {
        for (var name : names) {
            VerifierException.check(
                    axes.contains(name), op, "the nest has no axis " + name + "; it has " + nest.axes());
        }
        VerifierException.check(
                names.stream().distinct().count() == names.size(), op, "an axis is reduced over once, found " + names);
    }

    private void places(NestOp.Yield yield) {
        VerifierException.check(
                yield.to().size() == yield.values().size(),
                yield,
                "the nest needs one place in to for each of its " + yield.values().size() + " values");
        for (int i = 0; i < yield.to().size(); i++) {
            var value = yield.values().get(i);
            var result = nest.results().get(i);
            var place = yield.to().get(i);
            int rank = rank(result);
            VerifierException.check(
                    place.size() == rank, yield, "a place in " + result + " has " + rank + " indices, found " + place);
            var outside = new TreeSet<>(free.of(value));
            place.forEach(index -> outside.removeAll(free.of(index, yield.indices())));
            VerifierException.check(
                    outside.isEmpty(),
                    yield,
                    value + " depends on " + outside + ", which its place " + place + " does not; reduce over it");
            if (yield.indices().isEmpty()) {
                counts(yield, result, place);
            }
        }
    }

    /// No two points of the axes may write to one place, and without {@code into} every place is written: where the
    /// numbers of both are known to differ, that cannot be.
    private void counts(NestOp.Yield yield, Value result, List<Dim> place) {
        var named = new HashSet<String>();
        place.forEach(index -> named.addAll(index.symbols()));
        var points = Dim.product(nest.axes().stream()
                .filter(axis -> named.contains(axis.name()))
                .map(Axis::extent)
                .toList());
        var places = Dim.product(
                result.type() instanceof Type.Buffer buffer ? buffer.dims() : result.tensor().dims());
        if (points.minus(places) instanceof Dim.Constant(long difference)) {
            VerifierException.check(
                    difference <= 0, yield, points + " points are written to the " + places + " elements of " + result);
            VerifierException.check(
                    difference == 0 || !nest.into().isEmpty(),
                    yield,
                    "only " + points + " of the " + places + " elements of " + result + " are written");
        }
    }

    private static int rank(Value result) {
        return result.type() instanceof Type.Buffer buffer ? buffer.rank() : result.tensor().rank();
    }
}
