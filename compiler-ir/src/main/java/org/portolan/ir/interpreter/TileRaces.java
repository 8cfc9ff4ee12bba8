package org.portolan.ir.interpreter;

import java.util.HashMap;
import java.util.Map;
import org.portolan.ir.TileOp.Bind;

/// Finds accesses to memory shared by threads that no barrier puts in order, though the interpreter happens to have
/// one: two threads touch an element, at least one stores, and no barrier that holds both lies between. Atomic updates,
/// copies and the slots of rings, which all threads fill together, are not looked at; nor are fragments.
final class TileRaces {
    /// Who touched an element last: one thread, or several of one warp, or of several warps ({@code null}); and how
    /// many barriers they had passed.
    private record Touch(TileThread thread, TileThread warp, long blockBarriers, long warpBarriers) {
        static Touch of(TileThread thread) {
            return new Touch(thread, thread.scope(Bind.WARP), thread.blockBarriers, thread.warpBarriers);
        }

        boolean isBefore(TileThread other) {
            return thread == other
                    || other.blockBarriers > blockBarriers
                    || warp != null && warp == other.scope(Bind.WARP) && other.warpBarriers > warpBarriers;
        }

        /// This touch and one more that it does not come before.
        Touch and(Touch other) {
            if (other.blockBarriers > blockBarriers) {
                return other;
            }
            return new Touch(
                    thread == other.thread ? thread : null,
                    warp == other.warp ? warp : null,
                    blockBarriers,
                    Math.max(warpBarriers, other.warpBarriers));
        }
    }

    private final Map<Integer, Touch> stores = new HashMap<>();
    private final Map<Integer, Touch> loads = new HashMap<>();

    /// @throws TileException if another thread may still store
    void load(int place, TileThread thread, String memory) {
        var store = stores.get(place);
        if (store != null && !store.isBefore(thread)) {
            throw race(place, memory, "loads what another stores");
        }
        loads.merge(place, Touch.of(thread), Touch::and);
    }

    /// @throws TileException if another thread may still load or store
    void store(int place, TileThread thread, String memory) {
        var store = stores.get(place);
        var load = loads.get(place);
        if (store != null && !store.isBefore(thread)) {
            throw race(place, memory, "stores where another stores");
        }
        if (load != null && !load.isBefore(thread)) {
            throw race(place, memory, "stores what another loads");
        }
        stores.put(place, Touch.of(thread));
        loads.remove(place);
    }

    private static TileException race(int place, String memory, String what) {
        return new TileException("a thread " + what + " at element " + place + " of " + memory
                + ", and no barrier stands between them");
    }
}
