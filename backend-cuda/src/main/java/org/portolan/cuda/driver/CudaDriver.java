package org.portolan.cuda.driver;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.PortolanException.DeviceMissing;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Driver;

/// The driver of NVIDIA GPUs: {@code cuda:0} and further ones, then {@code cuda:emulated}. It needs the vendor's driver,
/// {@code libcuda.so.1}, and nothing else of the vendor's.
public final class CudaDriver implements Driver {
    /// The name of the driver.
    public static final String NAME = "cuda";

    private final Supplier<DriverLibrary> library;
    /// The most cards that the driver has told of: their ordinals are never those of emulated devices, so that who has asked
    /// for a card that does not answer gets an error and not an emulator.
    private final AtomicInteger cards = new AtomicInteger();

    public CudaDriver() {
        this(Found::library);
    }

    CudaDriver(Supplier<DriverLibrary> library) {
        this.library = library;
    }

    /// The system's library is looked for once.
    private static final class Found {
        private static final DriverLibrary LIBRARY = DriverLibrary.find();

        static DriverLibrary library() {
            return LIBRARY;
        }
    }

    /// The real devices, and why there are no more.
    private record Probed(List<DeviceProbe> devices, String reason) {}

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Listing list() {
        var probed = probe();
        var devices = new ArrayList<DeviceDescription>();
        probed.devices().forEach(device -> devices.add(device.description()));
        for (var emulator : emulators()) {
            devices.addAll(emulator.list(cards.get() + devices.size() - probed.devices().size()));
        }
        return new Listing(devices, probed.reason());
    }

    private Probed probe() {
        var found = library.get();
        if (found.calls() == null) {
            return new Probed(List.of(), found.reason());
        }
        int count = found.devices();
        if (count < 0) {
            return new Probed(List.of(), CudaStatus.of(-count).message("counting the devices"));
        }
        cards.accumulateAndGet(count, Math::max);
        var devices = new ArrayList<DeviceProbe>();
        var reason = count == 0 ? "the driver sees no device" : "";
        for (int ordinal = 0; ordinal < count; ordinal++) {
            try {
                var device = DeviceProbe.of(found.calls(), ordinal);
                if (!device.architecture().isSupported()) {
                    // Ordinals are the driver's own, so nothing may be left out in between.
                    reason = device.description().label() + " is of the generation "
                            + device.architecture().name() + ", and sm_75 is the oldest that is supported";
                    break;
                }
                devices.add(device);
            } catch (PortolanException e) {
                reason = e.getMessage();
                break;
            }
        }
        return new Probed(devices, reason);
    }

    private static List<EmulatedDevices> emulators() {
        try {
            return ServiceLoader.load(EmulatedDevices.class, CudaDriver.class.getClassLoader()).stream()
                    .map(ServiceLoader.Provider::get)
                    .toList();
        } catch (ServiceConfigurationError | LinkageError e) {
            return List.of(); // what the emulator needs is not here, and nobody asked for it
        }
    }

    @Override
    public Device open(int ordinal, DeviceOptions options) {
        var probed = probe();
        if (ordinal >= 0 && ordinal < probed.devices().size()) {
            return new CudaDevice(library.get().calls(), probed.devices().get(ordinal));
        }
        int first = cards.get();
        for (var emulator : emulators()) {
            var emulated = emulator.list(first);
            for (var device : emulated) {
                if (device.ordinal() == ordinal) {
                    return emulator.open(device, options);
                }
            }
            first += emulated.size();
        }
        var names = list().devices().stream().map(DeviceDescription::name).toList();
        throw new DeviceMissing("there is no device " + NAME + ":" + ordinal + "; there are "
                + (names.isEmpty() ? "none" : names) + (probed.reason().isEmpty() ? "" : "; " + probed.reason()));
    }
}
