package org.portolan.ir.pass;

import java.util.List;
import org.portolan.ir.Op;

/// Looks on while a pipeline runs.
public interface PassListener {

    /// Before the first pass.
    default void begin(List<Op> module) {}

    /// After a pass.
    ///
    /// @param position of the pass in the pipeline, from 0
    /// @param nanoseconds that the pass took
    default void after(Pass pass, int position, List<Op> module, long nanoseconds) {}
}
