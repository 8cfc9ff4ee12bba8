package org.portolan.cuda.emulator;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.portolan.cuda.driver.CudaDriver;
import org.portolan.cuda.driver.EmulatedDevices;
import org.portolan.runtime.PortolanException.DeviceMissing;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;

/// The emulated devices, where a parser for PTX is there.
public final class EmulatedCuda implements EmulatedDevices {
    private static final String PARSER = "org.antlr.v4.runtime.Parser";

    @Override
    public List<DeviceDescription> list(int first) {
        if (!parserIsThere()) {
            return List.of();
        }
        var settings = Settings.ofProcess();
        var architecture = Architecture.of(settings.architecture());
        return IntStream.range(0, Settings.devices())
                .mapToObj(number -> new DeviceDescription(
                        CudaDriver.NAME,
                        first + number,
                        settings.architecture() + ", emulated",
                        true,
                        false,
                        settings.memoryBytes(),
                        new HashSet<>(architecture.map(Architecture::runs).orElse(List.of())),
                        architecture.map(Architecture::machine).orElse(settings.architecture()),
                        Map.of(),
                        CudaDriver.NAME + ":emulated" + (number == 0 ? "" : number)))
                .toList();
    }

    private static boolean parserIsThere() {
        try {
            Class.forName(PARSER, false, EmulatedCuda.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }

    @Override
    public Device open(DeviceDescription description, DeviceOptions options) {
        var settings = Settings.ofProcess();
        var architecture = Architecture.of(settings.architecture())
                .orElseThrow(() -> new DeviceMissing("PORTOLAN_EMULATED_SM says '" + settings.architecture()
                        + "', which cannot be emulated; expected one of " + Architecture.names()));
        return new EmulatedDevice(description, architecture, settings, options.threads());
    }
}
