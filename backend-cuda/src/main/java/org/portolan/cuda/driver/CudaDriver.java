package org.portolan.cuda.driver;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.portolan.runtime.PortolanException.DeviceMissing;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Driver;

/// The driver of NVIDIA GPUs: {@code cuda:0} and further ones, then {@code cuda:emulated}.
public final class CudaDriver implements Driver {
    /// The name of the driver.
    public static final String NAME = "cuda";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Listing list() {
        var devices = new ArrayList<DeviceDescription>();
        emulated().forEach(emulator -> devices.addAll(emulator.list(devices.size())));
        return new Listing(devices, "the vendor's driver is not asked yet");
    }

    private static List<EmulatedDevices> emulated() {
        try {
            return ServiceLoader.load(EmulatedDevices.class, CudaDriver.class.getClassLoader()).stream()
                    .map(ServiceLoader.Provider::get)
                    .toList();
        } catch (ServiceConfigurationError e) {
            return List.of();
        }
    }

    @Override
    public Device open(int ordinal, DeviceOptions options) {
        var listing = list();
        for (var emulator : emulated()) {
            for (var device : emulator.list(0)) {
                if (device.ordinal() == ordinal) {
                    return emulator.open(device, options);
                }
            }
        }
        throw new DeviceMissing("there is no device " + NAME + ":" + ordinal + "; there are "
                + listing.devices().stream().map(DeviceDescription::name).toList() + "; " + listing.reason());
    }
}
