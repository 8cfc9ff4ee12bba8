package org.portolan.runtime.selftest;

/// What came of a check.
///
/// @param problem in words; empty where there is none
/// @param error the largest one that was seen, NaN where nothing was measured: of a tensor, relative to its largest expected
///     number; by ONNX's rule, relative to the expected number itself after the 1e-7 that is always allowed
/// @param limit what the error may be
record Finding(String problem, double error, double limit) {
    /// Nothing was wrong, and nothing measured.
    static final Finding FINE = of("");

    static Finding of(String problem) {
        return new Finding(problem, Double.NaN, Double.NaN);
    }

    boolean isFine() {
        return problem.isEmpty();
    }

    /// The first that has a problem, with the larger of the errors.
    Finding and(Finding other) {
        boolean larger = Double.isNaN(error) || other.error / other.limit > error / limit;
        return new Finding(problem.isEmpty() ? other.problem : problem, larger ? other.error : error, larger ? other.limit : limit);
    }

    Finding during(String what) {
        return isFine() ? this : new Finding(what + ": " + problem, error, limit);
    }
}
