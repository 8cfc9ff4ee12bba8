package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.portolan.ir.ArithOp;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.NestOp.Otherwise;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.Relation;
import org.portolan.ir.Rewriter;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.DimBounds;
import org.portolan.runtime.type.Dim;

/// Puts one nest into another: each read of its result becomes its body at the index that is read.
final class Inlining {
    private final OpenNest reader;
    private final NestOp.Compute producer;
    private final Value source;
    private final List<Op> ops = new ArrayList<>();

    private Inlining(OpenNest reader, NestOp.Compute producer) {
        this.reader = reader;
        this.producer = producer;
        this.source = producer.results().getFirst();
    }

    /// Whether a nest can stand for the reads of its result: it has one, and each index of it is an axis of its own.
    static boolean isPossible(NestOp.Compute producer) {
        if (producer.results().size() != 1 || !producer.into().isEmpty()) {
            return false;
        }
        var end = (NestOp.Yield) producer.body().terminator();
        var seen = new HashMap<String, Dim>();
        var dims = producer.results().getFirst().tensor().dims();
        var to = end.to().getFirst();
        for (int i = 0; i < to.size(); i++) {
            switch (to.get(i)) {
                case Dim.Symbol(String name) -> {
                    if (seen.put(name, dims.get(i)) != null) {
                        return false;
                    }
                }
                case Dim.Constant(long value) -> {
                    if (value != 0 || !dims.get(i).isConstant(1)) {
                        return false;
                    }
                }
                case Dim.Product _, Dim.Sum _, Dim.Binary _ -> {
                    return false;
                }
            }
        }
        for (var axis : producer.axes()) {
            boolean reduced = producer.body().ops().stream()
                    .anyMatch(op -> op instanceof NestOp.Sum sum && sum.over().contains(axis.name())
                            || op instanceof NestOp.Reduce reduce
                                    && reduce.over().contains(axis.name()));
            if (seen.containsKey(axis.name()) == reduced) {
                return false;
            }
        }
        return true;
    }

    /// Replaces every read of the producer's result in the reader.
    ///
    /// @throws IllegalArgumentException where this is not possible
    static void inline(OpenNest reader, NestOp.Compute producer) {
        if (!isPossible(producer)) {
            throw new IllegalArgumentException("a nest whose results lie at no axes of their own cannot stand for its reads");
        }
        new Inlining(reader, producer).run();
    }

    /// What a read gave is now given by the last operation put in its place, so that nothing behind it changes.
    private void run() {
        for (var op : reader.ops()) {
            if (op instanceof NestOp.Read read && read.source() == source) {
                element(read);
            } else {
                ops.add(op);
            }
        }
        reader.setBody(ops, reader.end());
        reader.addOrigin(producer.origin());
    }

    private void element(NestOp.Read read) {
        var result = read.result();
        switch (read.otherwise()) {
            case PROVEN -> at(read.at(), read.indices(), Otherwise.PROVEN, Optional.empty(), result);
            case CLAMP -> {
                var dims = source.tensor().dims();
                var clamped = new ArrayList<Dim>();
                for (int i = 0; i < dims.size(); i++) {
                    var last = dims.get(i).minus(1);
                    clamped.add(reader.bounds()
                            .simplify(read.at().get(i).maximum(Dim.ZERO).minimum(last)));
                }
                at(clamped, read.indices(), Otherwise.PROVEN, Optional.empty(), result);
            }
            case ERROR -> at(read.at(), read.indices(), Otherwise.ERROR, Optional.empty(), result);
            case ZERO, OTHER -> {
                if (keepsBounds(producer, read, reader.bounds())) {
                    at(read.at(), read.indices(), read.otherwise(), read.other(), result);
                } else {
                    guarded(read);
                }
            }
        }
    }

    /// Whether the producer is nothing but a read, possibly converted, that is outside its source exactly where the
    /// reader is outside the producer's result.
    static boolean keepsBounds(NestOp.Compute producer, NestOp.Read read, DimBounds bounds) {
        var ops = producer.body().ops();
        if (ops.size() != 2
                || !(ops.getFirst() instanceof NestOp.Read inner)
                || inner.otherwise() != Otherwise.PROVEN
                || !inner.indices().isEmpty()) {
            return false;
        }
        var to = ((NestOp.Yield) ops.getLast()).to().getFirst();
        var dims = producer.results().getFirst().tensor().dims();
        for (int i = 0; i < to.size(); i++) {
            int place = to.get(i).isConstant() ? -1 : inner.at().indexOf(to.get(i));
            boolean same = place >= 0 && inner.source().tensor().dim(place).equals(dims.get(i));
            if (!same && !bounds.isWithin(read.at().get(i), dims.get(i))) {
                return false;
            }
        }
        return true;
    }

    private void guarded(NestOp.Read read) {
        Value inside = null;
        var dims = source.tensor().dims();
        for (int i = 0; i < dims.size(); i++) {
            var at = read.at().get(i);
            if (!reader.bounds().isNonNegative(at)) {
                var zero = number(List.of(), Dim.ZERO);
                inside = and(inside, compare(number(read.indices(), at), Relation.GREATER_OR_EQUAL, zero));
            }
            if (!reader.bounds().isLess(at, dims.get(i))) {
                var extent = number(List.of(), dims.get(i));
                inside = and(inside, compare(number(read.indices(), at), Relation.LESS, extent));
            }
        }
        if (inside == null) {
            at(read.at(), read.indices(), Otherwise.PROVEN, Optional.empty(), read.result());
            return;
        }
        var value = read.result().copy();
        at(read.at(), read.indices(), Otherwise.ZERO, Optional.empty(), value);
        var outside = read.other().orElseGet(() -> zero(value.type()));
        ops.add(new ArithOp.Select(inside, value, outside, read.result()));
    }

    private Value number(List<Value> operands, Dim value) {
        if (value.symbols().stream().noneMatch(name -> name.startsWith("$"))) {
            operands = List.of();
        }
        var result = Value.of(Type.INDEX);
        ops.add(new NestOp.Index(operands, value, result));
        return result;
    }

    private Value compare(Value left, Relation relation, Value right) {
        var result = Value.of(Type.BOOL);
        ops.add(new ArithOp.Compare(left, right, relation, result));
        return result;
    }

    private Value and(Value left, Value right) {
        if (left == null) {
            return right;
        }
        var result = Value.of(Type.BOOL);
        ops.add(new ArithOp.And(left, right, result));
        return result;
    }

    private Value zero(Type type) {
        var result = Value.of(type);
        ops.add(type.elementType().isFloat() ? new ArithOp.Const(0, result) : new ArithOp.Integer(0, result));
        return result;
    }

    /// The producer's body at an index. What it reads where the reader said {@code PROVEN} keeps its own guard; else
    /// its reads are guarded as told.
    private void at(List<Dim> at, List<Value> operands, Otherwise otherwise, Optional<Value> other, Value last) {
        var end = (NestOp.Yield) producer.body().terminator();
        var to = end.to().getFirst();
        Map<String, Dim> axes = new HashMap<>();
        for (int i = 0; i < to.size(); i++) {
            if (to.get(i) instanceof Dim.Symbol(String name)) {
                axes.put(name, at.get(i));
            }
        }
        Map<String, String> reduced = new HashMap<>();
        for (var axis : producer.axes()) {
            if (!axes.containsKey(axis.name())) {
                var name = reader.addAxis(axis.name(), axis.extent());
                reduced.put(axis.name(), name);
                axes.put(axis.name(), Dim.symbol(name));
            }
        }
        var inner = new Rewriter();
        var yielded = end.values().getFirst();
        UnaryOperator<Value> fresh = old -> {
            var copy = old == yielded ? last : old.copy();
            inner.replace(old, copy);
            return copy;
        };
        for (var op : producer.body().ops().subList(0, producer.body().ops().size() - 1)) {
            ops.add(
                    switch (op) {
                        case NestOp.Read read -> {
                            var indices = inner.map(read.indices());
                            var moved = new Moved(indices, operands, axes);
                            var places = read.at().stream().map(moved::index).toList();
                            boolean proven = read.otherwise() == Otherwise.PROVEN;
                            var guard = proven ? otherwise : read.otherwise();
                            boolean within = guard != Otherwise.PROVEN && isWithin(places, read.source());
                            var outside = proven ? other : read.other().map(inner::map);
                            var result = fresh.apply(read.result());
                            yield new NestOp.Read(
                                    read.source(),
                                    moved.operands(),
                                    within ? Optional.empty() : outside,
                                    places,
                                    within ? Otherwise.PROVEN : guard,
                                    result);
                        }
                        case NestOp.Index index -> {
                            var moved = new Moved(inner.map(index.operands()), operands, axes);
                            var value = moved.index(index.value());
                            yield new NestOp.Index(moved.operands(), value, fresh.apply(index.result()));
                        }
                        case NestOp.Sum sum -> {
                            var value = inner.map(sum.value());
                            yield new NestOp.Sum(value, renamed(sum.over(), reduced), fresh.apply(sum.result()));
                        }
                        case NestOp.Reduce reduce -> {
                            var copy = (NestOp.Reduce) OpSchema.rebuild(reduce, inner::map, fresh, inner::clone);
                            yield new NestOp.Reduce(
                                    copy.values(),
                                    copy.initial(),
                                    renamed(reduce.over(), reduced),
                                    copy.body(),
                                    copy.results());
                        }
                        case NestOp.Compute _, NestOp.Yield _, ArithOp _, GraphOp _, TileOp _, PlanOp _, MachineOp _ ->
                            OpSchema.rebuild(op, inner::map, fresh, inner::clone);
                    });
        }
    }

    private boolean isWithin(List<Dim> at, Value tensor) {
        for (int i = 0; i < at.size(); i++) {
            if (!reader.bounds().isWithin(at.get(i), tensor.tensor().dim(i))) {
                return false;
            }
        }
        return true;
    }

    private static List<String> renamed(List<String> names, Map<String, String> renaming) {
        return names.stream().map(name -> renaming.getOrDefault(name, name)).toList();
    }

    /// Index expressions of the producer moved to the reader: its axes become the reader's expressions, whose
    /// operands follow its own.
    private final class Moved {
        private final List<Value> own;
        private final List<Value> operands;
        private final Function<String, Dim> replacement;
        private boolean usesReaders;

        Moved(List<Value> own, List<Value> readers, Map<String, Dim> axes) {
            this.own = own;
            this.operands = new ArrayList<>(own);
            this.operands.addAll(readers);
            this.replacement = name -> {
                var index = axes.get(name);
                return index == null ? null : index.substitute(this::shifted);
            };
        }

        private Dim shifted(String name) {
            if (!name.startsWith("$")) {
                return null;
            }
            usesReaders = true;
            return Dim.symbol("$" + (Integer.parseInt(name.substring(1)) + own.size()));
        }

        Dim index(Dim index) {
            return reader.bounds().simplify(index.substitute(replacement));
        }

        List<Value> operands() {
            return usesReaders ? operands : own;
        }
    }
}
