package org.portolan.runtime.device;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// An opened device. Thread-safe. After {@link #close} the methods that work with it throw
/// {@link org.portolan.runtime.PortolanException.DeviceFailed}.
public interface Device extends AutoCloseable {

    DeviceDescription description();

    /// Allocates memory of the device; its contents are undefined. Where the device shares the host's memory this is
    /// an ordinary segment; elsewhere it has an address and no bytes that the host could touch. Nothing may use the memory
    /// when the arena is closed, which is before the device is.
    ///
    /// @param alignment a power of two, at most 4096
    /// @param bytes may be 0, which gives an address that must not be used
    /// @throws org.portolan.runtime.PortolanException.LimitExceeded if the device has not that much left, with the number
    MemorySegment allocate(Arena arena, long bytes, long alignment);

    /// Loads kernels.
    ///
    /// @param image the bytes of the image, as the backend's compiler made them; not needed after the call
    /// @throws org.portolan.runtime.PortolanException.DeviceFailed if the device refuses them
    /// @throws org.portolan.runtime.PortolanException.BadProgramFile if they are no image
    KernelImage load(MemorySegment image);

    /// Opens a queue.
    ///
    /// @param stop asked between pieces of work
    Queue openQueue(StopSignal stop);

    DeviceHealth health();

    /// Gives the device back; all queues and images must be closed before.
    @Override
    void close();
}
