package org.portolan.runtime.device;

/// Whether a device still works.
public enum DeviceHealth {
    WORKING,
    /// Nothing but a new process helps.
    LOST
}
