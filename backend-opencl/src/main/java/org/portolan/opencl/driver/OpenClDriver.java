package org.portolan.opencl.driver;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.portolan.runtime.PortolanException.DeviceMissing;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Driver;

/// The driver of OpenCL: {@code opencl:0} and further ones in the order of the loader's platforms, simulators last.
public final class OpenClDriver implements Driver {
    /// The name of the driver.
    public static final String NAME = "opencl";

    private static final String HOW_TO_GET = "install a driver for the device: pocl-opencl-icd for the processor,"
            + " intel-opencl-icd, mesa-opencl-icd, or the vendor's own";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Listing list() {
        var loaded = OpenCl.load();
        if (loaded.library().isEmpty()) {
            return new Listing(List.of(), loaded.reason());
        }
        var library = loaded.library().get();
        var devices = new ArrayList<DeviceDescription>();
        for (var facts : devices(library)) {
            devices.add(facts.description(devices.size()));
        }
        var reason = !devices.isEmpty()
                ? ""
                : library.platforms().length == 0
                        ? "the OpenCL loader finds no driver in /etc/OpenCL/vendors; " + HOW_TO_GET
                        : "the OpenCL drivers find no device; " + HOW_TO_GET;
        return new Listing(devices, reason);
    }

    private static List<DeviceFacts> devices(OpenCl library) {
        var devices = new ArrayList<DeviceFacts>();
        for (long platform : library.platforms()) {
            for (long device : library.devices(platform)) {
                devices.add(DeviceFacts.of(library, platform, device));
            }
        }
        devices.sort(Comparator.comparing(DeviceFacts::emulated));
        return devices;
    }

    @Override
    public Device open(int ordinal, DeviceOptions options) {
        var loaded = OpenCl.load();
        var library = loaded.library().orElseThrow(() -> new DeviceMissing(
                "there is no device " + NAME + ":" + ordinal + "; " + loaded.reason()));
        var devices = devices(library);
        if (ordinal < 0 || ordinal >= devices.size()) {
            var listing = list();
            throw new DeviceMissing("there is no device " + NAME + ":" + ordinal + "; "
                    + (devices.isEmpty()
                            ? listing.reason()
                            : "there are "
                                    + listing.devices().stream()
                                            .map(device -> device.name() + " = " + device.label())
                                            .toList()));
        }
        return new OpenClDevice(library, devices.get(ordinal), ordinal);
    }
}
