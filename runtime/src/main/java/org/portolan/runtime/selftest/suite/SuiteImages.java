package org.portolan.runtime.selftest.suite;

/// The kernels of the suite, compiled for a device.
///
/// @param kernels an image with {@code add}, {@code number}, {@code single}, {@code gather}, {@code slow}, {@code many} and
///     {@code extents}
/// @param others another image, whose {@code add} subtracts
public record SuiteImages(byte[] kernels, byte[] others) {
    /// How many buffers {@code many} adds up.
    public static final int BUFFERS = 20;

    /// How many extents {@code extents} writes.
    public static final int EXTENTS = 9;
}
