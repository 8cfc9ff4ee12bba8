package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.NestOp;
import org.portolan.ir.Relation;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.DimBounds;
import org.portolan.runtime.type.Dim;

/// Writes the loads and stores of a kernel: contiguous where the lanes are adjacent in memory, else gathers; guarded
/// where the index may leave the source.
class MemoryEmitter extends ScalarEmitter {
    /// The code of a run that fails because an index is out of range.
    static final long INDEX_OUT_OF_RANGE = 1;

    private final Map<Value, Value> buffers;
    private final DimBounds bounds;

    /// @param buffers the kernel's parameter for each tensor
    MemoryEmitter(NestAnalysis analysis, Map<Value, Value> buffers, boolean threaded) {
        super(analysis, threaded);
        this.buffers = new IdentityHashMap<>(buffers);
        this.bounds = SymbolBounds.of(analysis.nest());
    }

    /// How the elements of a tensor lie.
    Type.Buffer memory(Value tensor) {
        return buffers.get(tensor).buffer();
    }

    /// The kernel's parameter for a tensor.
    Value memoryOf(Value tensor) {
        return buffers.get(tensor);
    }

    /// Loads what a read stands for. {@code dollars} are its operands and {@code other} its value outside, evaluated.
    Value load(
            Scope scope, NestOp.Read read, List<Value> dollars, Value other, Map<String, Integer> coordinates) {
        var buffer = buffers.get(read.source());
        var dims = read.source().tensor().dims();
        var vectorAxis = vectorAxis(scope, analysis.free(read.result()));
        boolean vectorOperand = dollars.stream().anyMatch(dollar -> dollar.type().laneCount() > 1);
        boolean inIndex = vectorAxis.isPresent()
                && read.at().stream().anyMatch(index -> index.symbols().contains(vectorAxis.get()));
        long lanes = inIndex || vectorOperand ? scope.position(vectorAxis.get()).lanes() : 1;
        Value guard = null;
        var at = new ArrayList<>(read.at());
        var indices = new ArrayList<Value>();
        boolean adjacent =
                !vectorOperand && inIndex && isAdjacent(read.at(), buffer.buffer(), vectorAxis.get());
        for (int axis = 0; axis < dims.size(); axis++) {
            var index = at.get(axis);
            boolean low = read.otherwise() != NestOp.Otherwise.PROVEN && !bounds.isNonNegative(index);
            boolean high = read.otherwise() != NestOp.Otherwise.PROVEN && !bounds.isLess(index, dims.get(axis));
            indices.add(null);
            if (!low && !high) {
                continue;
            }
            if (read.otherwise() == NestOp.Otherwise.CLAMP) {
                adjacent &= !index.symbols().contains(vectorAxis.orElse(""));
                indices.set(axis, clamp(scope, index(scope, index, dollars, coordinates), dims.get(axis)));
                continue;
            }
            if (adjacent && index.symbols().contains(vectorAxis.get())) {
                var first = firstIndex(scope, index, dollars, coordinates);
                guard = low ? and(scope, guard, not(scope, lanesBelow(scope, first, Dim.ZERO, lanes))) : guard;
                guard = high ? and(scope, guard, lanesBelow(scope, first, dims.get(axis), lanes)) : guard;
                continue;
            }
            var value = index(scope, index, dollars, coordinates);
            if (low) {
                guard = and(scope, guard, compare(scope, value, Relation.GREATER_OR_EQUAL, number(scope, Dim.ZERO)));
            }
            if (high) {
                guard = and(scope, guard, compare(scope, value, Relation.LESS, number(scope, dims.get(axis))));
            }
        }
        for (int axis = 0; axis < dims.size(); axis++) {
            if (indices.get(axis) == null) {
                indices.set(
                        axis,
                        adjacent
                                ? firstIndex(scope, at.get(axis), dollars, coordinates)
                                : index(scope, at.get(axis), dollars, coordinates));
            }
        }
        Value mask = null;
        if (threaded) {
            mask = masks(scope, analysis.free(read.result()), coordinates);
        } else if (lanes > 1 && !isPadded(buffer.buffer())) {
            mask = mask(scope, vectorAxis.get(), coordinates.getOrDefault(vectorAxis.get(), 0));
        }
        if (read.otherwise() == NestOp.Otherwise.ERROR && guard != null) {
            var outside = not(scope, guard);
            scope.ops.add(new TileOp.Fail(and(scope, outside, mask), INDEX_OUT_OF_RANGE));
        }
        mask = and(scope, mask, guard);
        var element = read.source().type().elementType();
        var result = Value.of(laneType(lanes, element), read.result().hint());
        if (threaded && lanes > 1 && mask != null && mask.type().laneCount() == 1) {
            var wide = other == null ? null : broadcast(scope, other, lanes);
            return loadWhere(scope, mask, buffer, indices, wide, result);
        }
        boolean wideOther = other != null && other.type().laneCount() > lanes;
        var fallback = other == null || mask == null || wideOther
                ? Optional.<Value>empty()
                : Optional.of(broadcast(scope, other, lanes));
        scope.ops.add(new TileOp.Load(
                buffer,
                indices,
                Optional.ofNullable(mask == null || lanes == 1 ? mask : broadcast(scope, mask, lanes)),
                fallback,
                result));
        return wideOther && guard != null ? select(scope, guard, result, other) : result;
    }

    /// Stores a value at the index expressions.
    ///
    /// @param onlyHere where the value is stored, if not everywhere; else {@code null}
    void store(
            Scope scope,
            Value tensor,
            Value value,
            List<Dim> to,
            List<Value> dollars,
            Set<String> free,
            Map<String, Integer> coordinates,
            Value onlyHere) {
        var buffer = buffers.get(tensor);
        var vectorAxis = vectorAxis(scope, free);
        boolean vectorOperand = dollars.stream().anyMatch(dollar -> dollar.type().laneCount() > 1);
        long lanes = vectorAxis.map(axis -> scope.position(axis).lanes()).orElse(1L);
        boolean adjacent =
                !vectorOperand && vectorAxis.isPresent() && isAdjacent(to, buffer.buffer(), vectorAxis.get());
        var indices = new ArrayList<Value>();
        for (var index : to) {
            indices.add(
                    adjacent
                            ? firstIndex(scope, index, dollars, coordinates)
                            : index(scope, index, dollars, coordinates));
        }
        var wide = broadcast(scope, value, lanes);
        if (threaded) {
            var mask = and(scope, masks(scope, free, coordinates), onlyHere);
            storeWhere(scope, mask, wide, buffer, indices);
            return;
        }
        var mask = vectorAxis.map(axis -> mask(scope, axis, coordinates.getOrDefault(axis, 0))).orElse(null);
        scope.ops.add(new TileOp.Store(wide, buffer, indices, Optional.ofNullable(mask)));
    }

    /// Whether the point at some coordinates lies within all axes; {@code null} if it must.
    Value masks(Scope scope, Set<String> axes, Map<String, Integer> coordinates) {
        Value all = null;
        for (var axis : axes) {
            all = and(scope, all, mask(scope, axis, coordinates.getOrDefault(axis, 0)));
        }
        return all;
    }

    /// A vector where a condition holds, else {@code other}, or zeros if that is {@code null}.
    private Value loadWhere(
            Scope scope, Value condition, Value buffer, List<Value> indices, Value other, Value result) {
        var loaded = result.copy();
        var load = new TileOp.Load(buffer, indices, Optional.empty(), Optional.empty(), loaded);
        var outside = other != null
                ? other
                : broadcast(scope, constant(scope, result.type().elementType(), 0), result.type().laneCount());
        scope.ops.add(new TileOp.If(
                condition,
                new Body(List.of(), List.of(load, new TileOp.Yield(List.of(loaded)))),
                new Body(List.of(), List.of(new TileOp.Yield(List.of(outside)))),
                List.of(result)));
        return result;
    }

    /// Stores where a condition holds; everywhere if it is {@code null}.
    void storeWhere(Scope scope, Value condition, Value value, Value buffer, List<Value> indices) {
        if (condition == null || value.type().laneCount() == 1) {
            scope.ops.add(new TileOp.Store(value, buffer, indices, Optional.ofNullable(condition)));
            return;
        }
        var store = new TileOp.Store(value, buffer, indices, Optional.empty());
        scope.ops.add(new TileOp.If(
                condition,
                new Body(List.of(), List.of(store, new TileOp.Yield(List.of()))),
                new Body(List.of(), List.of(new TileOp.Yield(List.of()))),
                List.of()));
    }

    /// The lanes at which an index that starts as given and ascends lane by lane is below an extent.
    private Value lanesBelow(Scope scope, Value first, Dim extent, long lanes) {
        var result = Value.of(new Type.Mask(lanes), "inside");
        scope.ops.add(new TileOp.Mask(first, number(scope, extent), result));
        return result;
    }

    private Value clamp(Scope scope, Value index, Dim extent) {
        long lanes = index.type().laneCount();
        var last = broadcast(scope, number(scope, extent.minus(1)), lanes);
        var zero = broadcast(scope, number(scope, Dim.ZERO), lanes);
        var below = Value.of(index.type(), "i");
        var inside = Value.of(index.type(), "i");
        scope.ops.add(new ArithOp.Min(index, last, below));
        scope.ops.add(new ArithOp.Max(below, zero, inside));
        return inside;
    }

    private static Optional<String> vectorAxis(Scope scope, Set<String> free) {
        return free.stream().filter(axis -> scope.position(axis).isVector()).findFirst();
    }

    /// Whether neighbours along an axis are neighbours in memory.
    static boolean isAdjacent(List<Dim> at, Type.Buffer buffer, String axis) {
        int fastest = fastestAxis(buffer);
        for (int i = 0; i < at.size(); i++) {
            var stride = NestAnalysis.stride(at.get(i), axis);
            boolean expected = stride.isPresent() && stride.getAsLong() == (i == fastest ? 1 : 0);
            if (!expected) {
                return false;
            }
        }
        return fastest >= 0;
    }

    /// The logical axis along which elements are adjacent; -1 if there is none.
    static int fastestAxis(Type.Buffer buffer) {
        if (buffer.layout().isPresent()) {
            var last = buffer.layout().get().results().getLast().symbols();
            return last.isEmpty() ? -1 : buffer.layout().get().inputs().indexOf(last.iterator().next());
        }
        int axis = buffer.rank() - 1;
        while (axis > 0 && buffer.dims().get(axis).isConstant(1)) {
            axis--;
        }
        return axis;
    }

    private static boolean isPadded(Type.Buffer buffer) {
        return buffer.layout().isPresent();
    }
}
