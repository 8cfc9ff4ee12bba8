package org.portolan.runtime.data;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Brings column-major data into row-major order.
final class AxisOrder {
    private AxisOrder() {}

    static MemorySegment reverse(MemorySegment columnMajor, long[] shape, long itemBytes) {
        var rowMajor = Arena.ofAuto().allocate(columnMajor.byteSize(), 64);
        long items = columnMajor.byteSize() / Math.max(1, itemBytes);
        var index = new long[shape.length];
        for (long item = 0; item < items; item++) {
            long from = 0;
            for (int axis = shape.length - 1; axis >= 0; axis--) {
                from = from * shape[axis] + index[axis];
            }
            MemorySegment.copy(columnMajor, from * itemBytes, rowMajor, item * itemBytes, itemBytes);
            for (int axis = shape.length - 1; axis >= 0 && ++index[axis] == shape[axis]; axis--) {
                index[axis] = 0;
            }
        }
        return rowMajor;
    }
}
