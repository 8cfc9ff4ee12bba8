package org.portolan.ascend.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.portolan.ascend.emulator.AscendEmulator;

/// The driver and the emulated library mean the same C interface: each function that the driver may call is exported, and takes what the
/// driver gives.
class AclInterfaceTest {
    private static final Pattern FUNCTION = Pattern.compile("^PORTOLAN_ACL (int32_t|const char \\*)\\s*(\\w+)\\(([^)]*)\\)", Pattern.MULTILINE);

    /// What each function of the emulated library takes, read from its source; the result's letter stands first.
    private static Map<String, String> exported() throws IOException {
        var found = new HashMap<String, String>();
        for (var name : new String[] {"acl_device.cpp", "acl_work.cpp"}) {
            var match = FUNCTION.matcher(source(name));
            while (match.find()) {
                var letters = new StringBuilder(match.group(1).endsWith("*") ? "p" : "i");
                for (var parameter : match.group(3).isBlank() ? new String[0] : match.group(3).split(",")) {
                    letters.append(letter(parameter));
                }
                found.put(match.group(2), letters.toString());
            }
        }
        return found;
    }

    private static char letter(String parameter) {
        if (parameter.contains("*")) return 'p';
        return switch (parameter.strip().split(" ")[0]) {
            case "int32_t", "uint32_t" -> 'i';
            case "int64_t", "uint64_t", "size_t" -> 'l';
            default -> throw new AssertionError(parameter);
        };
    }

    private static String source(String name) throws IOException {
        try (var stream = AscendEmulator.class.getResourceAsStream("/org/portolan/ascend/emulator/src/" + name)) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void theDriverCallsWhatTheLibraryHas() throws IOException {
        var exported = exported();
        assertTrue(exported.size() > 40, exported.toString());
        AclInterface.CODES.forEach((function, takes) -> {
            if (!function.startsWith("aclrtc")) assertEquals("i" + takes, exported.get(function), function);
        });
        AclInterface.TEXTS.forEach((function, takes) -> assertEquals("p" + takes, exported.get(function), function));
        assumeTrue(AscendEmulator.missing().isEmpty(), () -> "skipped: " + AscendEmulator.missing().orElseThrow());
        var library = SymbolLookup.libraryLookup(AscendEmulator.library(), Arena.global());
        var absent = new TreeSet<String>();
        exported.keySet().stream().filter(function -> library.find(function).isEmpty()).forEach(absent::add);
        assertTrue(absent.isEmpty(), absent::toString);
        // Compiling in the process is another library's.
        assertFalse(library.find("aclrtcCreateProg").isPresent());
    }

    @Test
    void aCallThatDoesNotFitIsRefusedBeforeItIsMade() {
        assumeTrue(AscendEmulator.missing().isEmpty(), () -> "skipped: " + AscendEmulator.missing().orElseThrow());
        var library = AclLibrary.open(AscendEmulator.library());
        var words = assertThrows(IllegalArgumentException.class, () -> library.call("aclrtMalloc", MemorySegment.NULL, 64, 0)).getMessage();
        assertEquals("aclrtMalloc takes (pli), and was given (pii)", words);
        assertThrows(IllegalArgumentException.class, () -> library.call("aclrtFinalize"));
    }
}
