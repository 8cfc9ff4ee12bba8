package org.example.abacus.driver;

import java.util.List;
import java.util.Set;
import org.portolan.runtime.PortolanException.DeviceMissing;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Driver;

/// One device, `abacus:0`. It is emulated, and says so wherever it appears.
public final class AbacusDriver implements Driver {
    private static final DeviceDescription DEVICE = new DeviceDescription(
            "abacus", 0, "an abacus of wood", true, true, Runtime.getRuntime().maxMemory(), Set.of());

    @Override
    public String name() {
        return "abacus";
    }

    @Override
    public Listing list() {
        return new Listing(List.of(DEVICE), "");
    }

    @Override
    public Device open(int ordinal, DeviceOptions options) {
        if (ordinal != 0) throw new DeviceMissing("there is no device abacus:" + ordinal + "; the only one is abacus:0");
        return new AbacusDevice(DEVICE);
    }
}
