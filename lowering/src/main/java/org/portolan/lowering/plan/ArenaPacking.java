package org.portolan.lowering.plan;

import java.util.ArrayList;
import java.util.List;

/// Places for ranges that live from one point in time to another, both included; ranges that live at the same time do not
/// overlap.
final class ArenaPacking {
    private record Range(long offset, long size, int first, int last) {}

    /// Sorted by offset.
    private final List<Range> ranges = new ArrayList<>();
    private long end;

    /// The offset in the smallest gap that holds the range, else behind everything that lives at the same time.
    long place(long size, int first, int last) {
        long bestOffset = -1;
        long bestGap = Long.MAX_VALUE;
        long free = 0;
        for (var range : ranges) {
            if (range.first() > last || range.last() < first) {
                continue;
            }
            long gap = range.offset() - free;
            if (gap >= size && gap < bestGap) {
                bestGap = gap;
                bestOffset = free;
            }
            free = Math.max(free, range.offset() + range.size());
        }
        long offset = bestOffset >= 0 ? bestOffset : free;
        insert(new Range(offset, size, first, last));
        end = Math.max(end, offset + size);
        return offset;
    }

    private void insert(Range range) {
        int low = 0;
        int high = ranges.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (ranges.get(middle).offset() <= range.offset()) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        ranges.add(low, range);
    }

    /// The size of all that was placed.
    long end() {
        return end;
    }
}
