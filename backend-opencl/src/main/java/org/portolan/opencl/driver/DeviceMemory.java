package org.portolan.opencl.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// How addresses become what OpenCL takes. Each function gives an error code of OpenCL.
sealed interface DeviceMemory permits HostMemory, BufferMemory {

    MemorySegment allocate(Arena arena, long bytes, long alignment);

    /// Sets two arguments of a kernel: the memory object, or pointer, and the bytes from its start.
    ///
    /// @param scratch of 8 bytes
    int setArgument(long kernel, int number, long address, MemorySegment scratch);

    /// Sets one argument to memory that begins where a memory object does.
    int setPlainArgument(long kernel, int number, long address, MemorySegment scratch);

    int copyIn(long queue, MemorySegment host, long device, long bytes);

    int copyOut(long queue, long device, MemorySegment host, long bytes);

    int copy(long queue, long from, long to, long bytes);
}
