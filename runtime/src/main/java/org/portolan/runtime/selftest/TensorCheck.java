package org.portolan.runtime.selftest;

import java.util.Arrays;
import org.portolan.runtime.Tensor;

/// Compares what came out with what must, element by element: floating-point numbers within a tolerance, all others exactly.
final class TensorCheck {
    static final double LEAST = 1e-7;

    private TensorCheck() {}

    /// Each element within the tolerance times the largest expected one.
    ///
    /// @param tolerance as in {@link Pack.Case}
    static Finding difference(String name, Tensor expected, Tensor found, double tolerance) {
        if (!expected.type().isFloat()) {
            return exactly(name, expected, found);
        }
        double largest = 0;
        for (long i = 0; i < expected.elements(); i++) {
            double value = Math.abs(expected.getDouble(i));
            largest = Double.isFinite(value) ? Math.max(largest, value) : largest;
        }
        return floats(name, expected, found, tolerance, 0, largest);
    }

    /// The same by the rule of ONNX's cases: each element within {@value #LEAST} and the tolerance times the expected one.
    static Finding elementwise(String name, Tensor expected, Tensor found, double tolerance) {
        return expected.type().isFloat()
                ? floats(name, expected, found, tolerance, LEAST, 0)
                : exactly(name, expected, found);
    }

    private static boolean differsInKind(Tensor expected, Tensor found) {
        return expected.type() != found.type() || !Arrays.equals(expected.shape(), found.shape());
    }

    /// @param free how much any element may differ
    /// @param scale what differences are divided by; 0: by the expected element
    private static Finding floats(
            String name, Tensor expected, Tensor found, double tolerance, double free, double scale) {
        if (differsInKind(expected, found)) {
            return Finding.of(name + " is " + found + ", expected " + expected);
        }
        double error = 0;
        for (long i = 0; i < expected.elements(); i++) {
            double wanted = expected.getDouble(i);
            double got = found.getDouble(i);
            double part = 0;
            if (!Double.isFinite(wanted) || !Double.isFinite(got)) {
                part = Double.compare(wanted, got) == 0 ? 0 : Double.POSITIVE_INFINITY;
            } else if (Math.abs(wanted - got) > free) {
                part = (Math.abs(wanted - got) - free) / (scale == 0 ? Math.abs(wanted) : scale);
            }
            error = Math.max(error, part);
            if (!(part <= tolerance)) {
                return new Finding(name + "[" + i + "] is " + got + ", expected " + wanted, part, tolerance);
            }
        }
        return new Finding("", error, tolerance);
    }

    private static Finding exactly(String name, Tensor expected, Tensor found) {
        if (differsInKind(expected, found)) {
            return Finding.of(name + " is " + found + ", expected " + expected);
        }
        for (long i = 0; i < expected.elements(); i++) {
            if (expected.getLong(i) != found.getLong(i)) {
                return Finding.of(name + "[" + i + "] is " + found.getLong(i) + ", expected " + expected.getLong(i));
            }
        }
        return Finding.FINE;
    }
}
