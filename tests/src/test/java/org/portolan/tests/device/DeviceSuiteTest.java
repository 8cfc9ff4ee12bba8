package org.portolan.tests.device;

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
import org.portolan.runtime.selftest.suite.DeviceSuite;

/// Every driver's first device of each kind passes one suite.
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
                driver.name(), SuiteRun.firstOfEachKind(listing.devices()).stream().map(DeviceSuiteTest::suite));
    }

    private static DynamicNode suite(DeviceDescription description) {
        var name = description.name() + (description.emulated() ? " (emulated)" : "") + ", " + description.label();
        return DynamicContainer.dynamicContainer(
                name,
                DeviceSuite.checks().stream()
                        .map(check -> DynamicTest.dynamicTest(check.name(), () -> SuiteRun.run(check, description))));
    }
}
