package org.portolan.ascend.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.ascend.emulator.AscendEmulator;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.device.DeviceOptions;

/// What depends on the process: another one that has the card, and libraries that the environment names.
class ProcessesTest {
    @TempDir
    Path folder;

    @BeforeAll
    static void isThere() {
        assumeTrue(AscendEmulator.missing().isEmpty(), () -> "skipped: " + AscendEmulator.missing().orElseThrow());
    }

    /// Lists the devices, takes the one whose number it is given and computes on it; then it keeps it until its input ends.
    static final class User {
        private User() {}

        public static void main(String[] arguments) throws IOException {
            var driver = new AscendDriver();
            var listing = driver.list();
            System.out.println("devices: " + listing.devices().size() + "; " + listing.reason());
            try (var device = driver.open(Integer.parseInt(arguments[0]), DeviceOptions.defaults())) {
                FaultsTest.works(device, "twice");
                System.out.println("worked");
                while (System.in.read() >= 0) {}
            } catch (PortolanException refused) {
                System.out.println(refused.getClass().getSimpleName() + ": " + refused.getMessage());
            }
            System.out.println("ended");
        }
    }

    /// A process that was begun; it lives until it is closed.
    private record Running(Process process, BufferedReader says) implements AutoCloseable {
        String line() throws IOException {
            return says.readLine();
        }

        @Override
        public void close() throws IOException, InterruptedException {
            process.getOutputStream().close();
            var last = says.lines().toList();
            assertTrue(process.waitFor(2, TimeUnit.MINUTES));
            assertEquals(0, process.exitValue(), last.toString());
            assertEquals("ended", last.getLast());
        }
    }

    private static Running begin(int ordinal, Map<String, String> environment) throws IOException {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path"), User.class.getName(),
                Integer.toString(ordinal)));
        var builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().keySet().removeIf(name -> name.startsWith("PORTOLAN_ASCEND_"));
        builder.environment().putAll(environment);
        var process = builder.start();
        return new Running(process, process.inputReader());
    }

    @Test
    void aCardThatAnotherProcessHasIsRefusedUntilThatOneEnds() throws Exception {
        var exclusive = Map.of("PORTOLAN_ASCEND_EXCLUSIVE", folder.resolve("card").toString());
        try (var first = begin(0, exclusive)) {
            assertTrue(first.line().startsWith("devices: 1;"));
            assertEquals("worked", first.line());
            try (var second = begin(0, exclusive)) {
                assertTrue(second.line().startsWith("devices: 1;"));
                var said = second.line();
                assertTrue(said.startsWith("DeviceFailed: ") && said.contains("507008") && said.contains("another process holds device 0"), said);
            }
        }
        try (var third = begin(0, exclusive)) {
            third.line();
            assertEquals("worked", third.line());
        }
    }

    @Test
    void aLibraryThatIsNotThereOrIsNoneIsNamedAndTheEmulatedDeviceIsLeft() throws Exception {
        var text = Files.writeString(folder.resolve("libtext.so"), "no library");
        for (var wrong : List.of(folder.resolve("libabsent.so"), text, Path.of("/lib/x86_64-linux-gnu/libm.so.6"))) {
            if (wrong.isAbsolute() && wrong.startsWith("/lib") && !Files.exists(wrong)) continue;
            try (var user = begin(0, Map.of("PORTOLAN_ASCEND_LIBRARY", wrong.toString()))) {
                var said = user.line();
                assertTrue(said.startsWith("devices: 1;") && said.contains(wrong.toString()), said);
                assertTrue(said.contains("cannot be loaded") || said.contains("not the library of AscendCL"), said);
                assertEquals("worked", user.line());
            }
        }
    }

    /// The emulated library in the place of the vendor's, with two cards.
    @Test
    void theLibraryThatTheEnvironmentNamesIsUsed() throws Exception {
        var two = Map.of("PORTOLAN_ASCEND_LIBRARY", AscendEmulator.library().toString(), "PORTOLAN_ASCEND_DEVICES", "2");
        for (int ordinal = 0; ordinal < 3; ordinal++) {
            try (var user = begin(ordinal, two)) {
                assertTrue(user.line().startsWith("devices: 2;"));
                var said = user.line();
                assertEquals(ordinal < 2 ? "worked" : "DeviceMissing", said.split(":")[0], said);
            }
        }
    }

    /// The file that the environment names has a line for each launch.
    @Test
    void whatAKernelDoesIsCounted() throws Exception {
        for (var checks : List.of("0", "1")) {
            var counts = folder.resolve("counts" + checks);
            try (var user = begin(0, Map.of("PORTOLAN_ASCEND_COUNTS", counts.toString(), "PORTOLAN_ASCEND_CHECKS", checks))) {
                user.line();
                assertEquals("worked", user.line());
            }
            assertEquals(List.of("twice blocks=1 S=0 V=2 M=0 MTE1=0 MTE2=1 MTE3=1 FIX=0 in=256 out=256 small=0"), Files.readAllLines(counts));
        }
    }
}
