package org.portolan.cpu.driver;

import java.util.List;
import org.portolan.runtime.PortolanException.DeviceMissing;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Driver;

/// The driver of the host processor: one device, {@code cpu:0}.
public final class CpuDriver implements Driver {
    /// The name of the driver.
    public static final String NAME = "cpu";

    private static final String OPERATING_SYSTEM = "Linux";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public boolean isHost() {
        return true;
    }

    @Override
    public Listing list() {
        var system = System.getProperty("os.name");
        if (!system.equals(OPERATING_SYSTEM)) {
            return new Listing(List.of(), "kernels for the processor run on Linux, and this is " + system);
        }
        return new Listing(List.of(description()), "");
    }

    private static DeviceDescription description() {
        var processor = HostProcessor.get();
        return new DeviceDescription(
                NAME, 0, processor.label(), false, true, processor.memoryBytes(), processor.features());
    }

    @Override
    public Device open(int ordinal, DeviceOptions options) {
        var listing = list();
        if (ordinal != 0 || listing.devices().isEmpty()) {
            throw new DeviceMissing("there is no device " + NAME + ":" + ordinal
                    + (listing.devices().isEmpty() ? "; " + listing.reason() : "; the processor is " + NAME + ":0"));
        }
        return new CpuDevice(listing.devices().getFirst(), options.threads());
    }
}
