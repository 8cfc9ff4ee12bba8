package org.portolan.runtime;

import java.util.List;
import java.util.stream.Collectors;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.program.Manifest;
import org.portolan.runtime.program.ProgramFile;

/// Says why no target of a program file suits the devices.
final class TargetChoice {
    private TargetChoice() {}

    static PortolanException none(ProgramFile file, List<DeviceDescription> devices) {
        var names = devices.stream().map(DeviceDescription::name).collect(Collectors.joining(", "));
        var targets = file.manifest().targets().stream()
                .map(target -> target.name() + lacking(target, devices))
                .collect(Collectors.joining(", "));
        return new PortolanException.DeviceMissing(file.path() + " has no target for " + names + "; it has " + targets
                + ". Compile the model for this device, or give another one");
    }

    private static String lacking(Manifest.Target target, List<DeviceDescription> devices) {
        var images = target.images();
        for (int number = 0; number < Math.min(images.size(), devices.size()); number++) {
            var device = devices.get(number);
            if (!images.get(number).driver().equals(device.driver())) {
                return "";
            }
            var lacking = images.get(number).requires().stream()
                    .filter(feature -> !device.features().contains(feature))
                    .toList();
            if (!lacking.isEmpty()) {
                return " (needs " + String.join(", ", lacking) + ")";
            }
        }
        return images.size() > devices.size() && devices.getFirst().driver().equals(images.getFirst().driver())
                ? " (needs a device of driver " + images.get(devices.size()).driver() + " beside it)"
                : "";
    }
}
