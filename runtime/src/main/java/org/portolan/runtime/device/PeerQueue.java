package org.portolan.runtime.device;

/// An ability of queues that copy from another device of their driver, past the host's memory where the two are connected.
/// Found on a {@link Queue} with {@code instanceof}.
public interface PeerQueue extends Queue {

    /// Whether this queue can copy from memory of that device.
    boolean reaches(Device other);

    /// Copies from another device to the queue's own. What the other device was to write there must be done, and the memory
    /// must stay until this copy is; copies of 0 bytes do nothing.
    ///
    /// @throws IllegalArgumentException if the queue does not reach that device
    /// @throws org.portolan.runtime.PortolanException.DeviceLost if one of the two is lost
    void copyFrom(Device other, long from, long to, long bytes);
}
