package org.portolan.tests.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.cli.ExitCode;
import org.portolan.cli.Main;

/// The image without the compiler is small, and starts.
class RuntimeImageTest {
    private static final long LARGEST = 40L << 20;

    @TempDir
    private Path folder;

    @Test
    void theImageListsDevicesAndRefusesWhatItCannotDo() throws Exception {
        var archive = folder.resolve("runtime.tar.gz");
        var errors = new StringWriter();
        var line = Main.commandLine();
        line.setErr(new PrintWriter(errors));
        int exitCode = line.execute("dist", "--runtime-image", "-o", archive.toString());
        Assumptions.assumeFalse(
                errors.toString().contains("not there one by one"), "skipped: the class path does not hold the modules one by one");
        assertEquals(ExitCode.FINE, exitCode, errors::toString);
        assertTrue(Files.size(archive) <= LARGEST, () -> "the image has more than 40 MiB");
        run(0, "tar", "-xzf", archive.toString(), "-C", folder.toString());

        var portolan = folder.resolve("portolan/bin/portolan").toString();
        var targets = run(0, portolan, "targets");
        assertTrue(targets.contains("cpu:0"), targets);
        assertFalse(targets.contains("WARNING"), targets);
        assertTrue(run(2, portolan, "compile", "model.onnx").contains("This image has no compiler"));
        assertTrue(run(2, portolan, "selftest", "--device", "cpu").contains("--pack is missing"));
        assertTrue(run(5, portolan, "selftest", "--device", "abacus", "--pack", "x").contains("abacus"));
        var modules = run(0, folder.resolve("portolan/bin/java").toString(), "--list-modules");
        assertFalse(modules.contains("lowering") || modules.contains("picocli") || modules.contains("llvm"), modules);
    }

    private static String run(int exitCode, String... command) throws Exception {
        var process = new ProcessBuilder(List.of(command)).redirectErrorStream(true).start();
        process.getOutputStream().close();
        var output = new String(process.getInputStream().readAllBytes());
        assertEquals(exitCode, process.waitFor(), output);
        return output;
    }
}
