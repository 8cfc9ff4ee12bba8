package org.portolan.ir;

import org.portolan.runtime.type.Dim;

/// A named index that runs from 0 to its extent: {@code i:seq}.
public record Axis(String name, Dim extent) {
    /// The axis as an index expression.
    public Dim index() {
        return Dim.symbol(name);
    }

    @Override
    public String toString() {
        return name + ":" + extent;
    }
}
