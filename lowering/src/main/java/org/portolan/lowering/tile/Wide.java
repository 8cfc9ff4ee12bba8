package org.portolan.lowering.tile;

import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.portolan.ir.ArithOp;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Finds out how many points of an axis one thread can take as a vector: everything that it loads or stores along the axis
/// must be adjacent, aligned to the vector's size, and inside or outside as a whole.
final class Wide {
    private final NestAnalysis analysis;
    private final String axis;
    private final Set<Value> stop;
    private final Function<Value, Type.Buffer> memory;
    private final Set<Value> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    private long bits = 8;
    private long lanes;

    private Wide(
            NestAnalysis analysis,
            String axis,
            Collection<Value> stop,
            long bytes,
            Function<Value, Type.Buffer> memory) {
        this.analysis = analysis;
        this.memory = memory;
        this.axis = axis;
        this.stop = Collections.newSetFromMap(new IdentityHashMap<>());
        this.stop.addAll(stop);
        this.lanes = Long.highestOneBit(Math.max(1, bytes));
    }

    /// The lanes for computing values along an axis, 1 if it cannot be done in vectors.
    ///
    /// @param stop values that are at hand
    /// @param bytes the largest vector
    static long lanes(
            NestAnalysis analysis, String axis, Collection<Value> values, Collection<Value> stop, long bytes) {
        return lanes(analysis, axis, values, stop, bytes, NestToTile::rowMajor);
    }

    /// @param memory how the elements of a tensor lie
    static long lanes(
            NestAnalysis analysis,
            String axis,
            Collection<Value> values,
            Collection<Value> stop,
            long bytes,
            Function<Value, Type.Buffer> memory) {
        var wide = new Wide(analysis, axis, stop, bytes, memory);
        values.forEach(wide::visit);
        return wide.fitted(bytes);
    }

    /// The lanes for computing and storing all results along a common axis.
    static long lanes(NestAnalysis analysis, String axis, Collection<Value> stop, long bytes) {
        var wide = new Wide(analysis, axis, stop, bytes, NestToTile::rowMajor);
        var yield = analysis.terminator();
        for (int i = 0; i < yield.values().size(); i++) {
            wide.visit(yield.values().get(i));
            var result = analysis.nest().results().get(i);
            wide.count(result);
            wide.access(yield.to().get(i), result);
        }
        if (!yield.indices().isEmpty()) {
            wide.lanes = 1;
        }
        return wide.fitted(bytes);
    }

    private long fitted(long bytes) {
        var extent = analysis.constantExtent(axis);
        long most = extent.isEmpty() ? 1 : Math.min(lanes, Math.max(1, bytes * 8 / bits));
        while (most > 1 && extent.getAsLong() % most != 0) {
            most /= 2;
        }
        return most;
    }

    private void count(Value value) {
        if (value.type().elementType() != ElementType.BOOL || value.type() instanceof Type.Tensor) {
            bits = Math.max(bits, value.type().elementType().bits());
        }
        if (value.type().elementType().bits() < 8) {
            lanes = 1;
        }
    }

    private void visit(Value value) {
        if (!analysis.free(value).contains(axis) || !seen.add(value)) {
            return;
        }
        count(value);
        if (stop.contains(value)) {
            return;
        }
        switch (analysis.definition(value)) {
            case NestOp.Read read -> read(read);
            // Indices of a vector's points would be a vector of their own.
            case NestOp.Index _ -> lanes = 1;
            case ArithOp arith -> OpSchema.operands(arith).forEach(this::visit);
            case NestOp.Sum sum -> visit(sum.value());
            case NestOp.Reduce reduce -> {
                reduce.values().forEach(this::visit);
                reduce.initial().forEach(this::visit);
                reduce.body().ops().forEach(op -> OpSchema.results(op).forEach(this::count));
            }
            case NestOp.Compute _, NestOp.Yield _, GraphOp _, TileOp _, PlanOp _, MachineOp _ -> lanes = 1;
        }
    }

    private void read(NestOp.Read read) {
        read.other().ifPresent(this::visit);
        count(read.source());
        if (read.indices().stream().anyMatch(index -> analysis.free(index).contains(axis))) {
            lanes = 1;
        }
        if (read.otherwise() != NestOp.Otherwise.PROVEN && !isInside(read)) {
            lanes = 1;
        }
        access(read.at(), read.source());
    }

    /// Whether the indices that move along the axis stay inside.
    private boolean isInside(NestOp.Read read) {
        var bounds = SymbolBounds.of(analysis.nest());
        for (int i = 0; i < read.at().size(); i++) {
            var index = read.at().get(i);
            if (index.symbols().contains(axis)
                    && !(bounds.isNonNegative(index)
                            && bounds.isLess(index, read.source().tensor().dim(i)))) {
                return false;
            }
        }
        return true;
    }

    private void access(List<Dim> at, Value tensor) {
        if (at.stream().noneMatch(index -> index.symbols().contains(axis))) {
            return;
        }
        var buffer = memory.apply(tensor);
        if (!MemoryEmitter.isAdjacent(at, buffer, axis)) {
            lanes = 1;
            return;
        }
        var dims = buffer.storage();
        var first = at.get(MemoryEmitter.fastestAxis(buffer)).substitute(name -> name.equals(axis) ? Dim.ZERO : null);
        while (lanes > 1
                && !(first.modulo(lanes).isConstant(0)
                        && (dims.size() == 1 || dims.getLast().modulo(lanes).isConstant(0)))) {
            lanes /= 2;
        }
    }
}
