package org.portolan.onnx.conformance;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;

/// When an output counts as equal: types and shapes are the same, and each element differs from the expected one by at
/// most `absolute + relative * |expected|`; NaN equals NaN.
public record Comparison(double relative, double absolute) {
    /// The rule of ONNX's own test runner.
    public static final Comparison ONNX = new Comparison(1e-3, 1e-7);

    /// The first difference in words, or empty.
    public Optional<String> difference(Map<String, Tensor> expected, Map<String, Tensor> actual) {
        for (var entry : expected.entrySet()) {
            var found = actual.get(entry.getKey());
            var difference = found == null
                    ? Optional.of("is missing; given are " + actual.keySet())
                    : difference(entry.getValue(), found);
            if (difference.isPresent()) {
                return difference.map(text -> "output '%s' %s".formatted(entry.getKey(), text));
            }
        }
        return Optional.empty();
    }

    /// The first difference in words, or empty.
    public Optional<String> difference(Tensor expected, Tensor actual) {
        if (expected.type() != actual.type() || !Arrays.equals(expected.shape(), actual.shape())) {
            return Optional.of("is %s%s, expected %s%s"
                    .formatted(
                            actual.type(),
                            Arrays.toString(actual.shape()),
                            expected.type(),
                            Arrays.toString(expected.shape())));
        }
        if (expected.type() == ElementType.STRING) {
            return expected.strings().equals(actual.strings())
                    ? Optional.empty()
                    : Optional.of("is %s, expected %s".formatted(actual.strings(), expected.strings()));
        }
        for (long i = 0; i < expected.elements(); i++) {
            double want = expected.getDouble(i);
            double got = actual.getDouble(i);
            if (!equal(want, got)) {
                return Optional.of("differs at element %d: %s, expected %s".formatted(i, got, want));
            }
        }
        return Optional.empty();
    }

    private boolean equal(double want, double got) {
        return want == got
                || Double.isNaN(want) && Double.isNaN(got)
                || Math.abs(want - got) <= absolute + relative * Math.abs(want) && !Double.isInfinite(want);
    }
}
