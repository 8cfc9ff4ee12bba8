package org.portolan.runtime.device;

/// An ability of emulated devices: they fail when told to, so that what happens then can be tried. Found on a
/// {@link Device} with {@code instanceof}.
public interface Faults {

    /// From now on the device is {@linkplain DeviceHealth#LOST lost}: whatever it is given, and whoever waits for it, gets
    /// {@link org.portolan.runtime.PortolanException.DeviceLost}. Closing still works.
    void lose();
}
