package org.portolan.cpu.driver;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.portolan.runtime.device.Kernel;

/// A function {@code void kernel(int64_t* parameters, int64_t begin, int64_t end, int64_t* error)}: it does the part
/// from {@code begin} to {@code end} of the linearised grid.
///
/// @param address of the function
record CpuKernel(String name, MemorySegment address) implements Kernel {
    /// One handle for all kernels, so that the JIT compiler sees a constant; the address is its first argument.
    private static final MethodHandle CALL = Linker.nativeLinker()
            .downcallHandle(FunctionDescriptor.ofVoid(
                    ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));

    void call(long parameters, long begin, long end, long error) {
        try {
            CALL.invokeExact(address, parameters, begin, end, error);
        } catch (Throwable e) {
            throw new IllegalStateException("the call of kernel " + name + " failed", e);
        }
    }
}
