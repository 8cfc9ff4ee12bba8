package org.portolan.tests.device;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import org.opentest4j.TestAbortedException;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.Devices;

/// The checks, and a way to run them in a process of its own: a driver that a test has built is not on the class path of
/// the tests.
final class DeviceSuite {
    private DeviceSuite() {}

    static List<Check> checks() {
        var checks = new ArrayList<Check>();
        checks.addAll(MemoryChecks.all());
        checks.addAll(KernelChecks.all());
        checks.addAll(LifeChecks.all());
        checks.addAll(AbilityChecks.all());
        return checks;
    }

    /// The first device of each kind: real or emulated, in the host's memory or in its own.
    static List<DeviceDescription> firstOfEachKind(List<DeviceDescription> devices) {
        var kinds = new LinkedHashMap<List<Boolean>, DeviceDescription>();
        devices.forEach(device -> kinds.putIfAbsent(List.of(device.emulated(), device.sharesHostMemory()), device));
        return List.copyOf(kinds.values());
    }

    static void run(Check check, DeviceDescription description) throws Exception {
        try (var rig = new Rig(description)) {
            check.body().run(rig);
        }
    }

    /// Runs all checks on the devices of one driver, prints what became of them, and exits with 1 if one failed.
    ///
    /// @param arguments the driver's name
    public static void main(String... arguments) {
        int failed = 0;
        for (var device : Devices.list()) {
            if (!device.driver().equals(arguments[0])) continue;
            for (var check : checks()) {
                try {
                    run(check, device);
                    System.out.println(device.name() + " passed: " + check.name());
                } catch (TestAbortedException skipped) {
                    System.out.println(device.name() + " " + check.name() + ": " + skipped.getMessage());
                } catch (Exception | AssertionError problem) {
                    failed++;
                    System.out.println(device.name() + " failed: " + check.name() + ": " + problem);
                }
            }
        }
        System.exit(failed == 0 ? 0 : 1);
    }
}
