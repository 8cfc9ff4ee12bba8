package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.Schedule.Split;
import org.portolan.runtime.type.Dim;

/// Writes loops over the tiles of an axis, and what remains of it.
class LoopEmitter extends MemoryEmitter {
    LoopEmitter(NestAnalysis analysis, Map<Value, Value> buffers, boolean threaded) {
        super(analysis, buffers, threaded);
    }

    interface Continuation {
        void emit(Scope scope);
    }

    /// Loops over whole tiles from {@code start}, then over what remains: with masks along lanes, with ever smaller tiles
    /// otherwise. {@code length} is {@code null} if it is known only as {@code end - start}.
    void tiles(Scope scope, Split split, Value start, Dim length, Value end, Continuation body) {
        long tile = split.tile();
        if (length instanceof Dim.Constant(long points)) {
            long whole = points / tile * tile;
            loop(scope, split, start, whole, tile, split.unroll(), split.unroll(), null, body);
            long rest = points - whole;
            if (rest > 0) {
                long unroll = Math.ceilDiv(rest, split.lanes());
                var from = whole == 0 ? start : expression(scope, Dim.symbol("$0").plus(whole), start);
                var limit = rest % split.lanes() == 0
                        ? null
                        : expression(scope, Dim.symbol("$0").plus(points), start);
                var inner = new Scope(scope);
                inner.bind(
                        split.axis(),
                        new Scope.Position(from, unroll, split.lanes(), rest / split.lanes(), limit));
                body.emit(inner);
                scope.ops.addAll(inner.ops);
            }
            return;
        }
        var upper = end != null ? end : expression(scope, Dim.symbol("$0").plus(length), start);
        var from = start;
        long unroll = split.unroll();
        while (true) {
            long step = unroll * split.lanes();
            var whole = step == 1
                    ? upper
                    : expression(
                            scope,
                            Dim.symbol("$1").minus(Dim.symbol("$0")).floorDivide(step).times(step).plus(Dim.symbol("$0")),
                            from,
                            upper);
            dynamicLoop(scope, split, from, whole, step, unroll, unroll, null, body);
            from = whole;
            if (unroll == 1) {
                break;
            }
            unroll = split.lanes() > 1 ? 1 : nextSmaller(unroll);
        }
        if (split.lanes() > 1) {
            dynamicLoop(scope, split, from, upper, split.lanes(), 1, 0, upper, body);
        }
    }

    private static long nextSmaller(long unroll) {
        return Long.highestOneBit(unroll - 1);
    }

    private void loop(
            Scope scope,
            Split split,
            Value start,
            long points,
            long step,
            long unroll,
            long whole,
            Value limit,
            Continuation body) {
        if (points == 0) {
            return;
        }
        if (points == step) {
            var inner = new Scope(scope);
            inner.bind(split.axis(), new Scope.Position(start, unroll, split.lanes(), whole, limit));
            body.emit(inner);
            scope.ops.addAll(inner.ops);
            return;
        }
        var end = expression(scope, Dim.symbol("$0").plus(points), start);
        dynamicLoop(scope, split, start, end, step, unroll, whole, limit, body);
    }

    private void dynamicLoop(
            Scope scope,
            Split split,
            Value start,
            Value end,
            long step,
            long unroll,
            long whole,
            Value limit,
            Continuation body) {
        var counter = Value.of(Type.INDEX, split.axis());
        var inner = new Scope(scope);
        inner.bind(split.axis(), new Scope.Position(counter, unroll, split.lanes(), whole, limit));
        body.emit(inner);
        scope.ops.add(new TileOp.For(
                start,
                end,
                number(scope, Dim.of(step)),
                List.of(),
                TileOp.Bind.SERIAL,
                new Body(List.of(counter), terminated(inner.ops, List.of())),
                List.of()));
    }

    static List<Op> terminated(List<Op> ops, List<Value> values) {
        var all = new ArrayList<>(ops);
        all.add(new TileOp.Yield(values));
        return all;
    }

    /// All combinations of coordinates of the axes that have more than one here.
    static List<Map<String, Integer>> coordinates(Scope scope, Set<String> axes) {
        List<Map<String, Integer>> combinations = List.of(new TreeMap<>());
        for (var axis : axes) {
            long unroll = scope.position(axis).unroll();
            if (unroll == 1) {
                continue;
            }
            var next = new ArrayList<Map<String, Integer>>();
            for (var combination : combinations) {
                for (int coordinate = 0; coordinate < unroll; coordinate++) {
                    var extended = new TreeMap<>(combination);
                    extended.put(axis, coordinate);
                    next.add(extended);
                }
            }
            combinations = next;
        }
        return combinations;
    }
}
