package org.portolan.runtime.selftest;

import java.util.Arrays;
import org.portolan.runtime.Tensor;

/// Compares what came out with what must: floating-point numbers within a tolerance, all others exactly.
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

    /// Some elements of a product of square matrices, computed here in f64.
    ///
    /// @return the first difference in words; empty where there is none
    static String product(Tensor a, Tensor b, Tensor found, double scale, double tolerance) {
        long n = a.extent(0);
        for (long sample = 0; sample < 32; sample++) {
            long row = sample * 7919 % n;
            long column = sample * 104_729 % n;
            double sum = 0;
            double size = 0;
            for (long k = 0; k < n; k++) {
                double term = a.getDouble(row * n + k) * b.getDouble(k * n + column);
                sum += term;
                size += term * term;
            }
            double got = found.getDouble(row * n + column);
            if (!(Math.abs(sum * scale - got) <= tolerance * Math.sqrt(size) * scale)) {
                return "element [" + row + ", " + column + "] is " + got + ", expected " + sum * scale;
            }
        }
        return "";
    }
}
