package org.portolan.runtime.device;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// An ability of devices that copy by themselves from and to memory of the host that is locked for them: copies of
/// other memory may keep the caller waiting. Found on a {@link Device} with {@code instanceof}.
public interface StagingMemory {

    /// Host memory for copies; its contents are undefined. It is freed with the arena, which is closed before the
    /// device.
    ///
    /// @param alignment a power of two, at most 4096
    /// @throws org.portolan.runtime.PortolanException.LimitExceeded if the host has not that much left
    MemorySegment allocateStaging(Arena arena, long bytes, long alignment);
}
