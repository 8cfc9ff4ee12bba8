package org.portolan.lowering.nest;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.portolan.ir.NestOp;
import org.portolan.ir.NestOp.Otherwise;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// When a nest goes into its readers. Either it goes into all of them, and its result is never stored, or into none.
final class FusionRules {
    /// What starting one more kernel costs, in simple operations on all lanes.
    private static final double LAUNCH = 50_000;
    /// What storing or loading one element costs more than a simple operation.
    private static final double TRIP = 2;
    /// Work that is not worth a thread of its own.
    private static final double SMALL_WORK = 200_000;
    /// The points over which a row kernel must be spread.
    private static final double ROWS = 8;

    private static final int OPERATIONS = 128;
    private static final int INPUTS = 16;

    private final Anchors anchors;
    /// Tensors that are updated in place: whoever reads one stays where it is.
    private final Set<Value> updated;

    FusionRules(Anchors anchors, Set<Value> updated) {
        this.anchors = anchors;
        this.updated = updated;
    }

    boolean inline(Producer producer, List<OpenNest> readers) {
        if (!producer.isPossible() || producer.nest().inputs().stream().anyMatch(updated::contains)) {
            return false;
        }
        for (var reader : readers) {
            if (!fits(producer, reader)) {
                return false;
            }
            for (var read : reader.facts().reads(producer.result())) {
                if (!mayStandFor(producer, reader, read)) {
                    return false;
                }
            }
        }
        if (producer.isContraction() || anchors.isTail(producer.result())) {
            return readers.size() == 1 && takesContraction(producer, readers.getFirst());
        }
        if (producer.reduces() && !readers.stream().allMatch(reader -> takesReduction(producer, reader))) {
            return false;
        }
        return producer.isView() || isCheaper(producer, readers);
    }

    private static boolean fits(Producer producer, OpenNest reader) {
        var reads = reader.facts().reads(producer.result()).size();
        var sources = new LinkedHashSet<>(reader.sources());
        sources.addAll(producer.nest().inputs());
        return !reader.facts().isReadWithin(producer.result())
                && reader.ops().size() + reads * producer.nest().body().ops().size() <= OPERATIONS
                && sources.size() - 1 <= INPUTS;
    }

    private boolean mayStandFor(Producer producer, OpenNest reader, NestOp.Read read) {
        boolean sameBounds =
                read.otherwise() == Otherwise.PROVEN || Inlining.keepsBounds(producer.nest(), read, reader.bounds());
        if (!sameBounds) {
            // Outside, the body runs for nothing: that must neither fail nor take long.
            if (producer.reduces() || producer.facts().mayFail() || read.otherwise() == Otherwise.ERROR) {
                return false;
            }
        }
        if (reader.facts().isContracted(read.result())) {
            return producer.isView() && sameBounds && keepsOperandsPlain(producer, reader, read);
        }
        return true;
    }

    /// The index of a contraction's operand must not be divided: its elements are to be walked, not searched.
    private boolean keepsOperandsPlain(Producer producer, OpenNest reader, NestOp.Read read) {
        if (producer.read().at().stream().noneMatch(index -> index instanceof Dim.Binary || index instanceof Dim.Sum)) {
            return true;
        }
        var trial = new OpenNest(reader.close(), reader.position(), reader.symbols());
        int before = divisions(trial);
        Inlining.inline(trial, producer.nest());
        if (divisions(trial) <= before) {
            return true;
        }
        if (anchors.isViewOfTail(producer.result())) {
            return false;
        }
        AxisSplit.run(trial);
        return divisions(trial) <= before;
    }

    private static int divisions(OpenNest nest) {
        int count = 0;
        for (var op : nest.ops()) {
            if (op instanceof NestOp.Read read
                    && read.at().stream().anyMatch(index -> AxisSplit.divides(index, nest))) {
                count++;
            }
        }
        return count;
    }

    /// The reader reduces nothing and reads each point of the contraction once, at its own point: it is the tail.
    private static boolean takesContraction(Producer producer, OpenNest reader) {
        var reads = reader.facts().reads(producer.result());
        return !reader.updates()
                && reader.facts().reductions().isEmpty()
                && reads.size() == 1
                && reads.getFirst().otherwise() == Otherwise.PROVEN
                && reads.getFirst().indices().isEmpty()
                && isOneToOne(reads.getFirst(), reader);
    }

    /// Whether a read goes through its source exactly once, and along its last axis as the reader stores.
    static boolean isOneToOne(NestOp.Read read, OpenNest reader) {
        var left = new LinkedHashSet<>(reader.facts().outputAxes());
        var dims = read.source().tensor().dims();
        Dim last = Dim.ZERO;
        for (int i = 0; i < dims.size(); i++) {
            var index = read.at().get(i);
            if (index.isConstant(0) && dims.get(i).isConstant(1)) {
                continue;
            }
            if (!takeMixedRadix(index, dims.get(i), reader, left)) {
                return false;
            }
            last = index;
        }
        return left.isEmpty()
                && (last.isConstant(0)
                        || last.symbolName().equals(reader.facts().adjacentAxis()));
    }

    /// Whether an index counts through an extent with axes as digits; takes the axes.
    private static boolean takeMixedRadix(Dim index, Dim extent, OpenNest reader, Set<String> left) {
        var rest = index;
        Dim unit = Dim.ONE;
        while (!rest.isConstant(0)) {
            var current = rest;
            var step = unit;
            var digit = left.stream()
                    .filter(axis -> slope(current, axis).equals(step))
                    .findFirst();
            if (digit.isEmpty()) {
                return false;
            }
            left.remove(digit.get());
            rest = rest.minus(Dim.symbol(digit.get()).times(unit));
            unit = unit.times(reader.axes().get(digit.get()));
        }
        return unit.equals(extent);
    }

    private static Dim slope(Dim index, String axis) {
        if (!index.symbols().contains(axis)) {
            return Dim.ZERO;
        }
        var next = index.substitute(name -> name.equals(axis) ? Dim.symbol(axis).plus(1) : null);
        return next.minus(index);
    }

    /// A reduction goes where its result is needed once for each row: outside of all reductions' own axes, and along
    /// the same rows as the others in the kernel.
    private static boolean takesReduction(Producer producer, OpenNest reader) {
        var facts = reader.facts();
        if (facts.isContraction() || reader.updates()) {
            return false;
        }
        var reduced = facts.reducedAxes();
        Set<String> rows = null;
        for (var reduction : facts.reductions()) {
            rows = facts.axesAround(reduction);
        }
        double length = producer.facts().estimate(producer.facts().reducedAxes());
        for (var read : facts.reads(producer.result())) {
            var free = facts.free(read.result());
            if (free.stream().anyMatch(reduced::contains) || rows != null && !rows.equals(free)) {
                return false;
            }
            var within = new HashSet<>(facts.outputAxes());
            within.removeAll(free);
            // Else more is spread over few rows than the reduction is worth.
            if (facts.estimate(within) > length) {
                return false;
            }
            rows = free;
        }
        double work = producer.elements() * producer.costPerElement() + facts.estimate(facts.outputAxes());
        return work <= SMALL_WORK || rows == null || facts.estimate(rows) >= ROWS;
    }

    private static boolean isCheaper(Producer producer, List<OpenNest> readers) {
        double evaluations = 0;
        for (var reader : readers) {
            evaluations += evaluations(producer.result(), reader);
        }
        double inlined = evaluations * producer.costPerElement();
        double stored = producer.elements() * (producer.costPerElement() + TRIP) + evaluations * TRIP + LAUNCH;
        return inlined <= stored;
    }

    /// How often a kernel would compute an element. Places that differ only by the axis that runs along them count
    /// once: a row that several stages of a kernel need is kept near.
    private static double evaluations(Value source, OpenNest reader) {
        var facts = reader.facts();
        var seen = new HashSet<List<Dim>>();
        double sum = 0;
        for (var read : facts.reads(source)) {
            var names = new HashMap<String, Dim>();
            for (var axis : facts.free(read.result())) {
                names.put(axis, Dim.symbol("#" + reader.axes().get(axis)));
            }
            var place = read.at().stream()
                    .map(index -> index.substitute(names::get))
                    .toList();
            if (!read.indices().isEmpty() || seen.add(place)) {
                sum += facts.estimate(facts.loops(read.result()));
            }
        }
        return sum;
    }
}
