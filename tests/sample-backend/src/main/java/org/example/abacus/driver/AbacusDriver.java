package org.example.abacus.driver;

import java.util.List;
import java.util.Set;
import org.portolan.runtime.PortolanException.DeviceMissing;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Driver;

/// Two devices: `abacus:0` works in the host's memory, `abacus:1` has memory of its own. Neither stands for hardware that is
/// not there, so neither is emulated.
public final class AbacusDriver implements Driver {
    private static final List<DeviceDescription> DEVICES = List.of(
            new DeviceDescription(
                    "abacus", 0, "an abacus of wood", false, true, Runtime.getRuntime().maxMemory(), Set.of()),
            new DeviceDescription(
                    "abacus", 1, "an abacus in another room", false, false, Runtime.getRuntime().maxMemory(), Set.of()));

    @Override
    public String name() {
        return "abacus";
    }

    @Override
    public Listing list() {
        return new Listing(DEVICES, "");
    }

    @Override
    public Device open(int ordinal, DeviceOptions options) {
        if (ordinal < 0 || ordinal >= DEVICES.size()) {
            throw new DeviceMissing("there is no device abacus:" + ordinal + "; there are abacus:0 and abacus:1");
        }
        return new AbacusDevice(DEVICES.get(ordinal));
    }
}
