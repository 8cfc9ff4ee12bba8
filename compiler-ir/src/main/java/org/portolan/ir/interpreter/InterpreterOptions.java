package org.portolan.ir.interpreter;

import org.portolan.ir.IrException;

/// What a caller may want of an interpreter.
///
/// @param byteLimit how many bytes of tensors may be alive at a time, constants included; counted as they are held
///     here: four bytes for a float of at most 32 bits, eight for anything else
/// @param listener sees intermediate values
/// @param kernels executes calls of library kernels
public record InterpreterOptions(long byteLimit, InterpreterListener listener, KernelCalls kernels) {

    /// Up to 8 GiB, no listener, no kernels.
    public static InterpreterOptions defaults() {
        return new InterpreterOptions(8L << 30, InterpreterListener.NONE, (call, _) -> {
            throw new IrException("the interpreter was given no library kernels and cannot call " + call.kernel());
        });
    }

    public InterpreterOptions withByteLimit(long limit) {
        return new InterpreterOptions(limit, listener, kernels);
    }

    public InterpreterOptions withListener(InterpreterListener other) {
        return new InterpreterOptions(byteLimit, other, kernels);
    }

    public InterpreterOptions withKernels(KernelCalls other) {
        return new InterpreterOptions(byteLimit, listener, other);
    }
}
