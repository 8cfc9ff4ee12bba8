package org.portolan.onnx.reader;

import java.util.Arrays;
import java.util.List;

/// A growing list of long values without boxes.
final class LongValues {
    private long[] values = new long[8];
    private int size;

    void add(long value) {
        if (size == values.length) {
            values = Arrays.copyOf(values, Math.multiplyExact(size, 2));
        }
        values[size++] = value;
    }

    int size() {
        return size;
    }

    long get(int index) {
        return values[index];
    }

    List<Long> boxed() {
        return Arrays.stream(values, 0, size).boxed().toList();
    }
}
