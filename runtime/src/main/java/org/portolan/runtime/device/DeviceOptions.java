package org.portolan.runtime.device;

/// How to open a device.
///
/// @param threads host threads that work on one kernel, the caller's included; for devices that are the host
public record DeviceOptions(int threads) {
    public DeviceOptions {
        if (threads < 1) {
            throw new IllegalArgumentException("a device needs at least one thread, not " + threads);
        }
    }

    /// As many threads as the process has processors.
    public static DeviceOptions defaults() {
        return new DeviceOptions(Runtime.getRuntime().availableProcessors());
    }
}
