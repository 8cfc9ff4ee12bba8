package org.portolan.ir.interpreter;

import org.portolan.ir.Op;
import org.portolan.ir.Value;

/// Sees every intermediate tensor of a run, in order of execution; in loops, once for each round.
@FunctionalInterface
public interface InterpreterListener {
    InterpreterListener NONE = (_, _, _) -> {};

    /// @param op the operation that computed it
    /// @param value one of its results; the hint is its name in the model
    void computed(Op op, Value value, NdArray array);
}
