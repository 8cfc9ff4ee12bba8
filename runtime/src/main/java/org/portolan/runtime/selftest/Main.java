package org.portolan.runtime.selftest;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.PortolanException.DeviceMissing;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;

/// The command line of an image without the compiler: {@code portolan targets} and {@code portolan selftest}.
public final class Main {
    private static final String USAGE =
            """
            usage: portolan targets
                   portolan selftest --device DEVICE --pack FILE [--json FILE] [--threads N]
            This image has no compiler. 'targets' lists the devices that are here, and why others are not; 'selftest' runs a
            pack, which 'portolan selftest --pack FILE --target TARGET' of a complete installation writes.
            """;
    private static final List<String> OPTIONS = List.of("--device", "--pack", "--json", "--threads");

    private Main() {}

    public static void main(String... arguments) {
        System.exit(run(arguments));
    }

    /// @return the exit code: 0 fine, 1 failure, 2 wrong usage, 5 device missing
    static int run(String... arguments) {
        try {
            if (arguments.length == 1 && arguments[0].equals("targets")) {
                return targets();
            }
            if (arguments.length > 0 && arguments[0].equals("selftest")) {
                return selftest(options(arguments));
            }
        } catch (WrongUsage e) {
            System.err.println("error: " + e.getMessage());
        } catch (DeviceMissing e) {
            System.err.println("error: " + e.getMessage());
            return 5;
        } catch (NoSuchFileException e) {
            System.err.println("error: " + e.getFile()
                    + ": no such file; write a pack with 'portolan selftest --pack FILE --target TARGET'");
            return 1;
        } catch (PortolanException | IOException e) {
            System.err.println("error: " + e.getMessage());
            return 1;
        } catch (RuntimeException e) {
            System.err.println("error: a defect in portolan: " + e);
            return 1;
        }
        System.err.print(USAGE);
        return 2;
    }

    private static final class WrongUsage extends Exception {
        private static final long serialVersionUID = 1;

        WrongUsage(String message) {
            super(message);
        }
    }

    private static Map<String, String> options(String... arguments) throws WrongUsage {
        var options = new HashMap<String, String>();
        for (int i = 1; i < arguments.length; i += 2) {
            if (!OPTIONS.contains(arguments[i]) || i + 1 == arguments.length) {
                throw new WrongUsage("expected one of " + OPTIONS + " with a value, found '" + arguments[i] + "'");
            }
            options.put(arguments[i], arguments[i + 1]);
        }
        for (var needed : List.of("--device", "--pack")) {
            if (!options.containsKey(needed)) {
                throw new WrongUsage(needed + " is missing");
            }
        }
        return options;
    }

    private static int targets() {
        for (var driver : Devices.drivers()) {
            var listing = driver.list();
            for (var device : listing.devices()) {
                System.out.println(device.name() + "  " + (device.emulated() ? "emulated" : "real") + "  " + device.target()
                        + "  " + device.label());
            }
            if (!listing.reason().isEmpty()) {
                System.out.println(driver.name() + "  missing  " + listing.reason());
            }
        }
        return 0;
    }

    private static int selftest(Map<String, String> options) throws IOException, WrongUsage {
        var threads = options.getOrDefault("--threads", "" + Runtime.getRuntime().availableProcessors());
        if (!threads.matches("[1-9]\\d{0,4}")) {
            throw new WrongUsage("--threads: expected a number, found '" + threads + "'");
        }
        var devices = new ArrayList<Device>();
        try {
            for (var description : Devices.withHost(Devices.find(options.get("--device")))) {
                devices.add(Devices.open(description.name(), new DeviceOptions(Integer.parseInt(threads))));
            }
            Report report;
            try (var selftest = new Selftest(Path.of(options.get("--pack")), devices, System.err::println)) {
                report = selftest.run();
            }
            report.lines().forEach(System.out::println);
            if (options.containsKey("--json")) {
                Files.writeString(Path.of(options.get("--json")), report.json().printLines());
            }
            return report.passed() ? 0 : 1;
        } finally {
            devices.forEach(Device::close);
        }
    }
}
