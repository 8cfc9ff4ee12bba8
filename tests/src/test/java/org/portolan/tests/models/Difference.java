package org.portolan.tests.models;

import org.portolan.runtime.Tensor;

/// How far apart two tensors are.
///
/// @param largest the largest magnitude that was expected
/// @param absolute the largest distance of two elements; NaN where only one of them is a number
record Difference(double largest, double absolute) {
    static Difference between(Tensor expected, Tensor actual) {
        double largest = 0;
        double absolute = 0;
        for (long i = 0; i < expected.elements(); i++) {
            double want = expected.getDouble(i);
            double got = actual.getDouble(i);
            largest = Math.max(largest, Math.abs(want));
            if (Double.compare(want, got) != 0) {
                absolute = Math.max(absolute, Math.abs(want - got));
            }
        }
        return new Difference(largest, absolute);
    }

    /// NaN, and so within no tolerance, where `absolute` is.
    double relative() {
        return absolute / largest;
    }
}
