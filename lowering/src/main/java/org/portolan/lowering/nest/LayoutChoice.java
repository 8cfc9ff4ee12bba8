package org.portolan.lowering.nest;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.FunctionSymbols;
import org.portolan.runtime.type.Dim;

/// Which tensors of a function are better stored with their second axis, the channels, last.
///
/// Tensors whose channels walk together, through elementwise work, windows and concatenation, are one group and are stored
/// alike, so that nothing is ever reordered between them. Each nest votes with the elements of the tensors it touches: where
/// its vectors would lie along channels for, and where they would lie along the last axis against.
final class LayoutChoice {
    /// Images have a batch, channels and at least one axis of places.
    private static final int LEAST_RANK = 3;

    private final FunctionSymbols symbols;
    private final Set<Value> constants = identitySet();
    private final Set<Value> fixed = identitySet();
    private final Set<Value> computed = identitySet();
    private final Map<Value, Value> groups = new IdentityHashMap<>();
    private final Map<Value, Double> votes = new IdentityHashMap<>();

    private LayoutChoice(FunctionSymbols symbols) {
        this.symbols = symbols;
    }

    /// The tensors to store with channels last.
    static Set<Value> of(GraphOp.Function function) {
        var choice = new LayoutChoice(FunctionSymbols.of(function));
        choice.collect(function.body());
        choice.vote(function.body());
        return choice.chosen();
    }

    private static Set<Value> identitySet() {
        return Collections.newSetFromMap(new IdentityHashMap<>());
    }

    /// Only what nests alone write and read may change its layout.
    private void collect(Body body) {
        fixed.addAll(body.params());
        for (var op : body.ops()) {
            if (op instanceof NestOp.Compute nest) {
                fixed.addAll(nest.into());
                (nest.into().isEmpty() ? computed : fixed).addAll(nest.results());
                nest.body().ops().forEach(inner -> OpSchema.bodies(inner).forEach(this::fixReadsOf));
                continue;
            }
            if (op instanceof GraphOp.Constant constant) constants.add(constant.result());
            fixed.addAll(OpSchema.operands(op));
            OpSchema.bodies(op).forEach(this::collect);
        }
    }

    private void fixReadsOf(Body combiner) {
        for (var op : combiner.ops()) {
            if (op instanceof NestOp.Read read) fixed.add(read.source());
            OpSchema.bodies(op).forEach(this::fixReadsOf);
        }
    }

    private boolean isFree(Value value) {
        return computed.contains(value)
                && !fixed.contains(value)
                && value.type() instanceof Type.Tensor tensor
                && tensor.rank() >= LEAST_RANK
                && tensor.element().bits() >= 8;
    }

    private void vote(Body body) {
        for (var op : body.ops()) {
            if (op instanceof NestOp.Compute nest) {
                vote(nest);
            } else {
                OpSchema.bodies(op).forEach(this::vote);
            }
        }
    }

    private void vote(NestOp.Compute nest) {
        var open = new OpenNest(nest, 0, symbols);
        var facts = open.facts();
        var reads = nest.body().ops().stream()
                .filter(NestOp.Read.class::isInstance)
                .map(NestOp.Read.class::cast)
                .toList();
        for (int i = 0; i < nest.results().size(); i++) {
            var result = nest.results().get(i);
            var to = open.end().to().get(i);
            if (!isFree(result)) continue;
            add(result, store(facts, reads, to, open));
            for (var read : reads) {
                if (isFree(read.source()) && share(read, to, open)) unite(read.source(), result);
            }
        }
        for (var read : reads) {
            if (isFree(read.source())) add(read.source(), load(facts, read, reads, open));
        }
    }

    /// What a stored tensor's channels mean to the nest: 1 if its vectors lie along them, -1 if along its last axis.
    private double store(NestFacts facts, List<NestOp.Read> reads, List<Dim> to, OpenNest open) {
        for (var axis : axes(to.get(1), open)) {
            if (isColumn(facts, reads, axis)) return 1;
            boolean window = reads.stream().anyMatch(read -> facts.free(read.result()).contains(axis) && isWindow(facts, read, open));
            if (window) return 1;
        }
        return axes(to.getLast(), open).stream().anyMatch(axis -> isColumn(facts, reads, axis)) ? -1 : 0;
    }

    private double load(NestFacts facts, NestOp.Read read, List<NestOp.Read> reads, OpenNest open) {
        var reduced = facts.reducedAxes();
        var channels = axes(read.at().get(1), open);
        var last = axes(read.at().getLast(), open);
        boolean along = channels.stream().anyMatch(reduced::contains);
        if (along && reads.stream().anyMatch(other -> constants.contains(other.source())
                && facts.free(other.result()).stream().anyMatch(channels::contains))) {
            return 1;
        }
        if (isWindow(facts, read, open)) return 1;
        // A sum over places whose results lie along channels has vectors of channels.
        if (!along && open.facts().adjacentAxis().filter(channels::contains).isPresent()) return 0;
        return !along && !last.isEmpty() && reduced.containsAll(last) ? -1 : 0;
    }

    /// Whether an axis is that of the columns of a product with a constant: the constant varies along it and along what is
    /// summed, the other factor does not.
    private boolean isColumn(NestFacts facts, List<NestOp.Read> reads, String axis) {
        var reduced = facts.reducedAxes();
        boolean weights = reads.stream().anyMatch(read -> constants.contains(read.source())
                && facts.free(read.result()).contains(axis)
                && facts.free(read.result()).stream().anyMatch(reduced::contains));
        return weights && reads.stream().anyMatch(read -> !constants.contains(read.source())
                && !facts.free(read.result()).contains(axis)
                && facts.free(read.result()).stream().anyMatch(reduced::contains));
    }

    /// Whether a read slides: one of its places is a sum of an axis that is reduced and one that is not.
    private static boolean isWindow(NestFacts facts, NestOp.Read read, OpenNest open) {
        var reduced = facts.reducedAxes();
        return read.at().size() >= LEAST_RANK
                && read.at().subList(2, read.at().size()).stream().anyMatch(index -> {
                    var axes = axes(index, open);
                    return axes.stream().anyMatch(reduced::contains) && !reduced.containsAll(axes);
                });
    }

    private static boolean share(NestOp.Read read, List<Dim> to, OpenNest open) {
        if (read.at().size() < LEAST_RANK) return false;
        var mine = axes(read.at().get(1), open);
        return axes(to.get(1), open).stream().anyMatch(mine::contains);
    }

    private static Set<String> axes(Dim index, OpenNest open) {
        var axes = new LinkedHashSet<>(index.symbols());
        axes.retainAll(open.axes().keySet());
        return axes;
    }

    private void add(Value tensor, double vote) {
        double elements = 1;
        for (var dim : tensor.tensor().dims()) elements *= NestFacts.estimate(dim);
        votes.merge(tensor, vote * elements, Double::sum);
    }

    private void unite(Value one, Value other) {
        groups.put(leader(one), leader(other));
    }

    private Value leader(Value tensor) {
        var leader = tensor;
        while (groups.getOrDefault(leader, leader) != leader) leader = groups.get(leader);
        return leader;
    }

    private Set<Value> chosen() {
        var sums = new IdentityHashMap<Value, Double>();
        votes.forEach((tensor, vote) -> sums.merge(leader(tensor), vote, Double::sum));
        var chosen = identitySet();
        for (var tensor : votes.keySet()) {
            if (sums.get(leader(tensor)) > 0) chosen.add(tensor);
        }
        return chosen;
    }
}
