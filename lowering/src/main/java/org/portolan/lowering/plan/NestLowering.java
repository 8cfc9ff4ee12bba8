package org.portolan.lowering.plan;

import java.util.function.Predicate;
import org.portolan.ir.NestOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.LoweredKernel;

/// Turns nests into kernels for one machine. Called from several threads at once.
public interface NestLowering {

    /// A nest as a kernel.
    ///
    /// @param isConstant whether an input is known at compile time, so that it costs nothing if the kernel asks for it in a layout
    /// @throws org.portolan.lowering.CompileException if the machine cannot compute it; the message names the origin
    LoweredKernel lower(NestOp.Compute nest, String kernelName, Predicate<Value> isConstant);

    /// A kernel that copies a tensor into a layout, in which another kernel asks for it.
    ///
    /// @param type the layout; its axes are those of the tensor, or fewer with the same elements in the same order
    /// @param result what the copy is called among the kernel's arguments
    LoweredKernel pack(Value tensor, Type.Buffer type, Value result, String kernelName);

    /// A kernel that a library brings, as this machine runs it.
    LoweredKernel library(LoweredKernel kernel);
}
