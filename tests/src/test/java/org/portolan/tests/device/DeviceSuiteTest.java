package org.portolan.tests.device;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.device.Driver;

/// Every driver's first real and first emulated device, and one that shares no memory where there is such, pass one suite.
/// `-Ddevice.driver=NAME` leaves out all other drivers.
@Timeout(600)
class DeviceSuiteTest {

    @TestFactory
    Stream<DynamicNode> everyDeviceKeepsTheContract() {
        var only = System.getProperty("device.driver", "");
        return Devices.drivers().stream()
                .filter(driver -> only.isEmpty() || driver.name().equals(only))
                .map(DeviceSuiteTest::suite);
    }

    private static DynamicNode suite(Driver driver) {
        var listing = driver.list();
        if (listing.devices().isEmpty()) {
            return DynamicTest.dynamicTest(
                    driver.name(),
                    () -> Assumptions.abort("skipped: no device of " + driver.name() + ": " + listing.reason()));
        }
        return DynamicContainer.dynamicContainer(
                driver.name(), chosen(listing.devices()).stream().map(DeviceSuiteTest::suite));
    }

    /// The first of each kind.
    private static List<DeviceDescription> chosen(List<DeviceDescription> devices) {
        var kinds = new LinkedHashMap<List<Boolean>, DeviceDescription>();
        devices.forEach(device -> kinds.putIfAbsent(List.of(device.emulated(), device.sharesHostMemory()), device));
        return List.copyOf(kinds.values());
    }

    private static DynamicNode suite(DeviceDescription description) {
        var checks = new ArrayList<Check>();
        checks.addAll(MemoryChecks.all());
        checks.addAll(KernelChecks.all());
        checks.addAll(LifeChecks.all());
        var name = description.name() + (description.emulated() ? " (emulated)" : "") + ", " + description.label();
        return DynamicContainer.dynamicContainer(
                name,
                checks.stream().map(check -> DynamicTest.dynamicTest(check.name(), () -> {
                    try (var rig = new Rig(description)) {
                        check.body().run(rig);
                    }
                })));
    }
}
