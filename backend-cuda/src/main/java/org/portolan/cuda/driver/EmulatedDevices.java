package org.portolan.cuda.driver;

import java.util.List;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;

/// A service inside this module: devices that are no hardware. The driver lists them after the real ones. Asking for the
/// list costs little and throws nothing, whatever is absent.
public interface EmulatedDevices {

    /// What can be emulated here, the default first.
    ///
    /// @param first the ordinal of the first of them
    List<DeviceDescription> list(int first);

    /// Opens one.
    ///
    /// @param description one of the list
    Device open(DeviceDescription description, DeviceOptions options);
}
