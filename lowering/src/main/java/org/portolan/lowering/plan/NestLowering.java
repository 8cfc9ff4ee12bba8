package org.portolan.lowering.plan;

import java.util.function.Predicate;
import org.portolan.ir.NestOp;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.LoweredKernel;

/// Turns nests into kernels for one machine. Called from several threads at once.
@FunctionalInterface
public interface NestLowering {

    /// A nest as a kernel.
    ///
    /// @param isConstant whether an input is known at compile time, so that the kernel may ask for it in a layout
    /// @throws org.portolan.lowering.CompileException if the machine cannot compute it; the message names the origin
    LoweredKernel lower(NestOp.Compute nest, String kernelName, Predicate<Value> isConstant);
}
