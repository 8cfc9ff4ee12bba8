package org.portolan.ir.interpreter;

import java.util.IdentityHashMap;
import java.util.List;
import org.portolan.ir.FragmentSpread;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.interpreter.TileProgram.Node;

/// Where the threads of a block meet: barriers, which all of them must reach, and exchanges.
///
/// @param kernel its name
record TileMeeting(String kernel) {

    /// Waits until all threads of the scope are here.
    ///
    /// @throws TileException if some of them are not
    void barrier(TileOp.Bind scope, List<TileThread> threads) {
        switch (scope) {
            case SERIAL, UNROLL, LANE -> {}
            case GRID -> throw new TileException("threads of different blocks cannot wait for each other");
            case WARP, BLOCK -> {
                var arrived = new IdentityHashMap<TileThread, Integer>();
                threads.forEach(thread -> arrived.merge(thread.scope(scope), 1, Integer::sum));
                arrived.forEach((all, count) -> {
                    if (count != all.leaves()) {
                        throw new TileException("a barrier of " + kernel + " is reached by " + count + " of "
                                + all.leaves() + " threads");
                    }
                });
                pass(scope, threads);
            }
        }
    }

    /// The threads that run an operation: of those of a warp, which hold its fragments together, one; and of those of a block
    /// one for what they copy together.
    static List<TileThread> running(TileOp op, List<TileThread> threads) {
        boolean shared = op instanceof TileOp.Copy copy && copy.to().buffer().space() == Type.Space.SHARED;
        if (threads.size() == 1 || !shared && !isCollective(op)) {
            return threads;
        }
        var scope = shared ? TileOp.Bind.BLOCK : TileOp.Bind.WARP;
        var first = new IdentityHashMap<TileThread, TileThread>();
        threads.forEach(thread -> first.putIfAbsent(thread.scope(scope), thread));
        return List.copyOf(first.values());
    }

    /// Gives all threads of a warp what the one that ran the operation has.
    static void share(TileOp op, Node node, List<TileThread> threads) {
        if (threads.size() == 1 || !isCollective(op)) {
            return;
        }
        var first = new IdentityHashMap<TileThread, TileThread>();
        for (var thread : threads) {
            var ran = first.putIfAbsent(thread.scope(TileOp.Bind.WARP), thread);
            for (int result : node.results()) {
                thread.values[result] = ran == null ? thread.values[result] : ran.values[result];
            }
        }
    }

    private static boolean isCollective(TileOp op) {
        return op instanceof TileOp.Call call && call.results().stream().anyMatch(TileMeeting::isFragment)
                || op instanceof TileOp.Load load && isFragment(load.result())
                || op instanceof TileOp.Store store && isFragment(store.value());
    }

    private static boolean isFragment(Value value) {
        return value.type() instanceof Type.Fragment;
    }

    /// Every thread gets what the one beside it has.
    void exchange(Node node, long distance, List<TileThread> threads) {
        var held = new IdentityHashMap<TileThread, Object>();
        for (var thread : threads) {
            held.put(thread, thread.values[node.operands()[0]]);
        }
        for (var thread : threads) {
            var partner = thread.sibling(thread.number() ^ distance);
            if (partner == null || !held.containsKey(partner)) {
                throw new TileException("thread " + thread.number() + " of " + kernel
                        + " exchanges with thread " + (thread.number() ^ distance) + ", which does not take part");
            }
            thread.values[node.results()[0]] = held.get(partner);
        }
    }

    /// All threads of a warp get the fragment that their parts make.
    void assemble(Node node, Value result, List<TileThread> threads) {
        var spread = spread(result);
        var whole = new IdentityHashMap<TileThread, Elements>();
        var arrived = new IdentityHashMap<TileThread, Integer>();
        if (node.operands().length != spread.registers()) {
            throw new TileException("a lane of " + kernel + " has " + node.operands().length + " parts of " + result
                    + ", which has " + spread.registers());
        }
        for (var thread : threads) {
            var warp = thread.scope(TileOp.Bind.WARP);
            var elements = whole.computeIfAbsent(
                    warp, _ -> Elements.allocate(result.type().elementType(), spread.lanes() * spread.registers()));
            for (int register = 0; register < spread.registers(); register++) {
                int place = spread.element(thread.number(), register);
                ((Elements) thread.values[node.operands()[register]]).copyTo(0, elements, place, 1);
            }
            arrived.merge(warp, 1, Integer::sum);
        }
        arrived.forEach((_, count) -> {
            if (count != spread.lanes()) {
                throw new TileException("a fragment of " + kernel + " is assembled by " + count + " of " + spread.lanes() + " lanes");
            }
        });
        for (var thread : threads) {
            thread.values[node.results()[0]] = whole.get(thread.scope(TileOp.Bind.WARP));
        }
    }

    static FragmentSpread spread(Value fragment) {
        return FragmentSpread.of((Type.Fragment) fragment.type())
                .orElseThrow(() -> new TileException("the lanes of " + fragment + " hold no equal parts of it"));
    }

    /// From here on, whoever passed comes after what the others of its scope did before.
    private static void pass(TileOp.Bind scope, List<TileThread> threads) {
        var block = 0L;
        var warp = 0L;
        for (var thread : threads) {
            block = Math.max(block, thread.blockBarriers);
            warp = Math.max(warp, thread.warpBarriers);
        }
        for (var thread : threads) {
            thread.blockBarriers = scope == TileOp.Bind.BLOCK ? block + 1 : thread.blockBarriers;
            thread.warpBarriers = warp + 1;
        }
    }
}
