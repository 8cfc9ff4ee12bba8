package org.portolan.opencl.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a device's compiler has made is built once, and again where the device, its driver or the text is another.
class BinaryCacheTest {
    @TempDir
    Path home;

    private final String ownHome = System.getProperty("user.home");
    private final FakeOpenCl fake = new FakeOpenCl();

    @BeforeEach
    void anotherHome() {
        assumeTrue(System.getenv("XDG_CACHE_HOME") == null, "XDG_CACHE_HOME names another place");
        assumeTrue(System.getenv("PORTOLAN_OPENCL_CACHE") == null, "PORTOLAN_OPENCL_CACHE is set");
        System.setProperty("user.home", home.toString());
        fake.binary(new byte[] {4, 5, 6});
    }

    @AfterEach
    void ownHome() {
        System.setProperty("user.home", ownHome);
    }

    private void load(String text) {
        try (var device = fake.open(); var arena = Arena.ofConfined()) {
            device.load(arena.allocateFrom(ValueLayout.JAVA_BYTE, text.getBytes(StandardCharsets.UTF_8)))
                    .close();
        }
        assertEquals(0, fake.live());
    }

    private List<Path> files() throws IOException {
        try (var files = Files.list(home.resolve(".cache/portolan/opencl"))) {
            return files.toList();
        }
    }

    private void built(int fromSource, int fromBinary) {
        assertEquals(fromSource, fake.calls("clCreateProgramWithSource"));
        assertEquals(fromBinary, fake.calls("clCreateProgramWithBinary"));
    }

    @Test
    void builtOnceForADeviceADriverAndAText() throws IOException {
        load(FakeOpenCl.KERNEL);
        built(1, 0);
        load(FakeOpenCl.KERNEL);
        built(1, 1);
        var kept = files();
        assertEquals(1, kept.size());
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(kept.getFirst())));
        load(FakeOpenCl.KERNEL + "// another text\n");
        built(2, 1);
        fake.text(0x102D, "2");
        load(FakeOpenCl.KERNEL);
        built(3, 1);
        fake.text(0x102B, "Another GPU");
        load(FakeOpenCl.KERNEL);
        built(4, 1);
        assertEquals(4, files().size());
    }

    /// A file that the driver does not take back any more.
    @Test
    void aBinaryThatIsRefusedIsBuiltAnew() throws IOException {
        load(FakeOpenCl.KERNEL);
        fake.fail("clBuildProgram", -42, 0);
        load(FakeOpenCl.KERNEL);
        built(2, 1);
        fake.fail("clCreateProgramWithBinary", -42, 0);
        load(FakeOpenCl.KERNEL);
        built(3, 2);
        load(FakeOpenCl.KERNEL);
        built(3, 3);
        assertEquals(1, files().size());
    }

    @Test
    void nothingIsKeptWhereNobodyElseMayBeKeptOut() throws IOException {
        var folder = Files.createDirectories(home.resolve(".cache/portolan/opencl"));
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
        load(FakeOpenCl.KERNEL);
        load(FakeOpenCl.KERNEL);
        built(2, 0);
        assertTrue(files().isEmpty());
    }
}
