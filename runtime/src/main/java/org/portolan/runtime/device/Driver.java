package org.portolan.runtime.device;

import java.util.List;

/// A service: one kind of device. Asking it costs little, and it never throws where the device or its vendor's
/// libraries are absent.
public interface Driver {

    /// The first part of its devices' names, for example {@code cpu}.
    String name();

    /// Whether its devices are the processor that this runs on, so that they can take what an accelerator leaves to the
    /// host.
    default boolean isHost() {
        return false;
    }

    /// What is there, emulated devices last.
    Listing list();

    /// Opens a device.
    ///
    /// @param ordinal as in the listing
    /// @throws org.portolan.runtime.PortolanException.DeviceMissing if there is none, saying what was looked for
    Device open(int ordinal, DeviceOptions options);

    /// The devices of a driver, best first.
    ///
    /// @param reason why there are none, or none but emulated ones, and what was looked for; empty otherwise
    record Listing(List<DeviceDescription> devices, String reason) {
        public Listing {
            devices = List.copyOf(devices);
        }
    }
}
