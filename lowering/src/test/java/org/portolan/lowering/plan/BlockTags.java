package org.portolan.lowering.plan;

import java.util.List;

/// A made-up arithmetic: the contents of each 64 bytes is one number, and a kernel's result is a number that follows from
/// its origin and all numbers that it reads.
final class BlockTags {
    private BlockTags() {}

    static long compute(String origin, List<List<Long>> inputs) {
        long hash = origin.hashCode() * 0x9E3779B97F4A7C15L + inputs.hashCode();
        hash ^= hash >>> 29;
        return hash * 0xBF58476D1CE4E5B9L >>> 8;
    }

    static boolean truth(List<Long> value) {
        return value.getFirst() % 3 != 0;
    }
}
