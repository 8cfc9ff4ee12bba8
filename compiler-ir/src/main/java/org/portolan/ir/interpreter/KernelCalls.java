package org.portolan.ir.interpreter;

import java.util.List;
import org.portolan.ir.GraphOp;

/// Executes calls of library kernels, which the interpreter knows only by name.
@FunctionalInterface
public interface KernelCalls {
    /// @return one array for each result of the call
    /// @throws org.portolan.ir.IrException if there is no such kernel
    List<NdArray> call(GraphOp.Call call, List<NdArray> arguments);
}
