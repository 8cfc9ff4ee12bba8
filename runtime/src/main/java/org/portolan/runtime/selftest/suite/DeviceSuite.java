package org.portolan.runtime.selftest.suite;

import java.util.ArrayList;
import java.util.List;
import org.portolan.runtime.device.DeviceDescription;

/// The checks, and how one is run.
public final class DeviceSuite {
    private DeviceSuite() {}

    public static List<Check> checks() {
        var checks = new ArrayList<Check>();
        checks.addAll(MemoryChecks.all());
        checks.addAll(KernelChecks.all());
        checks.addAll(LifeChecks.all());
        checks.addAll(AbilityChecks.all());
        return List.copyOf(checks);
    }

    /// Opens the device, and runs one check on it.
    ///
    /// @param images the suite's kernels for this device
    /// @throws CheckFailed if the device does something else than the check expects
    /// @throws CheckSkipped if the device lacks what the check is about
    /// @throws Exception whatever else ends the check
    public static void run(Check check, DeviceDescription description, SuiteImages images) throws Exception {
        try (var rig = new Rig(description, images)) {
            check.body().run(rig);
        }
    }
}
