package org.portolan.runtime.device;

/// A loaded kernel; valid until its image is closed. Each device has its own kind.
public interface Kernel {
    /// The name in the image.
    String name();
}
