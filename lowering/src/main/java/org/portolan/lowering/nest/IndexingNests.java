package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.NestOp.Otherwise;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.lowering.CompileException;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Reads and writes at indices that are computed. A negative index counts from the end, one outside fails the run.
final class IndexingNests {
    private IndexingNests() {}

    static NestOp.Compute gather(NestBuilder nest, GraphOp.Gather op) {
        int axis = Math.toIntExact(op.axis());
        int indexRank = op.indices().tensor().rank();
        var to = nest.axes("i", op.result().tensor().dims());
        var index = fromEnd(
                nest,
                nest.read(op.indices(), to.subList(axis, axis + indexRank)),
                op.data().tensor().dim(axis));
        var at = new ArrayList<>(to.subList(0, axis));
        at.add(operand(0));
        at.addAll(to.subList(axis + indexRank, to.size()));
        return nest.store(readOrFail(nest, op.data(), List.of(index), at), to, op.result());
    }

    static NestOp.Compute gatherElements(NestBuilder nest, GraphOp.GatherElements op) {
        int axis = Math.toIntExact(op.axis());
        var to = nest.axes("i", op.result().tensor().dims());
        var index =
                fromEnd(nest, nest.read(op.indices(), to), op.data().tensor().dim(axis));
        var at = new ArrayList<>(to);
        at.set(axis, operand(0));
        return nest.store(readOrFail(nest, op.data(), List.of(index), at), to, op.result());
    }

    static NestOp.Compute gatherNd(NestBuilder nest, GraphOp.GatherNd op) {
        int batch = Math.toIntExact(op.batch());
        var to = nest.axes("i", op.result().tensor().dims());
        int tuples = op.indices().tensor().rank() - 1;
        int length = tupleLength(op.indices());
        var data = op.data().tensor().dims();
        var indices = tuple(nest, op.indices(), to.subList(0, tuples), data.subList(batch, batch + length));
        var at = new ArrayList<>(to.subList(0, batch));
        for (int i = 0; i < length; i++) {
            at.add(operand(i));
        }
        at.addAll(to.subList(tuples, to.size()));
        return nest.store(readOrFail(nest, op.data(), indices, at), to, op.result());
    }

    /// Without a combination, the updates are stored into the data; with one, each element combines all updates meant
    /// for it.
    static NestOp.Compute scatterElements(NestBuilder nest, GraphOp.ScatterElements op) {
        int axis = Math.toIntExact(op.axis());
        var data = op.data().tensor().dims();
        var updates = op.updates().tensor().dims();
        if (op.combine().isEmpty()) {
            var at = nest.axes("i", updates);
            var index = fromEnd(nest, nest.read(op.indices(), at), data.get(axis));
            var to = new ArrayList<>(at);
            to.set(axis, operand(0));
            return storeInto(nest, op.data(), List.of(index), to, nest.read(op.updates(), at), op.result());
        }
        var to = nest.axes("i", data);
        var k = nest.axis("k", updates.get(axis));
        var at = new ArrayList<>(to);
        at.set(axis, k);
        // The updates may be smaller than the data: beyond them nothing is meant for an element.
        var index =
                fromEnd(nest, nest.read(op.indices(), List.of(), Optional.empty(), at, Otherwise.ZERO), data.get(axis));
        var update = nest.read(op.updates(), List.of(), Optional.empty(), at, Otherwise.ZERO);
        Value meant = nest.compare(index, Relation.EQUAL, nest.index(to.get(axis)));
        for (int other = 0; other < to.size(); other++) {
            if (!nest.bounds().isWithin(at.get(other), updates.get(other))) {
                var within = nest.compare(nest.index(at.get(other)), Relation.LESS, nest.index(updates.get(other)));
                meant = nest.binary(ArithOp.And::new, meant, within);
            }
        }
        var checked = new ArrayList<>(to);
        checked.set(axis, operand(0));
        readOrFail(nest, op.data(), List.of(index), checked);
        return combineMeant(nest, op.combine().get(), op.data(), meant, update, NestBuilder.over(k), to, op.result());
    }

    static NestOp.Compute scatterNd(NestBuilder nest, GraphOp.ScatterNd op) {
        var data = op.data().tensor().dims();
        int length = tupleLength(op.indices());
        var tuples =
                op.indices().tensor().dims().subList(0, op.indices().tensor().rank() - 1);
        if (op.combine().isEmpty()) {
            var at = nest.axes("i", op.updates().tensor().dims());
            var indices = tuple(nest, op.indices(), at.subList(0, tuples.size()), data.subList(0, length));
            var to = new ArrayList<Dim>();
            for (int i = 0; i < length; i++) {
                to.add(operand(i));
            }
            to.addAll(at.subList(tuples.size(), at.size()));
            return storeInto(nest, op.data(), indices, to, nest.read(op.updates(), at), op.result());
        }
        var to = nest.axes("i", data);
        var over = nest.axes("k", tuples);
        var indices = tuple(nest, op.indices(), over, data.subList(0, length));
        Value meant = nest.integer(1, ElementType.BOOL);
        var checked = new ArrayList<>(to);
        for (int i = 0; i < length; i++) {
            var equal = nest.compare(indices.get(i), Relation.EQUAL, nest.index(to.get(i)));
            meant = nest.binary(ArithOp.And::new, meant, equal);
            checked.set(i, operand(i));
        }
        readOrFail(nest, op.data(), indices, checked);
        var at = new ArrayList<>(over);
        at.addAll(to.subList(length, to.size()));
        var update = nest.read(op.updates(), at);
        return combineMeant(
                nest, op.combine().get(), op.data(), meant, update, NestBuilder.over(over), to, op.result());
    }

    private static NestOp.Compute combineMeant(
            NestBuilder nest,
            Combine combine,
            Value data,
            Value meant,
            Value update,
            List<String> over,
            List<Dim> to,
            Value result) {
        var neutral = Combines.neutral(nest, combine, update.type().elementType());
        var combined = Combines.reduce(nest, combine, nest.select(meant, update, neutral), over);
        return nest.store(Combines.combine(nest, combine, nest.read(data, to), combined), to, result);
    }

    /// The data with the updates stored where the indices say. An index is checked by a read of the data and then
    /// clamped, so that nothing is ever stored outside, also in the run that fails.
    private static NestOp.Compute storeInto(
            NestBuilder nest, Value data, List<Value> indices, List<Dim> to, Value update, Value result) {
        readOrFail(nest, data, indices, to);
        var clamped = new ArrayList<Dim>();
        for (int axis = 0; axis < to.size(); axis++) {
            var index = to.get(axis);
            var last = data.tensor().dim(axis).minus(1);
            clamped.add(
                    index.symbols().stream().anyMatch(name -> name.startsWith("$"))
                            ? index.maximum(Dim.ZERO).minimum(last.maximum(Dim.ZERO))
                            : index);
        }
        return nest.store(List.of(data), update, indices, clamped, result);
    }

    private static int tupleLength(Value indices) {
        var last = indices.tensor().dims().getLast();
        return Math.toIntExact(last.constant()
                .orElseThrow(() -> new CompileException("the last axis of " + indices
                        + " holds index tuples; their length must be known when the model is compiled, found "
                        + last)));
    }

    /// The elements of an index tuple.
    private static List<Value> tuple(NestBuilder nest, Value indices, List<Dim> at, List<Dim> extents) {
        var tuple = new ArrayList<Value>();
        for (int i = 0; i < extents.size(); i++) {
            var place = new ArrayList<>(at);
            place.add(Dim.of(i));
            tuple.add(fromEnd(nest, nest.read(indices, place), extents.get(i)));
        }
        return tuple;
    }

    private static Value fromEnd(NestBuilder nest, Value index, Dim extent) {
        boolean unsigned = index.type().elementType().isUnsigned();
        var number = nest.cast(index, ElementType.INDEX);
        if (unsigned) {
            return number;
        }
        var counted = nest.binary(ArithOp.Add::new, number, nest.index(extent));
        return nest.select(nest.compare(number, Relation.LESS, nest.index(Dim.ZERO)), counted, number);
    }

    private static Value readOrFail(NestBuilder nest, Value data, List<Value> indices, List<Dim> at) {
        return nest.read(data, indices, Optional.empty(), at, Otherwise.ERROR);
    }

    private static Dim operand(int number) {
        return Dim.symbol("$" + number);
    }
}
