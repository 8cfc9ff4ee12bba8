package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
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
import org.portolan.ir.Value;
import org.portolan.ir.pass.Pass;
import org.portolan.runtime.type.Dim;

/// Lets nests store their results where a concatenation would copy them to: each updates its part of the whole in place, and
/// the concatenation vanishes. A part that is needed elsewhere too, or that no nest computes, is copied as before.
public record JoinInPlace() implements Pass {

    @Override
    public List<Op> run(List<Op> module) {
        return module.stream()
                .map(op -> op instanceof GraphOp.Function function
                        ? new GraphOp.Function(function.name(), function.symbols(), run(function.body()))
                        : op)
                .toList();
    }

    private static Body run(Body body) {
        var ops = new ArrayList<Op>(body.ops());
        ops.replaceAll(op -> op instanceof NestOp
                ? op
                : OpSchema.rebuild(op, value -> value, value -> value, JoinInPlace::run));
        for (int position = 0; position < ops.size(); position++) {
            if (ops.get(position) instanceof NestOp.Compute nest) {
                var parts = parts(nest);
                if (parts.isPresent()) position = place(nest, parts.get(), ops, position);
            }
        }
        return new Body(body.params(), ops);
    }

    /// A tensor that fills the whole's extents but along one axis, where it begins at `start`.
    private record Part(Value source, int axis, Dim start) {}

    /// The parts of a nest that does nothing but join them.
    private static Optional<List<Part>> parts(NestOp.Compute nest) {
        if (!nest.into().isEmpty() || nest.results().size() != 1) return Optional.empty();
        var end = (NestOp.Yield) nest.body().terminator();
        var definitions = new IdentityHashMap<Value, Op>();
        nest.body().ops().forEach(op -> OpSchema.results(op).forEach(result -> definitions.put(result, op)));
        var parts = new ArrayList<Part>();
        boolean plain = end.indices().isEmpty()
                && collect(definitions.get(end.values().getFirst()), end.to().getFirst(), definitions, parts)
                && parts.size() > 1
                && fill(parts, nest.results().getFirst());
        return plain ? Optional.of(parts) : Optional.empty();
    }

    /// Walks selections by `axis < bound` down to the reads; gives the parts in ascending order.
    private static boolean collect(Op op, List<Dim> to, Map<Value, Op> definitions, List<Part> parts) {
        if (op instanceof NestOp.Read read) {
            var part = part(read, to);
            part.ifPresent(parts::add);
            return part.isPresent();
        }
        if (!(op instanceof ArithOp.Select select)
                || !(definitions.get(select.condition()) instanceof ArithOp.Compare compare)
                || compare.relation() != Relation.LESS
                || !(definitions.get(compare.left()) instanceof NestOp.Index axis)
                || !(definitions.get(compare.right()) instanceof NestOp.Index bound)
                || !axis.operands().isEmpty()
                || !bound.operands().isEmpty()) {
            return false;
        }
        if (!collect(definitions.get(select.yes()), to, definitions, parts)) return false;
        int first = parts.size();
        if (!collect(definitions.get(select.no()), to, definitions, parts)) return false;
        var next = parts.get(first);
        return next.start().equals(bound.value()) && axis.value().equals(to.get(next.axis()));
    }

    private static Optional<Part> part(NestOp.Read read, List<Dim> to) {
        if (!read.indices().isEmpty() || read.at().size() != to.size()) return Optional.empty();
        if (read.otherwise() != Otherwise.ZERO && read.otherwise() != Otherwise.PROVEN) return Optional.empty();
        int axis = -1;
        for (int i = 0; i < to.size(); i++) {
            if (to.get(i).symbolName().isEmpty() && !to.get(i).isConstant(0)) return Optional.empty();
            if (read.at().get(i).equals(to.get(i))) continue;
            if (axis >= 0) return Optional.empty();
            axis = i;
        }
        // The first part begins at 0, whatever the axis.
        var start = axis < 0 ? Dim.ZERO : to.get(axis).minus(read.at().get(axis));
        return Optional.of(new Part(read.source(), axis, start));
    }

    /// Whether the parts lie end to end along one axis and fill the whole.
    private static boolean fill(List<Part> parts, Value whole) {
        int axis = parts.getLast().axis();
        if (axis < 0 || !parts.getFirst().start().isConstant(0)) return false;
        Dim end = Dim.ZERO;
        for (int i = 0; i < parts.size(); i++) {
            var part = parts.get(i);
            if (part.axis() >= 0 && part.axis() != axis || !part.start().equals(end)) return false;
            for (int other = 0; other < whole.tensor().rank(); other++) {
                if (other != axis && !part.source().tensor().dim(other).equals(whole.tensor().dim(other))) return false;
            }
            parts.set(i, new Part(part.source(), axis, end));
            end = end.plus(part.source().tensor().dim(axis));
        }
        return end.equals(whole.tensor().dim(axis));
    }

    /// Rewrites the producers; gives the position after what took the nest's place.
    private static int place(NestOp.Compute join, List<Part> parts, List<Op> ops, int position) {
        var producers = new HashMap<Integer, Part>();
        for (var part : parts) {
            int producer = producer(part.source(), ops, position);
            if (producer < 0 || producers.containsKey(producer) || uses(part.source(), ops) > 1) continue;
            producers.put(producer, part);
        }
        if (producers.isEmpty()) return position;
        var order = producers.keySet().stream().sorted().toList();
        var whole = join.results().getFirst();
        var copied = parts.stream().filter(part -> !producers.containsValue(part)).toList();
        int left = order.size() + copied.size();
        var current = whole.copy();
        var empty = new GraphOp.Empty(current);
        for (int at : order) {
            var next = --left == 0 ? whole : whole.copy();
            ops.set(at, shifted((NestOp.Compute) ops.get(at), producers.get(at), current, next, join.origin()));
            current = next;
        }
        var copies = new ArrayList<Op>();
        for (var part : copied) {
            var next = --left == 0 ? whole : whole.copy();
            copies.add(shifted(copy(part, join.origin()), part, current, next, List.of()));
            current = next;
        }
        ops.remove(position);
        ops.addAll(position, copies);
        ops.add(order.getFirst(), empty);
        return position + copies.size();
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

    /// A nest that copies a part as it is.
    private static NestOp.Compute copy(Part part, List<String> origin) {
        var dims = part.source().tensor().dims();
        return PaddedReads.copy(part.source(), Collections.nCopies(dims.size(), Dim.ZERO), dims, Otherwise.PROVEN, origin);
    }
}
