package org.portolan.runtime.device;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import org.portolan.runtime.PortolanException.DeviceMissing;

/// Finds devices by name among the drivers that are there as services. A name is that of a driver ({@code cpu}: its
/// first device, emulated if it has no other), a driver and the ordinal of a real device ({@code cuda:1}), or a driver's
/// emulated device ({@code cuda:emulated}).
public final class Devices {
    private static final Map<String, Device> SHARED = new LinkedHashMap<>();

    private Devices() {}

    /// Every driver, by name.
    public static List<Driver> drivers() {
        var drivers = load(Thread.currentThread().getContextClassLoader());
        if (drivers.isEmpty()) {
            drivers = load(Devices.class.getClassLoader());
        }
        return drivers;
    }

    private static List<Driver> load(ClassLoader loader) {
        return ServiceLoader.load(Driver.class, loader).stream()
                .map(ServiceLoader.Provider::get)
                .sorted(Comparator.comparing(Driver::name))
                .toList();
    }

    /// Every device: real ones before emulated ones, accelerators before the host.
    public static List<DeviceDescription> list() {
        var devices = new ArrayList<DeviceDescription>();
        drivers().forEach(driver -> devices.addAll(driver.list().devices()));
        devices.sort(Comparator.comparing(DeviceDescription::emulated)
                .thenComparing(DeviceDescription::sharesHostMemory));
        return devices;
    }

    /// The device, and behind it the host where it is an accelerator and there is a driver for the host.
    public static List<DeviceDescription> withHost(DeviceDescription device) {
        return host().filter(host -> !host.driver().equals(device.driver()))
                .map(host -> List.of(device, host))
                .orElse(List.of(device));
    }

    /// The processor that this runs on; empty where there is no driver for it.
    public static Optional<DeviceDescription> host() {
        return drivers().stream()
                .filter(Driver::isHost)
                .flatMap(driver -> driver.list().devices().stream())
                .findFirst();
    }

    /// The device of that name, opened with default options once in the process and never closed.
    ///
    /// @throws DeviceMissing saying what was looked for and what is there
    public static Device get(String name) {
        return shared(find(name));
    }

    /// The first of {@link #list}, as {@link #get} gives it.
    public static Device best() {
        var devices = list();
        if (devices.isEmpty()) {
            throw missing("any device", "");
        }
        return shared(devices.getFirst());
    }

    private static Device shared(DeviceDescription description) {
        synchronized (SHARED) {
            return SHARED.computeIfAbsent(
                    description.name(), _ -> open(description, DeviceOptions.defaults()));
        }
    }

    /// Opens a device of one's own; the caller closes it.
    ///
    /// @throws DeviceMissing saying what was looked for and what is there
    public static Device open(String name, DeviceOptions options) {
        return open(find(name), options);
    }

    private static Device open(DeviceDescription description, DeviceOptions options) {
        return drivers().stream()
                .filter(driver -> driver.name().equals(description.driver()))
                .findFirst()
                .orElseThrow(() -> missing(description.name(), description.driver()))
                .open(description.ordinal(), options);
    }

    /// What is known of the device of that name.
    ///
    /// @throws DeviceMissing saying what was looked for and what is there
    public static DeviceDescription find(String name) {
        int colon = name.indexOf(':');
        var driverName = colon < 0 ? name : name.substring(0, colon);
        var which = colon < 0 ? "" : name.substring(colon + 1);
        return drivers().stream()
                .filter(driver -> driver.name().equals(driverName))
                .flatMap(driver -> driver.list().devices().stream())
                .filter(device -> which.isEmpty() || device.name().equals(name))
                .findFirst()
                .orElseThrow(() -> missing("'" + name + "'", driverName));
    }

    /// @param driverName whose device was asked for: why it has no more is said, and of the others only what they have. Where
    ///     there is no driver of that name, all say why.
    private static DeviceMissing missing(String wanted, String driverName) {
        boolean known = drivers().stream().anyMatch(driver -> driver.name().equals(driverName));
        var message = new StringBuilder("there is no device " + wanted + ". Drivers:");
        for (var driver : drivers()) {
            var listing = driver.list();
            var names = listing.devices().stream().map(DeviceDescription::name).toList();
            message.append(' ').append(driver.name()).append(" has ").append(names.isEmpty() ? "none" : names);
            if (!listing.reason().isEmpty() && (!known || driver.name().equals(driverName))) {
                message.append(" (").append(listing.reason()).append(')');
            }
            message.append(';');
        }
        if (message.charAt(message.length() - 1) == ':') {
            message.append(" none. Put a backend's jar on the class path or module path");
        } else {
            message.setLength(message.length() - 1);
        }
        return new DeviceMissing(message.toString());
    }
}
