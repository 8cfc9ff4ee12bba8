package org.portolan.cuda.emulator.run;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Bulk copies from shared to global memory that a warp's lanes have begun and not waited for.
final class BulkStores {
    private static final int PIECE = 16;

    private final List<Store> stores = new ArrayList<>();
    private final int[] committed = new int[Warp.LANES];

    private static final class Store {
        private final int lane;
        private int group = -1;
        private final List<Integer> places = new ArrayList<>();

        Store(int lane) {
            this.lane = lane;
        }
    }

    void clear() {
        stores.clear();
        Arrays.fill(committed, 0);
    }

    void begin(int lane) {
        stores.add(new Store(lane));
    }

    /// The copy begun last reads 16 bytes.
    void reads(int place) {
        stores.getLast().places.add(place);
    }

    void commit(int mask) {
        for (var store : stores) {
            if (store.group < 0 && (mask >>> store.lane & 1) != 0) {
                store.group = committed[store.lane];
            }
        }
        for (int left = mask; left != 0; left &= left - 1) {
            committed[Integer.numberOfTrailingZeros(left)]++;
        }
    }

    /// Lanes wait until at most so many of their groups are under way.
    void await(Warp warp, int mask, int groups) {
        stores.removeIf(store -> {
            boolean ended = (mask >>> store.lane & 1) != 0
                    && store.group >= 0
                    && store.group < committed[store.lane] - groups;
            if (ended && warp.block.clocks != null) {
                store.places.forEach(place -> warp.block.clocks.endRead(place, PIECE, warp, 1 << store.lane));
            }
            return ended;
        });
    }

    /// The warp leaves.
    void requireNone() {
        if (!stores.isEmpty()) {
            throw new Fault(
                    stores.getFirst().lane,
                    "leaves the kernel while a copy from shared memory is under way (cp.async.bulk.wait_group.read)");
        }
    }
}
