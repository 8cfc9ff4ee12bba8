package org.portolan.onnx.importer;

import org.portolan.runtime.type.Dim;

/// One element of a small tensor that is known while importing.
sealed interface Element {
    /// An integer or truth value; symbolic where it stems from the extents of an input.
    record Whole(Dim value) implements Element {}

    /// A floating-point number.
    record Real(double value) implements Element {}

    /// A floating-point number that is an extent times `numerator / denominator`, as exporters compute sizes.
    record Ratio(Dim extent, long numerator, long denominator) implements Element {}

    static Element of(long value) {
        return new Whole(Dim.of(value));
    }

    static Element of(boolean value) {
        return of(value ? 1 : 0);
    }
}
