package org.portolan.cuda.emulator.run;

import java.util.Arrays;
import java.util.Map;

/// Registers that hold the same number in all lanes and are never written.
///
/// @param words numbers by slot
/// @param longs numbers by slot
/// @param predicates bits by slot
public record Constants(Map<Integer, Integer> words, Map<Integer, Long> longs, Map<Integer, Integer> predicates) {
    void fill(Warp warp) {
        words.forEach((slot, value) -> Arrays.fill(warp.words, slot, slot + Warp.LANES, value));
        longs.forEach((slot, value) -> Arrays.fill(warp.longs, slot, slot + Warp.LANES, value));
        predicates.forEach((slot, value) -> warp.predicates[slot] = value);
    }
}
