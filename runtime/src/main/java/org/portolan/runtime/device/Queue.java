package org.portolan.runtime.device;

import java.lang.foreign.MemorySegment;

/// Work for a device, done in order. A queue is used by one thread at a time. Addresses are those of memory from
/// {@link Device#allocate}, or of host memory where the device shares it. After the stop signal has been raised a
/// queue may skip whatever it is given. Host segments are off the heap; copies of 0 bytes do nothing. After {@link #close}
/// all other methods throw {@link org.portolan.runtime.PortolanException.DeviceFailed}; where the device is lost, they throw
/// {@link org.portolan.runtime.PortolanException.DeviceLost}.
public interface Queue extends AutoCloseable {

    /// Copies the first {@code bytes} of a host segment to the device. The segment must stay as it is until the work
    /// is done.
    void copyIn(MemorySegment host, long device, long bytes);

    /// Copies to the start of a host segment; the bytes are there once an event recorded afterwards is done.
    void copyOut(long device, MemorySegment host, long bytes);

    /// Copies between two places on the device that do not overlap.
    void copy(long from, long to, long bytes);

    /// Starts a kernel, once for each point of the grid; a grid whose product is 0 starts nothing.
    ///
    /// @param parameters 64-bit words: the addresses of the buffers, then the extents; read before this returns
    /// @param words how many of them
    /// @param grid extents, outermost first; none is one point; read before this returns
    /// @param cost estimated nanoseconds of one core for the whole grid; 0 where unknown
    void launch(Kernel kernel, MemorySegment parameters, int words, long[] grid, long cost);

    /// A point after all work given so far.
    Event record();

    /// Waits for all work, returns the first error that a kernel has reported since the last call, and forgets it.
    ///
    /// @return 0, or the {@linkplain KernelError error word}
    long takeError();

    /// Ends the queue; no work may be under way.
    @Override
    void close();
}
