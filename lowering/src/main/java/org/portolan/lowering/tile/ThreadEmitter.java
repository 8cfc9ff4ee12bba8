package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.Body;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Relation;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.Schedule.Split;
import org.portolan.runtime.type.Dim;

/// Writes the loop over the threads of a block, and how those of a team combine what each of them has.
class ThreadEmitter extends LoopEmitter {
    final Schedule schedule;
    /// How many neighbouring threads can exchange what they have; 1 if none can.
    final long warp;
    /// The body of the innermost grid loop, where memory that the threads share is allocated.
    private Scope around;
    /// The body of the loop over threads.
    private Scope withinThread;
    /// The number of the thread in its block, that of the thread in its team, and that of the team.
    Value thread;
    /// The number of the warp, where there is a loop over them.
    Value warpNumber;
    Value member;
    private Value team;
    /// Where the block, and within it the thread, begins on each common axis that threads divide.
    final Map<String, Value> blockStarts = new HashMap<>();
    final Map<String, Value> threadStarts = new HashMap<>();

    ThreadEmitter(NestAnalysis analysis, Schedule schedule, Map<Value, Value> buffers, MachineOp.Chip machine) {
        super(analysis, buffers, machine.vectors() == MachineOp.Vectors.THREAD);
        this.schedule = schedule;
        this.warp = Math.max(1, machine.warp());
    }

    /// The loop over the threads of a block; what has an effect stands in it.
    void threadLoop(Scope scope, Continuation body) {
        long threads = schedule.threads();
        long members = schedule.block().orElseThrow().team();
        boolean neighbours = schedule.block().orElseThrow().neighbours();
        around = scope;
        if (schedule.block().orElseThrow().warps().isPresent()) {
            warpLoop(scope, threads, members, neighbours, body);
            return;
        }
        thread = Value.of(Type.INDEX, "thread");
        var inner = new Scope(scope);
        placeInTeam(inner, threads, members, neighbours);
        withinThread = inner;
        body.emit(inner);
        scope.ops.add(new TileOp.For(
                number(scope, Dim.ZERO),
                number(scope, Dim.of(threads)),
                number(scope, Dim.ONE),
                List.of(),
                TileOp.Bind.LANE,
                new Body(List.of(thread), terminated(inner.ops, List.of())),
                List.of()));
    }

    private void placeInTeam(Scope scope, long threads, long members, boolean neighbours) {
        var own = Dim.symbol("$0");
        long teams = threads / members;
        member = expression(scope, neighbours ? own.modulo(members) : own.floorDivide(teams), thread);
        team = expression(scope, neighbours ? own.floorDivide(members) : own.modulo(teams), thread);
    }

    /// A loop over warps around one over the lanes of each: what fragments do in there, the lanes of a warp do together.
    private void warpLoop(Scope scope, long threads, long members, boolean neighbours, Continuation body) {
        warpNumber = Value.of(Type.INDEX, "warp");
        var lane = Value.of(Type.INDEX, "lane");
        var inner = new Scope(scope);
        thread = expression(inner, Dim.symbol("$0").times(warp).plus(Dim.symbol("$1")), warpNumber, lane);
        placeInTeam(inner, threads, members, neighbours);
        withinThread = inner;
        body.emit(inner);
        var lanes = new TileOp.For(
                number(scope, Dim.ZERO),
                number(scope, Dim.of(warp)),
                number(scope, Dim.ONE),
                List.of(),
                TileOp.Bind.LANE,
                new Body(List.of(lane), terminated(inner.ops, List.of())),
                List.of());
        scope.ops.add(new TileOp.For(
                number(scope, Dim.ZERO),
                number(scope, Dim.of(threads / warp)),
                number(scope, Dim.ONE),
                List.of(),
                TileOp.Bind.WARP,
                new Body(List.of(warpNumber), terminated(List.of(lanes), List.of())),
                List.of()));
    }

    /// Binds a common axis to what one thread computes of a block of it that starts as given.
    void bindThreads(Scope scope, Split split, Value start) {
        long inside = 1;
        for (var other : schedule.common().reversed()) {
            if (other.equals(split)) {
                break;
            }
            inside *= other.threads();
        }
        var own = Dim.symbol("$0").floorDivide(inside).modulo(split.threads()).times(split.each());
        var local = expression(scope, split.threads() == 1 ? Dim.ZERO : own, team);
        blockStarts.put(split.axis(), start);
        threadStarts.put(split.axis(), local);
        var base = split.threads() == 1
                ? start
                : expression(scope, Dim.symbol("$0").plus(Dim.symbol("$1")), start, local);
        var extent = analysis.extent(split.axis());
        bindWhole(scope, split, base, extent.modulo(split.tile()).isConstant(0) ? null : extent);
    }

    /// Binds an inner axis to all that one thread of a team computes of it.
    void bindRow(Scope scope, Split split) {
        var extent = analysis.extent(split.axis());
        var whole = extent.constant().orElseThrow() % split.stride() == 0;
        var base = memberBase(scope, split, number(scope, Dim.ZERO));
        long coordinates = extent.constant().orElseThrow() / split.stride();
        scope.bind(
                split.axis(),
                new Scope.Position(
                        base, split.unroll(), split.lanes(), split.stride(), coordinates,
                        whole ? null : number(scope, extent)));
    }

    private void bindWhole(Scope scope, Split split, Value base, Dim limit) {
        scope.bind(
                split.axis(),
                new Scope.Position(
                        base,
                        split.unroll(),
                        split.lanes(),
                        split.apart(),
                        limit == null ? split.unroll() : 0,
                        limit == null ? null : number(scope, limit)));
    }

    /// Where a thread of a team begins in a tile that starts as given.
    Value memberBase(Scope scope, Split split, Value start) {
        return split.threads() == 1
                ? start
                : expression(
                        scope,
                        Dim.symbol("$0").plus(Dim.symbol("$1").times(split.lanes())),
                        start,
                        member);
    }

    /// True in one thread of each team.
    Value isFirstMember(Scope scope) {
        return withinThread.helper(
                "first member",
                () -> compare(withinThread, member, Relation.EQUAL, number(scope, Dim.ZERO)));
    }

    /// Loops over an inner axis that the threads of a team divide: all of them run every round.
    void teamTiles(Scope scope, Split split, Dim extent, Continuation body) {
        long tile = split.tile();
        var whole = extent.floorDivide(tile).times(tile);
        if (!whole.isConstant(0)) {
            teamLoop(scope, split, Dim.ZERO, whole, tile, split.unroll(), null, body);
        }
        if (!extent.modulo(tile).isConstant(0)) {
            boolean masked = !extent.modulo(split.stride()).isConstant(0);
            teamLoop(scope, split, whole, extent, split.stride(), 1, masked ? extent : null, body);
        }
    }

    private void teamLoop(
            Scope scope, Split split, Dim from, Dim to, long step, long unroll, Dim limit, Continuation body) {
        var counter = Value.of(Type.INDEX, split.axis());
        var inner = new Scope(scope);
        inner.bind(split.axis(), teamPosition(inner, split, counter, unroll, limit));
        body.emit(inner);
        scope.ops.add(new TileOp.For(
                number(scope, from),
                number(scope, to),
                number(scope, Dim.of(step)),
                List.of(),
                TileOp.Bind.SERIAL,
                new Body(List.of(counter), terminated(inner.ops, List.of())),
                List.of()));
    }

    /// What one thread computes of the tile of a team that starts as given.
    Scope.Position teamPosition(Scope scope, Split split, Value start, long unroll, Dim limit) {
        return new Scope.Position(
                memberBase(scope, split, start),
                unroll,
                split.lanes(),
                split.stride(),
                limit == null ? unroll : 0,
                limit == null ? null : number(scope, limit));
    }

    /// Combines what the threads of each team have, so that all of them have the same in the end: neighbours at distances
    /// 1, 2, 4 .. within a warp by exchanging, farther ones through shared memory.
    ///
    /// @param totals the accumulators of the reduction at several points; scalars where neighbours make a team
    List<List<Value>> acrossTeam(Scope scope, Reduction reduction, List<List<Value>> totals) {
        long members = schedule.block().orElseThrow().team();
        long near = schedule.block().orElseThrow().neighbours() ? Math.min(warp, members) : 1;
        var current = totals;
        for (long distance = 1; distance < near; distance *= 2) {
            current = exchanged(scope, reduction, current, distance);
        }
        long groups = members / near;
        if (groups == 1) {
            return current;
        }
        return groups <= near
                ? acrossWarps(scope, reduction, current, near, groups)
                : byHalves(scope, reduction, current, near, members);
    }

    private List<List<Value>> exchanged(Scope scope, Reduction reduction, List<List<Value>> totals, long distance) {
        var combined = new ArrayList<List<Value>>();
        for (var accumulators : totals) {
            var others = new ArrayList<Value>();
            for (var accumulator : accumulators) {
                var other = accumulator.copy();
                scope.ops.add(new TileOp.Exchange(accumulator, distance, other));
                others.add(other);
            }
            combined.add(combine(scope, reduction, accumulators, others));
        }
        return combined;
    }

    /// One thread of each warp writes what the warp has; then each warp exchanges what all of them wrote.
    private List<List<Value>> acrossWarps(
            Scope scope, Reduction reduction, List<List<Value>> totals, long near, long groups) {
        var group = expression(scope, Dim.symbol("$0").floorDivide(near), thread);
        var writes = compare(
                scope, expression(scope, Dim.symbol("$0").modulo(near), thread), Relation.EQUAL, number(scope, Dim.ZERO));
        long all = schedule.threads() / near;
        var copies = shared(totals, all);
        storeAll(scope, totals, copies, group, writes);
        scope.ops.add(new TileOp.Barrier(TileOp.Bind.BLOCK));
        // The team's first warp, and the thread's place in its own.
        var from = expression(
                scope,
                Dim.symbol("$0").floorDivide(near * groups).times(groups).plus(Dim.symbol("$0").modulo(groups)),
                thread);
        var current = loadAll(scope, totals, copies, from);
        for (long distance = 1; distance < groups; distance *= 2) {
            current = exchanged(scope, reduction, current, distance);
        }
        return current;
    }

    /// Every thread writes what it has and reads what its partner wrote, in rounds.
    private List<List<Value>> byHalves(
            Scope scope, Reduction reduction, List<List<Value>> totals, long near, long members) {
        var copies = shared(totals, schedule.threads());
        long teams = schedule.threads() / members;
        boolean neighbours = schedule.block().orElseThrow().neighbours();
        var current = totals;
        for (long distance = near; distance < members; distance *= 2) {
            if (distance > near) {
                scope.ops.add(new TileOp.Barrier(TileOp.Bind.BLOCK));
            }
            storeAll(scope, current, copies, thread, null);
            scope.ops.add(new TileOp.Barrier(TileOp.Bind.BLOCK));
            long apart = neighbours ? distance : distance * teams;
            var bit = Dim.symbol("$0").floorDivide(apart).modulo(2);
            var partner = expression(
                    scope, Dim.symbol("$0").plus(apart).minus(bit.times(2 * apart)), thread);
            var others = loadAll(scope, totals, copies, partner);
            var combined = new ArrayList<List<Value>>();
            for (int i = 0; i < current.size(); i++) {
                combined.add(combine(scope, reduction, current.get(i), others.get(i)));
            }
            current = combined;
        }
        return current;
    }

    private List<List<Value>> shared(List<List<Value>> totals, long elements) {
        return totals.stream()
                .map(accumulators -> accumulators.stream()
                        .map(accumulator -> sharedBuffer(
                                accumulator,
                                List.of(Dim.of(elements * accumulator.type().laneCount()))))
                        .toList())
                .toList();
    }

    /// Memory of the block for elements like a value.
    Value sharedBuffer(Value like, List<Dim> dims) {
        return sharedBuffer(like, new Type.Buffer(like.type().elementType(), dims, Type.Space.SHARED));
    }

    Value sharedBuffer(Value like, Type.Buffer type) {
        var buffer = Value.of(type, like.hint() + "_shared");
        around.ops.add(new TileOp.Alloc(buffer));
        return buffer;
    }

    /// A queue of buffers of the block.
    Value sharedRing(Value like, Type.Ring type, boolean signals) {
        var ring = Value.of(type, like.hint() + "_ring");
        around.ops.add(new TileOp.Ring(type.depth(), signals, ring));
        return ring;
    }

    private void storeAll(
            Scope scope, List<List<Value>> totals, List<List<Value>> copies, Value index, Value mask) {
        for (int i = 0; i < totals.size(); i++) {
            for (int j = 0; j < totals.get(i).size(); j++) {
                var total = totals.get(i).get(j);
                var place = expression(scope, Dim.symbol("$0").times(total.type().laneCount()), index);
                storeWhere(scope, mask, total, copies.get(i).get(j), List.of(place));
            }
        }
    }

    private List<List<Value>> loadAll(
            Scope scope, List<List<Value>> like, List<List<Value>> copies, Value index) {
        var loaded = new ArrayList<List<Value>>();
        for (int i = 0; i < like.size(); i++) {
            var values = new ArrayList<Value>();
            for (int j = 0; j < like.get(i).size(); j++) {
                var value = like.get(i).get(j).copy();
                var place = expression(scope, Dim.symbol("$0").times(value.type().laneCount()), index);
                scope.ops.add(new TileOp.Load(
                        copies.get(i).get(j), List.of(place), Optional.empty(), Optional.empty(), value));
                values.add(value);
            }
            loaded.add(values);
        }
        return loaded;
    }
}
