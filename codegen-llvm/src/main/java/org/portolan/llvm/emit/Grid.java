package org.portolan.llvm.emit;

import java.util.function.Consumer;

/// What becomes of the loops that are bound to the grid.
interface Grid {

    /// Writes one of them; the body is given its index.
    void emit(Operand lower, Operand step, Consumer<Operand> body);
}
