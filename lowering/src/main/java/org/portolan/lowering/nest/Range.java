package org.portolan.lowering.nest;

import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;

/// The least and the largest of some integers.
record Range(long least, long most) {
    static Range of(Tensor tensor) {
        long least = tensor.elements() == 0 ? 0 : Long.MAX_VALUE;
        long most = tensor.elements() == 0 ? 0 : Long.MIN_VALUE;
        for (long i = 0; i < tensor.elements(); i++) {
            long number = tensor.getLong(i);
            least = Math.min(least, number);
            most = Math.max(most, number);
        }
        return new Range(least, most);
    }

    /// All numbers of a type, as far as 64 bits with a sign hold them.
    static Range of(ElementType type) {
        if (type.bits() == Long.SIZE) return new Range(type.isSigned() ? Long.MIN_VALUE : 0, Long.MAX_VALUE);
        long count = 1L << type.bits();
        return type.isSigned() ? new Range(-count / 2, count / 2 - 1) : new Range(0, count - 1);
    }

    long magnitude() {
        return Math.max(Math.abs(least), Math.abs(most));
    }

    Range plus(long shift) {
        return new Range(least + shift, most + shift);
    }

    Range minus(Range other) {
        return new Range(least - other.most, most - other.least);
    }

    boolean fits(ElementType type) {
        var all = of(type);
        return least >= all.least && most <= all.most;
    }
}
