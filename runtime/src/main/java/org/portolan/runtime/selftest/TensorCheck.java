package org.portolan.runtime.selftest;

import java.util.Arrays;
import org.portolan.runtime.Tensor;

/// Compares what came out with what must, element by element: floating-point numbers within a tolerance, all others exactly.
final class TensorCheck {
    private TensorCheck() {}

    /// The first difference in words; empty where there is none.
    ///
    /// @param tolerance as in {@link Pack.Case}
    static String difference(String name, Tensor expected, Tensor found, double tolerance) {
        if (expected.type() != found.type() || !Arrays.equals(expected.shape(), found.shape())) {
            return name + " is " + found + ", expected " + expected;
        }
        return expected.type().isFloat() ? floats(name, expected, found, tolerance) : integers(name, expected, found);
    }

    private static String floats(String name, Tensor expected, Tensor found, double tolerance) {
        double largest = 0;
        for (long i = 0; i < expected.elements(); i++) {
            double value = Math.abs(expected.getDouble(i));
            largest = Double.isFinite(value) ? Math.max(largest, value) : largest;
        }
        for (long i = 0; i < expected.elements(); i++) {
            double wanted = expected.getDouble(i);
            double got = found.getDouble(i);
            boolean same = Double.isFinite(wanted)
                    ? Math.abs(wanted - got) <= tolerance * largest
                    : Double.compare(wanted, got) == 0;
            if (!same) {
                return name + "[" + i + "] is " + got + ", expected " + wanted;
            }
        }
        return "";
    }

    private static String integers(String name, Tensor expected, Tensor found) {
        for (long i = 0; i < expected.elements(); i++) {
            if (expected.getLong(i) != found.getLong(i)) {
                return name + "[" + i + "] is " + found.getLong(i) + ", expected " + expected.getLong(i);
            }
        }
        return "";
    }
}
