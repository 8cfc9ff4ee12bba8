package org.portolan.tests.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.cli.ExitCode;
import org.portolan.cli.Main;
import org.portolan.cli.selftest.PackWriter;
import org.portolan.ir.GraphOp;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Targets;
import org.portolan.runtime.selftest.Pack;

/// The image without the compiler is small, starts, and runs a pack.
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
        var report = run(0, portolan, "selftest", "--device", "cpu", "--pack", pack().toString());
        assertTrue(report.contains("| twice | passed |") && !report.contains("FAILED"), report);
        visit(archive);
        var modules = run(0, folder.resolve("portolan/bin/java").toString(), "--list-modules");
        assertFalse(modules.contains("lowering") || modules.contains("picocli") || modules.contains("llvm"), modules);
    }

    /// What is done on a computer with a device, done here with an emulated one: the image alone, in a folder and an environment
    /// of its own. The emulator's parser is no part of an image, and is named.
    private void visit(Path archive) throws Exception {
        var parser = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> Path.of(entry).getFileName().toString().startsWith("antlr4-runtime-"))
                .findFirst();
        assertTrue(parser.isPresent(), "the emulator's parser is on the class path of the tests");
        var script = Path.of("").toAbsolutePath();
        while (!Files.exists(script.resolve(".ci/device-visit"))) {
            script = script.getParent();
        }
        var builder = new ProcessBuilder(
                        script.resolve(".ci/device-visit").toString(), archive.toString(), "cuda:emulated",
                        folder.resolve("report").toString(), pack("cuda:sm_90", "there").toString())
                .redirectErrorStream(true);
        builder.environment().clear();
        builder.environment().put("PATH", "/usr/bin:/bin");
        builder.environment().put("PORTOLAN_EMULATED_SM", "sm_90");
        builder.environment().put(
                "JDK_JAVA_OPTIONS", "--module-path " + parser.get() + " --add-modules org.antlr.antlr4.runtime");
        var process = builder.start();
        process.getOutputStream().close();
        var output = new String(process.getInputStream().readAllBytes());
        assertEquals(0, process.waitFor(), output);
        var report = Files.readString(folder.resolve("report/there.md"));
        assertTrue(report.startsWith("## Selftest of cuda:emulated (emulated): passed, "), report);
        assertTrue(report.contains("| twice | passed | 0 | 0 |"), report);
        assertTrue(report.contains("the device itself says cuda:sm_90"), report);
        assertTrue(Files.readString(folder.resolve("report/there.json")).contains("\"passed\": true"));
        assertTrue(Files.readString(folder.resolve("report/targets.txt")).contains("cuda:emulated"));
    }

    private Path pack() throws IOException {
        return pack("cpu", "small");
    }

    private Path pack(String target, String name) throws IOException {
        var twice =
                """
                graph.function <name = "twice", symbols = []> { (%x: f32[7]) ->
                  %y = graph.map [%x] { (%v: f32) ->
                    %r = arith.add %v, %v : f32
                    graph.yield [%r]
                  } : f32[7]
                  graph.return [%y]
                }
                """;
        var writer = new PackWriter(Targets.resolve(target));
        var function = (GraphOp.Function) IrParser.parse(twice, "test").getFirst();
        writer.check("twice", Pack.Kind.CHECK, function, Map.of(), 0);
        var file = folder.resolve(name + ".pack");
        writer.write(file);
        return file;
    }

    private static String run(int exitCode, String... command) throws Exception {
        var process = new ProcessBuilder(List.of(command)).redirectErrorStream(true).start();
        process.getOutputStream().close();
        var output = new String(process.getInputStream().readAllBytes());
        assertEquals(exitCode, process.waitFor(), output);
        return output;
    }
}
