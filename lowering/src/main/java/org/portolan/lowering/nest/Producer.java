package org.portolan.lowering.nest;

import java.util.List;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.FunctionSymbols;
import org.portolan.runtime.type.Dim;

/// A nest with one result that may be put into its readers, and what that would cost.
final class Producer {
    private final NestOp.Compute nest;
    private final Value result;
    private final NestFacts facts;
    private final boolean possible;
    private final boolean view;
    private final boolean plain;
    private final double cost;

    Producer(NestOp.Compute nest, int position, FunctionSymbols symbols) {
        this.nest = nest;
        this.result = nest.results().getFirst();
        this.facts = new OpenNest(nest, position, symbols).facts();
        this.possible = Inlining.isPossible(nest);
        this.view = nest.body().ops().stream()
                        .allMatch(op ->
                                op instanceof NestOp.Read || op instanceof NestOp.Yield || op instanceof ArithOp.Cast)
                && nest.body().ops().stream()
                                .filter(NestOp.Read.class::isInstance)
                                .count()
                        == 1;
        this.plain = isPlain(nest);
        this.cost = cost();
    }

    NestOp.Compute nest() {
        return nest;
    }

    Value result() {
        return result;
    }

    NestFacts facts() {
        return facts;
    }

    boolean isPossible() {
        return possible;
    }

    /// One read, perhaps converted: the elements of another tensor in another order.
    boolean isView() {
        return view;
    }

    /// The read of a view.
    NestOp.Read read() {
        return (NestOp.Read) nest.body().ops().getFirst();
    }

    /// Arithmetic, without numbers, on elements read at the point where the result is stored.
    boolean isPlain() {
        return plain;
    }

    private static boolean isPlain(NestOp.Compute nest) {
        if (!(nest.body().terminator() instanceof NestOp.Yield end) || end.to().size() != 1) {
            return false;
        }
        return nest.body().ops().stream()
                .allMatch(op -> op == end
                        || op instanceof NestOp.Read read
                                && read.at().equals(end.to().getFirst())
                        || op instanceof ArithOp.Unary
                        || op instanceof ArithOp.Binary && !(op instanceof ArithOp.Pow || op instanceof ArithOp.And));
    }

    boolean isContraction() {
        return facts.isContraction();
    }

    boolean reduces() {
        return !facts.reductions().isEmpty();
    }

    double elements() {
        return NestFacts.estimate(result.tensor().elements());
    }

    /// What one element costs, in simple operations.
    double costPerElement() {
        return cost;
    }

    private double cost() {
        double sum = 0;
        for (var op : nest.body().ops()) {
            if (op instanceof Op.Terminator) {
                continue;
            }
            double times = 1;
            for (var axis : facts.free(Scalars.results(op).getFirst())) {
                if (!facts.outputAxes().contains(axis)) {
                    times *= facts.estimate(Set.of(axis));
                }
            }
            sum += times * cost(op);
        }
        return sum;
    }

    private double cost(Op op) {
        return switch (op) {
            case NestOp.Read read -> {
                var elements = read.source().tensor().elements();
                yield elements.isConstant(1) ? 0 : NestFacts.estimate(elements) * 2 < elements() ? 1 : 2;
            }
            case ArithOp arith -> Costs.of(arith);
            case NestOp.Sum _, NestOp.Index _ -> 1;
            case NestOp.Reduce reduce -> reduce.body().ops().size();
            case NestOp.Compute _, NestOp.Yield _ -> 0;
            case GraphOp _, TileOp _, PlanOp _, MachineOp _ -> 0;
        };
    }

    /// Whether the same elements in the same order are read as are stored, and the last axis is kept.
    boolean keepsOrder(NestOp.Read read) {
        var to = ((NestOp.Yield) nest.body().terminator()).to().getFirst();
        var from = ReshapeIndex.flatten(read.source().tensor().dims(), read.at());
        var place = ReshapeIndex.flatten(result.tensor().dims(), to);
        return read.indices().isEmpty()
                && read.otherwise() == NestOp.Otherwise.PROVEN
                && from.equals(place)
                && last(read.at()).equals(last(to));
    }

    private static Dim last(List<Dim> indices) {
        return indices.reversed().stream()
                .filter(index -> !index.isConstant(0))
                .findFirst()
                .orElse(Dim.ZERO);
    }
}
