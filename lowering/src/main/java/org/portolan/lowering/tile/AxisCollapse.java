package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.PlanOp;
import org.portolan.ir.Rewriter;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Makes the axes of a nest few and long: an axis of one point vanishes, and two neighbours become one where every access
/// walks them as one. The tensors get the shorter shapes; their elements in row-major order stay.
final class AxisCollapse {
    private final NestOp.Compute nest;
    private final LinkedHashMap<String, Dim> extents = new LinkedHashMap<>();
    private final Map<Value, List<Dim>> dims = new IdentityHashMap<>();
    private final Map<Value, List<List<Dim>>> accesses = new IdentityHashMap<>();
    private final Map<Op, List<Dim>> reads = new IdentityHashMap<>();
    private final List<List<Dim>> stores = new ArrayList<>();
    private final Map<Op, List<String>> reduced = new IdentityHashMap<>();
    private final List<Dim> otherUses = new ArrayList<>();
    /// Tensors that are read outside their extents keep their shape.
    private final Map<Value, Boolean> guarded = new IdentityHashMap<>();

    /// The simpler nest and, for each of its tensors, the tensor of the old one.
    record Collapsed(NestOp.Compute nest, Map<Value, Value> originals) {}

    /// For a tensor that is updated in place, the result that it becomes: both have one shape.
    private final Map<Value, Value> updated = new IdentityHashMap<>();

    private AxisCollapse(NestOp.Compute nest) {
        this.nest = nest;
        for (int i = 0; i < nest.into().size(); i++) updated.put(nest.into().get(i), nest.results().get(i));
        nest.axes().forEach(axis -> extents.put(axis.name(), axis.extent()));
        for (var op : nest.body().ops()) {
            switch (op) {
                case NestOp.Read read -> {
                    var at = new ArrayList<>(read.at());
                    reads.put(read, at);
                    track(read.source(), at);
                    if (read.otherwise() != NestOp.Otherwise.PROVEN) {
                        guarded.put(shape(read.source()), true);
                    }
                }
                case NestOp.Index index -> otherUses.add(index.value());
                case NestOp.Yield yield -> {
                    for (int i = 0; i < yield.to().size(); i++) {
                        var to = new ArrayList<>(yield.to().get(i));
                        stores.add(to);
                        track(nest.results().get(i), to);
                    }
                }
                case NestOp.Sum sum -> reduced.put(op, new ArrayList<>(sum.over()));
                case NestOp.Reduce reduce -> reduced.put(op, new ArrayList<>(reduce.over()));
                case NestOp.Compute _ -> {}
                case ArithOp _, GraphOp _, TileOp _, PlanOp _, MachineOp _ -> {}
            }
        }
    }

    static Collapsed apply(NestOp.Compute nest) {
        return apply(nest, "");
    }

    /// @param kept an axis that stays, though it may have one point; or none
    static Collapsed apply(NestOp.Compute nest, String kept) {
        var collapse = new AxisCollapse(nest);
        // A tensor that is updated twice has two results: then all keep their shapes.
        if (collapse.updated.size() == nest.into().size()) {
            collapse.dropPoints(kept);
            while (collapse.mergeOne()) {
                // Each merge may open the next.
            }
        }
        return collapse.rebuild();
    }

    /// Makes one axis of two that stand side by side in all results. Tensors that are walked along them as one get the
    /// shorter shape; elsewhere the two are said by division.
    static Collapsed join(Collapsed before, String outer, String inner) {
        var collapse = new AxisCollapse(before.nest());
        collapse.join(outer, inner);
        var after = collapse.rebuild();
        var originals = new IdentityHashMap<Value, Value>();
        after.originals().forEach((now, earlier) -> originals.put(now, before.originals().get(earlier)));
        return new Collapsed(after.nest(), originals);
    }

    private void join(String outer, String inner) {
        var width = extents.get(inner);
        Function<String, Dim> divided = name -> name.equals(outer)
                ? Dim.symbol(outer).floorDivide(width)
                : name.equals(inner) ? Dim.symbol(outer).modulo(width) : null;
        for (var tensor : accesses.keySet()) {
            int place = sideBySide(tensor, outer, inner);
            for (var at : accesses.get(tensor)) {
                if (place >= 0) {
                    at.remove(place + 1);
                } else {
                    at.replaceAll(index -> index.substitute(divided));
                }
            }
            if (place >= 0) {
                var extent = dims.get(tensor).remove(place + 1);
                dims.get(tensor).set(place, dims.get(tensor).get(place).times(extent));
            }
        }
        otherUses.replaceAll(index -> index.substitute(divided));
        extents.put(outer, extents.get(outer).times(width));
        extents.remove(inner);
    }

    /// Where all accesses to a tensor have the two axes, and nothing else of them; -1 if they do not.
    private int sideBySide(Value tensor, String outer, String inner) {
        int place = -1;
        for (var at : accesses.get(tensor)) {
            int own = at.indexOf(Dim.symbol(outer));
            long mentions = at.stream()
                    .filter(index -> index.symbols().contains(outer) || index.symbols().contains(inner))
                    .count();
            if (guarded.containsKey(tensor)
                    || own < 0
                    || place >= 0 && own != place
                    || mentions != 2
                    || own + 1 >= at.size()
                    || !at.get(own + 1).equals(Dim.symbol(inner))
                    || !dims.get(tensor).get(own + 1).equals(extents.get(inner))) {
                return -1;
            }
            place = own;
        }
        return place;
    }

    /// The tensor whose shape another has.
    private Value shape(Value tensor) {
        return updated.getOrDefault(tensor, tensor);
    }

    private void track(Value accessed, List<Dim> at) {
        var tensor = shape(accessed);
        dims.computeIfAbsent(tensor, value -> new ArrayList<>(value.tensor().dims()));
        accesses.computeIfAbsent(tensor, _ -> new ArrayList<>()).add(at);
    }

    private void dropPoints(String kept) {
        var points = extents.entrySet().stream()
                .filter(entry -> entry.getValue().isConstant(1))
                .map(Map.Entry::getKey)
                .filter(name -> !name.equals(kept))
                .toList();
        Function<String, Dim> zero = name -> points.contains(name) ? Dim.ZERO : null;
        accesses.values().forEach(all -> all.forEach(at -> at.replaceAll(index -> index.substitute(zero))));
        otherUses.replaceAll(index -> index.substitute(zero));
        reduced.values().forEach(over -> over.removeAll(points));
        points.forEach(extents::remove);
        for (var tensor : dims.keySet()) {
            for (int axis = dims.get(tensor).size() - 1; axis >= 0; axis--) {
                int dropped = axis;
                if (dims.get(tensor).get(axis).isConstant(1)
                        && accesses.get(tensor).stream().allMatch(at -> at.get(dropped).isConstant(0))) {
                    dims.get(tensor).remove(axis);
                    accesses.get(tensor).forEach(at -> at.remove(dropped));
                }
            }
        }
    }

    private boolean mergeOne() {
        for (var outer : List.copyOf(extents.keySet())) {
            for (var inner : List.copyOf(extents.keySet())) {
                if (!outer.equals(inner) && canMerge(outer, inner)) {
                    merge(outer, inner);
                    return true;
                }
            }
        }
        return false;
    }

    private boolean canMerge(String outer, String inner) {
        for (var use : otherUses) {
            if (use.symbols().contains(outer) || use.symbols().contains(inner)) {
                return false;
            }
        }
        for (var over : reduced.values()) {
            // A reduction combines in row-major order of its axes, so only neighbours may become one.
            int position = over.indexOf(outer);
            if (position >= 0 ? over.indexOf(inner) != position + 1 : over.contains(inner)) {
                return false;
            }
        }
        boolean used = false;
        for (var tensor : accesses.keySet()) {
            int place = -1;
            for (var at : accesses.get(tensor)) {
                int own = walk(tensor, at, outer, inner);
                if (own == OTHERWISE || place != -1 && place != own) {
                    return false;
                }
                place = own;
                used |= own != NOT_AT_ALL;
            }
        }
        return used;
    }

    private static final int OTHERWISE = -4;
    private static final int IN_ONE_INDEX = -3;
    private static final int NOT_AT_ALL = -2;

    /// How an access walks along two axes: the place of the outer one if they stand side by side and the tensor's shape may
    /// change, or one of the constants above.
    private int walk(Value tensor, List<Dim> at, String outer, String inner) {
        var mentions = at.stream()
                .filter(index -> index.symbols().contains(outer) || index.symbols().contains(inner))
                .toList();
        if (mentions.isEmpty()) {
            return NOT_AT_ALL;
        }
        if (mentions.size() == 1 && isJoined(mentions.getFirst(), outer, inner)) {
            return IN_ONE_INDEX;
        }
        int place = at.indexOf(Dim.symbol(outer));
        boolean sideBySide = mentions.size() == 2
                && place >= 0
                && place + 1 < at.size()
                && at.get(place + 1).equals(Dim.symbol(inner))
                && dims.get(tensor).get(place + 1).equals(extents.get(inner))
                && !guarded.containsKey(tensor);
        return sideBySide ? place : OTHERWISE;
    }

    /// Whether an index is {@code outer * extent + inner}, times a number, and something else.
    private boolean isJoined(Dim index, String outer, String inner) {
        var stride = NestAnalysis.stride(index, inner);
        if (stride.isEmpty() || stride.getAsLong() == 0) {
            return false;
        }
        var both = Dim.symbol(outer).times(extents.get(inner)).plus(Dim.symbol(inner)).times(stride.getAsLong());
        var rest = index.substitute(name -> name.equals(outer) || name.equals(inner) ? Dim.ZERO : null);
        return index.equals(both.plus(rest));
    }

    private void merge(String outer, String inner) {
        for (var tensor : accesses.keySet()) {
            for (var at : accesses.get(tensor)) {
                int place = walk(tensor, at, outer, inner);
                if (place >= 0) {
                    at.remove(place + 1);
                } else if (place == IN_ONE_INDEX) {
                    at.replaceAll(index -> index.substitute(
                            name -> name.equals(outer) ? Dim.ZERO : name.equals(inner) ? Dim.symbol(outer) : null));
                }
                if (place >= 0 && at == accesses.get(tensor).getLast()) {
                    var extent = dims.get(tensor).remove(place + 1);
                    dims.get(tensor).set(place, dims.get(tensor).get(place).times(extent));
                }
            }
        }
        reduced.values().forEach(over -> over.remove(inner));
        extents.put(outer, extents.get(outer).times(extents.remove(inner)));
    }

    private Collapsed rebuild() {
        var rewriter = new Rewriter();
        var originals = new IdentityHashMap<Value, Value>();
        Function<Value, Value> reshaped = tensor -> {
            var shape = shape(tensor);
            if (!dims.containsKey(shape)) {
                originals.put(tensor, tensor);
                return tensor;
            }
            if (rewriter.map(tensor) != tensor) return rewriter.map(tensor);
            var copy = Value.of(new Type.Tensor(tensor.tensor().element(), dims.get(shape)), tensor.hint());
            originals.put(copy, tensor);
            rewriter.replace(tensor, copy);
            return copy;
        };
        var inputs = nest.inputs().stream().map(reshaped).toList();
        var into = nest.into().stream().map(reshaped).toList();
        var results = nest.results().stream().map(reshaped).toList();
        var ops = new ArrayList<Op>();
        int uses = 0;
        for (var op : nest.body().ops()) {
            ops.add(
                    switch (op) {
                        case NestOp.Read read ->
                            new NestOp.Read(
                                    rewriter.map(read.source()), read.indices(), read.other(), reads.get(op),
                                    read.otherwise(), read.result());
                        case NestOp.Index index ->
                            new NestOp.Index(index.operands(), otherUses.get(uses++), index.result());
                        case NestOp.Sum sum -> new NestOp.Sum(sum.value(), reduced.get(op), sum.result());
                        case NestOp.Reduce reduce ->
                            new NestOp.Reduce(
                                    reduce.values(), reduce.initial(), reduced.get(op), reduce.body(), reduce.results());
                        case NestOp.Yield end -> new NestOp.Yield(end.values(), end.indices(), stores);
                        case NestOp.Compute inner -> inner;
                        case ArithOp _, GraphOp _, TileOp _, PlanOp _, MachineOp _ -> op;
                    });
        }
        var axes = new ArrayList<Axis>();
        extents.forEach((name, extent) -> axes.add(new Axis(name, extent)));
        var simpler = new NestOp.Compute(
                inputs, into, axes, nest.origin(), new Body(List.of(), ops), results);
        return new Collapsed(simpler, originals);
    }
}
