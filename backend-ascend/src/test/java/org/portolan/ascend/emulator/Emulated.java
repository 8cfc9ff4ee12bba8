package org.portolan.ascend.emulator;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/// The emulated device of the tests, opened once, with all checks on.
final class Emulated {
    private static Acl acl;

    private Emulated() {}

    /// The library; the calling thread has device 0. Skips the test, with the reason, where the emulator cannot be built.
    static synchronized Acl acl() {
        var missing = AscendEmulator.missing();
        assumeTrue(missing.isEmpty(), () -> "skipped: " + missing.orElseThrow());
        if (acl == null) acl = new Acl(AscendEmulator.library());
        acl.open();
        acl.callVoid("portolan_emulator_checks", 1);
        return acl;
    }

    static String source(String name) throws IOException {
        try (var stream = Emulated.class.getResourceAsStream("/org/portolan/ascend/emulator/" + name)) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
