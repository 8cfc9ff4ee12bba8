package org.portolan.ir;

/// The associative operations that reductions, scans and scatters combine with.
public enum Combine {
    SUM,
    PRODUCT,
    /// Propagates NaN.
    MINIMUM,
    /// Propagates NaN.
    MAXIMUM,
    AND,
    OR,
    XOR
}
