package org.portolan.runtime.selftest;

import java.util.Arrays;
import org.portolan.runtime.Tensor;

/// Compares what came out with what must, element by element: floating-point numbers within a tolerance, all others exactly.
final class TensorCheck {
    static final double LEAST = 1e-7;

    private TensorCheck() {}

    /// The first difference in words; empty where there is none.
    ///
    /// @param tolerance as in {@link Pack.Case}
    static String difference(String name, Tensor expected, Tensor found, double tolerance) {
        if (!expected.type().isFloat()) {
            return exactly(name, expected, found);
        }
        double largest = 0;
        for (long i = 0; i < expected.elements(); i++) {
            double value = Math.abs(expected.getDouble(i));
            largest = Double.isFinite(value) ? Math.max(largest, value) : largest;
        }
        return floats(name, expected, found, tolerance * largest, 0);
    }

    /// The same by the rule of ONNX's cases: each element within {@value #LEAST} and the tolerance times the expected one.
    static String elementwise(String name, Tensor expected, Tensor found, double tolerance) {
        return expected.type().isFloat() ? floats(name, expected, found, LEAST, tolerance) : exactly(name, expected, found);
    }

    private static boolean differsInKind(Tensor expected, Tensor found) {
        return expected.type() != found.type() || !Arrays.equals(expected.shape(), found.shape());
    }

    private static String floats(String name, Tensor expected, Tensor found, double absolute, double relative) {
        if (differsInKind(expected, found)) {
            return name + " is " + found + ", expected " + expected;
        }
        for (long i = 0; i < expected.elements(); i++) {
            double wanted = expected.getDouble(i);
            double got = found.getDouble(i);
            boolean same = Double.isFinite(wanted)
                    ? Math.abs(wanted - got) <= absolute + relative * Math.abs(wanted)
                    : Double.compare(wanted, got) == 0;
            if (!same) {
                return name + "[" + i + "] is " + got + ", expected " + wanted;
            }
        }
        return "";
    }

    private static String exactly(String name, Tensor expected, Tensor found) {
        if (differsInKind(expected, found)) {
            return name + " is " + found + ", expected " + expected;
        }
        for (long i = 0; i < expected.elements(); i++) {
            if (expected.getLong(i) != found.getLong(i)) {
                return name + "[" + i + "] is " + found.getLong(i) + ", expected " + expected.getLong(i);
            }
        }
        return "";
    }
}
