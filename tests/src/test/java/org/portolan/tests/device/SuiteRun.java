package org.portolan.tests.device;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Assumptions;
import org.opentest4j.TestAbortedException;
import org.portolan.cli.selftest.SuiteKernels;
import org.portolan.lowering.Targets;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.selftest.suite.Check;
import org.portolan.runtime.selftest.suite.CheckSkipped;
import org.portolan.runtime.selftest.suite.DeviceSuite;
import org.portolan.runtime.selftest.suite.SuiteImages;

/// The device suite with its kernels compiled here, and a way to run it in a process of its own: a driver that a test has
/// built is not on the class path of the tests.
final class SuiteRun {
    private static final Map<String, SuiteImages> COMPILED = new ConcurrentHashMap<>();

    private SuiteRun() {}

    /// The first device of each kind: real or emulated, in the host's memory or in its own.
    static List<DeviceDescription> firstOfEachKind(List<DeviceDescription> devices) {
        var kinds = new LinkedHashMap<List<Boolean>, DeviceDescription>();
        devices.forEach(device -> kinds.putIfAbsent(List.of(device.emulated(), device.sharesHostMemory()), device));
        return List.copyOf(kinds.values());
    }

    static void run(Check check, DeviceDescription description) throws Exception {
        var images = COMPILED.computeIfAbsent(
                description.target(), _ -> SuiteKernels.compile(Targets.of(description)));
        try {
            DeviceSuite.run(check, description, images);
        } catch (CheckSkipped skipped) {
            Assumptions.abort(skipped.getMessage());
        }
    }

    /// Runs all checks on the devices of one driver, prints what became of them, and exits with 1 if one failed.
    ///
    /// @param arguments the driver's name
    public static void main(String... arguments) {
        int failed = 0;
        for (var device : Devices.list()) {
            if (!device.driver().equals(arguments[0])) continue;
            for (var check : DeviceSuite.checks()) {
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
