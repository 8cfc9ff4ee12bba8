package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.NestOp.Otherwise;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Relation;
import org.portolan.ir.Rewriter;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.DimBounds;
import org.portolan.ir.analysis.FunctionSymbols;
import org.portolan.ir.pass.Pass;
import org.portolan.runtime.type.Dim;

/// Takes concatenations apart. A nest that chooses what to do by where it stands along an axis becomes one nest for each choice,
/// which updates its part of the whole in place; and where a part is all of a tensor that nobody else reads, the nest that
/// computes it stores it there, and nothing is copied.
public record JoinInPlace() implements Pass {

    @Override
    public List<Op> run(List<Op> module) {
        return module.stream()
                .map(op -> op instanceof GraphOp.Function function
                        ? new GraphOp.Function(
                                function.name(), function.symbols(), run(function.body(), FunctionSymbols.of(function)))
                        : op)
                .toList();
    }

    private static Body run(Body body, FunctionSymbols symbols) {
        var ops = new ArrayList<Op>(body.ops());
        ops.replaceAll(op -> op instanceof NestOp
                ? op
                : OpSchema.rebuild(op, value -> value, value -> value, inner -> run(inner, symbols)));
        for (int position = 0; position < ops.size(); position++) {
            if (ops.get(position) instanceof NestOp.Compute nest) {
                var parts = parts(nest);
                if (parts.isPresent()) position = place(nest, parts.get(), ops, position, symbols);
            }
        }
        return new Body(body.params(), ops);
    }

    /// What the whole holds along one axis from `start` up to `end`: one scalar of the joining nest.
    private record Part(Value scalar, int axis, Dim start, Dim end) {}

    /// The parts of a nest that chooses between scalars by where it stands along one axis, in ascending order.
    private static Optional<List<Part>> parts(NestOp.Compute nest) {
        var end = (NestOp.Yield) nest.body().terminator();
        if (!nest.into().isEmpty() || nest.results().size() != 1 || !end.indices().isEmpty()) return Optional.empty();
        var definitions = new IdentityHashMap<Value, Op>();
        for (var op : nest.body().ops()) {
            if (op instanceof NestOp.Sum || op instanceof NestOp.Reduce) return Optional.empty();
            OpSchema.results(op).forEach(result -> definitions.put(result, op));
        }
        var to = end.to().getFirst();
        var whole = nest.results().getFirst().tensor();
        for (int axis = 0; axis < to.size(); axis++) {
            var name = to.get(axis).symbolName();
            var extent = whole.dim(axis);
            boolean plain = name.isPresent()
                    && nest.axes().stream().anyMatch(own -> own.name().equals(name.get()) && own.extent().equals(extent));
            if (!plain) continue;
            var parts = new ArrayList<Part>();
            collect(end.values().getFirst(), to.get(axis), axis, Dim.ZERO, whole.dim(axis), definitions, parts);
            if (parts.size() > 1) return Optional.of(parts);
        }
        return Optional.empty();
    }

    /// Walks selections by `axis < bound` down to what they choose from.
    private static void collect(
            Value scalar, Dim along, int axis, Dim start, Dim end, Map<Value, Op> definitions, List<Part> parts) {
        if (definitions.get(scalar) instanceof ArithOp.Select select
                && definitions.get(select.condition()) instanceof ArithOp.Compare compare
                && compare.relation() == Relation.LESS
                && definitions.get(compare.left()) instanceof NestOp.Index place
                && definitions.get(compare.right()) instanceof NestOp.Index bound
                && place.operands().isEmpty()
                && bound.operands().isEmpty()
                && place.value().equals(along)
                && isBetween(start, bound.value(), end)) {
            collect(select.yes(), along, axis, start, bound.value(), definitions, parts);
            collect(select.no(), along, axis, bound.value(), end, definitions, parts);
            return;
        }
        parts.add(new Part(scalar, axis, start, end));
    }

    /// Only numbers are compared: where extents are symbols, parts are still in order, since a concatenation made them so, but
    /// that is not known here.
    private static boolean isBetween(Dim start, Dim bound, Dim end) {
        return start.constant().isPresent()
                && bound.constant().isPresent()
                && end.constant().isPresent()
                && start.constant().getAsLong() < bound.constant().getAsLong()
                && bound.constant().getAsLong() < end.constant().getAsLong();
    }

    /// The tensor that a part is all of, in its own order.
    private static Optional<Value> source(NestOp.Compute join, Part part) {
        var to = ((NestOp.Yield) join.body().terminator()).to().getFirst();
        for (var op : join.body().ops()) {
            if (!(op instanceof NestOp.Read read) || read.result() != part.scalar()) continue;
            if (!read.indices().isEmpty() || read.at().size() != to.size()) return Optional.empty();
            if (read.otherwise() != Otherwise.ZERO && read.otherwise() != Otherwise.PROVEN) return Optional.empty();
            for (int i = 0; i < to.size(); i++) {
                boolean along = i == part.axis();
                var expected = along ? to.get(i).minus(part.start()) : to.get(i);
                var extent = along ? part.end().minus(part.start()) : join.results().getFirst().tensor().dim(i);
                if (!read.at().get(i).equals(expected) || !read.source().tensor().dim(i).equals(extent)) return Optional.empty();
            }
            return Optional.of(read.source());
        }
        return Optional.empty();
    }

    /// Rewrites the producers; gives the position of the last nest that took the joining one's place.
    private static int place(NestOp.Compute join, List<Part> parts, List<Op> ops, int position, FunctionSymbols symbols) {
        var producers = new HashMap<Integer, Part>();
        var others = new ArrayList<Part>();
        for (var part : parts) {
            int producer = source(join, part)
                    .filter(value -> uses(value, ops) == 1 && reads(join, value) == 1)
                    .map(value -> producer(value, ops, position))
                    .orElse(-1);
            if (producer < 0 || producers.containsKey(producer)) others.add(part);
            else producers.put(producer, part);
        }
        var order = producers.keySet().stream().sorted().toList();
        var whole = join.results().getFirst();
        int left = parts.size();
        var current = whole.copy();
        var empty = new GraphOp.Empty(current);
        for (int at : order) {
            var next = --left == 0 ? whole : whole.copy();
            ops.set(at, shifted((NestOp.Compute) ops.get(at), producers.get(at), current, next, join.origin()));
            current = next;
        }
        var rest = new ArrayList<Op>();
        for (var part : others) {
            var next = --left == 0 ? whole : whole.copy();
            rest.add(only(join, part, current, next, symbols));
            current = next;
        }
        ops.remove(position);
        ops.addAll(position, rest);
        ops.add(order.isEmpty() ? position : order.getFirst(), empty);
        return position + rest.size();
    }

    private static int producer(Value value, List<Op> ops, int before) {
        for (int i = 0; i < before; i++) {
            if (ops.get(i) instanceof NestOp.Compute nest
                    && nest.into().isEmpty()
                    && nest.results().size() == 1
                    && nest.results().getFirst() == value) {
                return i;
            }
        }
        return -1;
    }

    /// How often a nest reads a tensor; its inputs name it once.
    private static long reads(NestOp.Compute nest, Value tensor) {
        return nest.body().ops().stream()
                .filter(op -> op instanceof NestOp.Read read && read.source() == tensor)
                .count();
    }

    private static long uses(Value value, List<Op> ops) {
        long uses = 0;
        for (var op : ops) {
            uses += OpSchema.operands(op).stream().filter(operand -> operand == value).count();
            if (!(op instanceof NestOp)) {
                for (var body : OpSchema.bodies(op)) uses += uses(value, body.ops());
            }
        }
        return uses;
    }

    private static NestOp.Compute shifted(
            NestOp.Compute nest, Part part, Value into, Value result, List<String> origin) {
        var end = (NestOp.Yield) nest.body().terminator();
        var to = new ArrayList<>(end.to().getFirst());
        to.set(part.axis(), to.get(part.axis()).plus(part.start()));
        var ops = new ArrayList<>(nest.body().ops());
        ops.set(ops.size() - 1, new NestOp.Yield(end.values(), end.indices(), List.of(to)));
        var names = new ArrayList<>(nest.origin());
        origin.stream().filter(name -> !names.contains(name)).forEach(names::add);
        return new NestOp.Compute(
                nest.inputs(), List.of(into), nest.axes(), names, new Body(nest.body().params(), ops), List.of(result));
    }

    /// What the joining nest does for one part.
    private static NestOp.Compute only(NestOp.Compute join, Part part, Value into, Value result, FunctionSymbols symbols) {
        var open = new OpenNest(join, 0, symbols);
        var end = open.end();
        var axis = end.to().getFirst().get(part.axis()).symbolName().orElseThrow();
        var axes = new LinkedHashMap<>(open.axes());
        axes.put(axis, part.end().minus(part.start()));
        var bounds = symbols.bounds().withAxes(OpenNest.list(axes));
        AxisRewrite.run(
                open,
                axes,
                index -> bounds.simplify(
                        index.substitute(name -> name.equals(axis) ? Dim.symbol(axis).plus(part.start()) : null)),
                List::of);
        var needed = Collections.<Value>newSetFromMap(new IdentityHashMap<>());
        needed.add(part.scalar());
        var ops = new ArrayList<Op>();
        for (var op : open.ops().reversed()) {
            if (Scalars.results(op).stream().noneMatch(needed::contains)) continue;
            needed.addAll(Scalars.operands(op));
            ops.addFirst(op instanceof NestOp.Read read ? proven(read, bounds) : op);
        }
        ops.add(new NestOp.Yield(List.of(part.scalar()), List.of(), open.end().to()));
        var inputs = join.inputs().stream()
                .filter(input -> ops.stream().anyMatch(op -> op instanceof NestOp.Read read && read.source() == input))
                .toList();
        // Each part has scalars of its own.
        var body = new Rewriter().clone(new Body(List.of(), ops));
        return new NestOp.Compute(inputs, List.of(into), OpenNest.list(axes), join.origin(), body, List.of(result));
    }

    private static NestOp.Read proven(NestOp.Read read, DimBounds bounds) {
        for (int i = 0; i < read.at().size(); i++) {
            if (!bounds.isWithin(read.at().get(i), read.source().tensor().dim(i))) return read;
        }
        return new NestOp.Read(
                read.source(), read.indices(), Optional.empty(), read.at(), Otherwise.PROVEN, read.result());
    }
}
